//! Answers of operators: kept beside the hit, never changed, and counted.

use super::connection::Database;
use super::rows::{OutcomeRow, Tally, TallyBy};
use super::{AuditAction, AuditEntry, StoreError, audit, convert, dossier};
use crate::domain::{HitId, Outcome, Utc};
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, named_params};

/// By which way an answer came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerSource {
    /// A button on the box's page.
    Console,
    /// `platewatch outcome`.
    Cli,
    /// A message from elsewhere.
    Mqtt,
}

impl AnswerSource {
    /// The word used in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Console => "console",
            Self::Cli => "cli",
            Self::Mqtt => "mqtt",
        }
    }
}

/// An operator's answer to a hit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The hit it answers.
    pub hit: HitId,
    /// What was said.
    pub outcome: Outcome,
    /// Who said it.
    pub by: String,
    /// When.
    pub at: Utc,
    /// What else was said; empty where nothing.
    pub note: String,
    /// By which way it came.
    pub source: AnswerSource,
}

/// Longest name of who answers, in characters.
const LONGEST_NAME: usize = 80;
/// Longest note, in characters.
const LONGEST_NOTE: usize = 500;

impl Answer {
    /// # Errors
    /// What is wrong with the name or the note.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        let (name, note) = (self.by.chars().count(), self.note.chars().count());
        let control = |text: &str| text.chars().any(char::is_control);
        let why = if self.by.trim().is_empty() {
            "who answers is missing"
        } else if name > LONGEST_NAME {
            "the name of who answers is longer than 80 characters"
        } else if note > LONGEST_NOTE {
            "the note is longer than 500 characters"
        } else if control(&self.by) || control(&self.note) {
            "name and note must be one line without control characters"
        } else {
            return Ok(());
        };
        Err(StoreError::Answer { why })
    }
}

/// Keeps an answer, in one transaction with its row in the audit chain; earlier ones to the same hit stay, the last counts.
///
/// # Errors
/// The answer is not whole, there is no such hit, or the database cannot be written.
pub(super) fn keep(db: &mut Database, answer: &Answer) -> Result<(), StoreError> {
    answer.check()?;
    let fail = db.fail("keeping an answer");
    let tx = db.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(&fail)?;
    if !keep_in(&tx, answer).map_err(&fail)? {
        return Err(StoreError::UnknownHit { found: answer.hit.to_string() });
    }
    told(&tx, answer, &[]).map_err(&fail)?;
    tx.commit().map_err(&fail)
}

/// Keeps an answer that was checked within a transaction; false where there is no such hit.
pub(super) fn keep_in(tx: &Connection, answer: &Answer) -> rusqlite::Result<bool> {
    let id = answer.hit.to_string();
    if !tx.prepare_cached("SELECT 1 FROM hit WHERE id = ?1")?.exists([&id])? {
        return Ok(false);
    }
    tx.prepare_cached(
        "INSERT INTO outcome (hit, answer, answered_by, answered_at, note, source)
         VALUES (:hit, :answer, :by, :at, :note, :source)",
    )
    .and_then(|mut s| {
        s.execute(named_params! {
            ":hit": id,
            ":answer": answer.outcome.as_str(),
            ":by": answer.by.trim(),
            ":at": answer.at.unix_ms(),
            ":note": answer.note.trim(),
            ":source": answer.source.as_str(),
        })
    })
    .map(|_| true)
}

/// The row of an answer in the audit chain, with what else there is to say.
pub(super) fn told(tx: &Connection, answer: &Answer, more: &[(&str, &str)]) -> rusqlite::Result<()> {
    let mut entry = AuditEntry::by(&answer.by, AuditAction::Outcome)
        .with("hit", answer.hit)
        .with("outcome", answer.outcome.as_str())
        .with("at", answer.at)
        .with("source", answer.source.as_str());
    if !answer.note.trim().is_empty() {
        // A note may hold a plate or a name; its hash binds it without telling it.
        entry = entry.with("note_sha256", dossier::sha256(answer.note.trim().as_bytes()));
    }
    let entry = more.iter().fold(entry, |entry, (name, value)| entry.with(name, value));
    audit::append(tx, &entry, Utc::now()).map(|_| ())
}

/// All answers to a hit, the first first.
pub(super) fn of_hit(db: &Database, hit: HitId) -> Result<Vec<OutcomeRow>, StoreError> {
    let fail = db.fail("reading answers");
    let mut statement = db
        .connection
        .prepare_cached(
            "SELECT answer, answered_by, answered_at, note, source FROM outcome WHERE hit = ?1 ORDER BY id",
        )
        .map_err(&fail)?;
    let mut rows = statement.query([hit.to_string()]).map_err(&fail)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(&fail)? {
        found.push(outcome(db, row)?);
    }
    Ok(found)
}

