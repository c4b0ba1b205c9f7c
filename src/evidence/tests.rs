//! Whatever is done to the file must show, and be named.

use super::archive::{self, File};
use super::*;
use crate::domain::{HitId, Outcome};
use crate::runtime::{PublicKey, SigningKey};
use crate::store::testing::{at, full, settings, tamper};
use crate::store::{Answer, AnswerSource, AuditAction, AuditEntry, AuditWriter, Settings, Store, StoreError};
use proptest::prelude::*;
use std::sync::OnceLock;

struct Made {
    _dir: tempfile::TempDir,
    settings: Settings,
    hit: HitId,
    key: SigningKey,
    bytes: Vec<u8>,
}

fn export() -> Export {
    Export { by: "Peeters".into(), purpose: "theft".into(), case: "AN-7".into(), cards: vec![] }
}

fn entry() -> AuditEntry {
    AuditEntry::by("Peeters", AuditAction::Export).with("purpose", "theft").with("case", "AN-7")
}

fn take_out(settings: &Settings, hit: HitId) -> Result<Vec<u8>, StoreError> {
    let dossier = AuditWriter::open(settings)?.take_out(hit, entry())?;
    Ok(package(&dossier, &export(), &SigningKey::read(&settings.box_key()).unwrap()).unwrap())
}

/// A box that has started, loaded its list, kept two hits, and been answered; the first hit taken out.
fn made() -> Made {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path());
    let mut store = Store::open(&settings).unwrap();
    let by_box = AuditEntry::by_box;
    let (detector, reader) = ("01".repeat(32), "02".repeat(32));
    store.audit(&by_box(AuditAction::BoxStarted).with("detector", detector).with("reader", reader)).unwrap();
    store.audit(&by_box(AuditAction::ConfigurationUsed).with("sha256", "c0".repeat(32))).unwrap();
    store.audit(&by_box(AuditAction::ListActivated).with("sha256", "ab".repeat(32))).unwrap();
    let record = full("first");
    let hit = record.hits[0].id;
    store.record(&record).unwrap();
    store.record(&full("second")).unwrap();
    for (outcome, note) in [(Outcome::Misread, ""), (Outcome::Confirmed, "looked again <b>")] {
        let (by, note) = ("Janssens".to_owned(), note.to_owned());
        store.answer(&Answer { hit, outcome, by, at: at(60), note, source: AnswerSource::Cli }).unwrap();
    }
    // Someone looks for something that is nobody else's business.
    store.audit(&AuditEntry::by("Wouters", AuditAction::Search).with("plate", "1SECRET")).unwrap();
    drop(store);
    let bytes = take_out(&settings, hit).unwrap();
    let key = SigningKey::read(&settings.box_key()).unwrap();
    Made { _dir: dir, settings, hit, key, bytes }
}

fn shared() -> &'static Made {
    static MADE: OnceLock<Made> = OnceLock::new();
    MADE.get_or_init(made)
}

/// The archive with its files changed and signed again with `key`: what a forger with that key could do.
fn forged(bytes: &[u8], key: &SigningKey, change: impl FnOnce(&mut Vec<File>)) -> Vec<u8> {
    let mut files = archive::read(bytes).unwrap();
    files.truncate(files.len() - 2);
    change(&mut files);
    let signed = manifest::sign(&files, key, at(0)).unwrap();
    files.extend(signed);
    archive::write(&files).unwrap()
}

fn file<'a>(files: &'a mut [File], name: &str) -> &'a mut File {
    files.iter_mut().find(|f| f.name == name).unwrap()
}

fn key() -> PublicKey {
    shared().key.public()
}

fn refused(bytes: &[u8]) -> String {
    verify(bytes, &[key()]).unwrap_err().to_string()
}

#[test]
fn a_file_is_proven_whole_and_says_what_is_not() {
    let made = shared();
    let found = verify(&made.bytes, &[key()]).unwrap();
    let proven = found.proven.join("\n");
    for words in [
        "first kept at",
        "2 pictures, are what the box kept",
        "taken out",
        "\"Peeters\"",
        "2 answers",
        "the list \"zone\"",
        "configuration in use had the SHA-256 c0c0",
        "started with the models",
    ] {
        assert!(proven.contains(words), "{words}\n{proven}");
    }
    assert_eq!(found.record.hit.id, made.hit.to_string());
    assert!(!found.not_proven.join("\n").contains("whose box"));
    let without = verify(&made.bytes, &[]).unwrap().not_proven.join("\n");
    assert!(without.contains("whose box") && without.contains("read right"), "{without}");
}

