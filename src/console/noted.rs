//! Looks at the page, put on record: which hits it has shown, and when.
//!
//! The page asks anew every few seconds, so not each request is a row in the audit chain: one is where a hit is shown
//! that was not in the row before, and one every ten minutes as long as somebody looks. The console knows no names yet; who
//! looks is `console`. A row that cannot be written hides no hit: who must go after a vehicle comes first.

use super::view::{HitSource, HitView};
use crate::store::{AuditAction, AuditEntry, StoreHandle};
use crossbeam_channel::{Sender, TrySendError, bounded};
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// As long as somebody looks, a row at least so often.
const EVERY: Duration = Duration::from_secs(10 * 60);
/// Rows that may wait for the disk.
const WAITING: usize = 64;

/// A source whose hits are put on record as they are shown.
pub struct Noted<S> {
    source: S,
    rows: Sender<AuditEntry>,
    shown: Mutex<Shown>,
}

#[derive(Default)]
struct Shown {
    at: Option<Instant>,
    hits: BTreeSet<String>,
}

impl<S: HitSource> Noted<S> {
    /// Around `source`; rows go to `store` on a thread of their own, so that no page waits for the disk.
    ///
    /// # Errors
    /// The system is out of threads.
    pub fn new(source: S, store: StoreHandle) -> std::io::Result<Self> {
        let (rows, waiting) = bounded::<AuditEntry>(WAITING);
        std::thread::Builder::new().name("console-audit".into()).spawn(move || {
            for row in waiting {
                if let Err(error) = store.audit(row) {
                    tracing::error!(%error, "a look at the page could not be put on record");
                }
            }
        })?;
        Ok(Self { source, rows, shown: Mutex::default() })
    }
}

impl<S: HitSource> HitSource for Noted<S> {
    fn recent_hits(&self, limit: usize) -> Result<Vec<HitView>, String> {
        let hits = self.source.recent_hits(limit)?;
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let now: BTreeSet<String> = hits.iter().map(|h| h.id.clone()).collect();
        let new: Vec<&str> = now.difference(&shown.hits).map(String::as_str).collect();
        if !new.is_empty() || shown.at.is_none_or(|at| at.elapsed() >= EVERY) {
            let entry = AuditEntry::by("console", AuditAction::Search)
                .with("what", "page")
                .with("found", hits.len())
                .with("new", new.join(","));
            match self.rows.try_send(entry) {
                Ok(()) => *shown = Shown { at: Some(Instant::now()), hits: now },
                // Tried again at the next look, with what is new until then.
                Err(TrySendError::Full(_)) => {
                    tracing::error!("looks at the page wait for the disk; they are put on record later");
                }
                Err(TrySendError::Disconnected(_)) => {}
            }
        }
        Ok(hits)
    }

    fn picture(&self, sha256: &str) -> Option<Vec<u8>> {
        self.source.picture(sha256)
    }
}

#[cfg(test)]
mod tests {
    use super::super::StoreHits;
    use super::*;
    use crate::store::testing::{full, settings};
    use crate::store::{Reader, start};

    #[test]
    fn each_hit_shown_is_on_record_once() {
        let dir = tempfile::tempdir().unwrap();
        let settings = settings(dir.path());
        let (store, thread) = start(&settings).unwrap();
        let (first, second) = (full("first"), full("second"));
        store.record(first.clone()).unwrap();
        let source = Noted::new(StoreHits::open(&settings).unwrap(), store.clone()).unwrap();
        for _ in 0..3 {
            assert_eq!(source.recent_hits(10).unwrap().len(), 1);
        }
        store.record(second.clone()).unwrap();
        for _ in 0..3 {
            assert_eq!(source.recent_hits(10).unwrap().len(), 2);
        }
        // The rows are written beside; the last of them is there when the store has ended.
        let looks = || -> Vec<String> {
            let rows = Reader::open(&settings).unwrap().audit_rows(1, 100).unwrap();
            rows.into_iter().filter(|r| r.action == "search").map(|r| r.detail).collect()
        };
        let deadline = Instant::now() + Duration::from_secs(60);
        while looks().len() < 2 && Instant::now() < deadline {
            std::thread::yield_now();
        }
        thread.join(Duration::from_secs(60)).unwrap();
        let looks = looks();
        assert_eq!(looks.len(), 2, "{looks:?}");
        assert!(looks[0].contains(&first.hits[0].id.to_string()), "{looks:?}");
        let second_look = &looks[1];
        assert!(second_look.contains(&second.hits[0].id.to_string()), "{second_look}");
        assert!(!second_look.contains(&first.hits[0].id.to_string()), "{second_look}");
    }
}
