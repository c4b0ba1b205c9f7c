//! What the store gives back: rows as plain data, and the questions they answer.

use super::outcomes::AnswerSource;
use super::record::{EvidenceRole, MessageKind, ModelVersions};
use crate::domain::{
    CameraId, ClockQuality, Direction, Entry, HitId, HitState, ListVersion, MatchKind, Outcome, Passage,
    PassageId, PlateText, Position, Utc,
};
use std::path::PathBuf;
use std::time::Duration;

/// A message that waits for the broker's acknowledgement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxRow {
    /// Its number; growing in the order in which messages were recorded.
    pub id: i64,
    /// CloudEvents id.
    pub event_id: String,
    /// The whole MQTT topic.
    pub topic: String,
    /// The whole payload (JSON).
    pub payload: String,
    /// What it tells.
    pub kind: MessageKind,
    /// The hit it tells of.
    pub hit: Option<HitId>,
    /// When it was made.
    pub created_at: Utc,
    /// How long ago it was recorded, by the monotonic clock; `None` where that was in an earlier run.
    pub waited: Option<Duration>,
}

/// A passage of which only a trace is kept: found for a plate that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceRow {
    /// The passage's id.
    pub passage: String,
    /// Which camera saw it.
    pub camera: String,
    /// When its first reading was taken.
    pub first_seen: Utc,
    /// When its latest reading was taken.
    pub last_seen: Utc,
    /// How many hits it had.
    pub hits: u64,
}

/// A message that was given up on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadRow {
    /// Its number.
    pub id: i64,
    /// CloudEvents id.
    pub event_id: String,
    /// The whole MQTT topic.
    pub topic: String,
    /// Size of its payload.
    pub bytes: u64,
    /// When it was made.
    pub created_at: Utc,
    /// When it was given up on.
    pub given_up_at: Utc,
    /// Why.
    pub reason: String,
}

/// How the outbox stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OutboxStats {
    /// Messages that wait.
    pub pending: u64,
    /// When the oldest waiting message was made.
    pub oldest: Option<Utc>,
    /// Messages given up on; they stay in the file with the reason.
    pub dead: u64,
    /// Messages of passages dropped since the start because the outbox was full.
    pub dropped: u64,
}

/// What was recorded since this store was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Passages that have ended, kept or not.
    pub passages: u64,
    /// Hits, each counted once however often it changed.
    pub hits: u64,
    /// Messages of passages dropped because the outbox was full.
    pub outbox_dropped: u64,
}

/// Which passages; the default is the latest 100.
#[derive(Debug, Clone)]
pub struct PassageQuery {
    /// First seen at or after.
    pub since: Option<Utc>,
    /// First seen before.
    pub until: Option<Utc>,
    /// Seen by this camera.
    pub camera: Option<CameraId>,
    /// With this observed text.
    pub plate: Option<PlateText>,
    /// At most so many, the latest first.
    pub limit: usize,
}

impl Default for PassageQuery {
    fn default() -> Self {
        Self { since: None, until: None, camera: None, plate: None, limit: 100 }
    }
}

/// Which hits; the default is the latest 100.
#[derive(Debug, Clone)]
pub struct HitQuery {
    /// Only where the vehicle was first seen from this time on.
    pub seen_since: Option<Utc>,
    /// First decided at or after.
    pub since: Option<Utc>,
    /// First decided before.
    pub until: Option<Utc>,
    /// Seen by this camera.
    pub camera: Option<CameraId>,
    /// With this observed text or on this entry's plate.
    pub plate: Option<PlateText>,
    /// On the list of this name.
    pub list: Option<String>,
    /// Only late ones, or only those found as they passed.
    pub late: Option<bool>,
    /// Only those that have not had their last word.
    pub open: bool,
    /// At most so many, the latest first.
    pub limit: usize,
}

impl Default for HitQuery {
    fn default() -> Self {
        Self {
            seen_since: None,
            since: None,
            until: None,
            camera: None,
            plate: None,
            open: false,
            list: None,
            late: None,
            limit: 100,
        }
    }
}

/// A picture of a passage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvidenceRow {
    /// What it shows.
    pub role: EvidenceRole,
    /// SHA-256 of the file, lower-case hexadecimal.
    pub sha256: String,
    /// Where the file is.
    pub path: PathBuf,
    /// Width in px.
    pub width: u32,
    /// Height in px.
    pub height: u32,
    /// Size of the file.
    pub bytes: u64,
    /// Sequence number of the frame it was cut from.
    pub frame_seq: u64,
    /// When that frame was taken.
    pub captured_at: Utc,
}

