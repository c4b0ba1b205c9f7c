//! Whatever is done to the file behind the program's back must show.

use super::super::testing::settings;
use super::super::{Reader, Store};
use super::*;
use crate::runtime::PublicKey;
use rusqlite::Connection;

struct Chain {
    _dir: tempfile::TempDir,
    settings: Settings,
    key: PublicKey,
    head: AuditHead,
}

/// A chain of `rows`: the box's key made, then searches; closed in order.
fn chain(rows: usize) -> Chain {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path());
    let mut store = Store::open(&settings).unwrap();
    for i in 1..rows {
        let entry = AuditEntry::by("inspector", AuditAction::Search).with("case", format!("AN-{i}"));
        store.audit(&entry).unwrap();
    }
    let head = store.audit_head().unwrap();
    drop(store);
    let key = SigningKey::read(&settings.box_key()).unwrap().public();
    Chain { _dir: dir, settings, key, head }
}

impl Chain {
    fn tamper(&self, sql: &str) {
        Connection::open(self.settings.database()).unwrap().execute_batch(sql).unwrap();
    }

    fn verify(&self, told: Option<&AuditHead>) -> AuditReport {
        Reader::open(&self.settings).unwrap().verify_audit(Some(&self.key), told).unwrap()
    }
}

#[test]
fn an_untouched_chain_is_whole_and_sealed_to_its_end() {
    let chain = chain(150);
    let report = chain.verify(Some(&chain.head));
    assert!(report.is_whole(), "{:?}", report.faults);
    assert_eq!((report.rows, report.head.seq), (150, 150));
    assert!(report.seals >= 3 && report.sealed_to == 150, "{report:?}");
}

#[test]
fn a_changed_row_shows_whatever_was_changed() {
    for column in ["actor = 'nobody'", "action = 'export'", "detail = '{}'", "at = at + 1"] {
        let chain = chain(10);
        chain.tamper(&format!("UPDATE audit SET {column} WHERE seq = 5"));
        assert_eq!(chain.verify(None).faults, [AuditFault::Changed { seq: 5 }], "{column}");
    }
}

#[test]
fn a_removed_row_shows() {
    let chain = chain(10);
    chain.tamper("DELETE FROM audit WHERE seq IN (4, 5)");
    assert_eq!(chain.verify(None).faults, [AuditFault::Missing { from: 4, to: 5 }]);
}

#[test]
fn rows_put_in_another_order_show() {
    let chain = chain(10);
    chain.tamper(
        "UPDATE audit SET seq = 1000 WHERE seq = 4; UPDATE audit SET seq = 4 WHERE seq = 5;
         UPDATE audit SET seq = 5 WHERE seq = 1000;",
    );
    let faults = chain.verify(None).faults;
    assert!(faults.contains(&AuditFault::Unchained { seq: 4 }), "{faults:?}");
    assert!(faults.contains(&AuditFault::Changed { seq: 4 }), "{faults:?}");
}

#[test]
fn a_tail_cut_off_shows_by_the_head_that_was_told() {
    let chain = chain(10);
    chain.tamper("DELETE FROM audit_seal WHERE seq > 7; DELETE FROM audit WHERE seq > 7");
    assert!(chain.verify(None).is_whole(), "without the head told nothing can show");
    assert_eq!(chain.verify(Some(&chain.head)).faults, [AuditFault::Head { seq: 10 }]);
}

#[test]
fn a_tail_cut_off_under_its_seal_shows_by_the_seal() {
    let chain = chain(10);
    chain.tamper("PRAGMA foreign_keys = OFF; DELETE FROM audit WHERE seq > 7");
    let faults = chain.verify(None).faults;
    assert!(matches!(faults.as_slice(), [AuditFault::Seal { seq: 10, .. }]), "{faults:?}");
}

#[test]
fn a_chain_written_anew_with_right_hashes_shows_by_its_seals() {
    let chain = chain(10);
    {
        let mut store = Connection::open(chain.settings.database()).unwrap();
        let tx = store.transaction().unwrap();
        tx.execute_batch("PRAGMA defer_foreign_keys = ON; DELETE FROM audit").unwrap();
        for i in 0..10 {
            let entry = AuditEntry::by("inspector", AuditAction::Search).with("case", format!("XX-{i}"));
            append(&tx, &entry, Utc::from_unix_ms(1)).unwrap();
        }
        tx.commit().unwrap();
    }
    let faults = chain.verify(None).faults;
    assert!(!faults.is_empty() && faults.iter().all(|f| matches!(f, AuditFault::Seal { .. })), "{faults:?}");
}

#[test]
fn seals_by_another_key_are_no_seals() {
    let chain = chain(3);
    let other = SigningKey::create(&chain.settings.dir.join("other.key")).unwrap().public();
    let report = Reader::open(&chain.settings).unwrap().verify_audit(Some(&other), None).unwrap();
    assert!(!report.is_whole() && report.seals == 0);
}

#[test]
fn a_row_can_be_added_from_beside_the_daemon() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path());
    let mut store = Store::open(&settings).unwrap();
    store.audit(&AuditEntry::by_box(AuditAction::BoxStarted)).unwrap();
    let beside = AuditEntry::by("inspector", AuditAction::Search);
    assert_eq!(AuditWriter::open(&settings).unwrap().append(&beside).unwrap().seq, 3);
    assert_eq!(store.audit(&AuditEntry::by_box(AuditAction::BoxStopped)).unwrap().seq, 4);
    drop(store);
    assert!(Reader::open(&settings).unwrap().verify_audit(None, None).unwrap().is_whole());
}

#[test]
fn rows_of_before_version_5_stay_in_the_chain() {
    let chain = chain(3);
    // Written as version 4 did: without salt, hashed over the words themselves.
    chain.tamper("DELETE FROM audit_seal");
    let database = Connection::open(chain.settings.database()).unwrap();
    let mut row = AuditRow {
        seq: 4,
        at: Utc::from_unix_ms(5),
        actor: "old".into(),
        action: "search".into(),
        detail: "{}".into(),
        previous: head(&database).unwrap().hash,
        hash: String::new(),
        salt: None,
    };
    row.hash = row_hash(&row);
    let told = (row.at.unix_ms(), &row.actor, &row.action, &row.detail, &row.previous, &row.hash);
    database
        .execute(
            "INSERT INTO audit (seq, at, actor, action, detail, previous, hash) VALUES (4, ?1, ?2, ?3, ?4, ?5, ?6)",
            told,
        )
        .unwrap();
    assert!(chain.verify(None).is_whole());
    chain.tamper("UPDATE audit SET salt = lower(hex(zeroblob(16))) WHERE seq = 4");
    assert_eq!(chain.verify(None).faults, [AuditFault::Changed { seq: 4 }]);
    chain.tamper("UPDATE audit SET salt = NULL WHERE seq = 2");
    assert_eq!(chain.verify(None).fault_count, 2, "a salt taken away shows");
}
