//! One thread that reloads list files that changed.
//!
//! A change is seen by modification time and size, loaded once these have stayed the same for
//! [`SETTLE`] (a file still being copied is not half a list), and counts only if the SHA-256 differs too.
//! A refused or vanished file leaves the loaded version in use; it is reported once, not at every look. Where that
//! happens at the start, the version of a signed list that was last accepted is used (`kept.rs`).
//! Of a signed list the manifest is watched like the file: whichever of the two comes last settles it.
//! A list that gets out of date meanwhile is told of once too.

use super::kept;
use super::load::load;
use super::manifest::Accepted;
use super::{Hotlists, ImportError, ImportReport, List, Policy, Settings, Signing, admit};
use crate::domain::{ListVersion, Utc};
use crate::runtime::Stop;
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

/// How long a changed file must have stayed as it is before it is loaded.
pub const SETTLE: Duration = Duration::from_millis(250);

/// How soon a reload that was asked for begins.
const RELOAD: Duration = Duration::from_secs(1);

/// What happens to lists, told to who records and shows it. Called on the
/// watching thread, at the start on the caller's.
pub trait ListEvents: Send + Sync {
    /// A version is now in use.
    fn loaded(&self, list: &List, report: &ImportReport);
    /// The file could not be read or was refused; `kept` is the version that stays in use.
    fn refused(&self, name: &str, error: &ImportError, kept: Option<&ListVersion>);
    /// The file is gone; `kept` is the version that stays in use.
    fn missing(&self, name: &str, kept: Option<&ListVersion>);
    /// The version in use is out of date since that instant, or (`None`) no longer is.
    fn stale(&self, list: &List, since: Option<Utc>);
    /// The latest accepted version of a signed list could not be written down: after a restart an older one
    /// would be taken, or none where that one is refused.
    fn forgetful(&self, name: &str, why: &io::Error);
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
            // Not longer than a second: an operator may ask for a reload.
            let wait = next.map_or(RELOAD, |t| t.saturating_duration_since(Instant::now()).min(RELOAD));
            if stop.wait(wait) {
                return;
            }
            if hotlists.take_reload() {
                for file in &mut files {
                    (file.seen, file.due) = (Seen::Nothing, Instant::now());
                }
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
    /// Of the manifest, where there is one.
    manifest: Option<(Option<SystemTime>, u64)>,
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
    /// The version of a signed list last accepted while this runs.
    accepted: Option<Accepted>,
    /// Whether the version in use was said to be out of date.
    told_stale: bool,
}

impl Watched {
    fn new(settings: Settings) -> Self {
        Self { settings, seen: Seen::Nothing, due: Instant::now(), accepted: None, told_stale: false }
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
                    let kept = kept.or_else(|| self.fall_back(hotlists, events));
                    events.missing(&self.settings.name, kept.as_deref());
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
                self.load(hotlists, events, kept);
            }
        }
        self.due = Instant::now() + again;
        self.look_at_age(hotlists, events);
    }

    /// Tells when the version in use gets out of date, and when it is replaced by one that is not.
    fn look_at_age(&mut self, hotlists: &Hotlists, events: &dyn ListEvents) {
        let set = hotlists.snapshot();
        let Some(list) = set.get(&self.settings.name) else { return };
        let since = list.policy().stale_since(Utc::now());
        if since.is_some() != self.told_stale {
            self.told_stale = since.is_some();
            events.stale(list, since);
        }
    }

    /// Where nothing is in use: the version last accepted, if it is kept and still passes every check.
    fn fall_back(&mut self, hotlists: &Hotlists, events: &dyn ListEvents) -> Option<Arc<ListVersion>> {
        let settings = kept::kept(&self.settings)?;
        let (list, report) = load(&settings, self.accepted.as_ref()).ok()?;
        let mut policy = Policy::clone(list.policy());
        policy.origin.kept_copy = true;
        let list = Arc::new(list.with_policy(policy));
        let confusions = Arc::clone(hotlists.snapshot().confusions());
        admit(&list, &self.settings, &confusions, list.version().loaded_at).ok()?;
        self.accepted = list.policy().origin.manifest.as_ref().map(Accepted::of);
        hotlists.replace(Arc::clone(&list));
        events.loaded(&list, &report);
        Some(Arc::clone(list.version()))
    }

    fn load(&mut self, hotlists: &Hotlists, events: &dyn ListEvents, kept: Option<Arc<ListVersion>>) {
        let confusions = Arc::clone(hotlists.snapshot().confusions());
        let loaded = load(&self.settings, self.accepted.as_ref()).and_then(|(list, report)| {
            let list = Arc::new(list);
            // What is in use already needs no leave, and reckoning takes a second.
            if kept.as_ref().is_none_or(|k| k.sha256 != list.version().sha256) {
                admit(&list, &self.settings, &confusions, list.version().loaded_at)?;
            }
            Ok((list, report))
        });
        match loaded {
            Ok((list, report)) => {
                if let Some(manifest) = &list.policy().origin.manifest {
                    self.accepted = Some(Accepted::of(manifest));
                }
                let set = hotlists.snapshot();
                let before = set.get(&self.settings.name).map(|l| Arc::clone(l.policy()));
                let manifest = |p: &Policy| (p.origin.manifest.clone(), p.origin.kept_copy);
                // The same list sent again is no new version, but may be a fresher one.
                let same = kept.as_ref().is_some_and(|k| k.sha256 == list.version().sha256)
                    && before.as_ref().is_some_and(|b| manifest(b) == manifest(list.policy()));
                if !same {
                    hotlists.replace(list);
                    if let Some(list) = hotlists.snapshot().get(&self.settings.name) {
                        events.loaded(list, &report);
                    }
                } else if before.is_some_and(|b| b.fresh_until() != list.policy().fresh_until()) {
                    hotlists.replace(list);
                }
            }
            Err(error) => {
                let kept = kept.or_else(|| self.fall_back(hotlists, events));
                events.refused(&self.settings.name, &error, kept.as_deref());
                // What is in use was written down when it was accepted.
                return;
            }
        }
        if let (Some(accepted), Some(Signing { memory: Some(memory), .. })) =
            (&self.accepted, &self.settings.signing)
            && !matches!(Accepted::recall(memory, &self.settings.name), Ok(Some(known)) if known == *accepted)
            && let Err(why) = accepted.remember(memory, &self.settings.name)
        {
            events.forgetful(&self.settings.name, &why);
        }
        let set = hotlists.snapshot();
        let manifest = set.get(&self.settings.name).and_then(|l| l.policy().origin.manifest.as_ref());
        if let Some(Err(why)) = manifest.map(|m| kept::keep(&self.settings, m)) {
            events.forgetful(&self.settings.name, &why);
        }
    }
}

fn stamp(settings: &Settings) -> io::Result<Stamp> {
    let meta = std::fs::metadata(&settings.path)?;
    let manifest = settings.signing.as_ref().and_then(|s| std::fs::metadata(&s.manifest).ok());
    let manifest = manifest.map(|m| (m.modified().ok(), m.len()));
    Ok(Stamp { modified: meta.modified().ok(), bytes: meta.len(), manifest })
}

#[cfg(test)]
mod tests;
