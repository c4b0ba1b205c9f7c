//! Stores with and without a key, and every place at which a conversion can be cut off.

use super::super::testing::*;
use super::super::{Clerk, HitQuery, Inspection, Reader, Store, inspect};
use super::*;
use crate::runtime::StoreKeySource;

fn key(dir: &Path, name: &str) -> StoreKey {
    let path = dir.join(name);
    if !path.exists() {
        return StoreKey::create(&path).unwrap();
    }
    StoreKey::load(&StoreKeySource::File(path)).unwrap()
}

fn with(settings: &Settings, key: &StoreKey) -> Settings {
    Settings { key: Some(key.clone()), ..settings.clone() }
}

/// The bytes of every file under `dir`.
fn bytes(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for path in list(dir).unwrap() {
        if path.is_dir() {
            found.extend(bytes(&path));
        } else {
            let read = fs::read(&path).unwrap();
            found.push((path, read));
        }
    }
    found
}

/// Files that give away a plate, a picture or that they are a database.
fn open_files(dir: &Path) -> Vec<PathBuf> {
    // Long enough that chance does not write them into what is encrypted.
    let telling: [&[u8]; 5] =
        [b"1A8C123", b"1ABC123", b"SQLite format 3", b"\xff\xd8\xff\xe0 JFIF", b"plate e"];
    let holds = |b: &[u8]| telling.iter().any(|t| b.windows(t.len()).any(|w| w == *t));
    bytes(dir).into_iter().filter(|(_, b)| holds(b)).map(|(p, _)| p).collect()
}

fn record(event: &str) -> super::super::Record {
    let mut record = full(event);
    // As a JPEG begins, so that it would show.
    record.evidence[0] = picture(super::super::EvidenceRole::Plate, format!("\u{0}plate {event}").as_bytes());
    let mut jpeg = b"\xff\xd8\xff\xe0 JFIF ".to_vec();
    jpeg.extend_from_slice(event.as_bytes());
    record.evidence[1] = picture(super::super::EvidenceRole::Context, &jpeg);
    record
}

fn whole(settings: &Settings) -> Inspection {
    let found = inspect(settings, None).unwrap();
    assert!(found.is_whole(), "{:?}", found.findings);
    found
}

#[test]
fn a_store_with_a_key_gives_nothing_away_and_is_read_with_it_alone() {
    let dir = tempfile::tempdir().unwrap();
    let plain = settings(dir.path());
    let sealed = with(&plain, &key(dir.path(), "a"));
    let mut store = Store::open(&sealed).unwrap();
    store.record(&record("e1")).unwrap();
    // Also while it is open, with its write-ahead log.
    assert_eq!(open_files(&sealed.dir), Vec::<PathBuf>::new());
    let reader = Reader::open(&sealed).unwrap();
    let hits = reader.recent_hits(&HitQuery::default()).unwrap();
    let shown = &hits[0].evidence[0];
    assert!(shown.path.exists() && !shown.path.to_string_lossy().contains(&shown.sha256[..16]));
    assert_eq!(
        pictures::hex(&sha2::Digest::finalize(sha2::Digest::chain_update(
            <sha2::Sha256 as sha2::Digest>::new(),
            reader.picture(&shown.sha256).unwrap()
        ))),
        shown.sha256
    );
    Clerk::open(&sealed).unwrap();
    drop(store);
    assert_eq!(open_files(&sealed.dir), Vec::<PathBuf>::new());
    assert_eq!(whole(&sealed).pictures, 2);

    let wrong = with(&plain, &key(dir.path(), "b"));
    for opened in
        [Store::open(&wrong).map(drop), Reader::open(&wrong).map(drop), Clerk::open(&wrong).map(drop)]
    {
        assert!(matches!(opened, Err(StoreError::WrongKey { .. })), "{opened:?}");
    }
    for opened in
        [Store::open(&plain).map(drop), Reader::open(&plain).map(drop), Clerk::open(&plain).map(drop)]
    {
        assert!(matches!(opened, Err(StoreError::KeyMissing { .. })), "{opened:?}");
    }
    // Nothing was touched by who had no business.
    assert_eq!(whole(&sealed).pictures, 2);
    // Without its marker the database still opens with its key only.
    fs::remove_file(sealed.dir.join(sealing::MARKER)).unwrap();
    assert!(matches!(Reader::open(&wrong), Err(StoreError::WrongKey { .. })));
    Store::open(&sealed).unwrap();
    assert!(sealed.dir.join(sealing::MARKER).exists(), "made anew");
}

#[test]
fn a_picture_put_in_anothers_place_or_changed_does_not_open() {
    let dir = tempfile::tempdir().unwrap();
    let sealed = with(&settings(dir.path()), &key(dir.path(), "a"));
    let mut store = Store::open(&sealed).unwrap();
    store.record(&record("e1")).unwrap();
    drop(store);
    let [one, two] = picture_files(&sealed).try_into().unwrap();
    let kept = fs::read(&one).unwrap();
    fs::copy(&two, &one).unwrap();
    assert_eq!(inspect(&sealed, None).unwrap().findings.len(), 1);
    let mut changed = kept.clone();
    changed[40] ^= 1;
    fs::write(&one, changed).unwrap();
    assert_eq!(inspect(&sealed, None).unwrap().findings.len(), 1);
    fs::write(&one, kept).unwrap();
    whole(&sealed);
    // A file that no row names is found under its keyed name too.
    let orphan = one.with_file_name(format!(
        "{}{}.sealed",
        &one.file_name().unwrap().to_str().unwrap()[..2],
        "0".repeat(62)
    ));
    fs::write(&orphan, b"x").unwrap();
    std::thread::sleep(std::time::Duration::from_millis(20));
    assert_eq!(inspect(&sealed, None).unwrap().findings.len(), 1);
}

