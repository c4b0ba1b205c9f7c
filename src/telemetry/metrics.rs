//! Counts what happens, for Prometheus, the health message and the page.
//!
//! Labels are configured names (camera, list) and the closed words of `labels`; never a plate, never an
//! error text. Counting takes a read lock for the look-up and an atomic addition, so it may stand on
//! the hot path; it never fails and does not wait for a scrape.

use super::families::{
    ByCamera, ByDiscard, ByDrop, ByKind, ByList, ByListAndKind, ByQueue, ByReject, ByResult, ByStage,
    BySuppress,
};
use super::families::{Families, FloatGauge};
use super::labels::{
    DiscardReason, DropReason, QueueName, RejectReason, Stage, StoreErrorKind, SuppressReason,
};
use super::snapshot::{CameraCounts, ListCounts, MetricsSnapshot};
use crate::domain::{CameraId, MatchKind, Utc};
use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// All numbers of one process. Clones share them.
#[derive(Clone, Debug)]
pub struct Metrics {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    registry: Registry,
    started_at: Utc,
    all: Families,
    // Handles of the counters in `all`, so that a snapshot reads the same atomics a scrape does.
    cameras: RwLock<BTreeMap<CameraId, Arc<Camera>>>,
    lists: RwLock<BTreeMap<String, Arc<List>>>,
}

/// The handles of one camera.
#[derive(Debug)]
struct Camera {
    received: Counter,
    dropped: AtomicU64,
    up: Gauge,
    last_frame_s: FloatGauge,
    /// Unix ms; 0 before the first frame.
    last_frame_ms: AtomicI64,
    restarts: Counter,
    detections: Counter,
    readings: Counter,
    passages: Counter,
}

/// The handles of one list.
#[derive(Debug)]
struct List {
    entries: Gauge,
    refused: Counter,
    stale: Gauge,
    hits: AtomicU64,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// All at zero.
    pub fn new() -> Self {
        let started_at = Utc::now();
        let all = Families::default();
        all.store_writable.set(1);
        let registry = all.register(started_at);
        let (cameras, lists) = Default::default();
        Self { shared: Arc::new(Shared { registry, started_at, all, cameras, lists }) }
    }

    /// A frame came from the camera (whether or not it is worked on).
    pub fn frame_received(&self, camera: &CameraId) {
        let now = Utc::now().unix_ms();
        let camera = self.camera(camera);
        camera.received.inc();
        camera.last_frame_ms.store(now, Relaxed);
        camera.last_frame_s.set(now as f64 / 1e3);
    }

    /// A frame that came is not worked on.
    pub fn frame_dropped(&self, camera: &CameraId, reason: DropReason) {
        self.camera(camera).dropped.fetch_add(1, Relaxed);
        let labels = ByDrop { camera: camera.to_string(), reason };
        self.shared.all.dropped.get_or_create(&labels).inc();
    }

    /// Frames come from the camera, or no longer do.
    pub fn camera_up(&self, camera: &CameraId, up: bool) {
        self.camera(camera).up.set(up.into());
    }

    /// The camera is opened anew after a failure.
    pub fn camera_restarted(&self, camera: &CameraId) {
        self.camera(camera).restarts.inc();
    }

    /// One step of the work took so long.
    pub fn stage_time(&self, stage: Stage, took: Duration) {
        self.shared.all.times.stages.get_or_create(&ByStage { stage }).observe(took.as_secs_f64());
    }

    /// So many items wait in the queue now.
    pub fn queue_depth(&self, queue: QueueName, items: usize) {
        self.shared.all.queues.get_or_create(&ByQueue { queue }).set(gauge(items));
    }

    /// A plate was found in a frame.
    pub fn detection(&self, camera: &CameraId) {
        self.camera(camera).detections.inc();
    }

    /// A plate was read and goes into a track.
    pub fn reading(&self, camera: &CameraId) {
        self.camera(camera).readings.inc();
    }

    /// A plate that was found is not used.
    pub fn reading_rejected(&self, camera: &CameraId, reason: RejectReason) {
        let labels = ByReject { camera: camera.to_string(), reason };
        self.shared.all.rejected.get_or_create(&labels).inc();
    }

    /// A vehicle passed; count each passage once.
    pub fn passage(&self, camera: &CameraId) {
        self.camera(camera).passages.inc();
    }

    /// A track ended without becoming a passage.
    pub fn track_discarded(&self, camera: &CameraId, reason: DiscardReason) {
        let labels = ByDiscard { camera: camera.to_string(), reason };
        self.shared.all.discarded.get_or_create(&labels).inc();
    }

    /// A passage is not recorded, or not told of.
    pub fn passage_suppressed(&self, camera: &CameraId, reason: SuppressReason) {
        let labels = BySuppress { camera: camera.to_string(), reason };
        self.shared.all.suppressed.get_or_create(&labels).inc();
    }

