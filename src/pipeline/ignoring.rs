//! The ignore list in use: read at the start, read again when its file changes.

use crate::domain::{PlateText, Utc};
use crate::hotlist::{IgnoreError, IgnoreList, Ignored};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// How often the file is looked at, at most.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// The ignore list of a box; clones share it.
#[derive(Clone, Default)]
pub(super) struct Ignoring(Option<Arc<Mutex<State>>>);

struct State {
    path: PathBuf,
    list: IgnoreList,
    /// Time and size of the file that was read.
    read: Option<(SystemTime, u64)>,
    looked: Instant,
}

impl Ignoring {
    /// Reads the list; `None` ignores nothing.
    pub fn load(path: Option<&Path>) -> Result<Self, IgnoreError> {
        let Some(path) = path else { return Ok(Self(None)) };
        // Looked at first: what changes while it is read is read again.
        let read = stamp(path);
        let list = IgnoreList::load(path)?;
        tracing::info!(file = %path.display(), entries = list.len(), "ignore list loaded");
        let state = State { path: path.to_owned(), list, read, looked: Instant::now() };
        Ok(Self(Some(Arc::new(Mutex::new(state)))))
    }

    /// The entry for `plate` that counts at `now`.
    pub fn find(&self, plate: &PlateText, now: Utc) -> Option<Ignored> {
        let mut state = self.0.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
        if state.looked.elapsed() >= LOOK_EVERY {
            state.look();
        }
        state.list.find(plate, now).cloned()
    }
}

impl State {
    fn look(&mut self) {
        self.looked = Instant::now();
        let now = stamp(&self.path);
        if now == self.read {
            return;
        }
        self.read = now;
        match IgnoreList::load(&self.path) {
            Ok(list) => {
                tracing::info!(file = %self.path.display(), entries = list.len(), "ignore list loaded anew");
                self.list = list;
            }
            // The list before stays: dropping it would record those who were promised not to be.
            Err(error) => {
                tracing::error!(%error, "the changed ignore list cannot be used; the one before stays")
            }
        }
    }
}

fn stamp(path: &Path) -> Option<(SystemTime, u64)> {
    let meta = std::fs::metadata(path).ok()?;
    Some((meta.modified().ok()?, meta.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_file_counts_and_a_broken_one_leaves_the_list_before() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ignore.csv");
        let write = |rows: &str| std::fs::write(&path, format!("plate,consented_by,reason\n{rows}")).unwrap();
        write("1ABC123,P,convoy\n");
        let ignoring = Ignoring::load(Some(&path)).unwrap();
        let found =
            |text: &str| ignoring.find(&PlateText::new(text).unwrap(), Utc::from_unix_ms(0)).is_some();
        assert!(found("1ABC123") && !found("2XYZ987"));
        let look = || ignoring.0.as_ref().unwrap().lock().unwrap().look();
        write("1ABC123,P,convoy\n2XYZ987,P,convoy\n");
        look();
        assert!(found("2XYZ987"));
        write("1ABC123,,\n");
        look();
        assert!(found("2XYZ987"));
        assert!(Ignoring::load(Some(&path)).is_err());
        assert!(
            Ignoring::load(None).unwrap().find(&PlateText::new("A").unwrap(), Utc::from_unix_ms(0)).is_none()
        );
    }
}
