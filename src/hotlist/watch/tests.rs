//! Files changed under a running watcher.

use super::*;
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
