//! Files changed under a running watcher.

use super::*;
use crate::hotlist::{Budget, Manifest, Signers, hash_file, load_file, manifest_path};
use crate::runtime::SigningKey;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};

struct Told(Sender<String>);

impl ListEvents for Told {
    fn loaded(&self, list: &List, report: &ImportReport) {
        let _ = self.0.send(format!("{} loaded {} of {}", list.version().name, list.len(), report.rows));
    }
    fn stale(&self, list: &List, since: Option<Utc>) {
        let _ = self.0.send(format!("{} stale {}", list.version().name, since.is_some()));
    }
    fn forgetful(&self, name: &str, why: &io::Error) {
        let _ = self.0.send(format!("{name} forgetful {why}"));
    }
    fn refused(&self, name: &str, error: &ImportError, kept: Option<&ListVersion>) {
        let _ = self.0.send(format!("{name} refused, kept {}: {error}", kept.is_some()));
    }
    fn missing(&self, name: &str, kept: Option<&ListVersion>) {
        let _ = self.0.send(format!("{name} missing, kept {}", kept.is_some()));
    }
}

/// What was said next; the limit is only there so that a broken watcher fails instead of hanging.
fn next(said: &Receiver<String>) -> String {
    said.recv_timeout(Duration::from_secs(60)).unwrap()
}

fn write(path: &Path, text: &str) {
    let beside: PathBuf = path.with_extension("new");
    std::fs::write(&beside, text).unwrap();
    std::fs::rename(&beside, path).unwrap();
}

#[test]
fn a_list_is_loaded_replaced_refused_and_missed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("zone.csv");
    write(&path, "plate\n1ABC123\n");
    let settings = Settings { poll: Duration::from_millis(1), ..Settings::plain("zone", &path) };
    let (hotlists, stop) = (Hotlists::new(), Stop::new());
    let (sender, said) = channel();
    let thread = watch(vec![settings], hotlists.clone(), Arc::new(Told(sender)), stop.clone()).unwrap();
    let before = hotlists.snapshot();
    assert_eq!(before.entries(), 1, "loaded before `watch` returned");
    assert_eq!(next(&said), "zone loaded 1 of 1");

    write(&path, "plate\n1ABC123\n2DEF456\n");
    assert_eq!(next(&said), "zone loaded 2 of 2");
    assert_eq!((before.entries(), hotlists.snapshot().entries()), (1, 2), "a snapshot never changes");

    write(&path, "plate\n***\n2DEF456\n");
    let refused = next(&said);
    assert!(refused.starts_with("zone refused, kept true") && refused.contains("zone.csv"), "{refused}");
    assert_eq!(hotlists.snapshot().entries(), 2, "the old one stays");

    std::fs::remove_file(&path).unwrap();
    assert_eq!(next(&said), "zone missing, kept true");
    assert_eq!(hotlists.snapshot().entries(), 2);

    // It comes back, with more in it.
    write(&path, "plate\n1ABC123\n2DEF456\n3GHI789\n");
    assert_eq!(next(&said), "zone loaded 3 of 3");
    stop.request();
    thread.join().unwrap();
    assert!(said.try_recv().is_err(), "each thing is said once");
}

#[test]
fn a_list_missing_at_the_start_is_taken_when_it_comes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("late.csv");
    let settings = Settings { poll: Duration::from_millis(1), ..Settings::plain("late", &path) };
    let (hotlists, stop) = (Hotlists::new(), Stop::new());
    let (sender, said) = channel();
    let thread = watch(vec![settings], hotlists.clone(), Arc::new(Told(sender)), stop.clone()).unwrap();
    assert_eq!(next(&said), "late missing, kept false");
    write(&path, "plate\n1ABC123\n");
    assert_eq!(next(&said), "late loaded 1 of 1");
    stop.request();
    thread.join().unwrap();
}

fn signed(dir: &Path, key: &SigningKey) -> Settings {
    let path = dir.join("zone.csv");
    let signing = Signing {
        signers: Signers::parse(&Signers::line("zone-antwerp", &key.public()).unwrap()).unwrap(),
        manifest: manifest_path(&path),
        memory: Some(dir.join("memory")),
        allow_older: false,
    };
    Settings { poll: Duration::from_millis(1), signing: Some(signing), ..Settings::plain("zone", path) }
}

