//! The parts of `health`: cameras, outbox, disk, clock, and what somebody must take note of.

use super::{CameraState, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whether what is decided can be kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StoreHealth {
    /// How the disk takes what it is given.
    pub state: StoreState,
    /// Since when it is so; null where it always was since the start.
    pub since: Option<Time>,
    /// Records that wait in memory for the disk.
    pub waiting: u64,
    /// Messages of hits sent with `kept: false` since the start.
    pub unkept: u64,
    /// Records with a hit that could never be kept, since the start.
    pub lost: u64,
    /// Passages without a hit, and pictures of hits, that had no room while the disk took nothing, since the start.
    pub shed: u64,
}

/// How the disk takes what it is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StoreState {
    /// As it should.
    #[default]
    Ok,
    /// It does not answer in time.
    Slow,
    /// It is full.
    Full,
    /// It cannot be written.
    ReadOnly,
    /// The database is damaged and could not yet be replaced.
    Damaged,
    /// It fails otherwise; the log says how.
    Failing,
}

/// How far the box's clock can be believed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ClockHealth {
    /// What is thought of it.
    pub state: ClockState,
    /// When it last jumped, by the time after the jump; null where it did not since the start.
    pub jumped_at: Option<Time>,
    /// By how many milliseconds, forth (positive) or back.
    pub jumped_ms: Option<i64>,
    /// How often it has jumped since the start.
    pub jumps: u64,
}

/// What is thought of the box's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ClockState {
    /// Nothing speaks against it.
    Ok,
    /// It stands before the making of this program (1970 after a dead battery): times, the validity of entries and
    /// the age of lists mean nothing.
    Unset,
    /// It stands before what the box has recorded, or it has jumped within the last hour.
    Suspicious,
}

/// Something that somebody has to take note of; `platewatch alarms acknowledge` ends it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AlarmHealth {
    /// Number of its row in the audit chain.
    pub seq: u64,
    /// When it was raised.
    pub at: Time,
    /// What happened, such as `store-recovered`.
    pub what: String,
    /// For people.
    pub detail: String,
}

/// One camera's figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CameraHealth {
    /// The camera.
    pub camera: String,
    /// How it is.
    pub state: CameraState,
    /// Frames it gave since the start.
    pub frames: u64,
    /// Frames that were dropped since the start, for whatever reason.
    pub dropped: u64,
    /// When its latest frame was taken; null before the first.
    pub last_frame_at: Option<Time>,
}

/// What waits for the broker.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OutboxHealth {
    /// Messages that wait.
    pub pending: u64,
    /// Age of the oldest in seconds; null where none waits.
    pub oldest_s: Option<u64>,
    /// Messages given up on; they are kept on the box with the reason (`platewatch outbox list`).
    pub dead: u64,
    /// Messages of passages without a hit dropped since the start because the outbox was full.
    #[serde(default)]
    pub dropped: u64,
}
