//! The numbers as plain data, for the health message and the page.

use crate::domain::{CameraId, Utc};

/// All counts at one moment. They only grow until the process ends, unless said otherwise.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricsSnapshot {
    /// When the counting began.
    pub started_at: Utc,
    /// Every camera ever named, by name.
    pub cameras: Vec<CameraCounts>,
    /// Every list ever named, by name.
    pub lists: Vec<ListCounts>,
    /// Passages of all cameras.
    pub passages: u64,
    /// Hits of all lists.
    pub hits: u64,
    /// Messages the broker acknowledged.
    pub delivered: u64,
    /// Publishes the broker refused.
    pub publish_refused: u64,
    /// Whether the broker is connected now.
    pub broker_connected: bool,
    /// Messages waiting for the broker now.
    pub outbox_pending: u64,
    /// Age of the oldest of them in seconds; 0 where none waits.
    pub outbox_oldest_s: f64,
    /// Messages given up now (refused for good).
    pub outbox_dead: u64,
    /// Failures of the store.
    pub store_errors: u64,
    /// Whether the disk takes records now.
    pub store_writable: bool,
    /// Records that wait in memory for it now.
    pub store_waiting: u64,
    /// Alarms that nobody has acknowledged.
    pub alarms: u64,
    /// Whether the box's clock cannot be believed now.
    pub clock_suspicious: bool,
}

/// One camera's counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CameraCounts {
    /// Which camera.
    pub camera: CameraId,
    /// Whether frames come from it now.
    pub up: bool,
    /// Frames that came from it.
    pub received: u64,
    /// Frames of these that were not worked on, whatever the reason.
    pub dropped: u64,
    /// When its last frame came; `None` before the first.
    pub last_frame_at: Option<Utc>,
    /// How often it was opened anew after a failure.
    pub restarts: u64,
    /// Plates found in its frames.
    pub detections: u64,
    /// Plates read in its frames.
    pub readings: u64,
    /// Vehicles that passed it.
    pub passages: u64,
}

/// One list's counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListCounts {
    /// Its configured name.
    pub list: String,
    /// Entries in force now.
    pub entries: u64,
    /// Files refused since the start.
    pub refused: u64,
}
