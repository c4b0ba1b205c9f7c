//! One thread that reloads list files that changed.
//!
//! A change is seen by modification time and size, loaded once these have stayed the same for
//! [`SETTLE`] (a file still being copied is not half a list), and counts only if the SHA-256 differs too.
//! A refused or vanished file leaves the loaded version in use; it is reported once, not at every look.

use super::{Hotlists, ImportError, ImportReport, List, Settings, admit, load_file};
use crate::domain::ListVersion;
use crate::runtime::Stop;
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

/// How long a changed file must have stayed as it is before it is loaded.
pub const SETTLE: Duration = Duration::from_millis(250);

/// What happens to lists, told to who records and shows it. Called on the
/// watching thread, at the start on the caller's.
pub trait ListEvents: Send + Sync {
    /// A version is now in use.
    fn loaded(&self, version: &ListVersion, entries: usize, report: &ImportReport);
    /// The file could not be read or was refused; `kept` is the version that stays in use.
    fn refused(&self, name: &str, error: &ImportError, kept: Option<&ListVersion>);
    /// The file is gone; `kept` is the version that stays in use.
    fn missing(&self, name: &str, kept: Option<&ListVersion>);
}

/// Loads every list before it returns, then looks at each file every `poll` on a thread of its own until
/// `stop`. Lists that are in `hotlists` already are loaded again only where their file has another content.
///
/// # Errors
/// Where the system gives no thread. A list that cannot be loaded is told to `events` and is no error here:
/// whether a box runs without it is the caller's decision.
pub fn watch(
    settings: Vec<Settings>,
    hotlists: Hotlists,
    events: Arc<dyn ListEvents>,
    stop: Stop,
) -> io::Result<JoinHandle<()>> {
    let mut files: Vec<Watched> = settings.into_iter().map(Watched::new).collect();
    for file in &mut files {
        file.look(&hotlists, events.as_ref());
    }
    std::thread::Builder::new().name("hotlists".into()).spawn(move || {
        loop {
            let next = files.iter().map(|f| f.due).min();
            // Without a list there is nothing to do but to wait for the end.
            let wait =
                next.map_or(Duration::from_secs(3600), |t| t.saturating_duration_since(Instant::now()));
            if stop.wait(wait) {
                return;
            }
            for file in files.iter_mut().filter(|f| f.due <= Instant::now()) {
                file.look(&hotlists, events.as_ref());
            }
        }
    })
}

/// What tells one state of a file from another without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    bytes: u64,
}

/// What was last said of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    Nothing,
    Gone,
    /// Changed, and to be looked at again before it is loaded.
    Changed(Stamp),
    /// Loaded or refused in this state.
    Done(Stamp),
}

struct Watched {
    settings: Settings,
    seen: Seen,
    due: Instant,
}

impl Watched {
    fn new(settings: Settings) -> Self {
        Self { settings, seen: Seen::Nothing, due: Instant::now() }
    }

    fn look(&mut self, hotlists: &Hotlists, events: &dyn ListEvents) {
        let name = &self.settings.name;
        let set = hotlists.snapshot();
        let kept = set.get(name).map(|l| Arc::clone(l.version()));
        // A poll of zero would spin.
        let mut again = self.settings.poll.max(SETTLE);
        match (stamp(&self.settings), self.seen) {
            (Err(e), before) if e.kind() == io::ErrorKind::NotFound => {
                if before != Seen::Gone {
                    events.missing(name, kept.as_deref());
                }
                self.seen = Seen::Gone;
            }
            (Ok(now), Seen::Done(before)) if now == before => {}
            (Ok(now), Seen::Done(_) | Seen::Gone) => {
                self.seen = Seen::Changed(now);
                again = SETTLE;
            }
            (Ok(now), Seen::Changed(before)) if now != before => {
                self.seen = Seen::Changed(now);
                again = SETTLE;
            }
            (found, _) => {
                // The first look, at the start, loads at once: nothing is in use yet. Later ones load what
                // has stayed the same since the last. An unreadable stamp leaves it to the loading to name the reason.
                self.seen = found.map_or(Seen::Nothing, Seen::Done);
                self.load(hotlists, events, kept.as_deref());
            }
        }
        self.due = Instant::now() + again;
    }

    fn load(&self, hotlists: &Hotlists, events: &dyn ListEvents, kept: Option<&ListVersion>) {
        let confusions = Arc::clone(hotlists.snapshot().confusions());
        let loaded = load_file(&self.settings).and_then(|(list, report)| {
            let list = Arc::new(list);
            // What is in use already needs no leave, and reckoning takes a second.
            if kept.is_none_or(|k| k.sha256 != list.version().sha256) {
                admit(&list, &self.settings, &confusions, list.version().loaded_at)?;
            }
            Ok((list, report))
        });
        match loaded {
            Ok((list, _)) if kept.is_some_and(|k| k.sha256 == list.version().sha256) => {}
            Ok((list, report)) => {
                let (version, entries): (_, usize) = (Arc::clone(list.version()), List::len(&list));
                hotlists.replace(list);
                events.loaded(&version, entries, &report);
            }
            Err(error) => events.refused(&self.settings.name, &error, kept),
        }
    }
}

fn stamp(settings: &Settings) -> io::Result<Stamp> {
    let meta = std::fs::metadata(&settings.path)?;
    Ok(Stamp { modified: meta.modified().ok(), bytes: meta.len() })
}

#[cfg(test)]
mod tests;
