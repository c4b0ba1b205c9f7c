//! What is kept of a hit as one text, whose hash stands in the audit chain: so that it can be proven later that
//! the hit was kept then, and as it is.
//!
//! The text is JSON, one spelling only: fields in the order below, times as RFC 3339 with milliseconds. It is taken
//! from the rows as SQLite gives them, so that reading it back cannot round anything. Its format is frozen:
//! `platewatch-hit-record 1` gains no fields, a later one gets another name.

use super::StoreError;
use super::audit::{self, AuditAction, AuditEntry};
use super::connection::Database;
use super::pictures::hex;
use crate::domain::Utc;
use rusqlite::types::Value as Cell;
use rusqlite::{Connection, OptionalExtension, Row};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Name of the format.
pub const HIT_RECORD: &str = "platewatch-hit-record 1";

/// The text of a hit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HitRecord {
    /// [`HIT_RECORD`].
    pub format: String,
    /// The hit.
    pub hit: HitPart,
    /// The entry as it stood in the list.
    pub entry: EntryPart,
    /// The list.
    pub list: ListPart,
    /// What the camera saw.
    pub passage: PassagePart,
    /// The models that read it; `None`: not told.
    pub models: Option<ModelsPart>,
}

/// See `hit` in schema.sql.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HitPart {
    pub id: String,
    pub state: String,
    pub kind: String,
    pub probability: f64,
    pub observed: String,
    pub first_decided_at: String,
    pub decided_at: String,
    pub late: bool,
}

/// See `hit.entry_*` in schema.sql.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntryPart {
    pub plate: String,
    pub line: i64,
    pub category: String,
    pub priority: i64,
    pub country: Option<String>,
    pub valid_from: Option<String>,
    pub valid_until: Option<String>,
    pub case: String,
    pub instruction: String,
}

/// See `list_version` in schema.sql.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListPart {
    pub name: String,
    pub sha256: String,
    pub loaded_at: String,
}

/// See `passage` in schema.sql.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PassagePart {
    pub id: String,
    pub camera: String,
    pub state: String,
    pub first_seen: String,
    pub last_seen: String,
    pub clock_source: String,
    pub clock_error_ms: Option<i64>,
    pub longitude: Option<f64>,
    pub latitude: Option<f64>,
    pub heading: Option<f64>,
    pub accuracy_m: Option<f64>,
    pub text: String,
    pub confidence: f64,
    /// The fused reading: one object a position, from character to probability; "" is "nothing stands here".
    pub distribution: Vec<BTreeMap<String, f64>>,
    pub country: Option<String>,
    pub country_p: Option<f64>,
    pub lines: i64,
    pub readings: i64,
    pub agreement: f64,
    pub contradictory: bool,
    pub direction: Option<String>,
    pub lane: Option<String>,
    pub best_frame: i64,
    pub best_frame_at: String,
    pub best_frame_received_at: String,
    pub best_corners: [[f64; 2]; 4],
    /// Reference of the mandate the camera worked under.
    pub mandate: Option<String>,
}

/// See `model_versions` in schema.sql.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelsPart {
    pub detector_sha256: String,
    pub reader_sha256: String,
}

const HIT: &str = "SELECT h.*, l.name AS list_name, l.sha256 AS list_sha256, l.loaded_at,
        m.detector_sha256, m.reader_sha256
    FROM hit h JOIN passage p ON p.id = h.passage JOIN list_version l ON l.id = h.list_version
        LEFT JOIN model_versions m ON m.id = p.models
    WHERE h.id = ?1";
const PASSAGE: &str = "SELECT p.* FROM passage p JOIN hit h ON h.passage = p.id WHERE h.id = ?1";

/// The text of hit `id` as it is kept now; `None` where there is none.
pub(super) fn text(connection: &Connection, id: &str) -> rusqlite::Result<Option<String>> {
    let passage = connection.prepare_cached(PASSAGE)?.query_row([id], passage).optional()?;
    let Some(passage) = passage else { return Ok(None) };
    let record = connection.prepare_cached(HIT)?.query_row([id], |row| hit(row, passage))?;
    serde_json::to_string(&record).map(Some).map_err(unfit)
}

fn unfit(error: serde_json::Error) -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure(Box::new(error))
}

fn time(row: &Row<'_>, column: &str) -> rusqlite::Result<String> {
    row.get::<_, i64>(column).map(|ms| Utc::from_unix_ms(ms).to_string())
}

