//! A second way to write, for short transactions of other processes: answers and late hits.
//!
//! The box's own thread stays the only one that records what cameras see. SQLite lets one transaction write
//! at a time and both sides wait up to five seconds for each other, so a `platewatch outcome` beside a
//! running box loses nothing and stops nobody. The clerk neither creates nor upgrades a database, takes no
//! lock on the folder and touches no picture.

use super::connection::Database;
use super::outcomes::{self, Answer};
use super::record::OutboxMessage;
use super::rows::PassageRow;
use super::{
    AuditAction, AuditEntry, NewHold, Settings, StoreError, audit, convert, dossier, queries, retention,
    writer,
};
use crate::domain::{Hit, HitId, ListVersion, Passage, PassageId, Utc};
use rusqlite::{TransactionBehavior, named_params};

/// See the module.
#[derive(Debug)]
pub struct Clerk {
    pub(super) db: Database,
}

/// A search of what has passed, as it is put on record before it begins.
#[derive(Debug, Clone)]
pub struct PastSearch {
    /// The list whose entries are looked for.
    pub list: ListVersion,
    /// Passages first seen from then on; `None` for all that are kept.
    pub since: Option<Utc>,
    /// Why it is done.
    pub purpose: String,
    /// Reference of the case it is done for.
    pub case: String,
    /// Who asked.
    pub asked_by: String,
    /// Why it was allowed, in the words of the gate.
    pub allowed_by: String,
    /// When it began.
    pub started_at: Utc,
}

/// A hit found in what has passed, with the messages that tell of it.
#[derive(Debug, Clone)]
pub struct LateHit {
    /// The passage, as it is kept.
    pub passage: Passage,
    /// The hit, in its last state.
    pub hit: Hit,
    /// What operators must be told.
    pub messages: Vec<OutboxMessage>,
}

impl Clerk {
    pub(super) fn database_mut(&mut self) -> &mut Database {
        &mut self.db
    }

    /// Opens the database of `settings.dir` for writing, as it is.
    ///
    /// # Errors
    /// There is none yet, it is older or newer than this program, is not ours, or cannot be written.
    pub fn open(settings: &Settings) -> Result<Self, StoreError> {
        Ok(Self { db: Database::open_beside(settings)? })
    }

    /// Keeps an answer; see [`super::StoreHandle::answer`].
    ///
    /// # Errors
    /// The answer is not whole, there is no such hit, or the database cannot be written.
    pub fn answer(&mut self, answer: &Answer) -> Result<(), StoreError> {
        outcomes::keep(&mut self.db, answer)
    }

    /// The hit that `id` names: whole, or by its last characters (6 and more), where only one ends so.
    ///
    /// # Errors
    /// No hit or more than one is named so, or the database cannot be read.
    pub fn find_hit(&self, id: &str) -> Result<HitId, StoreError> {
        outcomes::find_hit(&self.db, id)
    }