#[test]
fn what_others_did_is_not_in_it() {
    let made = shared();
    let text = String::from_utf8_lossy(&made.bytes);
    assert!(!text.contains("1SECRET") && !text.contains("Wouters"));
    assert!(text.contains("Janssens"));
    // The other hit neither.
    let hits: Vec<&str> = text.split("hit-recorded").collect();
    assert_eq!(hits.len(), 2, "one row of this hit, none of the other");
}

#[test]
fn the_page_shows_the_pictures_and_nothing_acts() {
    let files = archive::read(&shared().bytes).unwrap();
    let page =
        String::from_utf8(files.iter().find(|f| f.name == "index.html").unwrap().bytes.clone()).unwrap();
    assert_eq!(page.matches("data:image/jpeg;base64,").count(), 2);
    assert!(page.contains("looked again &lt;b&gt;") && !page.contains("<script"));
    assert!(!page.contains("src=\"http") && !page.contains("href"));
}

#[test]
fn the_same_is_written_the_same() {
    let made = shared();
    let dossier = AuditWriter::open(&made.settings).unwrap().take_out(made.hit, entry()).unwrap();
    let once = package(&dossier, &export(), &made.key).unwrap();
    assert_eq!(once, package(&dossier, &export(), &made.key).unwrap());
    verify(&once, &[key()]).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn any_byte_changed_shows(at in any::<prop::sample::Index>(), by in 1..=255_u8) {
        let mut bytes = shared().bytes.clone();
        let at = at.index(bytes.len());
        bytes[at] ^= by;
        prop_assert!(verify(&bytes, &[]).is_err(), "byte {at}");
        prop_assert!(verify(&bytes, &[key()]).is_err(), "byte {at}");
    }

    #[test]
    fn any_piece_left_out_or_put_in_shows(
        at in any::<prop::sample::Index>(), length in 1..200_usize, more in any::<bool>()
    ) {
        let mut bytes = shared().bytes.clone();
        let at = at.index(bytes.len());
        let end = (at + length).min(bytes.len());
        let piece: Vec<u8> = if more { bytes[at..end].iter().chain(&bytes[at..end]).copied().collect() } else { vec![] };
        bytes.splice(at..end, piece);
        prop_assert!(verify(&bytes, &[]).is_err());
    }
}

#[test]
fn a_picture_exchanged_is_named() {
    let made = shared();
    let change = |files: &mut Vec<File>| {
        let picture = files.iter_mut().find(|f| f.name.starts_with("pictures/")).unwrap();
        picture.bytes = b"another picture".to_vec();
    };
    // Without the key: the list of contents tells.
    let mut files = archive::read(&made.bytes).unwrap();
    change(&mut files);
    let text = refused(&archive::write(&files).unwrap());
    assert!(text.contains("pictures/41-") && text.contains("not what the box signed"), "{text}");
    // With it: the chain, which was signed when the picture was kept.
    let text = refused(&forged(&made.bytes, &made.key, change));
    assert!(text.contains("pictures/41-") && text.contains("another picture"), "{text}");
    let text = refused(&forged(&made.bytes, &made.key, |files| {
        change(files);
        let to = manifest::sha256(b"another picture");
        let export = file(files, name::EXPORT);
        let said: serde_json::Value = serde_json::from_slice(&export.bytes).unwrap();
        let from = said["pictures"][0]["sha256"].as_str().unwrap().to_owned();
        export.bytes = String::from_utf8_lossy(&export.bytes).replace(&from, &to).into_bytes();
    }));
    assert!(text.contains("names other pictures"), "{text}");
}

#[test]
fn a_reading_changed_is_named_even_where_the_forger_has_the_key() {
    let made = shared();
    let text = refused(&forged(&made.bytes, &made.key, |files| {
        let record = file(files, name::RECORD);
        record.bytes = String::from_utf8_lossy(&record.bytes).replace("1A8C123", "1ABC123").into_bytes();
    }));
    assert!(text.contains("is of another record.json"), "{text}");
}