    /// A passage met an entry of `list`; count each hit once.
    pub fn hit(&self, list: &str, kind: MatchKind) {
        self.list(list).hits.fetch_add(1, Relaxed);
        let labels = ByListAndKind { list: list.to_owned(), kind: kind.as_str() };
        self.shared.all.hits.get_or_create(&labels).inc();
    }

    /// The state of the outbox: messages waiting, age of the oldest in seconds (0 where none waits),
    /// messages given up.
    pub fn outbox(&self, pending: u64, oldest_s: f64, dead: u64) {
        self.shared.all.outbox_pending.set(gauge(pending));
        self.shared.all.outbox_oldest.set(oldest_s);
        self.shared.all.outbox_dead.set(gauge(dead));
    }

    /// The broker acknowledged a message.
    pub fn delivered(&self) {
        self.shared.all.delivered.inc();
    }

    /// The first message of a hit was acknowledged so long after its frame was taken.
    pub fn capture_to_delivered(&self, took: Duration) {
        self.shared.all.times.capture_to_delivered.observe(took.as_secs_f64());
    }

    /// The broker refused a message.
    pub fn publish_refused(&self) {
        self.shared.all.publish_refused.inc();
    }

    /// A message of an operator was followed (`accepted`) or not, for this reason.
    pub fn inbound(&self, result: &'static str) {
        self.shared.all.inbound.get_or_create(&ByResult { result }).inc();
    }

    /// The broker is connected, or no longer is.
    pub fn broker_connected(&self, connected: bool) {
        self.shared.all.broker_connected.set(connected.into());
    }

    /// So many entries of the list are in force now.
    pub fn list_entries(&self, list: &str, entries: usize) {
        self.list(list).entries.set(gauge(entries));
    }

    /// A file of the list was refused; the version before stays in force.
    pub fn list_refused(&self, list: &str) {
        self.list(list).refused.inc();
    }

    /// The version of the list in force is out of date, or no longer is.
    pub fn list_stale(&self, list: &str, stale: bool) {
        self.list(list).stale.set(stale.into());
    }

    /// The store could not keep something.
    pub fn store_error(&self, kind: StoreErrorKind) {
        self.shared.all.store_errors.get_or_create(&ByKind { kind }).inc();
    }

    /// The disk takes records, or records wait in memory.
    pub fn store_writable(&self, writable: bool) {
        self.shared.all.store_writable.set(writable.into());
    }

    /// So many records wait in memory for the disk now.
    pub fn store_waiting(&self, records: usize) {
        self.shared.all.store_waiting.set(gauge(records));
    }

    /// Messages of hits were sent before they were kept.
    pub fn hits_unkept(&self, messages: u64) {
        self.shared.all.hits_unkept.inc_by(messages);
    }

    /// A record could never be kept.
    pub fn record_lost(&self) {
        self.shared.all.records_lost.inc();
    }

    /// Passages, or pictures of hits, had no room while the disk took nothing.
    pub fn records_shed(&self, records: u64) {
        self.shared.all.records_shed.inc_by(records);
    }

    /// So many alarms stand now.
    pub fn alarms(&self, open: usize) {
        self.shared.all.alarms.set(gauge(open));
    }

    /// Whether it is known where the vehicle is.
    pub fn position_known(&self, known: bool) {
        self.shared.all.position_known.set(i64::from(known));
    }

    /// A part of the program failed by a defect and was started again.
    pub fn worker_restarted(&self) {
        self.shared.all.worker_restarts.inc();
    }

    /// The box's clock has jumped.
    pub fn clock_jumped(&self) {
        self.shared.all.clock_jumps.inc();
    }

    /// The box's clock cannot be believed, or can again.
    pub fn clock_suspicious(&self, suspicious: bool) {
        self.shared.all.clock_suspicious.set(suspicious.into());
    }

    /// All metrics in the OpenMetrics 1.0 text format, ending in `# EOF`.
    pub fn render(&self) -> String {
        let mut out = String::with_capacity(16 * 1024);
        // Writing to a String cannot fail, and neither can encoding numbers and words; without the
        // closing `# EOF` a scraper would take the answer as cut off, which is the truth then.
        if text::encode(&mut out, &self.shared.registry).is_err() {
            tracing::error!("the metrics could not be written in full");
        }
        out
    }