    /// Puts a search on record, in the audit chain too, before it looks at anything; its number.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn begin_search(&mut self, search: &PastSearch) -> Result<i64, StoreError> {
        let fail = self.db.fail("putting a search on record");
        let tx =
            self.db.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(&fail)?;
        let list = writer::write_list(&tx, &search.list).map_err(&fail)?;
        tx.execute(
            "INSERT INTO past_search (list_version, since, purpose, case_ref, asked_by, allowed_by, started_at)
             VALUES (:list, :since, :purpose, :case_ref, :asked_by, :allowed_by, :started_at)",
            named_params! {
                ":list": list,
                ":since": search.since.map(Utc::unix_ms),
                ":purpose": search.purpose,
                ":case_ref": search.case,
                ":asked_by": search.asked_by,
                ":allowed_by": search.allowed_by,
                ":started_at": search.started_at.unix_ms(),
            },
        )
        .map_err(&fail)?;
        let id = tx.last_insert_rowid();
        let entry = AuditEntry::by(&search.asked_by, AuditAction::Search)
            .with("search", id)
            .with("list", &search.list.name)
            .with("list_sha256", &search.list.sha256)
            .with("since", search.since.map_or_else(|| "-".to_owned(), |t| t.to_string()))
            .with("purpose", &search.purpose)
            .with("case", &search.case)
            .with("allowed_by", &search.allowed_by);
        audit::append(&tx, &entry, search.started_at).map_err(&fail)?;
        tx.commit().map_err(&fail)?;
        Ok(id)
    }

    /// Places a hold; its number. The audit chain says so without the plate.
    ///
    /// # Errors
    /// Reference, reason or end are missing or past, what it holds is not there, or the database cannot be written.
    pub fn place_hold(&mut self, hold: &NewHold, now: Utc) -> Result<i64, StoreError> {
        retention::add_hold(&mut self.db, hold, now)
    }

    /// Ends a hold before its time.
    ///
    /// # Errors
    /// There is no such hold, it has ended, or the database cannot be written.
    pub fn release_hold(&mut self, id: i64, by: &str, reason: &str, now: Utc) -> Result<(), StoreError> {
        retention::release_hold(&mut self.db, id, by, reason, now)
    }

    /// How many passages first seen at or after `since` a search would look at.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn count_past(&self, since: Option<Utc>, before: Utc) -> Result<u64, StoreError> {
        queries::count_past(&self.db, since, before)
    }

    /// Passages that change no more, the earliest first, after the one last given; at most `limit`. One that
    /// was cut off by a crash counts as ended once `before` lies after its last sight.
    ///
    /// # Errors
    /// The database cannot be read, or holds what platewatch never writes.
    pub fn past(
        &self,
        since: Option<Utc>,
        before: Utc,
        after: Option<(Utc, PassageId)>,
        limit: usize,
    ) -> Result<Vec<Passage>, StoreError> {
        queries::past(&self.db, since, before, after, limit)
    }

    /// A passage with its pictures and models.
    ///
    /// # Errors
    /// The database cannot be read, or holds what platewatch never writes.
    pub fn whole(&self, passage: Passage) -> Result<PassageRow, StoreError> {
        queries::whole(&self.db, passage)
    }

    /// Whether this passage has a hit for that entry already, found as it passed or later.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn knows(&self, passage: PassageId, hit: &Hit) -> Result<bool, StoreError> {
        knows(&self.db.connection, passage, hit).map_err(self.db.fail("looking for a hit"))
    }

    /// Keeps late hits with their messages in one transaction, each only where its passage has no hit for
    /// that entry; how many were kept.
    ///
    /// # Errors
    /// None of them was kept.
    pub fn record_late(&mut self, search: i64, found: &[LateHit]) -> Result<u64, StoreError> {
        let fail = self.db.fail("recording late hits");
        let tx =
            self.db.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(&fail)?;
        let mut kept = 0;
        for late in found {
            if knows(&tx, late.passage.id, &late.hit).map_err(&fail)? {
                continue;
            }
            writer::write_hit(&tx, &late.passage, &late.hit).map_err(&fail)?;
            tx.prepare_cached("UPDATE hit SET past_search = ?1 WHERE id = ?2")
                .and_then(|mut s| s.execute((search, late.hit.id.to_string())))
                .map_err(&fail)?;
            for message in &late.messages {
                writer::write_message(&tx, message).map_err(&fail)?;
            }
            dossier::bind(&tx, &late.passage.id.to_string(), Utc::now()).map_err(&fail)?;
            kept += 1;
        }
        tx.execute("UPDATE past_search SET hits = hits + ?1 WHERE id = ?2", (convert::int(kept), search))
            .map_err(&fail)?;
        tx.commit().map_err(&fail)?;
        Ok(kept)
    }

    /// Notes that a search is done, having looked at so many passages.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn end_search(&mut self, search: i64, passages: u64, now: Utc) -> Result<(), StoreError> {
        self.db
            .connection
            .execute(
                "UPDATE past_search SET ended_at = ?1, passages = ?2 WHERE id = ?3",
                (now.unix_ms(), convert::int(passages), search),
            )
            .map(|_| ())
            .map_err(self.db.fail("ending a search"))
    }
}

