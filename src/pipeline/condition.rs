//! How the box itself is: disk, clock, parts that had to be started again. Told by whoever finds out, asked by
//! `health`, said to log, metrics and audit chain here, so that all of them say the same.

use super::keeper::{KeeperEvents, kind};
use super::ledger::Ledger;
use crate::alert::message::{ClockHealth, ClockState, StoreHealth, StoreState, Time};
use crate::domain::Utc;
use crate::store::{AuditAction, AuditEntry, MessageKind, Record, StoreError};
use crate::telemetry::{Metrics, Stage, StoreErrorKind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// For so long a jump makes the clock suspicious: whoever set it right will have seen to it by then.
const SUSPICIOUS_FOR: Duration = Duration::from_secs(3600);

/// See the module. Clones share it.
#[derive(Clone)]
pub(super) struct Condition {
    metrics: Metrics,
    ledger: Ledger,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    disk: StoreState,
    since: Option<Utc>,
    waiting: u64,
    unkept: u64,
    lost: u64,
    shed: u64,
    shed_said: Option<Instant>,
    jumps: u64,
    jumped: Option<(Utc, i64, Instant)>,
    /// The latest time the store knew of at the start.
    known: Option<Utc>,
    restarts: u64,
}

impl Condition {
    pub fn new(metrics: Metrics, ledger: Ledger, known: Option<Utc>) -> Self {
        let state = State { known, ..State::default() };
        Self { metrics, ledger, state: Arc::new(Mutex::new(state)) }
    }

    fn with<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        f(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn store_health(&self) -> StoreHealth {
        self.with(|s| StoreHealth {
            state: s.disk,
            since: s.since.map(Time),
            waiting: s.waiting,
            unkept: s.unkept,
            lost: s.lost,
            shed: s.shed,
        })
    }

    pub fn restarts(&self) -> u64 {
        self.with(|s| s.restarts)
    }

    /// What is thought of the clock at `now`.
    pub fn clock_health(&self, now: Utc) -> ClockHealth {
        self.with(|s| {
            let behind = s.known.is_some_and(|known| now < known);
            let lately = s.jumped.is_some_and(|(_, _, at)| at.elapsed() < SUSPICIOUS_FOR);
            ClockHealth {
                state: match () {
                    () if !now.is_set() => ClockState::Unset,
                    () if behind || lately => ClockState::Suspicious,
                    () => ClockState::Ok,
                },
                jumped_at: s.jumped.map(|(at, ..)| Time(at)),
                jumped_ms: s.jumped.map(|(_, ms, _)| ms),
                jumps: s.jumps,
            }
        })
    }

    /// Said once, at the start, where the clock cannot be right.
    pub fn clock_at_start(&self, now: Utc) {
        let state = self.clock_health(now).state;
        if state == ClockState::Ok {
            return;
        }
        let known = self.with(|s| s.known).map_or_else(|| "nothing".to_owned(), |t| t.to_string());
        tracing::error!(%now, known, ?state, "the box's clock cannot be right: times of passages are marked free-running, validity of entries and age of lists cannot be judged while it is not set");
        let entry = AuditEntry::by_box(AuditAction::ClockJumped).with("at_start", now).with("known", known);
        self.ledger.tell(entry);
        self.metrics.clock_suspicious(true);
    }

    /// The clock was set: it says `now` where `expected` was to come.
    pub fn clock_jumped(&self, expected: Utc, now: Utc) {
        let by = now.since_ms(expected);
        self.with(|s| {
            s.jumps += 1;
            s.jumped = Some((now, by, Instant::now()));
        });
        self.metrics.clock_jumped();
        tracing::error!(%expected, %now, by_ms = by, "the box's clock has jumped");
        let entry = AuditEntry::by_box(AuditAction::ClockJumped);
        self.ledger.tell(entry.with("from", expected).with("to", now).with("by_ms", by));
    }

    /// Looked at now and then, for the gauge.
    pub fn look_at_clock(&self, now: Utc) {
        self.metrics.clock_suspicious(self.clock_health(now).state != ClockState::Ok);
    }

    /// A part of the program failed by a defect and goes on.
    pub fn restarted(&self, part: &str, camera: Option<&str>) {
        self.with(|s| s.restarts += 1);
        self.metrics.worker_restarted();
        let entry = AuditEntry::by_box(AuditAction::WorkerRestarted).with("part", part);
        self.ledger.tell(match camera {
            Some(camera) => entry.with("camera", camera),
            None => entry,
        });
    }
}

fn hits(record: &Record) -> u64 {
    record.messages.iter().filter(|m| m.kind == MessageKind::Hit).count() as u64
}

/// The keeper's words, to log, metrics, audit chain and `health`. No plate stands in any of them.
impl KeeperEvents for Condition {
    fn kept(&mut self, _record: &Record, took: Duration) {
        self.metrics.stage_time(Stage::Record, took);
    }

    fn told_unkept(&mut self, record: &Record) {
        let hits = hits(record);
        self.with(|s| s.unkept += hits);
        self.metrics.hits_unkept(hits);
        let (camera, passage) = (&record.passage.camera, &record.passage.id);
        tracing::warn!(%camera, %passage, "a hit is told of before it is kept: the disk takes nothing");
    }

    fn lost(&mut self, record: &Record, why: &str) {
        self.with(|s| s.lost += u64::from(!record.hits.is_empty()));
        self.metrics.record_lost();
        let (camera, passage) = (&record.passage.camera, &record.passage.id);
        tracing::error!(%camera, %passage, why, hits = record.hits.len(), "a passage could not be kept and is lost");
    }

    fn failed(&mut self, kind: StoreErrorKind, error: &StoreError) {
        self.metrics.store_error(kind);
        tracing::error!(%error, "a passage cannot be kept yet; it is tried again");
    }

    fn trouble(&mut self, error: &StoreError) {
        let state = match kind(error) {
            StoreErrorKind::DiskFull => StoreState::Full,
            StoreErrorKind::ReadOnly => StoreState::ReadOnly,
            StoreErrorKind::Slow => StoreState::Slow,
            StoreErrorKind::Corrupt => StoreState::Damaged,
            _ => StoreState::Failing,
        };
        self.with(|s| (s.disk, s.since) = (state, Some(Utc::now())));
        self.metrics.store_writable(false);
        tracing::error!(%error, "the disk takes no records: they wait in memory, and hits go out marked kept: false");
        self.ledger.tell(AuditEntry::by_box(AuditAction::DiskFailed).with("why", error));
    }

    fn waiting(&mut self, records: usize) {
        self.with(|s| s.waiting = records as u64);
        self.metrics.store_waiting(records);
    }

    fn shed(&mut self, what: &str, records: u64) {
        let say = self.with(|s| {
            s.shed += records;
            let due = s.shed_said.is_none_or(|at| at.elapsed() > Duration::from_secs(10));
            if due {
                s.shed_said = Some(Instant::now());
            }
            due
        });
        self.metrics.records_shed(records);
        if say {
            tracing::error!(
                what,
                records,
                "memory for records that wait for the disk is full: the oldest go"
            );
        }
    }

    fn recovered(&mut self, lasted: Duration) {
        let (unkept, shed) = self.with(|s| {
            (s.disk, s.since) = (StoreState::Ok, Some(Utc::now()));
            (s.unkept, s.shed)
        });
        self.metrics.store_writable(true);
        tracing::warn!(
            lasted_s = lasted.as_secs(),
            unkept,
            shed,
            "the disk takes records again; what waited is kept"
        );
        let entry = AuditEntry::by_box(AuditAction::DiskRecovered).with("lasted_s", lasted.as_secs());
        self.ledger.tell(entry.with("unkept_so_far", unkept).with("shed_so_far", shed));
    }
}
