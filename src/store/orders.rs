//! What operators ask over MQTT: each id once, however often it comes, kept with what it did in one transaction.

use super::connection::Database;
use super::outcomes::{self, Answer};
use super::{AuditAction, AuditEntry, StoreError, audit, outbox};
use crate::domain::Utc;
use rusqlite::{Connection, TransactionBehavior, params};

/// Ids that are kept at least, whatever the clock says: a box whose clock was ahead for a while must not forget.
const KEPT: i64 = 10_000;

/// A message that counts, unless it came before.
#[derive(Debug, Clone)]
pub struct Order {
    /// Unique for its signer.
    pub id: String,
    /// Whose key signed it, or `broker`.
    pub signer: String,
    /// Who asks.
    pub by: String,
    /// Until when a message made when this one was would be taken.
    pub expires: Utc,
    /// What is asked.
    pub what: Ordered,
}

/// What is asked of the store.
#[derive(Debug, Clone)]
pub enum Ordered {
    /// Keep this answer.
    Answer(Answer),
    /// Let every message that was given up on wait again.
    RetryOutbox,
    /// Remember that this camera is paused.
    Pause {
        /// The camera.
        camera: String,
        /// Why; empty where nothing was said.
        reason: String,
    },
    /// Forget that it is.
    Resume {
        /// The camera.
        camera: String,
    },
    /// Nothing but that it was asked: in the words of the command.
    Noted(&'static str),
}

impl Ordered {
    fn word(&self) -> &'static str {
        match self {
            Self::Answer(_) => "outcome",
            Self::RetryOutbox => "retry-outbox",
            Self::Pause { .. } => "pause",
            Self::Resume { .. } => "resume",
            Self::Noted(word) => word,
        }
    }
}

/// A camera that is not to be watched until told otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PausedCamera {
    /// The camera.
    pub camera: String,
    /// Since when.
    pub since: Utc,
    /// Who asked.
    pub by: String,
    /// Why; empty where nothing was said.
    pub reason: String,
}

/// Keeps an order with its row in the audit chain; false where its id was known and nothing was done.
///
/// # Errors
/// The answer is not whole, there is no such hit, or the database cannot be written: nothing was kept.
pub(super) fn keep(db: &mut Database, order: &Order, now: Utc) -> Result<bool, StoreError> {
    if let Ordered::Answer(answer) = &order.what {
        answer.check()?;
    }
    let fail = db.fail("keeping an order");
    let tx = db.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(&fail)?;
    let new = tx
        .prepare_cached(
            "INSERT INTO inbound_message (signer, message, expires_at) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
        )
        .and_then(|mut s| s.execute(params![order.signer, order.id, order.expires.unix_ms()]))
        .map_err(&fail)?;
    if new == 0 {
        return Ok(false);
    }
    tx.prepare_cached(
        "DELETE FROM inbound_message WHERE expires_at < ?1
             AND id <= (SELECT max(id) FROM inbound_message) - ?2",
    )
    .and_then(|mut s| s.execute([now.unix_ms(), KEPT]))
    .map_err(&fail)?;
    let entry = AuditEntry::by(&order.by, AuditAction::Command)
        .with("command", order.what.word())
        .with("signer", &order.signer)
        .with("message", &order.id);
    match &order.what {
        // Has a row of its own in the chain.
        Ordered::Answer(answer) => {
            if !outcomes::keep_in(&tx, answer).map_err(&fail)? {
                return Err(StoreError::UnknownHit { found: answer.hit.to_string() });
            }
            outcomes::told(&tx, answer, &[("signer", &order.signer), ("message", &order.id)])
                .map_err(&fail)?;
        }
        Ordered::RetryOutbox => {
            let revived = outbox::retry(&tx, None).map_err(&fail)?;
            audit::append(&tx, &entry.with("messages", revived), now).map_err(&fail)?;
        }
        Ordered::Pause { camera, reason } => {
            tx.execute(
                "INSERT INTO paused_camera (camera, since, asked_by, reason) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (camera) DO UPDATE SET asked_by = excluded.asked_by, reason = excluded.reason",
                params![camera, now.unix_ms(), order.by, reason],
            )
            .map_err(&fail)?;
            audit::append(&tx, &entry.with("camera", camera).with("reason", reason), now).map_err(&fail)?;
        }
        Ordered::Resume { camera } => {
            tx.execute("DELETE FROM paused_camera WHERE camera = ?1", [camera]).map_err(&fail)?;
            audit::append(&tx, &entry.with("camera", camera), now).map_err(&fail)?;
        }
        Ordered::Noted(_) => {
            audit::append(&tx, &entry, now).map_err(&fail)?;
        }
    }
    tx.commit().map_err(&fail)?;
    Ok(true)
}

