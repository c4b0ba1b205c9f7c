//! Cameras that are stopped for a while, because an operator says so.

use crate::domain::CameraId;
use crate::runtime::Stop;
use crate::store::PausedCamera;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// One camera's switch; clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct Switch(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// Who paused it and why, in words.
    paused: Option<String>,
    /// Whether the box ends.
    over: bool,
    /// Ends the present run of the camera.
    run: Option<Stop>,
}

impl Switch {
    fn with<T>(&self, what: impl FnOnce(&mut State) -> T) -> T {
        what(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Who paused it and why; `None` while it may run.
    pub fn paused(&self) -> Option<String> {
        self.with(|s| s.paused.clone())
    }

    /// What will end the run that now begins, wherever it waits, `all` included; `None` where there is to be none.
    pub fn begin(&self, all: &Stop) -> Option<Stop> {
        self.with(|s| {
            if s.paused.is_some() || s.over {
                return None;
            }
            let run = all.child();
            s.run = Some(run.clone());
            Some(run)
        })
    }

    /// Stops it.
    pub fn pause(&self, by: &str, reason: &str) {
        let why =
            if reason.is_empty() { format!("paused by {by}") } else { format!("paused by {by}: {reason}") };
        self.with(|s| {
            s.paused = Some(why);
            s.end_run();
        });
    }

    /// Lets it go on.
    pub fn resume(&self) {
        self.with(|s| s.paused = None);
    }
}

impl State {
    fn end_run(&mut self) {
        if let Some(run) = self.run.take() {
            run.request();
        }
    }
}

/// The switches of all live cameras.
#[derive(Debug, Clone, Default)]
pub(super) struct Switches(Arc<BTreeMap<CameraId, Switch>>);

impl Switches {
    /// One for each of `cameras`, paused where `kept` says that it was when the box last ended.
    pub fn new(cameras: impl Iterator<Item = CameraId>, kept: &[PausedCamera]) -> Self {
        let switch = |camera: CameraId| {
            let switch = Switch::default();
            if let Some(p) = kept.iter().find(|p| p.camera == camera.as_str()) {
                switch.pause(&p.by, &p.reason);
            }
            (camera, switch)
        };
        Self(Arc::new(cameras.map(switch).collect()))
    }

    /// That of one camera; `None` where there is no such live camera.
    pub fn get(&self, camera: &str) -> Option<&Switch> {
        self.0.iter().find(|(id, _)| id.as_str() == camera).map(|(_, switch)| switch)
    }

    /// Ends every run for good: the box ends.
    pub fn end(&self) {
        for switch in self.0.values() {
            switch.with(|s| {
                s.over = true;
                s.end_run();
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_ends_the_run_outlasts_a_restart_and_the_end_is_for_good() {
        let paused = PausedCamera {
            camera: "a".into(),
            since: crate::domain::Utc::now(),
            by: "Peeters".into(),
            reason: "works".into(),
        };
        let switches = Switches::new(["a", "b"].map(CameraId::new).into_iter(), &[paused]);
        let (a, b) = (switches.get("a").unwrap(), switches.get("b").unwrap());
        assert!(switches.get("c").is_none());
        assert_eq!(a.paused().as_deref(), Some("paused by Peeters: works"));
        let all = Stop::new();
        assert!(a.begin(&all).is_none());
        a.resume();
        let (run, other) = (a.begin(&all).unwrap(), b.begin(&all).unwrap());
        a.pause("Peeters", "");
        assert!(run.requested() && !other.requested());
        a.resume();
        let run = a.begin(&all).unwrap();
        switches.end();
        assert!(run.requested() && other.requested() && a.begin(&all).is_none());
    }
}
