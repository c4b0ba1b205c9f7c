//! The law at work: whether each camera may look now, asked again and again, and written into the register.
//!
//! One thread, `law`, looks four times a second at the clock, the folder of mandates, the vehicle's position and
//! who is on duty. A camera's own thread waits for its gate before it opens anything; a gate that closes ends
//! the capture at once. Everything that changes is a period of the register, a row of the audit chain, a line
//! of the log and the camera's status.

use super::ledger::Ledger;
use super::watching::Watch;
use super::{CameraSettings, lawful_tell as tell};
use crate::domain::{CameraId, Position, Utc};
use crate::hotlist::{Hotlists, List};
use crate::law::{
    self, CameraUse, Mandate, Mandates, Moment, Permit, Policy, PositionFile, PositionSource, Refusal,
    decide, list_allowed,
};
use crate::runtime::Stop;
use crate::store::{self, AuditAction, AuditEntry, Reader, StoreHandle, UseChange, UsePeriod};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How often the law is asked.
const TICK: Duration = Duration::from_millis(250);
/// How often the folder of mandates and the duty are looked at.
const LOOK: Duration = Duration::from_secs(1);
/// How often the register says that the box lives.
const ALIVE: Duration = Duration::from_secs(5);

/// What a camera's thread tells of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Looking {
    /// It is being opened.
    Opening,
    /// Frames come.
    Yes,
    /// They do not, and why.
    Fault(String),
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
    /// What it works under, or worked under when it last did.
    pub mandate: Option<Arc<Mandate>>,
    pub place: Option<String>,
    pub officer: Option<String>,
    /// Lists that are not matched here, with the reason.
    pub left_out: BTreeMap<String, String>,
    pub told_lists: String,
    /// Ends the capture that runs.
    run: Option<Stop>,
    /// What the register was last told, so that only changes are told.
    told: Option<String>,
    audited: Option<String>,
}

/// What holds for the whole box.
#[derive(Debug, Default)]
pub(super) struct Present {
    pub mandates: Arc<Mandates>,
    pub officer: Option<String>,
    pub position: Option<Position>,
    pub folder_problem: Option<String>,
    announced: BTreeSet<String>,
}

/// Shared by everyone who must ask.
#[derive(Clone)]
pub(super) struct Lawful(Arc<Inner>);

