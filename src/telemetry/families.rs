//! Every metric with its name, unit and help text; `docs/ref/metrics.md` explains them to operators.

use super::labels::{
    DiscardReason, DropReason, QueueName, RejectReason, Stage, StoreErrorKind, SuppressReason,
};
use crate::domain::Utc;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use std::sync::atomic::AtomicU64;

/// Upper bounds in seconds, 0.1 ms to 30 s: a resize takes the first, a stalled disk the last.
const BUCKETS_S: [f64; 18] = [
    0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0,
    10.0, 20.0, 30.0,
];

/// A gauge of a number that may have a fraction.
pub(super) type FloatGauge = Gauge<f64, AtomicU64>;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct ByCamera {
    pub camera: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct ByDrop {
    pub camera: String,
    pub reason: DropReason,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct ByReject {
    pub camera: String,
    pub reason: RejectReason,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct ByDiscard {
    pub camera: String,
    pub reason: DiscardReason,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct BySuppress {
    pub camera: String,
    pub reason: SuppressReason,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct ByStage {
    pub stage: Stage,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct ByQueue {
    pub queue: QueueName,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct ByList {
    pub list: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct ByListAndKind {
    pub list: String,
    pub kind: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct ByResult {
    pub result: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct ByKind {
    pub kind: StoreErrorKind,
}

/// The metrics; clones of them stand in the registry.
#[derive(Debug, Default)]
pub(super) struct Families {
    pub received: Family<ByCamera, Counter>,
    pub dropped: Family<ByDrop, Counter>,
    pub up: Family<ByCamera, Gauge>,
    pub last_frame: Family<ByCamera, FloatGauge>,
    pub restarts: Family<ByCamera, Counter>,
    pub detections: Family<ByCamera, Counter>,
    pub readings: Family<ByCamera, Counter>,
    pub rejected: Family<ByReject, Counter>,
    pub passages: Family<ByCamera, Counter>,
    pub discarded: Family<ByDiscard, Counter>,
    pub suppressed: Family<BySuppress, Counter>,
    pub queues: Family<ByQueue, Gauge>,
    pub hits: Family<ByListAndKind, Counter>,
    pub list_entries: Family<ByList, Gauge>,
    pub list_refused: Family<ByList, Counter>,
    pub list_stale: Family<ByList, Gauge>,
    pub outbox_pending: Gauge,
    pub outbox_oldest: FloatGauge,
    pub outbox_dead: Gauge,
    pub delivered: Counter,
    pub publish_refused: Counter,
    pub inbound: Family<ByResult, Counter>,
    pub broker_connected: Gauge,
    pub store_errors: Family<ByKind, Counter>,
    pub store_writable: Gauge,
    pub store_waiting: Gauge,
    pub hits_unkept: Counter,
    pub records_lost: Counter,
    pub records_shed: Counter,
    pub alarms: Gauge,
    pub position_known: Gauge,
    pub worker_restarts: Counter,
    pub clock_jumps: Counter,
    pub clock_suspicious: Gauge,
    pub times: Times,
}

/// The histograms, which need their buckets told.
#[derive(Debug)]
pub(super) struct Times {
    pub stages: Family<ByStage, Histogram, fn() -> Histogram>,
    pub capture_to_delivered: Histogram,
}

impl Default for Times {
    fn default() -> Self {
        let seconds = || Histogram::new(BUCKETS_S);
        Self { stages: Family::new_with_constructor(seconds), capture_to_delivered: seconds() }
    }
}

impl Families {
    /// A registry that holds all of them. Counters get `_total` and units their suffix when encoded.
    pub fn register(&self, started_at: Utc) -> Registry {
        let mut r = Registry::with_prefix("platewatch");
        let s = || Unit::Seconds;
        r.register(
            "build",
            "Version of the running program",
            Info::new([("version", env!("CARGO_PKG_VERSION"))]),
        );
        let started_s = started_at.unix_ms() as f64 / 1e3;
        let help = "When the program started, as Unix time";
        r.register_with_unit("start_time", help, s(), ConstGauge::new(started_s));

        r.register("frames_received", "Frames that came from a camera", self.received.clone());
        r.register("frames_dropped", "Frames that were not worked on, by reason", self.dropped.clone());
        r.register("camera_up", "1 while frames come from the camera, else 0", self.up.clone());
        let help = "When the camera's last frame came, as Unix time";
        r.register_with_unit("camera_last_frame_time", help, s(), self.last_frame.clone());
        r.register(
            "camera_restarts",
            "How often the camera was opened anew after a failure",
            self.restarts.clone(),
        );
        let help = "Time one step of the work took";
        r.register_with_unit("stage_duration", help, s(), self.times.stages.clone());
        r.register(
            "queue_depth",
            "Items waiting in a bounded queue, by who takes from it",
            self.queues.clone(),
        );

        r.register("detections", "Plates found in frames", self.detections.clone());
        r.register("readings", "Plates read and taken into a track", self.readings.clone());
        r.register("readings_rejected", "Plates found but not used, by reason", self.rejected.clone());
        r.register("passages", "Vehicles that passed a camera", self.passages.clone());
        r.register("tracks_discarded", "Tracks that became no passage, by reason", self.discarded.clone());
        let help = "Passages not recorded or not told of, by reason";
        r.register("passages_suppressed", help, self.suppressed.clone());

        r.register("hits", "Passages that met an entry of a hotlist, by kind of match", self.hits.clone());
        r.register("hotlist_entries", "Entries of the hotlist in force", self.list_entries.clone());
        let help = "Hotlist files refused; the version before stayed in force";
        r.register("hotlist_refused", help, self.list_refused.clone());
        r.register("hotlist_stale", "1 while the hotlist in force is out of date", self.list_stale.clone());

        r.register("outbox_pending", "Messages waiting for the broker", self.outbox_pending.clone());
        let help = "Age of the oldest message waiting for the broker, 0 where none waits";
        r.register_with_unit("outbox_oldest_age", help, s(), self.outbox_oldest.clone());
        r.register(
            "outbox_dead",
            "Messages given up because they can never be sent",
            self.outbox_dead.clone(),
        );
        r.register("messages_delivered", "Messages the broker acknowledged", self.delivered.clone());
        r.register("publishes_refused", "Messages the broker refused", self.publish_refused.clone());
        let help = "Messages of operators, by what became of them";
        r.register("inbound_messages", help, self.inbound.clone());
        let help = "Time from a frame's capture to the broker's acknowledgement of its hit's first message";
        r.register_with_unit("capture_to_delivered", help, s(), self.times.capture_to_delivered.clone());
        r.register(
            "broker_connected",
            "1 while the broker is connected, else 0",
            self.broker_connected.clone(),
        );
        let help = "Records or pictures the store could not keep, by cause";
        r.register("store_errors", help, self.store_errors.clone());
        let help = "1 while the disk takes records, 0 while they wait in memory";
        r.register("store_writable", help, self.store_writable.clone());
        r.register("store_waiting", "Records that wait in memory for the disk", self.store_waiting.clone());
        let help = "Messages of hits sent before they were kept";
        r.register("hits_unkept", help, self.hits_unkept.clone());
        r.register("records_lost", "Records that could never be kept", self.records_lost.clone());
        let help = "Passages, or pictures of hits, that had no room while the disk took nothing";
        r.register("records_shed", help, self.records_shed.clone());
        r.register("alarms", "Alarms that nobody has acknowledged", self.alarms.clone());
        let help = "1 while the vehicle's position is known, for cameras that move";
        r.register("position_known", help, self.position_known.clone());
        let help = "Parts of the program that failed by a defect and were started again";
        r.register("worker_restarts", help, self.worker_restarts.clone());
        r.register("clock_jumps", "How often the box's clock has jumped", self.clock_jumps.clone());
        let help = "1 while the box's clock cannot be believed, else 0";
        r.register("clock_suspicious", help, self.clock_suspicious.clone());
        r
    }
}