    /// The same numbers as plain data.
    pub fn snapshot(&self) -> MetricsSnapshot {
        let shared = &*self.shared;
        let cameras = shared.cameras.read().unwrap_or_else(PoisonError::into_inner);
        let cameras: Vec<_> = cameras.iter().map(|(id, camera)| camera.counts(id)).collect();
        let lists = shared.lists.read().unwrap_or_else(PoisonError::into_inner);
        let counts = |(name, list): (&String, &Arc<List>)| ListCounts {
            list: name.clone(),
            entries: count(&list.entries),
            refused: list.refused.get(),
        };
        MetricsSnapshot {
            started_at: shared.started_at,
            passages: cameras.iter().map(|c| c.passages).sum(),
            cameras,
            hits: lists.values().map(|l| l.hits.load(Relaxed)).sum(),
            lists: lists.iter().map(counts).collect(),
            delivered: shared.all.delivered.get(),
            publish_refused: shared.all.publish_refused.get(),
            broker_connected: shared.all.broker_connected.get() != 0,
            outbox_pending: count(&shared.all.outbox_pending),
            outbox_oldest_s: shared.all.outbox_oldest.get(),
            outbox_dead: count(&shared.all.outbox_dead),
            store_errors: StoreErrorKind::ALL
                .iter()
                .filter_map(|&kind| shared.all.store_errors.get(&ByKind { kind }).map(|c| c.get()))
                .sum(),
            store_writable: shared.all.store_writable.get() != 0,
            store_waiting: count(&shared.all.store_waiting),
            alarms: count(&shared.all.alarms),
            clock_suspicious: shared.all.clock_suspicious.get() != 0,
        }
    }

    fn camera(&self, id: &CameraId) -> Arc<Camera> {
        find_or_make(&self.shared.cameras, id, || Camera::new(&self.shared.all, id))
    }

    fn list(&self, name: &str) -> Arc<List> {
        find_or_make(&self.shared.lists, name, || List::new(&self.shared.all, name))
    }
}

impl Camera {
    fn new(all: &Families, id: &CameraId) -> Self {
        let labels = ByCamera { camera: id.to_string() };
        Self {
            received: all.received.get_or_create_owned(&labels),
            dropped: AtomicU64::new(0),
            up: all.up.get_or_create_owned(&labels),
            last_frame_s: all.last_frame.get_or_create_owned(&labels),
            last_frame_ms: AtomicI64::new(0),
            restarts: all.restarts.get_or_create_owned(&labels),
            detections: all.detections.get_or_create_owned(&labels),
            readings: all.readings.get_or_create_owned(&labels),
            passages: all.passages.get_or_create_owned(&labels),
        }
    }

    fn counts(&self, id: &CameraId) -> CameraCounts {
        let last_frame_ms = self.last_frame_ms.load(Relaxed);
        CameraCounts {
            camera: id.clone(),
            up: self.up.get() != 0,
            received: self.received.get(),
            dropped: self.dropped.load(Relaxed),
            last_frame_at: (last_frame_ms != 0).then(|| Utc::from_unix_ms(last_frame_ms)),
            restarts: self.restarts.get(),
            detections: self.detections.get(),
            readings: self.readings.get(),
            passages: self.passages.get(),
        }
    }
}

impl List {
    fn new(all: &Families, name: &str) -> Self {
        let labels = ByList { list: name.to_owned() };
        Self {
            entries: all.list_entries.get_or_create_owned(&labels),
            refused: all.list_refused.get_or_create_owned(&labels),
            stale: all.list_stale.get_or_create_owned(&labels),
            hits: AtomicU64::new(0),
        }
    }
}

/// The handles under `key`, made on first use.
fn find_or_make<K, Q, V>(map: &RwLock<BTreeMap<K, Arc<V>>>, key: &Q, make: impl FnOnce() -> V) -> Arc<V>
where
    K: Borrow<Q> + Ord,
    Q: Ord + ToOwned<Owned = K> + ?Sized,
{
    let found = map.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned();
    found.unwrap_or_else(|| {
        let mut map = map.write().unwrap_or_else(PoisonError::into_inner);
        map.entry(key.to_owned()).or_insert_with(|| Arc::new(make())).clone()
    })
}

fn gauge(n: impl TryInto<i64>) -> i64 {
    n.try_into().unwrap_or(i64::MAX)
}