pub(super) struct Inner {
    pub settings: law::Settings,
    pub gates: Mutex<BTreeMap<CameraId, Gate>>,
    pub present: Mutex<Present>,
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
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
        }))
    }

    pub fn inner(&self) -> &Inner {
        &self.0
    }

    fn applies(&self) -> bool {
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

    /// What the camera's thread tells of itself.
    pub fn looking(&self, camera: &CameraId, looking: Looking) {
        if let Some(gate) = lock(&self.0.gates).get_mut(camera) {
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

/// The thread `law`.
pub(super) struct LawThread {
    lawful: Lawful,
    store: StoreHandle,
    ledger: Ledger,
    watch: Arc<Watch>,
    hotlists: Hotlists,
    reader: Option<Reader>,
    reading: store::Settings,
    position: Option<Box<dyn PositionSource>>,
    looked: Option<Instant>,
    lived: Option<Instant>,
    register_failing: bool,
    /// Whether the folder of mandates was read at all.
    has_read: bool,
}

impl LawThread {
    pub fn new(
        lawful: Lawful,
        store: StoreHandle,
        watch: Arc<Watch>,
        hotlists: Hotlists,
        reading: &store::Settings,
    ) -> Self {
        let file = lawful.0.settings.positions.as_deref();
        let position = file.map(|path| Box::new(PositionFile::new(path)) as Box<dyn PositionSource>);
        Self {
            ledger: Ledger(store.clone()),
            lawful,
            store,
            watch,
            hotlists,
            reader: None,
            reading: reading.clone(),
            position,
            looked: None,
            lived: None,
            register_failing: false,
            has_read: false,
        }
    }

    /// Puts the register in order, says under which law the box runs, and asks it for the first time: after this,
    /// gates that may open are open.
    pub fn begin(&mut self, officer: Option<&str>) {
        let settings = self.lawful.0.settings.clone();
        self.register(UseChange::Start);
        if !settings.said {
            tracing::warn!(
                "the configuration says nothing about the law: cameras run without a mandate; write [law], see docs/guide/mandates.md"
            );
        }
        if !self.lawful.applies() || !settings.said {
            self.ledger.tell(
                AuditEntry::by_box(AuditAction::LawNotApplied)
                    .with("preset", &settings.preset.name)
                    .with("policy", settings.policy)
                    .with("said", settings.said),
            );
        }
        if let Some(officer) = officer {
            self.register(UseChange::Duty(Some(officer.to_owned()), "relieved"));
            self.ledger.tell(AuditEntry::by(officer, AuditAction::DutyBegan).with("by", "run --officer"));
        }
        let (lawful, ledger) = (self.lawful.clone(), self.ledger.clone());
        tell::mode_changes(&lawful, self.reader(), &ledger);
        self.tick(Utc::now());
    }

    /// Asks until the box stops, then ends the periods that are open.
    pub fn run(mut self, stop: &Stop) {
        while !stop.wait(TICK) {
            self.tick(Utc::now());
        }
    }

    /// A reader of the store; `None` for now where it cannot be opened.
    fn reader(&mut self) -> Option<&Reader> {
        if self.reader.is_none() {
            match Reader::open(&self.reading) {
                Ok(reader) => self.reader = Some(reader),
                Err(error) => tracing::error!(%error, "the register cannot be read"),
            }
        }
        self.reader.as_ref()
    }

    fn register(&mut self, change: UseChange) {
        match self.store.usage(change, Utc::now()) {
            Ok(()) => self.register_failing = false,
            Err(error) => {
                if !std::mem::replace(&mut self.register_failing, true) {
                    tracing::error!(%error, "the register of use cannot be written");
                }
            }
        }
    }

    fn tick(&mut self, now: Utc) {
        let due = |at: Option<Instant>, every| at.is_none_or(|at| at.elapsed() >= every);
        if due(self.looked, LOOK) {
            self.looked = Some(Instant::now());
            self.look(now);
        }
        let position = self.position(now);
        lock(&self.lawful.0.present).position = position;
        let periods = self.ask(now);
        if periods.iter().any(|p| p.used) {
            self.lived = None; // tracks and lists are noted at once
        }
        for period in periods {
            self.register(UseChange::Begin(Box::new(period)));
        }
        if due(self.lived, ALIVE) {
            self.lived = Some(Instant::now());
            let points = self.points();
            let lists = self.matched(now);
            self.register(UseChange::Alive { points, lists });
        }
    }

    /// The vehicle's position, where it is known and not too old.
    fn position(&mut self, now: Utc) -> Option<Position> {
        let fix = self.position.as_mut()?.latest()?;
        let rules = self.lawful.0.settings.preset.rules.as_ref();
        let oldest = rules.map_or(10, |r| r.mandate.position_max_age_s.value);
        (now.since_ms(fix.at).abs() <= i64::from(oldest) * 1000).then_some(fix.position)
    }

    fn points(&self) -> Vec<(CameraId, [f64; 2])> {
        let position = lock(&self.lawful.0.present).position;
        let gates = lock(&self.lawful.0.gates);
        let moving = gates.iter().filter(|(_, g)| g.said.kind.is_some_and(|k| k.moves()));
        moving.filter_map(|(c, _)| position.map(|p| (c.clone(), [p.longitude, p.latitude]))).collect()
    }

    /// The lists that are matched at each camera now.
    fn matched(&self, now: Utc) -> Vec<(CameraId, String, String)> {
        let snapshot = self.hotlists.snapshot();
        let enforced = self.lawful.0.settings.policy == Policy::Enforce;
        let gates = lock(&self.lawful.0.gates);
        let mut found = Vec::new();
        for (camera, gate) in gates.iter() {
            for list in snapshot.lists().iter().filter(|l| l.policy().applies(camera, now)) {
                let version = list.version();
                if !(enforced && gate.left_out.contains_key(&version.name)) {
                    found.push((camera.clone(), version.name.clone(), version.sha256.clone()));
                }
            }
        }
        found
    }

    /// Looks at the folder of mandates and at who is on duty.
    fn look(&mut self, now: Utc) {
        let settings = self.lawful.0.settings.clone();
        if let (Some(rules), Some(folder), true) =
            (&settings.preset.rules, &settings.mandates, self.lawful.applies())
        {
            let before = Arc::clone(&lock(&self.lawful.0.present).mandates);
            let first = !std::mem::replace(&mut self.has_read, true);
            let read = match before.changed(folder) {
                Ok(false) if !first => None,
                Ok(_) => Some(Mandates::read(folder, &settings.signers, rules)),
                Err(error) => Some(Err(error)),
            };
            match read {
                None => {}
                Some(Ok(mandates)) => {
                    tell::mandates_changed(&before, &mandates, rules, &self.ledger);
                    let mut present = lock(&self.lawful.0.present);
                    present.mandates = Arc::new(mandates);
                    present.folder_problem = None;
                }
                Some(Err(error)) => {
                    // What cannot be read authorises nothing.
                    let text = format!("the folder of mandates {} cannot be read: {error}", folder.display());
                    let mut present = lock(&self.lawful.0.present);
                    if present.folder_problem.as_ref() != Some(&text) {
                        tracing::error!("{text}");
                    }
                    present.folder_problem = Some(text);
                    present.mandates = Arc::default();
                }
            }
            let mut present = lock(&self.lawful.0.present);
            let mandates = Arc::clone(&present.mandates);
            tell::endings(&mandates, rules, now, &mut present.announced, &self.ledger);
        }
        self.look_at_duty(now);
    }

    fn look_at_duty(&mut self, now: Utc) {
        let most_h = self.lawful.0.settings.preset.rules.as_ref().map_or(12, |r| r.register.duty_max_h.value);
        let duty = match self.reader().map(Reader::on_duty) {
            Some(Ok(duty)) => duty,
            Some(Err(error)) => {
                tracing::error!(%error, "who is on duty cannot be read");
                self.reader = None;
                None
            }
            None => None,
        };
        let over = duty.as_ref().is_some_and(|d| now.since_ms(d.began_at) >= i64::from(most_h) * 3_600_000);
        let officer = duty.map(|d| d.officer);
        if let (true, Some(officer)) = (over, &officer) {
            tracing::warn!(hours = most_h, "the duty ended by itself; an officer must take charge again");
            self.register(UseChange::Duty(None, "time"));
            self.ledger.tell(
                AuditEntry::by_box(AuditAction::DutyEnded).with("officer", officer).with("why", "time"),
            );
        }
        lock(&self.lawful.0.present).officer = officer.filter(|_| !over);
    }

    /// Asks the law for every camera; the periods that begin.
    fn ask(&self, now: Utc) -> Vec<UsePeriod> {
        let settings = &self.lawful.0.settings;
        let (mandates, officer, position) = {
            let present = lock(&self.lawful.0.present);
            (Arc::clone(&present.mandates), present.officer.clone(), present.position)
        };
        let snapshot = self.hotlists.snapshot();
        let mut begun = Vec::new();
        let mut gates = lock(&self.lawful.0.gates);
        for (camera, gate) in gates.iter_mut() {
            let moves = gate.said.kind.is_some_and(|k| k.moves());
            let at = Moment {
                now,
                position: if moves { position } else { gate.standing },
                vehicle: settings.vehicle.clone(),
                officer: officer.clone(),
            };
            gate.officer = at.officer.clone();
            self.decide(gate, &mandates, &at);
            gate.left_out = self.left_out(gate, &snapshot);
            tell::lists_left_out(camera, gate, settings, &self.ledger);
            if matches!(gate.door, Door::Shut(_)) {
                if let Some(run) = gate.run.take() {
                    run.request();
                }
            }
            tell::door(camera, gate, settings, &self.ledger, &self.watch);
            let period = tell::period(camera, gate, settings, &at);
            let key = tell::key_of(&period);
            if gate.told.as_ref() != Some(&key) {
                gate.told = Some(key);
                begun.push(period);
            }
        }
        begun
    }

    fn decide(&self, gate: &mut Gate, mandates: &Mandates, at: &Moment) {
        let settings = &self.lawful.0.settings;
        let Some(rules) = settings.preset.rules.as_ref().filter(|_| self.lawful.applies()) else {
            gate.door = Door::Open;
            return;
        };
        let permit = if settings.said {
            decide(rules, mandates, &gate.said, at)
        } else {
            let text = "the configuration says nothing about the law; write [law]".into();
            Permit::Refused(Refusal { code: "law-unsaid", text })
        };
        match permit {
            Permit::Granted(grant) => {
                gate.door = Door::Open;
                gate.mandate = grant.mandate;
                gate.place = grant.place;
            }
            Permit::Refused(refusal) => {
                gate.place = None;
                gate.door = if settings.policy == Policy::Warn {
                    // What it names is not what it works under.
                    gate.mandate = None;
                    Door::OpenAlthough(refusal)
                } else {
                    Door::Shut(refusal)
                };
            }
        }
    }

    fn left_out(&self, gate: &Gate, lists: &crate::hotlist::HotlistSet) -> BTreeMap<String, String> {
        let Some(mandate) = gate.mandate.as_ref().filter(|_| self.lawful.applies()) else {
            return BTreeMap::new();
        };
        let why = |l: &Arc<List>| {
            let name = &l.version().name;
            list_allowed(mandate, name, &l.policy().purposes).err().map(|why| (name.clone(), why))
        };
        lists.lists().iter().filter_map(why).collect()
    }
}

impl Gate {
    pub fn audited(&mut self) -> &mut Option<String> {
        &mut self.audited
    }
}
