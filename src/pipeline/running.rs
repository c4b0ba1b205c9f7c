//! A box from start to stop.

use super::clock::Clock;
use super::condition::Condition;
use super::guard::Faults;
use super::ignoring::Ignoring;
use super::keeper::Keeper;
use super::law_thread::LawThread;
use super::lawful::Lawful;
use super::ledger::Ledger;
use super::orders::Orders;
use super::pausing::Switches;
use super::recorder::{Keep, Limits, Recorder};
use super::starting::{close_cut_off, eyes, latest, law_on_record, seen};
use super::watching::{AlertWatch, Watch};
use super::worker::{VisionThread, Work};
use super::{Settings, camera, health, screen};
use crate::alert::{AlertError, BoxIdentity, Publisher, Remote};
use crate::console::{ConsoleError, ConsoleThread};
use crate::domain::Utc;
use crate::hotlist::{self, Confusions, ConfusionsError, Hotlists, IgnoreError};
use crate::runtime::{Mailboxes, Stop, systemd};
use crate::store::{
    AuditAction, AuditEntry, ModelVersions, StoreError, StoreHandle, StoreThread, Totals, UseChange,
};
use crate::telemetry::Metrics;
use crate::vision::{Vision, VisionError};
use crate::{alert, store};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Why a box cannot start, or did not end as it should.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    /// The models.
    #[error(transparent)]
    Vision(#[from] VisionError),
    /// The ignore list.
    #[error(transparent)]
    Ignore(#[from] IgnoreError),
    /// The file of the reader's confusions.
    #[error(transparent)]
    Confusions(#[from] ConfusionsError),
    /// The database or the pictures.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The broker's settings.
    #[error(transparent)]
    Alert(#[from] AlertError),
    /// The web page and metrics.
    #[error(transparent)]
    Console(#[from] ConsoleError),
    /// A thread could not be started.
    #[error("the thread {name} cannot be started: {source}")]
    Thread {
        /// Its name.
        name: String,
        /// Why not.
        source: std::io::Error,
    },
    /// A thread ended by a panic: a defect, logged where it happened.
    #[error("the thread {name} has failed; see the log above")]
    Panicked {
        /// Its name.
        name: String,
    },
}

/// What a box did.
#[derive(Debug, Clone, Copy)]
pub struct Summary {
    /// Passages and hits recorded.
    pub totals: Totals,
    /// Messages left in the outbox; they go out at the next start.
    pub undelivered: u64,
}

/// A box at work.
pub struct Running {
    metrics: Metrics,
    stop: Stop,
    give_up: Stop,
    cameras: Vec<JoinHandle<()>>,
    work: Vec<Arc<Mailboxes<Work>>>,
    vision: Vec<JoinHandle<()>>,
    recorder: JoinHandle<()>,
    condition: Condition,
    ledger: Ledger,
    /// The thread by whose defect the box ends.
    fell: OnceLock<&'static str>,
    watcher: JoinHandle<()>,
    law: JoinHandle<()>,
    law_stop: Stop,
    /// Whether the officer on duty was named at the start, and goes with the end.
    duty_ends: bool,
    publisher: Publisher,
    store: StoreHandle,
    store_thread: StoreThread,
    console: Option<ConsoleThread>,
    switches: Switches,
    deadline: Duration,
}

/// Frames that may wait of one file; live cameras keep one.
const FILE_FRAMES: usize = 2;
/// Judged passages that may wait for the recorder; each holds on to its frame.
const JUDGED: usize = 16;

/// As [`start_faulty`], without faults.
pub fn start(
    settings: &Settings,
    metrics: Metrics,
    stop: Stop,
    before_cameras: impl FnOnce(&Remote),
) -> Result<Running, PipelineError> {
    start_faulty(settings, metrics, stop, before_cameras, Faults::default())
}

/// Starts every stage, bottom up. `stop` ends the box when it is requested. `before_cameras` is called with
/// the broker when everything but the cameras runs: whoever must not miss the first hit subscribes there.
///
/// `faults` are defects made on purpose, for measuring what they take with them.
pub fn start_faulty(
    settings: &Settings,
    metrics: Metrics,
    stop: Stop,
    before_cameras: impl FnOnce(&Remote),
    faults: Faults,
) -> Result<Running, PipelineError> {
    let vision = Vision::load(&settings.vision)?;
    let workers = settings.vision.workers.clamp(1, settings.cameras.len().max(1));
    // Opened before anything else is started: a wrong model should cost nothing to find out.
    drop(vision.worker()?);
    let [detector, reader] = vision.models();
    let models = Arc::new(ModelVersions {
        detector_sha256: detector.sha256.clone(),
        reader_sha256: reader.sha256.clone(),
    });

    let seen = seen(settings)?;
    let ignoring = Ignoring::load(settings.ignore.as_deref())?;

    let (store, store_thread) = store::start(&settings.store)?;
    let known = latest(&store, &settings.store);
    let ledger = Ledger::new(store.clone());
    let condition = Condition::new(metrics.clone(), ledger.clone(), known);
    condition.clock_at_start(Utc::now());
    ledger.tell(
        AuditEntry::by_box(AuditAction::BoxStarted)
            .with("version", env!("CARGO_PKG_VERSION"))
            .with("detector", &detector.sha256)
            .with("reader", &reader.sha256),
    );
    if let Some(sha256) = &settings.configuration {
        ledger.did(AuditAction::ConfigurationUsed, "sha256", sha256);
    }
    let law = law_on_record(settings);
    ledger.tell(
        AuditEntry::by_box(AuditAction::LawInForce)
            .with("policy", &law.policy)
            .with("preset", &law.preset)
            .with("terms", &law.terms),
    );
    store.set_law(law)?;
    let confusions = match settings.confusions.clone().or_else(|| vision.confusions()) {
        Some(path) => Arc::new(Confusions::load(&path)?),
        None => Confusions::builtin(),
    };
    tracing::info!(from = confusions.name(), characters = confusions.measured(), "confusions of the reader");
    let hotlists = Hotlists::of_reader(confusions);
    let names = settings.cameras.iter().map(|c| c.capture.camera.clone());
    let lawful = Lawful::new(&settings.law, &settings.cameras);
    let watch =
        Arc::new(Watch::new(metrics.clone(), hotlists.clone(), names, ledger.clone(), lawful.clone()));
    // Loads every list before it returns, so that no early vehicle passes an empty list. One that cannot be
    // used stops nothing: the others count, and the watcher goes on looking at its file.
    let watcher = {
        let (lists, hotlists, watch, stop) =
            (settings.hotlists.clone(), hotlists.clone(), Arc::clone(&watch), stop.clone());
        hotlist::watch(lists, hotlists, watch, stop).map_err(|source| thread("hotlists", source))?
    };

    let health = health::source(
        metrics.clone(),
        Arc::clone(&watch),
        hotlists.clone(),
        &models,
        store.clone(),
        settings.store.clone(),
        condition.clone(),
        lawful.clone(),
    );
    let live = settings.cameras.iter().filter(|c| c.capture.source.is_live());
    let switches = Switches::new(live.map(|c| c.capture.camera.clone()), &store.paused_cameras()?);
    let orders = Orders { store: store.clone(), hotlists: hotlists.clone(), switches: switches.clone() };
    let events = AlertWatch(metrics.clone(), orders);
    let publisher = alert::start(&settings.alert, store.clone(), health, events)?;
    watch.tell(publisher.statuses());
    watch.tell_lists();

    let console = match &settings.console {
        None => None,
        Some(console) => Some(screen::start(console, settings, &metrics, &watch, &lawful, &store, &stop)?),
    };
    let (judged, to_record) = crossbeam_channel::bounded(JUDGED);
    let give_up = Stop::new();
    // Files wait for the disk; live cameras do not.
    let sheds = settings.cameras.iter().any(|c| c.capture.source.is_live());
    let identity = BoxIdentity::new(&settings.alert.zone, &settings.alert.box_id)?;
    close_cut_off(&store, &settings.store, &identity);
    let recorder = Recorder {
        keeper: Keeper::new(store.clone(), publisher.unkept(), condition.clone(), sheds),
        fails_at: faults.recorder_at,
        identity,
        models,
        keep: Keep {
            passages: settings.store.keep_passages,
            passage_pictures: settings.store.keep_passage_pictures,
            publish_passages: settings.alert.publish_passages,
        },
        metrics: metrics.clone(),
        limits: Limits::new(
            settings.cameras.iter().filter_map(|c| Some((c.capture.camera.clone(), c.max_passages_per_min?))),
        ),
        seen,
        lawful: lawful.clone(),
        give_up: give_up.clone(),
    };
    let recorder = spawn("recorder", move || recorder.run(to_record))?;

    before_cameras(publisher.remote());
    let mut law = LawThread::new(
        lawful.clone(),
        store.clone(),
        ledger.clone(),
        Arc::clone(&watch),
        hotlists.clone(),
        &settings.store,
    );
    law.begin(settings.officer.as_deref());
    let law_stop = Stop::new();
    let law = {
        let stop = law_stop.clone();
        spawn("law", move || law.run(&stop))?
    };
    // A camera keeps its worker: the order of its frames then needs no code.
    let mut of_worker: Vec<Vec<&super::CameraSettings>> = vec![Vec::new(); workers];
    for (camera, worker) in settings.cameras.iter().zip((0..workers).cycle()) {
        if let Some(cameras) = of_worker.get_mut(worker) {
            cameras.push(camera);
        }
    }
    let mut running = Running {
        metrics: metrics.clone(),
        stop: stop.clone(),
        give_up,
        cameras: Vec::new(),
        work: Vec::new(),
        vision: Vec::new(),
        recorder,
        condition: condition.clone(),
        ledger: ledger.clone(),
        fell: OnceLock::new(),
        watcher,
        law,
        law_stop,
        duty_ends: settings.officer.is_some(),
        publisher,
        store,
        store_thread,
        console,
        switches: switches.clone(),
        deadline: settings.stop_deadline,
    };
    for (n, cameras) in of_worker.into_iter().enumerate() {
        let live = |c: &super::CameraSettings| c.capture.source.is_live();
        // Live cameras hold one frame each; a worker with files among them may hold a few more.
        let capacity = if cameras.iter().all(|c| live(c)) { 1 } else { FILE_FRAMES };
        let work = Arc::new(Mailboxes::new(cameras.len(), capacity));
        let thread_of = VisionThread::new(
            eyes(vision.clone(), faults),
            Arc::clone(&work),
            &cameras,
            hotlists.clone(),
            ignoring.clone(),
            lawful.clone(),
            metrics.clone(),
            condition.clone(),
            judged.clone(),
        )?;
        running.vision.push(spawn(&format!("vision-{n}"), move || thread_of.run())?);
        running.work.push(Arc::clone(&work));
        for (index, c) in cameras.into_iter().enumerate() {
            ledger.did(AuditAction::CameraStarted, "camera", c.capture.camera.as_str());
            let (watch, lawful, metrics, stop) =
                (Arc::clone(&watch), lawful.clone(), metrics.clone(), stop.clone());
            let switch = switches.get(c.capture.camera.as_str()).cloned();
            let handle = camera::spawn(
                c.capture.clone(),
                index,
                Arc::clone(&work),
                watch,
                (lawful, switch),
                metrics,
                stop,
            )
            .map_err(|source| thread(&format!("cam-{}", c.capture.camera), source))?;
            running.cameras.push(handle);
        }
    }
    Ok(running)
}

impl Running {
    /// The broker in use; the embedded one says where it listens.
    pub fn broker(&self) -> &Remote {
        self.publisher.remote()
    }

    /// Where the page and the metrics are served.
    pub fn console_address(&self) -> Option<std::net::SocketAddr> {
        self.console.as_ref().map(ConsoleThread::address)
    }

    /// How often a part failed by a defect and was started again.
    pub fn restarts(&self) -> u64 {
        self.condition.restarts()
    }

    /// The numbers so far.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Waits until every camera has ended by itself (files) or a stop is requested.
    pub fn wait(&self) {
        let mut counted: Option<Instant> = None;
        let mut clock = Clock::new();
        while !self.stop.requested() && !self.vision.iter().all(JoinHandle::is_finished) {
            if let Some(name) = self.fallen() {
                tracing::error!(
                    thread = name,
                    "has ended by a defect; the program ends, to be started again"
                );
                let _ = self.fell.set(name); // told once
                return;
            }
            if counted.is_none_or(|at| at.elapsed() > Duration::from_secs(1)) {
                counted = Some(Instant::now());
                if let Some((expected, now)) = clock.look() {
                    self.condition.clock_jumped(expected, now);
                }
                self.condition.look_at_clock(Utc::now());
                self.ledger.flush();
                // A disk that hangs is no reason to be started again: what waits in memory would be lost, and
                // nothing gained.
                if let Some(status) = self.count_outbox() {
                    systemd::alive(&status);
                }
            }
            self.stop.wait(Duration::from_millis(50));
        }
    }

    /// A thread without which the box must not go on, and which has ended by itself.
    fn fallen(&self) -> Option<&'static str> {
        if self.recorder.is_finished() {
            return Some("recorder");
        }
        if self.watcher.is_finished() {
            return Some("hotlists");
        }
        // Nobody would shut a camera whose mandate ends.
        if self.law.is_finished() {
            return Some("law");
        }
        if !self.publisher.is_running() {
            return Some("alert");
        }
        (!self.store_thread.is_running()).then_some("store")
    }

    /// The outbox for the metrics, and how the box is in a line; `None` where the store has ended.
    fn count_outbox(&self) -> Option<String> {
        match self.store.outbox_stats() {
            Ok(stats) => {
                let oldest_s = stats.oldest.map_or(0.0, |at| Utc::now().since_ms(at).max(0) as f64 / 1000.0);
                self.metrics.outbox(stats.pending, oldest_s, stats.dead);
                Some(format!("{} cameras, {} messages waiting", self.cameras.len(), stats.pending))
            }
            Err(error) => {
                tracing::warn!(%error, "the outbox cannot be counted");
                let waiting = self.condition.store_health().waiting;
                (!matches!(error, StoreError::Stopped)).then(|| {
                    format!("{} cameras, {waiting} records waiting in memory: {error}", self.cameras.len())
                })
            }
        }
    }

    /// Ends in order, within the configured deadline: cameras, tracks, recorder, outbox, store. Whoever is
    /// late is named in the log.
    pub fn finish(self) -> Result<Summary, PipelineError> {
        let until = Instant::now() + self.deadline;
        let left = || until.saturating_duration_since(Instant::now());
        let mut failed: Vec<String> = self.fell.get().map(|name| (*name).to_owned()).into_iter().collect();
        systemd::stopping();
        self.stop.request();
        self.switches.end();
        for work in &self.work {
            work.close();
        }
        join_all(self.cameras, left() / 2, &mut failed);
        join_all(self.vision, left() / 2, &mut failed);
        self.law_stop.request();
        join_all(vec![self.law], left() / 2, &mut failed);
        // All senders are gone with the vision threads; the recorder ends when its queue is empty. Half the
        // time that is left is for it, then waiting for a full disk must end.
        if !wait_for(&self.recorder, left() / 2) {
            self.give_up.request();
        }
        join_all(vec![self.recorder], left() / 2, &mut failed);
        let undelivered = match self.publisher.join(left().max(Duration::from_millis(500))) {
            Ok(left) => left,
            Err(error) => {
                tracing::error!(%error, "publishing did not end in order");
                self.store.outbox_stats().map_or(0, |s| s.pending)
            }
        };
        let totals = match self.store.totals() {
            Err(error @ StoreError::Slow { .. }) => {
                tracing::error!(%error, "what was recorded cannot be said");
                Totals::default()
            }
            told => told?,
        };
        let duty = self.duty_ends.then_some(UseChange::Duty(None, "box-stopped"));
        for change in [Some(UseChange::End), duty].into_iter().flatten() {
            if let Err(error) = self.store.usage(change, Utc::now()) {
                tracing::error!(%error, "the end could not be written into the register of use");
            }
        }
        self.ledger.tell(
            AuditEntry::by_box(AuditAction::BoxStopped)
                .with("passages", totals.passages)
                .with("hits", totals.hits),
        );
        join_all(vec![self.watcher], left().max(Duration::from_millis(500)), &mut failed);
        if let Some(Err(error)) = self.console.map(ConsoleThread::join) {
            tracing::error!(%error, "the console did not end in order");
        }
        drop(self.store);
        self.store_thread.join(left().max(Duration::from_secs(2)))?;
        match failed.into_iter().next() {
            Some(name) => Err(PipelineError::Panicked { name }),
            None => Ok(Summary { totals, undelivered }),
        }
    }
}

fn wait_for(handle: &JoinHandle<()>, time: Duration) -> bool {
    let until = Instant::now() + time;
    while !handle.is_finished() {
        if Instant::now() >= until {
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    true
}

/// Joins what ends in `time`; names in the log what does not, and in `failed` what panicked.
fn join_all(handles: Vec<JoinHandle<()>>, time: Duration, failed: &mut Vec<String>) {
    let until = Instant::now() + time;
    for handle in handles {
        let name = handle.thread().name().unwrap_or("?").to_owned();
        if !wait_for(&handle, until.saturating_duration_since(Instant::now())) {
            tracing::error!(thread = name, "has not ended in time and is left behind");
        } else if handle.join().is_err() {
            tracing::error!(thread = name, "has panicked");
            failed.push(name);
        }
    }
}

fn thread(name: &str, source: std::io::Error) -> PipelineError {
    PipelineError::Thread { name: name.to_owned(), source }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, PipelineError> {
    std::thread::Builder::new().name(name.to_owned()).spawn(run).map_err(|source| thread(name, source))
}
