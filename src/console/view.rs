//! What the screen shows, and who tells it.

use crate::domain::{CameraId, ClockSource, Country, Direction, HitId, HitState, MatchKind, Outcome, Utc};
use crate::telemetry::MetricsSnapshot;

/// Where hits and pictures come from.
pub trait HitSource: Send + Sync {
    /// The latest hits, newest first, at most `limit`; the error is shown on the page.
    fn recent_hits(&self, limit: usize) -> Result<Vec<HitView>, String>;

    /// The JPEG whose SHA-256 this is (64 lower-case hexadecimal digits, checked by the caller).
    fn picture(&self, sha256: &str) -> Option<Vec<u8>>;
}

/// Who keeps the answers that operators give on the page.
pub trait AnswerSink: Send + Sync {
    /// Keeps an answer; an earlier one stays and no longer counts.
    ///
    /// # Errors
    /// [`AnswerError`], in words for who answered.
    fn answer(&self, answer: NewAnswer) -> Result<(), AnswerError>;
}

/// An answer as it was given on the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAnswer {
    /// The hit.
    pub hit: HitId,
    /// What was said.
    pub outcome: Outcome,
    /// Who said it, as typed.
    pub by: String,
    /// What else was said; empty where nothing.
    pub note: String,
}

/// Why an answer was not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnswerError {
    /// There is no such hit.
    UnknownHit,
    /// Name or note cannot be kept as they are.
    Refused(String),
    /// The store cannot take it now.
    Failed(String),
}

/// Who knows whether the box is well.
pub trait StatusSource: Send + Sync {
    /// How the box is now; asked for by each look at the page and each health check.
    fn status(&self) -> Status;
}

impl<F: Fn() -> Status + Send + Sync> StatusSource for F {
    fn status(&self) -> Status {
        self()
    }
}

/// How the box is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status {
    /// What is wrong, a sentence each, for operators; empty where the box is well.
    pub problems: Vec<String>,
}

/// A hit as shown. Texts are as they stand in the record; the page escapes them.
#[derive(Debug, Clone, PartialEq)]
pub struct HitView {
    /// The hit's id.
    pub id: String,
    /// Where it is in its life.
    pub state: HitState,
    /// How it met the entry.
    pub kind: MatchKind,
    /// Probability that this vehicle carries the entry's plate, 0 to 1.
    pub probability: f32,
    /// The plate on the list.
    pub matched: String,
    /// The plate as read.
    pub observed: String,
    /// Country in the entry.
    pub country: Option<Country>,
    /// Why it is wanted.
    pub category: String,
    /// 0 (most urgent) to 100.
    pub priority: u8,
    /// Reference of the case.
    pub case: String,
    /// What the officer should do or know.
    pub instruction: String,
    /// Which camera saw it.
    pub camera: CameraId,
    /// When its first reading was taken.
    pub first_seen: Utc,
    /// When its latest reading was taken.
    pub last_seen: Utc,
    /// Where the vehicle went, seen from the camera.
    pub direction: Option<Direction>,
    /// The camera's lane or zone it was seen in most.
    pub lane: Option<String>,
    /// Whether its readings contradict each other as those of two vehicles do.
    pub contradictory: bool,
    /// The clock behind these times.
    pub clock: ClockSource,
    /// When the box last decided it.
    pub decided_at: Utc,
    /// The list's name.
    pub list: String,
    /// SHA-256 of the list as it was loaded.
    pub list_sha256: String,
    /// When that list was loaded.
    pub list_loaded_at: Utc,
    /// The plate alone.
    pub plate_picture: Option<PictureRef>,
    /// The plate and its surroundings.
    pub context_picture: Option<PictureRef>,
    /// Whether it was found afterwards, in passages already kept.
    pub late: bool,
    /// The answer that counts.
    pub answer: Option<AnswerView>,
}

/// An answer as shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerView {
    /// What was said.
    pub outcome: Outcome,
    /// Who said it.
    pub by: String,
    /// When.
    pub at: Utc,
    /// What else was said.
    pub note: String,
}

/// A picture that can be fetched under its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PictureRef {
    /// SHA-256 of the file, 64 lower-case hexadecimal digits.
    pub sha256: String,
    /// Width in px.
    pub width: u32,
    /// Height in px.
    pub height: u32,
}

/// What the counts say is wrong: cameras without frames, no broker, messages given up. Whoever knows
/// more (a file that has ended is no broken camera) leaves out or adds.
pub fn problems(now: &MetricsSnapshot) -> Vec<String> {
    let mut all: Vec<String> =
        now.cameras.iter().filter(|c| !c.up).map(|c| format!("camera {}: no frames", c.camera)).collect();
    if !now.broker_connected {
        all.push(format!("broker: not connected, {} messages wait", now.outbox_pending));
    }
    if now.outbox_dead > 0 {
        all.push(format!("outbox: {} messages were given up", now.outbox_dead));
    }
    if !now.store_writable {
        all.push(format!("disk: takes no records, {} wait in memory", now.store_waiting));
    }
    if now.alarms > 0 {
        all.push(format!("{} alarms; see platewatch alarms list", now.alarms));
    }
    if now.clock_suspicious {
        all.push("clock: not set, or it has jumped".to_owned());
    }
    all
}
