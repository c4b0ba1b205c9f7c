//! Whether each camera may look, for everyone who must ask: its thread before it opens anything, the vision threads
//! for lists and mandates, the recorder for what may be kept. `law_thread.rs` keeps the answers up to date.

use super::CameraSettings;
use crate::domain::{CameraId, Position, Utc};
use crate::hotlist::List;
use crate::law::{self, CameraUse, Mandate, Mandates, Policy, Refusal, Route, list_allowed};
use crate::runtime::Stop;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How often the law is asked.
pub(super) const TICK: Duration = Duration::from_millis(250);

/// What a camera's thread tells of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Looking {
    /// It is being opened.
    Opening,
    /// Frames come.
    Yes,
    /// They do not, and why.
    Fault(String),
    /// An operator has stopped it for a while, who and why.
    Paused(String),
    /// It has ended for good.
    Ended,
}

/// What a gate says now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Door {
    /// The camera may look.
    Open,
    /// It looks although this does not fit (policy `warn`).
    OpenAlthough(Refusal),
    /// It may not.
    Shut(Refusal),
}

/// One camera before the law.
#[derive(Debug)]
pub(super) struct Gate {
    pub said: CameraUse,
    pub standing: Option<Position>,
    pub door: Door,
    pub looking: Looking,
    /// Since when it looks, or has looked for a moment, as far as the register has not been told.
    pub looked: Option<Utc>,
    /// What it works under, or worked under when it last did.
    pub mandate: Option<Arc<Mandate>>,
    pub place: Option<String>,
    pub officer: Option<String>,
    /// Lists that are not matched here, with the reason.
    pub left_out: BTreeMap<String, String>,
    pub told_lists: String,
    /// Ends the capture that runs.
    pub run: Option<Stop>,
    /// What the register was last told, so that only changes are told.
    pub told: Option<String>,
    audited: Option<String>,
}

/// What holds for the whole box.
#[derive(Debug, Default)]
pub(super) struct Present {
    pub mandates: Arc<Mandates>,
    pub officer: Option<String>,
    pub position: Option<Position>,
    /// Why the vehicle's position is not known, where somebody is asked for it.
    pub position_problem: Option<String>,
    pub folder_problem: Option<String>,
    pub announced: BTreeSet<String>,
}

/// Shared by everyone who must ask.
#[derive(Clone)]
pub(super) struct Lawful(Arc<Inner>);

pub(super) struct Inner {
    pub settings: law::Settings,
    pub gates: Mutex<BTreeMap<CameraId, Gate>>,
    pub present: Mutex<Present>,
    /// Where the vehicle was, for the places of pictures.
    pub route: Mutex<Route>,
}

pub(super) fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Lawful {
    /// Every gate shut until the law was asked for the first time.
    pub fn new(settings: &law::Settings, cameras: &[CameraSettings]) -> Self {
        let shut = Door::Shut(Refusal { code: "starting", text: "the box is starting".into() });
        let gate = |c: &CameraSettings| Gate {
            said: c.lawful.clone(),
            standing: c.capture.position,
            door: shut.clone(),
            looking: Looking::Opening,
            looked: None,
            mandate: None,
            place: None,
            officer: None,
            left_out: BTreeMap::new(),
            told_lists: String::new(),
            run: None,
            told: None,
            audited: None,
        };
        let gates = cameras.iter().map(|c| (c.capture.camera.clone(), gate(c))).collect();
        Self(Arc::new(Inner {
            settings: settings.clone(),
            gates: Mutex::new(gates),
            present: Mutex::default(),
            route: Mutex::default(),
        }))
    }

    pub fn inner(&self) -> &Inner {
        &self.0
    }

    /// Whether anything is asked at all.
    pub fn applies(&self) -> bool {
        self.0.settings.policy != Policy::Off && self.0.settings.preset.rules.is_some()
    }

    /// Waits until the camera may look; the flag that ends it when it no longer may. `None`: the box stops.
    pub fn wait_open(&self, camera: &CameraId, stop: &Stop) -> Option<Stop> {
        loop {
            if stop.requested() {
                return None;
            }
            {
                let mut gates = lock(&self.0.gates);
                let gate = gates.get_mut(camera)?;
                if !matches!(gate.door, Door::Shut(_)) {
                    gate.looking = Looking::Opening;
                    let run = stop.child();
                    gate.run = Some(run.clone());
                    return Some(run);
                }
            }
            if stop.wait(TICK / 2) {
                return None;
            }
        }
    }

    /// Whether the camera moves with its vehicle; then [`Lawful::place_at`] says where it was.
    pub fn moves(&self, camera: &CameraId) -> bool {
        lock(&self.0.gates).get(camera).and_then(|g| g.said.kind).is_some_and(|k| k.moves())
    }

    /// Where the vehicle was when a picture was taken.
    pub fn place_at(&self, taken: Utc) -> Option<Position> {
        lock(&self.0.route).at(taken)
    }

    /// What the camera's thread tells of itself.
    pub fn looking(&self, camera: &CameraId, looking: Looking) {
        if let Some(gate) = lock(&self.0.gates).get_mut(camera) {
            if looking == Looking::Yes {
                gate.looked.get_or_insert_with(Utc::now);
            }
            gate.looking = looking;
        }
    }

    /// What does not fit at a camera that looks all the same.
    pub fn although(&self, camera: &CameraId) -> Option<String> {
        match lock(&self.0.gates).get(camera).map(|g| g.door.clone()) {
            Some(Door::OpenAlthough(refusal)) => Some(refusal.text),
            _ => None,
        }
    }

    /// Whether the law keeps the camera shut.
    pub fn is_shut(&self, camera: &str) -> bool {
        lock(&self.0.gates).get(&CameraId::new(camera)).is_some_and(|g| matches!(g.door, Door::Shut(_)))
    }

    /// Reference of the mandate the camera works under, or last did: a vehicle seen before the pause is
    /// finished after it.
    pub fn mandate_of(&self, camera: &CameraId) -> Option<Arc<str>> {
        lock(&self.0.gates).get(camera)?.mandate.as_ref().map(|m| Arc::from(m.reference.as_str()))
    }

    /// Whether what the camera sees without a hit, and its pictures, may be kept (a third party's camera whose
    /// pictures the police do not record).
    pub fn records(&self, camera: &CameraId) -> bool {
        let gates = lock(&self.0.gates);
        gates.get(camera).and_then(|g| g.mandate.as_ref()).is_none_or(|m| m.police_record())
    }

    /// Whether the list may be matched for this camera.
    pub fn allows_list(&self, camera: &CameraId, list: &List) -> bool {
        if self.0.settings.policy != Policy::Enforce || !self.applies() {
            return true;
        }
        let gates = lock(&self.0.gates);
        let mandate = gates.get(camera).and_then(|g| g.mandate.as_ref());
        mandate.is_none_or(|m| list_allowed(m, &list.version().name, &list.policy().purposes).is_ok())
    }
}

impl Gate {
    pub fn audited(&mut self) -> &mut Option<String> {
        &mut self.audited
    }
}