/// The rows of the chain in the file, changed.
fn rows_changed(change: impl FnOnce(&mut Vec<serde_json::Value>)) -> String {
    let made = shared();
    refused(&forged(&made.bytes, &made.key, |files| {
        let chain = file(files, name::CHAIN);
        let mut proof: serde_json::Value = serde_json::from_slice(&chain.bytes).unwrap();
        let segments = proof["segments"].as_array_mut().unwrap();
        let longest = segments.iter_mut().max_by_key(|s| s["rows"].as_array().unwrap().len());
        let segment = longest.unwrap();
        change(segment["rows"].as_array_mut().unwrap());
        chain.bytes = proof.to_string().into_bytes();
    }))
}

#[test]
fn a_row_of_the_chain_removed_moved_or_changed_is_named() {
    assert!(rows_changed(|rows| drop(rows.remove(1))).contains("is missing, or not in its place"));
    assert!(rows_changed(|rows| rows.swap(0, 1)).contains("not in its place"));
    let text = rows_changed(|rows| {
        rows.swap(0, 1);
        let seqs = [rows[1]["seq"].clone(), rows[0]["seq"].clone()];
        for (row, seq) in rows.iter_mut().zip(seqs) {
            row["seq"] = seq;
        }
    });
    assert!(text.contains("was changed"), "{text}");
    let text = rows_changed(|rows| rows.last_mut().unwrap()["at_ms"] = 1.into());
    assert!(text.contains("was changed"), "{text}");
    let text = rows_changed(|rows| drop(rows.pop()));
    assert!(text.contains("signature on row"), "{text}");
}

#[test]
fn another_key_is_named_and_signs_nothing_of_the_box() {
    let made = shared();
    let dir = tempfile::tempdir().unwrap();
    let other = SigningKey::create(&dir.path().join("other.key")).unwrap();
    let text = verify(&made.bytes, &[other.public()]).unwrap_err().to_string();
    assert!(text.contains(&key().to_string()) && text.contains(&other.public().to_string()), "{text}");
    let forged = forged(&made.bytes, &other, |_| ());
    assert!(refused(&forged).contains("signed with the key"));
    // Who does not know the key: the chain is still another's.
    let text = verify(&forged, &[]).unwrap_err().to_string();
    assert!(text.contains("is not the box's"), "{text}");
    verify(&made.bytes, &[other.public(), key()]).unwrap();
}

#[test]
fn answers_left_out_or_changed_are_named() {
    let made = shared();
    let outcomes = |change: fn(&mut Vec<serde_json::Value>)| {
        refused(&forged(&made.bytes, &made.key, |files| {
            let file = file(files, name::OUTCOMES);
            let mut all: Vec<serde_json::Value> = serde_json::from_slice(&file.bytes).unwrap();
            change(&mut all);
            file.bytes = serde_json::to_vec(&all).unwrap();
        }))
    };
    assert!(outcomes(|all| drop(all.pop())).contains("lacks an answer"));
    assert!(outcomes(|all| all[1]["note"] = "something else".into()).contains("outcomes.json"));
    assert!(outcomes(|all| all.swap(0, 1)).contains("outcomes.json"));
}

#[test]
fn what_was_changed_in_the_store_is_not_given_out() {
    let made = made();
    tamper(&made.settings, &format!("UPDATE hit SET observed = '1ABC123' WHERE id = '{}'", made.hit));
    let failure = take_out(&made.settings, made.hit).unwrap_err();
    assert!(matches!(failure, StoreError::Altered { .. }), "{failure}");
    assert!(failure.to_string().contains(&made.hit.to_string()), "{failure}");
}

#[test]
fn a_hit_of_before_the_chain_knew_hits_is_proven_from_its_export_on() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path());
    let mut store = Store::open(&settings).unwrap();
    let record = full("old");
    store.record(&record).unwrap();
    drop(store);
    // As a database of version 4 is after its upgrade: rows without salt, none about hits.
    tamper(&settings, "DELETE FROM audit_seal; DELETE FROM audit;");
    let bytes = take_out(&settings, record.hits[0].id).unwrap();
    let found = verify(&bytes, &[]).unwrap();
    assert!(found.not_proven.join("\n").contains("only since this export"), "{:?}", found.not_proven);
    assert!(!found.proven.join("\n").contains("first kept"));
}