fn count(gauge: &Gauge) -> u64 {
    gauge.get().try_into().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every metric with at least one value.
    fn busy() -> Metrics {
        let m = Metrics::new();
        let camera = CameraId::new("gate-north");
        m.frame_received(&camera);
        m.frame_received(&camera);
        m.camera_up(&camera, true);
        m.camera_restarted(&camera);
        m.detection(&camera);
        m.reading(&camera);
        m.passage(&camera);
        for &reason in DropReason::ALL {
            m.frame_dropped(&camera, reason);
        }
        for &reason in RejectReason::ALL {
            m.reading_rejected(&camera, reason);
        }
        for &reason in DiscardReason::ALL {
            m.track_discarded(&camera, reason);
        }
        for &reason in SuppressReason::ALL {
            m.passage_suppressed(&camera, reason);
        }
        for &stage in Stage::ALL {
            m.stage_time(stage, Duration::from_micros(300));
        }
        for &queue in QueueName::ALL {
            m.queue_depth(queue, 3);
        }
        for &kind in StoreErrorKind::ALL {
            m.store_error(kind);
        }
        m.hit("stolen", MatchKind::Exact);
        m.hit("stolen", MatchKind::Wildcard);
        m.list_entries("stolen", 1_200);
        m.list_refused("stolen");
        m.list_stale("stolen", true);
        m.outbox(4, 2.5, 1);
        m.delivered();
        m.capture_to_delivered(Duration::from_millis(180));
        m.publish_refused();
        m.inbound("accepted");
        m.broker_connected(true);
        m.store_writable(true);
        m.store_waiting(2);
        m.hits_unkept(2);
        m.record_lost();
        m.records_shed(3);
        m.alarms(1);
        m.worker_restarted();
        m.clock_jumped();
        m.clock_suspicious(true);
        m
    }

    #[test]
    fn the_snapshot_says_what_the_scrape_says() {
        let m = busy();
        let text = m.render();
        let s = m.clone().snapshot();
        let camera = s.cameras.first().unwrap();
        assert_eq!((camera.received, camera.dropped, camera.restarts), (2, DropReason::ALL.len() as u64, 1));
        assert!(camera.up && camera.last_frame_at.is_some());
        assert_eq!((s.passages, s.hits, s.delivered, s.publish_refused), (1, 2, 1, 1));
        assert_eq!((s.outbox_pending, s.outbox_oldest_s, s.outbox_dead), (4, 2.5, 1));
        assert_eq!(s.store_errors, StoreErrorKind::ALL.len() as u64);
        let list = s.lists.first().unwrap();
        assert_eq!((list.list.as_str(), list.entries, list.refused), ("stolen", 1_200, 1));
        for line in [
            "platewatch_frames_received_total{camera=\"gate-north\"} 2",
            "platewatch_frames_dropped_total{camera=\"gate-north\",reason=\"newer-frame\"} 1",
            "platewatch_hits_total{list=\"stolen\",kind=\"exact\"} 1",
            "platewatch_stage_duration_seconds_bucket{le=\"0.0005\",stage=\"detect\"} 1",
            "platewatch_stage_duration_seconds_bucket{le=\"0.00025\",stage=\"detect\"} 0",
            "platewatch_outbox_oldest_age_seconds 2.5",
            "platewatch_broker_connected 1",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} is not in\n{text}");
        }
        assert!(text.ends_with("# EOF\n"));
    }

    #[test]
    fn a_camera_is_known_before_its_first_frame() {
        let m = Metrics::new();
        m.camera_up(&CameraId::new("dark"), false);
        let s = m.snapshot();
        assert_eq!(s.cameras.first().map(|c| (c.up, c.last_frame_at)), Some((false, None)));
    }

    #[test]
    fn every_metric_and_label_word_stands_in_the_reference() {
        let reference =
            std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/ref/metrics.md")).unwrap();
        let text = busy().render();
        let mut seen = 0;
        for line in text.lines().filter(|l| l.starts_with("# TYPE ")) {
            let mut words = line.split(' ').skip(2);
            let (name, kind) = (words.next().unwrap(), words.next().unwrap());
            let name = match kind {
                "counter" => format!("{name}_total"),
                "info" => format!("{name}_info"),
                _ => name.to_owned(),
            };
            assert!(reference.contains(&format!("`{name}`")), "docs/ref/metrics.md does not explain {name}");
            seen += 1;
        }
        // The other way round: nothing is explained that is gone.
        let explained = reference.lines().filter(|l| l.starts_with("| `platewatch_")).count();
        assert_eq!(seen, explained, "docs/ref/metrics.md explains metrics that do not exist");
        for word in DropReason::ALL
            .iter()
            .map(|w| w.as_str())
            .chain(RejectReason::ALL.iter().map(|w| w.as_str()))
            .chain(DiscardReason::ALL.iter().map(|w| w.as_str()))
            .chain(SuppressReason::ALL.iter().map(|w| w.as_str()))
            .chain(Stage::ALL.iter().map(|w| w.as_str()))
            .chain(QueueName::ALL.iter().map(|w| w.as_str()))
            .chain(StoreErrorKind::ALL.iter().map(|w| w.as_str()))
        {
            assert!(reference.contains(&format!("`{word}`")), "docs/ref/metrics.md does not explain {word}");
        }
    }

    #[test]
    fn threads_count_together() {
        let m = Metrics::new();
        std::thread::scope(|s| {
            for _ in 0..4 {
                s.spawn(|| {
                    for _ in 0..1_000 {
                        m.frame_received(&CameraId::new("one"));
                    }
                });
            }
        });
        assert_eq!(m.snapshot().cameras.first().unwrap().received, 4_000);
    }
}