fn outcome(db: &Database, row: &Row<'_>) -> Result<OutcomeRow, StoreError> {
    let fail = db.fail("reading an answer");
    let answer: String = row.get("answer").map_err(&fail)?;
    let source: String = row.get("source").map_err(&fail)?;
    Ok(OutcomeRow {
        outcome: Outcome::parse(&answer).ok_or(StoreError::Corrupt { column: "outcome.answer" })?,
        by: row.get("answered_by").map_err(&fail)?,
        at: Utc::from_unix_ms(row.get("answered_at").map_err(&fail)?),
        note: row.get("note").map_err(&fail)?,
        source: convert::answer_source_from(&source)?,
    })
}

/// The hit that `id` names: whole, or by its last characters (6 and more), where only one ends so.
///
/// # Errors
/// No hit, more than one, or fewer characters than could ever be enough.
pub(super) fn find_hit(db: &Database, id: &str) -> Result<HitId, StoreError> {
    let unknown = || StoreError::UnknownHit { found: id.to_owned() };
    let wanted = id.trim().to_ascii_lowercase();
    if wanted.len() < 6 || !wanted.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-') {
        return Err(unknown());
    }
    let fail = db.fail("looking for a hit");
    // 2 rows are enough to know that it is not the only one.
    let found: Vec<String> = db
        .connection
        .prepare_cached("SELECT id FROM hit WHERE id = ?1 OR substr(id, -length(?1)) = ?1 LIMIT 2")
        .and_then(|mut s| s.query_map([&wanted], |r| r.get(0))?.collect())
        .map_err(&fail)?;
    match found.as_slice() {
        [one] => HitId::parse(one).ok_or(StoreError::Corrupt { column: "hit.id" }),
        [] => Err(unknown()),
        _ => Err(StoreError::ManyHits { found: id.to_owned() }),
    }
}

/// Hits first decided at or after `since` with their last answers, counted by list, camera or kind.
pub(super) fn tally(db: &Database, since: Option<Utc>, by: TallyBy) -> Result<Vec<Tally>, StoreError> {
    let fail = db.fail("counting answers");
    let key = match by {
        TallyBy::List => "l.name",
        TallyBy::Camera => "p.camera",
        TallyBy::Kind => "h.kind",
    };
    let sql = format!(
        "SELECT {key} AS key, count(*) AS hits, sum(h.past_search IS NOT NULL) AS late,
             min(h.first_decided_at) AS first, max(h.first_decided_at) AS last,
             sum(o.answer = 'confirmed') AS confirmed, sum(o.answer = 'intercepted') AS intercepted,
             sum(o.answer = 'misread') AS misread, sum(o.answer = 'wrong-country') AS wrong_country,
             sum(o.answer = 'list-out-of-date') AS list_out_of_date,
             sum(o.answer = 'no-capacity') AS no_capacity, sum(o.answer = 'dismissed') AS dismissed
         FROM hit h JOIN passage p ON p.id = h.passage JOIN list_version l ON l.id = h.list_version
             LEFT JOIN outcome o ON o.id = (SELECT max(id) FROM outcome WHERE hit = h.id)
         WHERE ?1 IS NULL OR h.first_decided_at >= ?1 GROUP BY key ORDER BY key"
    );
    let mut statement = db.connection.prepare(&sql).map_err(&fail)?;
    let mut rows = statement.query([since.map(Utc::unix_ms)]).map_err(&fail)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(&fail)? {
        let count = |column: &'static str| {
            let n: Option<i64> = row.get(column).map_err(&fail)?;
            convert::uint(n.unwrap_or(0), "outcome.answer")
        };
        found.push(Tally {
            key: row.get("key").map_err(&fail)?,
            hits: count("hits")?,
            late: count("late")?,
            first: Utc::from_unix_ms(row.get("first").map_err(&fail)?),
            last: Utc::from_unix_ms(row.get("last").map_err(&fail)?),
            confirmed: count("confirmed")?,
            intercepted: count("intercepted")?,
            misread: count("misread")?,
            wrong_country: count("wrong_country")?,
            list_out_of_date: count("list_out_of_date")?,
            no_capacity: count("no_capacity")?,
            dismissed: count("dismissed")?,
        });
    }
    Ok(found)
}