/// Cameras that were paused and not resumed.
pub(super) fn paused(connection: &Connection) -> rusqlite::Result<Vec<PausedCamera>> {
    connection
        .prepare("SELECT camera, since, asked_by, reason FROM paused_camera ORDER BY camera")?
        .query_map([], |r| {
            Ok(PausedCamera {
                camera: r.get(0)?,
                since: Utc::from_unix_ms(r.get(1)?),
                by: r.get(2)?,
                reason: r.get(3)?,
            })
        })?
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::super::{AnswerSource, Reader, Store};
    use super::*;
    use crate::domain::Outcome;

    fn order(id: &str, what: Ordered) -> Order {
        Order { id: id.into(), signer: "dispatch".into(), by: "Peeters".into(), expires: at(120), what }
    }

    #[test]
    fn an_id_counts_once_also_after_a_restart_and_for_its_signer_alone() {
        let dir = tempfile::tempdir().unwrap();
        let settings = settings(dir.path());
        let mut store = Store::open(&settings).unwrap();
        let pause = Ordered::Pause { camera: "gate-1".into(), reason: "works".into() };
        assert!(store.order(&order("m1", pause.clone())).unwrap());
        assert!(store.order(&order("m2", Ordered::Resume { camera: "gate-1".into() })).unwrap());
        assert!(!store.order(&order("m1", pause.clone())).unwrap(), "replayed");
        assert_eq!(store.paused_cameras().unwrap(), []);
        drop(store);
        let mut store = Store::open(&settings).unwrap();
        assert!(!store.order(&order("m1", pause.clone())).unwrap(), "replayed after a restart");
        assert!(store.order(&Order { signer: "other".into(), ..order("m1", pause) }).unwrap());
        let paused = store.paused_cameras().unwrap();
        assert_eq!((paused[0].camera.as_str(), paused[0].reason.as_str()), ("gate-1", "works"));
        let rows = Reader::open(&settings).unwrap().audit_rows(1, 100).unwrap();
        let said: Vec<_> = rows.iter().filter(|r| r.action == "command").collect();
        assert_eq!(said.len(), 3);
        assert!(
            said.iter().all(|r| r.actor == "Peeters") && said[0].detail.contains("\"signer\":\"dispatch\"")
        );
    }

    #[test]
    fn ids_are_forgotten_only_when_old_and_many() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Store::open(&settings(dir.path())).unwrap();
        let count = |s: &Store| -> i64 {
            s.database()
                .connection
                .query_row("SELECT count(*) FROM inbound_message", [], |r| r.get(0))
                .unwrap()
        };
        store.order(&order("m1", Ordered::Noted("health-now"))).unwrap();
        // By a clock far ahead everything is old; it is kept all the same.
        keep(store.database_mut(), &order("m2", Ordered::Noted("health-now")), at(1_000_000)).unwrap();
        assert_eq!(count(&store), 2);
        store
            .database()
            .connection
            .execute_batch(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
                 INSERT INTO inbound_message (signer, message, expires_at) SELECT 'x', i, 0 FROM n",
            )
            .unwrap();
        keep(store.database_mut(), &order("m3", Ordered::Noted("health-now")), at(1_000_000)).unwrap();
        assert_eq!(count(&store), 10_000);
    }

    #[test]
    fn an_answer_is_kept_with_its_id_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let settings = settings(dir.path());
        let mut store = Store::open(&settings).unwrap();
        let record = full("e1");
        let answer = Answer {
            hit: record.hits[0].id,
            outcome: Outcome::Confirmed,
            by: "Peeters".into(),
            at: at(60),
            note: String::new(),
            source: AnswerSource::Mqtt,
        };
        let asked = order("m1", Ordered::Answer(answer));
        assert!(matches!(store.order(&asked), Err(StoreError::UnknownHit { .. })));
        store.record(&record).unwrap();
        assert!(store.order(&asked).unwrap(), "its id was not used up");
        assert!(!store.order(&asked).unwrap());
        let reader = Reader::open(&settings).unwrap();
        let answers = reader.outcomes_of(record.hits[0].id).unwrap();
        assert_eq!(answers.iter().map(|a| a.source).collect::<Vec<_>>(), [AnswerSource::Mqtt]);
        let rows = reader.audit_rows(1, 100).unwrap();
        assert!(rows.iter().any(|r| r.action == "outcome" && r.detail.contains("dispatch")), "{rows:?}");
    }
}
