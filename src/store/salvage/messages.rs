//! Messages that wait, fetched from wherever they stand whole: what was promised to be sent is looked for everywhere.
//!
//! Two ways, over every image of a page. A message that lies within one page is known by its own words, whatever has become
//! of the page's header and pointers and of the rest of its row. One that has gone over to other pages is followed from
//! its leaf ([`super::leaves`]).
//!
//! A message that any image says is delivered is not fetched, nor one whose term is over: pages that SQLite has
//! let go of may still hold what was lawfully deleted.

use super::images::Images;
use super::leaves;
use crate::domain::Utc;
use rusqlite::types::Value;
use rusqlite::{Connection, params};
use std::collections::HashSet;
use std::io;

/// Messages made before these times are not fetched.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms {
    pub hits: i64,
    pub passages: i64,
}

/// A row of the outbox, as found.
#[derive(Debug, PartialEq)]
pub(super) struct Found {
    event: String,
    kind: String,
    hit: Option<String>,
    topic: String,
    /// `None`: forgotten, as those of passages are once delivered.
    payload: Option<String>,
    created_at: i64,
    is_done: bool,
}

/// Length of an id.
const ID: usize = 36;

/// Adds to `new` the messages that wait, which it does not have; how many.
pub(super) fn fetch(images: &Images, terms: Terms, new: &Connection) -> io::Result<u64> {
    let mut delivered: HashSet<uuid::Uuid> = HashSet::new();
    let each = |to: &mut dyn FnMut(Found)| {
        images.each(|page, from| {
            written_out(page, to);
            for row in leaves::rows(images, page, from) {
                if let Some(found) = of_row(&row) {
                    to(found);
                }
            }
        })
    };
    each(&mut |found| {
        if let (true, Ok(event)) = (found.is_done, uuid::Uuid::try_parse(&found.event)) {
            delivered.insert(event);
        }
    })?;
    let mut fetched = 0;
    each(&mut |found| {
        let is_over = uuid::Uuid::try_parse(&found.event).is_ok_and(|event| delivered.contains(&event));
        let since = if found.kind == "hit" { terms.hits } else { terms.passages };
        if !found.is_done && !is_over && found.created_at >= since {
            fetched += keep(new, &found);
        }
    })?;
    if fetched > 0 {
        in_order(new).map_err(io::Error::other)?;
    }
    Ok(fetched)
}

/// Adds a message unless it is there; 1 where it was added.
fn keep(new: &Connection, found: &Found) -> u64 {
    let Some(payload) = &found.payload else { return 0 };
    let insert = "INSERT OR IGNORE INTO outbox (event_id, kind, hit, topic, payload, created_at)
                  SELECT ?1, ?2, (SELECT id FROM hit WHERE id = ?3), ?4, ?5, ?6";
    new.execute(insert, params![found.event, found.kind, found.hit, found.topic, payload, found.created_at])
        .unwrap_or(0) as u64
}

/// Gives what waits new numbers in the order in which it was made: the `final` of a hit may have been copied and its
/// `new` fetched after it. Ids of events grow with time.
fn in_order(new: &Connection) -> rusqlite::Result<()> {
    new.execute_batch(
        "CREATE TEMP TABLE waiting AS SELECT event_id, kind, hit, topic, payload, created_at FROM outbox
             WHERE state = 'pending';
         DELETE FROM outbox WHERE state = 'pending';
         INSERT INTO outbox (event_id, kind, hit, topic, payload, created_at)
             SELECT * FROM waiting ORDER BY created_at, event_id;
         DROP TABLE waiting;",
    )
}

/// How every message begins.
const BEGINS: &str = "{\"specversion\":\"1.0\",\"id\":\"";

/// What a message says of itself; enough to send it again.
#[derive(serde::Deserialize)]
struct Said {
    id: String,
    source: String,
    #[serde(rename = "type")]
    kind: String,
    time: String,
    data: About,
}

#[derive(serde::Deserialize)]
struct About {
    hit: Option<String>,
}

/// Messages that stand on `page` in one piece.
fn written_out(page: &[u8], to: &mut dyn FnMut(Found)) {
    for at in memchr::memmem::find_iter(page, BEGINS) {
        if let Some(found) = page.get(at..).and_then(said) {
            to(found);
        }
    }
}

/// The message at the beginning of `bytes`. In a row it is followed by the time, in up to eight bytes, and the state;
/// where that is overwritten it is taken to wait: sent twice is better than never.
fn said(bytes: &[u8]) -> Option<Found> {
    let mut values = serde_json::Deserializer::from_slice(bytes).into_iter::<Said>();
    let said = values.next()?.ok()?;
    let (payload, after) = bytes.split_at_checked(values.byte_offset())?;
    let (kind, word) = match said.kind.as_str() {
        k if k.starts_with("platewatch.hit.") => ("hit", "hits"),
        k if k.starts_with("platewatch.passage.") => ("passage", "passages"),
        _ => return None,
    };
    let found = Found {
        event: said.id,
        kind: kind.into(),
        hit: said.data.hit.filter(|_| kind == "hit"),
        // As `alert` builds it of the same names.
        topic: format!("platewatch/v1/{}/{word}", said.source.strip_prefix("/platewatch/")?),
        payload: Some(std::str::from_utf8(payload).ok()?.into()),
        created_at: said.time.parse::<Utc>().ok()?.unix_ms(),
        is_done: (0..=8).any(|n| after.get(n..).is_some_and(|state| state.starts_with(b"done"))),
    };
    found.makes_sense().then_some(found)
}

/// A row as its leaf gives it.
fn of_row(row: &[Value]) -> Option<Found> {
    let text = |i: usize| match row.get(i) {
        Some(Value::Text(t)) => Some(t.clone()),
        _ => None,
    };
    let state = text(7)?;
    let Some(Value::Integer(created_at)) = row.get(6) else { return None };
    let found = Found {
        event: text(1)?,
        kind: text(2)?,
        hit: text(3),
        topic: text(4)?,
        payload: text(5),
        created_at: *created_at,
        is_done: state == "done",
    };
    (["pending", "done", "dead"].contains(&state.as_str()) && found.makes_sense()).then_some(found)
}

impl Found {
    /// Noise may have the shape: a message names its own event.
    fn makes_sense(&self) -> bool {
        let whole = |json: &str| {
            json.contains(&self.event) && serde_json::from_str::<serde::de::IgnoredAny>(json).is_ok()
        };
        self.event.len() == ID
            && ["hit", "passage"].contains(&self.kind.as_str())
            && self.payload.as_deref().map_or(self.is_done, whole)
    }
}