/// Writes the list and a manifest for it.
fn sign(settings: &Settings, key: &SigningKey, version: u64, text: &str, expires: Option<Utc>) {
    let manifest = Manifest {
        name: "zone".into(),
        version,
        sha256: String::new(),
        created: Utc::now(),
        expires,
        signer: "zone-antwerp".into(),
    };
    write(&settings.path, text);
    let sha256 = hash_file(&settings.path).unwrap();
    write(&manifest_path(&settings.path), &Manifest { sha256, ..manifest }.sign(key));
}

#[test]
fn a_signed_list_is_held_to_its_manifest() {
    let dir = tempfile::tempdir().unwrap();
    let key = SigningKey::create(&dir.path().join("key")).unwrap();
    let settings = signed(dir.path(), &key);
    let (one, two) = ("plate\n1ABC123\n", "plate\n1ABC123\n2DEF456\n");
    sign(&settings, &key, 2, one, None);
    let (hotlists, stop) = (Hotlists::new(), Stop::new());
    let (sender, said) = channel();
    let start = |hotlists: &Hotlists, sender: Sender<String>| {
        watch(vec![settings.clone()], hotlists.clone(), Arc::new(Told(sender)), stop.clone()).unwrap()
    };
    let thread = start(&hotlists, sender);
    assert_eq!(next(&said), "zone loaded 1 of 1");
    let signer = |h: &Hotlists| {
        let set = h.snapshot();
        let manifest = set.get("zone").unwrap().policy().origin.manifest.clone().unwrap();
        (manifest.signer, manifest.version)
    };
    assert_eq!(signer(&hotlists), ("zone-antwerp".to_owned(), 2));

    // Changed without a new signature; then signed, but as an older version; then rightly.
    write(&settings.path, two);
    let refused = next(&said);
    assert!(refused.contains("kept true") && refused.contains("not the one that was signed"), "{refused}");
    sign(&settings, &key, 1, two, None);
    let refused = std::iter::repeat_with(|| next(&said)).find(|s| s.contains("version")).unwrap();
    assert!(refused.contains("version 1 is not newer than version 2"), "{refused}");
    assert_eq!(hotlists.snapshot().entries(), 1, "the running version stays");
    sign(&settings, &key, 3, two, None);
    let loaded = std::iter::repeat_with(|| next(&said)).find(|s| s.contains("loaded")).unwrap();
    assert_eq!((loaded.as_str(), signer(&hotlists).1), ("zone loaded 2 of 2", 3));
    stop.request();
    thread.join().unwrap();

    // After a restart the older version is refused all the same: what was accepted is on disk.
    sign(&settings, &key, 2, one, None);
    let refused = load_file(&settings).unwrap_err().to_string();
    assert!(refused.contains("version 2 is not newer than version 3"), "{refused}");
    let mut told = settings.clone();
    told.signing.as_mut().unwrap().allow_older = true;
    assert_eq!(load_file(&told).unwrap().0.len(), 1, "unless told");
    std::fs::remove_file(manifest_path(&settings.path)).unwrap();
    assert!(load_file(&told).unwrap_err().to_string().contains("manifest"));
}

