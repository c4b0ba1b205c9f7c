//! What somebody has to take note of: read off the audit chain, so that nobody can make it go away unseen.

use super::connection::Database;
use super::{AuditAction, StoreError, convert};
use crate::domain::Utc;

/// Something that went wrong and was mended as far as could be; it stays in `health` until somebody acknowledges it
/// (`platewatch alarms acknowledge`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    /// Number of its row in the audit chain.
    pub seq: u64,
    /// When it was raised.
    pub at: Utc,
    /// What happened, as the row's word: `store-recovered`.
    pub what: String,
    /// The row's detail, a JSON object.
    pub detail: String,
}

/// The open alarms, and how far the chain has been read for them.
#[derive(Debug, Default)]
pub(super) struct Alarms {
    read_to: i64,
    open: Vec<Alarm>,
}

impl Alarms {
    /// Reads what has come since the last time.
    pub fn open(&mut self, db: &Database) -> Result<Vec<Alarm>, StoreError> {
        let fail = db.fail("reading the alarms");
        let mut statement = db
            .connection
            .prepare_cached(
                "SELECT seq, at, action, detail FROM audit WHERE seq > ?1 AND action IN (?2, ?3) ORDER BY seq",
            )
            .map_err(&fail)?;
        let (raised, taken) = (AuditAction::StoreRecovered.as_str(), AuditAction::AlarmAcknowledged.as_str());
        let mut rows = statement.query((self.read_to, raised, taken)).map_err(&fail)?;
        while let Some(row) = rows.next().map_err(&fail)? {
            let seq: i64 = row.get(0).map_err(&fail)?;
            let what: String = row.get(2).map_err(&fail)?;
            let detail: String = row.get(3).map_err(&fail)?;
            if what == raised {
                let at = Utc::from_unix_ms(row.get(1).map_err(&fail)?);
                self.open.push(Alarm { seq: convert::uint(seq, "audit.seq")?, at, what, detail });
            } else {
                let named = acknowledged(&detail);
                self.open.retain(|a| named.is_some_and(|n| n != a.seq));
            }
            self.read_to = seq;
        }
        Ok(self.open.clone())
    }
}

/// The alarm that an acknowledgement names; `None` for all.
fn acknowledged(detail: &str) -> Option<u64> {
    let detail: serde_json::Value = serde_json::from_str(detail).ok()?;
    detail.get("alarm")?.as_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::super::testing::settings;
    use super::super::{AuditEntry, Store};
    use super::*;

    #[test]
    fn an_alarm_stands_until_it_or_all_are_acknowledged() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Store::open(&settings(dir.path())).unwrap();
        let raise =
            |store: &mut Store| store.audit(&AuditEntry::by_box(AuditAction::StoreRecovered)).unwrap().seq;
        let acknowledge = |store: &mut Store, seq: Option<u64>| {
            let entry = AuditEntry::by("Peeters", AuditAction::AlarmAcknowledged);
            let entry = match seq {
                Some(seq) => entry.with("alarm", seq),
                None => entry,
            };
            store.audit(&entry).unwrap();
        };
        let open =
            |store: &mut Store| -> Vec<u64> { store.alarms().unwrap().iter().map(|a| a.seq).collect() };
        assert!(open(&mut store).is_empty());
        let first = raise(&mut store);
        store.audit(&AuditEntry::by_box(AuditAction::BoxStarted)).unwrap();
        let second = raise(&mut store);
        assert_eq!(open(&mut store), [first, second]);
        acknowledge(&mut store, Some(first));
        assert_eq!(open(&mut store), [second]);
        acknowledge(&mut store, None);
        assert!(open(&mut store).is_empty());
        let third = raise(&mut store);
        assert_eq!(open(&mut store), [third]);
    }
}
