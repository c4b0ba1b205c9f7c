//! The law at work: whether each camera may look now, asked again and again, and written into the register.
//!
//! One thread, `law`, looks four times a second at the clock, the folder of mandates, the vehicle's position and
//! who is on duty. A camera's own thread waits for its gate before it opens anything; a gate that closes ends
//! the capture at once. Everything that changes is a period of the register, a row of the audit chain, a line
//! of the log and the camera's status.

use super::lawful::{Door, Gate, Lawful, Looking, TICK, lock};
use super::lawful_tell as tell;
use super::ledger::Ledger;
use super::watching::Watch;
use crate::domain::{CameraId, Utc};
use crate::hotlist::{HotlistSet, Hotlists, List};
use crate::law::{Mandates, Moment, Permit, Policy, PositionSource, Refusal, decide, list_allowed};
use crate::runtime::Stop;
use crate::store::{self, AuditAction, AuditEntry, Reader, StoreHandle, UseChange, UsePeriod};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often the folder of mandates and the duty are looked at.
const LOOK: Duration = Duration::from_secs(1);
/// How often the register says that the box lives.
const ALIVE: Duration = Duration::from_secs(5);

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
        ledger: Ledger,
        watch: Arc<Watch>,
        hotlists: Hotlists,
        reading: &store::Settings,
    ) -> Self {
        let position = lawful.inner().settings.positions.as_ref().and_then(|from| {
            let opened = from.open();
            opened.map_err(|error| tracing::error!(%error, "nobody can be asked where the vehicle is")).ok()
        });
        Self {
            ledger,
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
        let settings = self.lawful.inner().settings.clone();
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
            let asked = catch_unwind(AssertUnwindSafe(|| self.tick(Utc::now())));
            if asked.is_err() {
                // What cannot be asked is not allowed; the next tick asks again.
                tracing::error!("the law could not be asked (a defect, see above); no camera may look");
                self.shut_all();
            }
        }
        // What has looked since the last question.
        self.tick(Utc::now());
    }

    /// Shuts every gate, where the law is enforced.
    fn shut_all(&self) {
        if self.lawful.inner().settings.policy != Policy::Enforce {
            return;
        }
        for gate in lock(&self.lawful.inner().gates).values_mut() {
            let text = "the law could not be asked: a defect of the program".into();
            gate.door = Door::Shut(Refusal { code: "defect", text });
            if let Some(run) = gate.run.take() {
                run.request();
            }
        }
    }

    /// A reader of the store; `None` for now where it cannot be opened.
    fn reader(&mut self) -> Option<&Reader> {
        // A damaged database is moved aside: what was opened then is the old one.
        if self.reader.as_ref().is_none_or(Reader::is_outdated) {
            self.reader = None;
            match Reader::open(&self.reading) {
                Ok(reader) => self.reader = Some(reader),
                Err(error) => tracing::error!(%error, "the register cannot be read"),
            }
        }
        self.reader.as_ref()
    }

    fn register(&mut self, change: UseChange) {
        self.register_at(change, Utc::now());
    }

    fn register_at(&mut self, change: UseChange, at: Utc) {
        match self.store.usage(change, at) {
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
        self.look_at_position(now);
        let periods = self.ask(now);
        if periods.iter().any(|p| p.used) {
            self.lived = None; // tracks and lists are noted at once
        }
        for period in periods {
            let at = period.began_at;
            self.register_at(UseChange::Begin(Box::new(period)), at);
        }
        if due(self.lived, ALIVE) {
            self.lived = Some(Instant::now());
            let points = self.points();
            let lists = self.matched(now);
            self.register(UseChange::Alive { points, lists });
        }
    }

    /// Asks where the vehicle is: known, and not too old.
    fn look_at_position(&mut self, now: Utc) {
        let Some(source) = self.position.as_mut() else { return };
        let rules = self.lawful.inner().settings.preset.rules.as_ref();
        let oldest = rules.map_or(10, |r| r.mandate.position_max_age_s.value);
        let fix = source.latest();
        let fresh = fix.filter(|f| now.since_ms(f.at).abs() <= i64::from(oldest) * 1000);
        let problem = match (fresh, fix) {
            (Some(_), _) => None,
            (None, Some(_)) => Some(format!("the latest position is older than {oldest} seconds")),
            (None, None) => Some(source.problem().unwrap_or_else(|| "no position has been given".into())),
        };
        if let Some(fix) = fresh {
            lock(&self.lawful.inner().route).went(fix);
        }
        self.watch.position(fresh.is_some());
        let mut present = lock(&self.lawful.inner().present);
        match (present.position.is_some(), &problem) {
            (false, None) => tracing::info!("the vehicle's position is known"),
            (true, Some(why)) => tracing::warn!(why, "the vehicle's position is not known any more"),
            _ => {}
        }
        present.position = fresh.map(|f| f.position);
        present.position_problem = problem;
    }

    fn points(&self) -> Vec<(CameraId, [f64; 2])> {
        let position = lock(&self.lawful.inner().present).position;
        let gates = lock(&self.lawful.inner().gates);
        let moving = gates.iter().filter(|(_, g)| g.said.kind.is_some_and(|k| k.moves()));
        moving.filter_map(|(c, _)| position.map(|p| (c.clone(), [p.longitude, p.latitude]))).collect()
    }

    /// The lists that are matched at each camera now.
    fn matched(&self, now: Utc) -> Vec<(CameraId, String, String)> {
        let snapshot = self.hotlists.snapshot();
        let enforced = self.lawful.inner().settings.policy == Policy::Enforce;
        let gates = lock(&self.lawful.inner().gates);
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
        let settings = self.lawful.inner().settings.clone();
        if let (Some(rules), Some(folder), true) =
            (&settings.preset.rules, &settings.mandates, self.lawful.applies())
        {
            let before = Arc::clone(&lock(&self.lawful.inner().present).mandates);
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
                    let mut present = lock(&self.lawful.inner().present);
                    present.mandates = Arc::new(mandates);
                    present.folder_problem = None;
                }
                Some(Err(error)) => {
                    // What cannot be read authorises nothing.
                    let text = format!("the folder of mandates {} cannot be read: {error}", folder.display());
                    let mut present = lock(&self.lawful.inner().present);
                    if present.folder_problem.as_ref() != Some(&text) {
                        tracing::error!("{text}");
                    }
                    present.folder_problem = Some(text);
                    present.mandates = Arc::default();
                }
            }
            let mut present = lock(&self.lawful.inner().present);
            let mandates = Arc::clone(&present.mandates);
            tell::endings(&mandates, rules, now, &mut present.announced, &self.ledger);
        }
        self.look_at_duty(now);
    }

    fn look_at_duty(&mut self, now: Utc) {
        let most_h =
            self.lawful.inner().settings.preset.rules.as_ref().map_or(12, |r| r.register.duty_max_h.value);
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
        lock(&self.lawful.inner().present).officer = officer.filter(|_| !over);
    }

    /// Asks the law for every camera; the periods that begin.
    fn ask(&self, now: Utc) -> Vec<UsePeriod> {
        let settings = &self.lawful.inner().settings;
        let (mandates, officer, position) = {
            let present = lock(&self.lawful.inner().present);
            (Arc::clone(&present.mandates), present.officer.clone(), present.position)
        };
        let snapshot = self.hotlists.snapshot();
        let mut begun = Vec::new();
        let mut gates = lock(&self.lawful.inner().gates);
        for (camera, gate) in gates.iter_mut() {
            let moves = gate.said.kind.is_some_and(|k| k.moves());
            let at = Moment {
                now,
                position: if moves { position } else { gate.standing },
                vehicle: settings.vehicle.clone(),
                officer: officer.clone(),
            };
            gate.officer = at.officer.clone();
            // Told before the law is asked anew: also a look shorter than the time between two questions is a use.
            if let Some(since) = gate.looked.take() {
                let now = std::mem::replace(&mut gate.looking, Looking::Yes);
                let period = tell::period(camera, gate, settings, &Moment { now: since, ..at.clone() });
                gate.looking = now;
                let key = tell::key_of(&period);
                if gate.told.as_ref() != Some(&key) {
                    gate.told = Some(key);
                    begun.push(period);
                }
            }
            self.decide(gate, &mandates, &at);
            gate.left_out = self.left_out(gate, &snapshot);
            tell::lists_left_out(camera, gate, settings, &self.ledger);
            if matches!(gate.door, Door::Shut(_))
                && let Some(run) = gate.run.take()
            {
                run.request();
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
        let settings = &self.lawful.inner().settings;
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

    fn left_out(&self, gate: &Gate, lists: &HotlistSet) -> BTreeMap<String, String> {
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