/// A passage as kept.
#[derive(Debug, Clone)]
pub struct PassageRow {
    /// The passage; the fused distributions have lost what was below one in ten thousand.
    pub passage: Passage,
    /// The models behind the reading.
    pub models: Option<ModelVersions>,
    /// How many hits it has caused.
    pub hits: u32,
    /// Its pictures, the latest frame first.
    pub evidence: Vec<EvidenceRow>,
}

/// A hit as kept, with what is needed to show it.
#[derive(Debug, Clone)]
pub struct HitRow {
    /// Its id.
    pub id: HitId,
    /// The passage that caused it.
    pub passage: PassageId,
    /// The camera that saw it.
    pub camera: CameraId,
    /// Where it is in its life.
    pub state: HitState,
    /// How it met the entry.
    pub kind: MatchKind,
    /// Probability that the vehicle carries the entry's plate, 0 to 1.
    pub probability: f32,
    /// The text that was read when this was last decided; the matched plate is in `entry`.
    pub observed: PlateText,
    /// Probability that the passage's whole text is right, 0 to 1.
    pub confidence: f32,
    /// The entry as it stood in the list.
    pub entry: Entry,
    /// The list.
    pub list: ListVersion,
    /// When the box first decided it.
    pub first_decided_at: Utc,
    /// When the box last decided it.
    pub decided_at: Utc,
    /// When the vehicle was first read.
    pub first_seen: Utc,
    /// When the vehicle was last read.
    pub last_seen: Utc,
    /// The clock behind the passage's times.
    pub clock: ClockQuality,
    /// Where the camera was.
    pub position: Option<Position>,
    /// Whether the passage's readings contradict each other.
    pub contradictory: bool,
    /// Where the vehicle went.
    pub direction: Option<Direction>,
    /// The lane it was seen in most.
    pub lane: Option<String>,
    /// Pictures of its passage, the latest frame first.
    pub evidence: Vec<EvidenceRow>,
    /// Whether it was found in passages already kept, long after the vehicle had gone.
    pub late: bool,
    /// The answer that counts: the last one.
    pub outcome: Option<OutcomeRow>,
}

/// An operator's answer as kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutcomeRow {
    /// What was said.
    pub outcome: Outcome,
    /// Who said it.
    pub by: String,
    /// When.
    pub at: Utc,
    /// What else was said; empty where nothing.
    pub note: String,
    /// By which way it came.
    pub source: AnswerSource,
}

/// By what hits are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TallyBy {
    /// The name of the list.
    List,
    /// The camera.
    Camera,
    /// The kind of match.
    Kind,
}

/// Hits and what operators answered, of one list, camera or kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// The list, camera or kind.
    pub key: String,
    /// Hits, withdrawn and late ones included.
    pub hits: u64,
    /// Hits found afterwards in passages already kept.
    pub late: u64,
    /// When the first of them was decided.
    pub first: Utc,
    /// When the last of them was decided.
    pub last: Utc,
    /// It was the wanted vehicle.
    pub confirmed: u64,
    /// It was, and it was stopped.
    pub intercepted: u64,
    /// Another text stood on the plate.
    pub misread: u64,
    /// The plate was of another country.
    pub wrong_country: u64,
    /// The list should not have held it.
    pub list_out_of_date: u64,
    /// Nobody could go.
    pub no_capacity: u64,
    /// Put aside.
    pub dismissed: u64,
}

impl Tally {
    /// Hits with an answer.
    pub fn answered(&self) -> u64 {
        self.with_verdict() + self.no_capacity + self.dismissed
    }

    /// Hits whose answer says whether they were right.
    pub fn with_verdict(&self) -> u64 {
        self.confirmed + self.intercepted + self.by_reading() + self.list_out_of_date
    }

    fn by_reading(&self) -> u64 {
        self.misread + self.wrong_country
    }

    /// Share of the hits with a verdict that were false, by the box's fault or the list's.
    pub fn false_share(&self) -> Option<f64> {
        self.share(self.by_reading() + self.list_out_of_date)
    }

    /// Share of the hits with a verdict that were false by the box's fault alone.
    pub fn misread_share(&self) -> Option<f64> {
        self.share(self.by_reading())
    }

    fn share(&self, part: u64) -> Option<f64> {
        let all = self.with_verdict();
        (all > 0).then(|| part as f64 / all as f64)
    }
}