fn maybe_time(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<String>> {
    row.get::<_, Option<i64>>(column).map(|ms| ms.map(|ms| Utc::from_unix_ms(ms).to_string()))
}

fn hit(row: &Row<'_>, passage: PassagePart) -> rusqlite::Result<HitRecord> {
    let models = row.get::<_, Option<String>>("detector_sha256")?;
    Ok(HitRecord {
        format: HIT_RECORD.to_owned(),
        hit: HitPart {
            id: row.get("id")?,
            state: row.get("state")?,
            kind: row.get("kind")?,
            probability: row.get("probability")?,
            observed: row.get("observed")?,
            first_decided_at: time(row, "first_decided_at")?,
            decided_at: time(row, "decided_at")?,
            late: row.get::<_, Option<i64>>("past_search")?.is_some(),
        },
        entry: EntryPart {
            plate: row.get("entry_plate")?,
            line: row.get("entry_line")?,
            category: row.get("entry_category")?,
            priority: row.get("entry_priority")?,
            country: row.get("entry_country")?,
            valid_from: maybe_time(row, "entry_valid_from")?,
            valid_until: maybe_time(row, "entry_valid_until")?,
            case: row.get("entry_case")?,
            instruction: row.get("entry_instruction")?,
        },
        list: ListPart {
            name: row.get("list_name")?,
            sha256: row.get("list_sha256")?,
            loaded_at: time(row, "loaded_at")?,
        },
        passage,
        models: match models {
            Some(detector_sha256) => {
                Some(ModelsPart { detector_sha256, reader_sha256: row.get("reader_sha256")? })
            }
            None => None,
        },
    })
}

fn passage(row: &Row<'_>) -> rusqlite::Result<PassagePart> {
    fn json<T: serde::de::DeserializeOwned>(row: &Row<'_>, column: &str) -> rusqlite::Result<T> {
        serde_json::from_str(&row.get::<_, String>(column)?).map_err(unfit)
    }
    Ok(PassagePart {
        id: row.get("id")?,
        camera: row.get("camera")?,
        state: row.get("state")?,
        first_seen: time(row, "first_seen")?,
        last_seen: time(row, "last_seen")?,
        clock_source: row.get("clock_source")?,
        clock_error_ms: row.get("clock_error_ms")?,
        longitude: row.get("longitude")?,
        latitude: row.get("latitude")?,
        heading: row.get("heading")?,
        accuracy_m: row.get("accuracy_m")?,
        text: row.get("text")?,
        confidence: row.get("confidence")?,
        distribution: json(row, "distribution")?,
        country: row.get("country")?,
        country_p: row.get("country_p")?,
        lines: row.get("lines")?,
        readings: row.get("readings")?,
        agreement: row.get("agreement")?,
        contradictory: row.get("contradictory")?,
        direction: row.get("direction")?,
        lane: row.get("lane")?,
        best_frame: row.get("best_frame")?,
        best_frame_at: time(row, "best_frame_at")?,
        best_frame_received_at: time(row, "best_frame_received_at")?,
        best_corners: json(row, "best_corners")?,
        mandate: match row.get::<_, Cell>("mandate") {
            Ok(Cell::Text(mandate)) => Some(mandate),
            _ => None,
        },
    })
}

/// The pictures of a hit's passage, as the chain names them: `role:sha256`, sorted, with commas between.
pub(super) fn picture_names(connection: &Connection, id: &str) -> rusqlite::Result<String> {
    let names: Vec<String> = connection
        .prepare_cached(
            "SELECT DISTINCT e.role || ':' || e.sha256 FROM passage_evidence e JOIN hit h ON h.passage = e.passage
             WHERE h.id = ?1 ORDER BY 1",
        )?
        .query_map([id], |r| r.get(0))?
        .collect::<Result<_, _>>()?;
    Ok(names.join(","))
}

/// Puts the hash of every hit of `passage` as it is kept now into the chain; within the same transaction.
pub(super) fn bind(connection: &Connection, passage: &str, now: Utc) -> rusqlite::Result<()> {
    let ids: Vec<String> = connection
        .prepare_cached("SELECT id FROM hit WHERE passage = ?1 ORDER BY id")?
        .query_map([passage], |r| r.get(0))?
        .collect::<Result<_, _>>()?;
    for id in ids {
        let Some(text) = text(connection, &id)? else { continue };
        let entry = AuditEntry::by_box(AuditAction::HitRecorded)
            .with("hit", &id)
            .with("record", sha256(text.as_bytes()))
            .with("pictures", picture_names(connection, &id)?);
        audit::append(connection, &entry, now)?;
    }
    Ok(())
}

/// Lower-case hexadecimal.
pub(super) fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Hits that are not as the chain says they were recorded last: another text, or pictures that were not there.
/// Hits that it does not know (of before version 5) are passed over, pictures that are gone too.
pub(super) fn altered(db: &Database) -> Result<Vec<String>, StoreError> {
    let fail = db.fail("holding hits against the audit chain");
    let rows: Vec<String> = db
        .connection
        .prepare("SELECT detail FROM audit WHERE action = ?1 ORDER BY seq")
        .and_then(|mut s| s.query_map([AuditAction::HitRecorded.as_str()], |r| r.get(0))?.collect())
        .map_err(&fail)?;
    let mut last: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for row in rows {
        let detail: BTreeMap<String, String> = serde_json::from_str(&row).unwrap_or_default();
        if let Some(hit) = detail.get("hit") {
            last.insert(hit.clone(), detail);
        }
    }
    let mut altered = Vec::new();
    for (hit, detail) in last {
        // What can no longer be read as it was written was changed too.
        let text = text(&db.connection, &hit).unwrap_or_else(|_| Some(String::new()));
        let Some(text) = text else { continue }; // deleted, which has its own row
        let kept = detail.get("pictures").map(String::as_str).unwrap_or_default();
        let now = picture_names(&db.connection, &hit).map_err(&fail)?;
        let strange = now.split(',').any(|n| !n.is_empty() && !kept.split(',').any(|k| k == n));
        if strange || detail.get("record") != Some(&sha256(text.as_bytes())) {
            altered.push(hit);
        }
    }
    Ok(altered)
}