/// The last answer to a hit.
pub(super) fn last(db: &Database, hit: &str) -> Result<Option<OutcomeRow>, StoreError> {
    let fail = db.fail("reading an answer");
    let mut statement = db
        .connection
        .prepare_cached(
            "SELECT answer, answered_by, answered_at, note, source FROM outcome
             WHERE hit = ?1 ORDER BY id DESC LIMIT 1",
        )
        .map_err(&fail)?;
    statement.query_row([hit], |row| Ok(outcome(db, row))).optional().map_err(&fail)?.transpose()
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::super::{Clerk, HitQuery, Reader, Store};
    use super::*;

    fn answer(hit: HitId, outcome: Outcome) -> Answer {
        Answer {
            hit,
            outcome,
            by: "Peeters".into(),
            at: at(60),
            note: String::new(),
            source: AnswerSource::Console,
        }
    }

    #[test]
    fn the_last_answer_counts_and_all_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        let settings = settings(dir.path());
        let mut store = Store::open(&settings).unwrap();
        let (one, two) = (full("e1"), full("e2"));
        let (first, second) = (one.hits[0].id, two.hits[0].id);
        store.record(&one).unwrap();
        store.record(&two).unwrap();
        store.answer(&answer(first, Outcome::Confirmed)).unwrap();
        // Someone else, another process, later, corrects it while the box writes on.
        let mut clerk = Clerk::open(&settings).unwrap();
        let correction = Answer {
            by: "Janssens".into(),
            note: "8 for B".into(),
            source: AnswerSource::Cli,
            at: at(120),
            ..answer(first, Outcome::Misread)
        };
        clerk.answer(&correction).unwrap();

        let reader = Reader::open(&settings).unwrap();
        let hits = reader.recent_hits(&HitQuery::default()).unwrap();
        let of = |id: HitId| hits.iter().find(|h| h.id == id).unwrap().outcome.clone();
        let last = of(first).unwrap();
        assert_eq!(
            (last.outcome, last.by.as_str(), last.note.as_str()),
            (Outcome::Misread, "Janssens", "8 for B")
        );
        assert_eq!((last.at, last.source), (at(120), AnswerSource::Cli));
        assert_eq!(of(second), None);
        let all = reader.outcomes_of(first).unwrap();
        assert_eq!(all.iter().map(|o| o.outcome).collect::<Vec<_>>(), [Outcome::Confirmed, Outcome::Misread]);

        let chain = reader.audit_rows(1, 100).unwrap();
        let said: Vec<_> = chain.iter().filter(|r| r.action == "outcome").map(|r| r.actor.as_str()).collect();
        assert_eq!(said, ["Peeters", "Janssens"]);

        // Counted once, by the answer that counts.
        for by in [TallyBy::List, TallyBy::Camera, TallyBy::Kind] {
            let tally = reader.tally(None, by).unwrap();
            assert_eq!(tally.len(), 1, "{tally:?}");
            let t = &tally[0];
            assert_eq!((t.hits, t.answered(), t.confirmed, t.misread), (2, 1, 0, 1));
            assert_eq!(t.false_share(), Some(1.0));
        }
        assert!(reader.tally(Some(at(3)), TallyBy::List).unwrap().is_empty());
    }

    #[test]
    fn a_share_is_of_answers_that_say_something() {
        let none = Tally {
            key: "zone".into(),
            hits: 10,
            late: 0,
            first: at(0),
            last: at(1),
            confirmed: 2,
            intercepted: 1,
            misread: 1,
            wrong_country: 1,
            list_out_of_date: 3,
            no_capacity: 1,
            dismissed: 1,
        };
        assert_eq!(none.answered(), 10);
        assert_eq!(none.false_share(), Some(5.0 / 8.0));
        assert_eq!(none.misread_share(), Some(2.0 / 8.0));
        let silent =
            Tally { confirmed: 0, intercepted: 0, misread: 0, wrong_country: 0, list_out_of_date: 0, ..none };
        assert_eq!((silent.answered(), silent.false_share(), silent.misread_share()), (2, None, None));
    }

    #[test]
    fn answers_that_are_none_are_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let settings = settings(dir.path());
        let mut store = Store::open(&settings).unwrap();
        let record = full("e1");
        let hit = record.hits[0].id;
        store.record(&record).unwrap();
        let good = answer(hit, Outcome::Dismissed);
        for (bad, word) in [
            (Answer { by: " ".into(), ..good.clone() }, "who answers"),
            (Answer { by: "x".repeat(81), ..good.clone() }, "80"),
            (Answer { note: "x".repeat(501), ..good.clone() }, "500"),
            (Answer { note: "a\u{1b}[2J".into(), ..good.clone() }, "control"),
            (Answer { hit: HitId::generate(), ..good.clone() }, "no hit"),
        ] {
            let text = store.answer(&bad).unwrap_err().to_string();
            assert!(text.contains(word), "{text}");
        }
        let id = hit.to_string();
        assert_eq!(find_hit(store.database(), &id).unwrap(), hit);
        assert_eq!(find_hit(store.database(), &id[id.len() - 8..]).unwrap(), hit);
        for bad in ["", "12345", "' OR 1=1 --", "ffffffffffff"] {
            assert!(matches!(find_hit(store.database(), bad), Err(StoreError::UnknownHit { .. })), "{bad}");
        }
    }
}