#[test]
fn a_key_does_not_make_a_plain_store_an_encrypted_one() {
    let dir = tempfile::tempdir().unwrap();
    let plain = settings(dir.path());
    Store::open(&plain).unwrap().record(&record("e1")).unwrap();
    let sealed = with(&plain, &key(dir.path(), "a"));
    let error = Store::open(&sealed).unwrap_err();
    assert!(
        matches!(error, StoreError::NotEncrypted { .. }) && error.to_string().contains("store encrypt"),
        "{error}"
    );
}

#[test]
fn a_store_goes_to_a_key_to_another_and_back() {
    let dir = tempfile::tempdir().unwrap();
    let plain = settings(dir.path());
    let mut store = Store::open(&plain).unwrap();
    store.record(&record("e1")).unwrap();
    store.record(&record("e2")).unwrap();
    let first = with(&plain, &key(dir.path(), "a"));
    let second = with(&plain, &key(dir.path(), "b"));
    assert!(matches!(convert(&plain, first.key.clone(), "admin", |_, _| ()), Err(StoreError::InUse { .. })));
    drop(store);
    assert!(!open_files(&plain.dir).is_empty(), "the test can fail");
    for (from, to) in [(&plain, &first), (&first, &second), (&second, &plain)] {
        let mut steps = Vec::new();
        let done = convert(from, to.key.clone(), "admin", |n, of| steps.push((n, of))).unwrap();
        assert_eq!((done.pictures, done.missing, steps.last()), (4, 0, Some(&(4, 4))));
        assert_eq!(done.left, Vec::<PathBuf>::new());
        assert_eq!(open_files(&to.dir).is_empty(), to.key.is_some());
        assert_eq!(whole(to).pictures, 4);
        assert!(Store::open(from).is_err(), "the key before opens it no more");
        let mut store = Store::open(to).unwrap();
        store.record(&record("e1")).unwrap(); // known messages stay known: the ids came along
        assert_eq!(store.outbox_stats().unwrap().pending, 2);
    }
    let rows = Reader::open(&plain).unwrap().audit_rows(1, 100).unwrap();
    let said: Vec<_> = rows
        .iter()
        .filter(|r| r.action == "store-converted")
        .map(|r| (r.actor.as_str(), r.detail.contains("encrypted")))
        .collect();
    assert_eq!(said, [("admin", true); 3]);
}

#[test]
fn a_conversion_cut_off_anywhere_leaves_one_whole_store() {
    // What a power cut can leave: each prefix of the steps that follow the copy.
    for cut in 0..=9 {
        let dir = tempfile::tempdir().unwrap();
        let plain = settings(dir.path());
        let sealed = with(&plain, &key(dir.path(), "a"));
        Store::open(&plain).unwrap().record(&record("e1")).unwrap();
        let there = Settings { dir: plain.dir.join(WORK), ..sealed.clone() };
        copy(&plain, &there, "admin", &mut |_, _| ()).unwrap();
        let (work, before) = (there.dir.clone(), plain.dir.join(BEFORE));
        let step = |from: PathBuf, to: PathBuf| {
            if from.exists() {
                fs::rename(from, to).unwrap();
            }
        };
        let steps: Vec<Box<dyn Fn()>> = vec![
            Box::new(|| declare(&work, READY).unwrap()),
            Box::new(|| writer::make_dir(&before).unwrap()),
            Box::new(|| step(plain.dir.join("platewatch.db"), before.join("platewatch.db"))),
            Box::new(|| step(plain.dir.join("pictures"), before.join("pictures"))),
            Box::new(|| step(work.join(READY), work.join(MOVED))),
            Box::new(|| step(work.join("platewatch.db"), plain.dir.join("platewatch.db"))),
            Box::new(|| step(work.join("pictures"), plain.dir.join("pictures"))),
            Box::new(|| step(work.join("encryption"), plain.dir.join("encryption"))),
            Box::new(|| fs::remove_dir_all(&work).unwrap()),
        ];
        steps.iter().take(cut).for_each(|s| s());
        // The box starts again with the configuration from before or after; exactly one of them is right.
        let now = if cut == 0 { &plain } else { &sealed };
        let other = if cut == 0 { &sealed } else { &plain };
        assert!(Store::open(other).is_err(), "cut at {cut}");
        drop(Store::open(now).unwrap_or_else(|e| panic!("cut at {cut}: {e}")));
        assert_eq!(whole(now).pictures, 2, "cut at {cut}");
        assert!(!work.exists() && !before.exists(), "cut at {cut}");
        assert_eq!(open_files(&now.dir).is_empty(), cut > 0, "cut at {cut}");
    }
}

#[test]
fn copies_made_before_an_upgrade_keep_the_key() {
    let dir = tempfile::tempdir().unwrap();
    let sealed = with(&settings(dir.path()), &key(dir.path(), "a"));
    Store::open(&sealed).unwrap().record(&record("e1")).unwrap();
    let db = Database::open_beside(&sealed).unwrap();
    let copy = sealed.dir.join("platewatch.db.v4.bak");
    db.connection.execute("VACUUM INTO ?1", [copy.to_str().unwrap()]).unwrap();
    assert_eq!(open_files(&sealed.dir), Vec::<PathBuf>::new());
    assert_eq!(left(&sealed.dir).unwrap(), [copy]);
}