#[test]
fn a_box_started_with_a_refused_list_uses_the_version_it_accepted_last() {
    let dir = tempfile::tempdir().unwrap();
    let key = SigningKey::create(&dir.path().join("key")).unwrap();
    let settings = signed(dir.path(), &key);
    let start = || {
        let (hotlists, stop) = (Hotlists::new(), Stop::new());
        let (sender, said) = channel();
        let told = Arc::new(Told(sender));
        let thread = watch(vec![settings.clone()], hotlists.clone(), told, stop.clone()).unwrap();
        (hotlists, stop, said, thread)
    };
    let stop_it = |stop: Stop, thread: JoinHandle<()>| {
        stop.request();
        thread.join().unwrap();
    };
    let kept_copy = |h: &Hotlists| h.snapshot().get("zone").unwrap().policy().origin.kept_copy;

    // Nothing was ever accepted: nothing to fall back on.
    write(&settings.path, "plate\n1ABC123\n");
    let (hotlists, stop, said, thread) = start();
    assert!(next(&said).starts_with("zone refused, kept false"));
    assert_eq!(hotlists.snapshot().entries(), 0);
    stop_it(stop, thread);

    sign(&settings, &key, 2, "plate\n1ABC123\n2DEF456\n", None);
    let (hotlists, stop, said, thread) = start();
    assert_eq!((next(&said).as_str(), kept_copy(&hotlists)), ("zone loaded 2 of 2", false));
    stop_it(stop, thread);

    // Half copied at the start: the version before is used and said to be the kept one.
    write(&settings.path, "plate\n1ABC123\n");
    let (hotlists, stop, said, thread) = start();
    assert_eq!(next(&said), "zone loaded 2 of 2");
    let refused = next(&said);
    assert!(refused.starts_with("zone refused, kept true") && refused.contains("not the one"), "{refused}");
    assert_eq!((hotlists.snapshot().entries(), kept_copy(&hotlists)), (2, true));
    // The rest arrives: the same version, now in its place.
    write(&settings.path, "plate\n1ABC123\n2DEF456\n");
    assert_eq!((next(&said).as_str(), kept_copy(&hotlists)), ("zone loaded 2 of 2", false));
    stop_it(stop, thread);

    // Gone at the start; then with a kept copy that was changed, which is worth nothing.
    std::fs::remove_file(&settings.path).unwrap();
    let (hotlists, stop, said, thread) = start();
    assert_eq!(
        (next(&said).as_str(), next(&said).as_str()),
        ("zone loaded 2 of 2", "zone missing, kept true")
    );
    assert!(kept_copy(&hotlists));
    stop_it(stop, thread);
    write(&dir.path().join("memory/zone.kept"), "plate\n9BAD999\n");
    let (hotlists, stop, said, thread) = start();
    assert_eq!(next(&said), "zone missing, kept false");
    assert_eq!(hotlists.snapshot().entries(), 0);
    stop_it(stop, thread);
}

#[test]
fn an_outdated_list_is_told_of_once_and_a_fresh_one_ends_it() {
    let dir = tempfile::tempdir().unwrap();
    let key = SigningKey::create(&dir.path().join("key")).unwrap();
    let settings = signed(dir.path(), &key);
    sign(&settings, &key, 1, "plate\n1ABC123\n", Some(Utc::now().plus_ms(-1)));
    let (hotlists, stop) = (Hotlists::new(), Stop::new());
    let (sender, said) = channel();
    let thread =
        watch(vec![settings.clone()], hotlists.clone(), Arc::new(Told(sender)), stop.clone()).unwrap();
    assert_eq!((next(&said).as_str(), next(&said).as_str()), ("zone loaded 1 of 1", "zone stale true"));
    // The same entries, vouched for anew.
    sign(&settings, &key, 2, "plate\n1ABC123\n", Some(Utc::now().plus_ms(3_600_000)));
    let rest: Vec<String> =
        std::iter::repeat_with(|| next(&said)).take_while(|s| s != "zone stale false").collect();
    assert!(rest.iter().any(|s| s == "zone loaded 1 of 1"), "{rest:?}");
    stop.request();
    thread.join().unwrap();
}

#[test]
fn a_version_above_its_budget_is_refused_unless_it_is_told_otherwise() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("zone.csv");
    write(&path, "plate\n1ABC123\n");
    let budget = Budget { max_false_hits_per_day: Some(1.0), ..Budget::default() };
    let mut settings = Settings { budget, poll: Duration::from_millis(1), ..Settings::plain("zone", &path) };
    let (hotlists, stop) = (Hotlists::new(), Stop::new());
    let (sender, said) = channel();
    let thread =
        watch(vec![settings.clone()], hotlists.clone(), Arc::new(Told(sender)), stop.clone()).unwrap();
    assert_eq!(next(&said), "zone loaded 1 of 1");
    // Half of all Belgian plates begin with 1 and hold three letters somewhere.
    write(&path, "plate\n1ABC123\n1A*1*2\n");
    let refused = next(&said);
    assert!(refused.starts_with("zone refused") && refused.contains("kept true"), "{refused}");
    assert_eq!(hotlists.snapshot().entries(), 1, "the version within its budget stays");
    stop.request();
    thread.join().unwrap();

    settings.budget.activate_anyway = true;
    let (hotlists, stop) = (Hotlists::new(), Stop::new());
    let (sender, said) = channel();
    let thread = watch(vec![settings], hotlists.clone(), Arc::new(Told(sender)), stop.clone()).unwrap();
    assert_eq!(next(&said), "zone loaded 2 of 2");
    stop.request();
    thread.join().unwrap();
}