/// The same entry is the same list, plate and category: its line moves when the list is edited.
fn knows(connection: &rusqlite::Connection, passage: PassageId, hit: &Hit) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(
            "SELECT 1 FROM hit h JOIN list_version l ON l.id = h.list_version
             WHERE h.passage = ?1 AND l.name = ?2 AND h.entry_plate = ?3 AND h.entry_category = ?4",
        )?
        .exists((passage.to_string(), &hit.list.name, hit.entry.plate.as_str(), &hit.entry.category))
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::super::{HitQuery, Reader, Store};
    use super::*;
    use crate::domain::{HitState, PassageState};

    fn search() -> PastSearch {
        PastSearch {
            list: ListVersion { name: "zone".into(), sha256: "cd".repeat(32), loaded_at: at(500) },
            since: Some(at(-100)),
            purpose: "theft".into(),
            case: "AN-2".into(),
            asked_by: "Peeters".into(),
            allowed_by: "no mandates are configured".into(),
            started_at: at(500),
        }
    }

    fn late(passage: &Passage, event: &str) -> LateHit {
        let mut hit = hit(passage);
        hit.state = HitState::Final;
        hit.decided_at = at(501);
        LateHit { passage: passage.clone(), messages: vec![message(event, Some(hit.id))], hit }
    }

    #[test]
    fn a_late_hit_comes_once_beside_a_running_box() {
        let dir = tempfile::tempdir().unwrap();
        let settings = settings(dir.path());
        let mut store = Store::open(&settings).unwrap();
        let mut plain = plain("1ABC123", 0);
        plain.passage.state = PassageState::Closed;
        store.record(&plain).unwrap();
        let mut clerk = Clerk::open(&settings).unwrap();
        let id = clerk.begin_search(&search()).unwrap();
        let passages = clerk.past(None, at(0), None, 10).unwrap();
        assert_eq!(passages.len(), 1);
        assert_eq!(clerk.record_late(id, &[late(&passages[0], "l1"), late(&passages[0], "l2")]).unwrap(), 1);
        assert!(clerk.knows(passages[0].id, &late(&passages[0], "l3").hit).unwrap());
        assert_eq!(clerk.record_late(id, &[late(&passages[0], "l3")]).unwrap(), 0);
        clerk.end_search(id, 1, at(502)).unwrap();

        let hits = Reader::open(&settings).unwrap().recent_hits(&HitQuery::default()).unwrap();
        assert_eq!(hits.len(), 1);
        assert!(hits[0].late);
        assert_eq!((hits[0].first_seen, hits[0].first_decided_at), (at(0), at(501)));
        assert_eq!(store.outbox_next(10).unwrap().len(), 1, "the box sends it");
        let row: (String, String, i64, i64, Option<i64>) = clerk
            .db
            .connection
            .query_row("SELECT purpose, case_ref, passages, hits, ended_at FROM past_search", [], |r| {
                Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?, r.get(4)?))
            })
            .unwrap();
        let chain = Reader::open(&settings).unwrap().audit_rows(1, 100).unwrap();
        let search = chain.iter().find(|r| r.action == "search").unwrap();
        assert!(search.actor == "Peeters" && search.detail.contains("AN-2"), "{search:?}");
        assert_eq!(row, ("theft".into(), "AN-2".into(), 1, 1, Some(at(502).unix_ms())));
        // The box goes on, and records as before.
        store.record(&full("e9")).unwrap();
    }

    #[test]
    fn a_live_hit_is_never_found_again() {
        let dir = tempfile::tempdir().unwrap();
        let settings = settings(dir.path());
        let mut store = Store::open(&settings).unwrap();
        let mut live = full("e1");
        live.passage.state = PassageState::Closed;
        store.record(&live).unwrap();
        drop(store);
        let mut clerk = Clerk::open(&settings).unwrap();
        let id = clerk.begin_search(&search()).unwrap();
        let passages = clerk.past(None, at(0), None, 10).unwrap();
        assert_eq!(clerk.record_late(id, &[late(&passages[0], "l1")]).unwrap(), 0);
    }

    #[test]
    fn passages_come_in_order_and_each_once() {
        let dir = tempfile::tempdir().unwrap();
        let settings = settings(dir.path());
        let mut store = Store::open(&settings).unwrap();
        for second in [5, 1, 3, 3, 9] {
            let mut r = plain("1ABC123", second);
            r.passage.state = PassageState::Closed;
            store.record(&r).unwrap();
        }
        store.record(&plain("1OPEN11", 4)).unwrap();
        let clerk = Clerk::open(&settings).unwrap();
        let mut seen = Vec::new();
        let mut after = None;
        loop {
            let page = clerk.past(Some(at(2)), at(0), after, 2).unwrap();
            let Some(last) = page.last() else { break };
            after = Some((last.first_seen, last.id));
            seen.extend(page.iter().map(|p| p.first_seen));
        }
        assert_eq!(seen, [at(3), at(3), at(5), at(9)]);
        assert_eq!(clerk.count_past(Some(at(2)), at(0)).unwrap(), 4);
        // An open passage of a box that was killed counts once nothing can change it any more.
        assert_eq!(clerk.count_past(Some(at(2)), at(60)).unwrap(), 5);
    }

    #[test]
    fn there_must_be_a_database() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(Clerk::open(&settings(dir.path())), Err(StoreError::Missing { .. })));
    }
}
