//! The wire, version 1: what stands in a message, as types; `docs/ref/schema` is generated from them.
//!
//! Every payload is a CloudEvents 1.0 event in structured JSON. Within v1 a field is never removed and
//! never changes its meaning; new ones may come, and readers ignore what they do not know. Times are
//! RFC 3339 in UTC with milliseconds, probabilities 0 to 1 with at most six decimals.

mod condition;
mod ended;
mod finite;
mod inbound;
mod law;
mod lists;
mod seen;

pub use condition::{
    AlarmHealth, CameraHealth, ClockHealth, ClockState, OutboxHealth, StoreHealth, StoreState,
};
pub use ended::Ended;
pub use inbound::{Command, CommandWord, InboundHealth, OutcomeOfHit, OutcomeWord, TlsHealth, ToBox};
pub use law::{CameraLaw, LawHealth, MandateHealth, MandateRefused, PositionHealth};
pub use lists::{HotlistState, HotlistStatus, ListHealth};
pub use seen::{BestFrame, Clock, Position};

use crate::domain::Utc;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;

/// `type` of a hit.
pub const HIT_TYPE: &str = "platewatch.hit.v1";
/// `type` of a passage.
pub const PASSAGE_TYPE: &str = "platewatch.passage.v1";
/// `type` of the box's status.
pub const STATUS_TYPE: &str = "platewatch.status.v1";
/// `type` of the box's health.
pub const HEALTH_TYPE: &str = "platewatch.health.v1";
/// `type` of a camera's status.
pub const CAMERA_STATUS_TYPE: &str = "platewatch.camera-status.v1";
/// `type` of a hotlist's status.
pub const HOTLIST_STATUS_TYPE: &str = "platewatch.hotlist-status.v1";

/// CloudEvents 1.0 envelope around one message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Event<T> {
    /// CloudEvents version, always `1.0`.
    pub specversion: String,
    /// Unique within `source`; a message that is sent again carries the same id, so drop what you know.
    pub id: String,
    /// Who speaks: `/platewatch/<zone>/<box>`.
    pub source: String,
    /// What `data` is.
    #[serde(rename = "type")]
    pub kind: String,
    /// When the message was made.
    pub time: Time,
    /// What it is about: the id of the hit or passage, the name of the camera or list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Always `application/json`.
    pub datacontenttype: String,
    /// True where the message was sent more than ten seconds after `time`, because the broker could not
    /// be reached before: too late to stop the vehicle here. Absent otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delayed: Option<bool>,
    /// False where the box could not yet keep the event, because its disk takes nothing: act on it. It comes again
    /// with the same `id`, without this, once it is kept; should the box lose power before, this message is all
    /// there is. Absent otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<bool>,
    /// The message itself.
    pub data: T,
}

/// A hit as it arrives.
pub type HitEvent = Event<Hit>;

/// An instant in UTC, on the wire RFC 3339 with milliseconds and `Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(pub Utc);

impl From<Utc> for Time {
    fn from(utc: Utc) -> Self {
        Self(utc)
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(d)?;
        text.parse().map(Self).map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Time {
    fn schema_name() -> Cow<'static, str> {
        "Time".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "RFC 3339, UTC, milliseconds.",
            "type": "string",
            "format": "date-time",
            "examples": ["2026-11-23T08:15:00.040Z"]
        })
    }
}

/// A vehicle that a list looks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Hit {
    /// One id through `new`, `updated` and `final` (UUIDv7).
    pub hit: String,
    /// The passage behind it (UUIDv7).
    pub passage: String,
    /// Where the hit is in its life.
    pub state: HitState,
    /// True where the hit was found afterwards, by a search of passages already kept: the vehicle passed at
    /// `first_seen`, the hit was found at `timing.decided_at`. Nothing to stop here any more. Absent in messages
    /// of boxes that do not know late hits, which are never late.
    #[serde(default)]
    pub late: bool,
    /// How the observed text met the list's.
    pub kind: MatchKind,
    /// Probability that this vehicle carries the listed plate.
    #[schemars(range(min = 0.0, max = 1.0))]
    #[serde(deserialize_with = "finite::read")]
    pub probability: f32,
    /// What the camera read. Nothing of it comes from the list.
    pub observed: Observed,
    /// What the list says. Nothing of it was read by a camera.
    pub matched: Matched,
    /// Where and when, and from which frame.
    #[serde(flatten)]
    pub sighting: Sighting,
    /// Pictures kept on the box, by their hash; empty where none was made yet.
    pub evidence: Vec<Evidence>,
    /// The models that read the plate; null where not said.
    pub models: Option<Models>,
    /// How long it took.
    pub timing: Timing,
    /// The authorisation the camera works under; null where the box is not told.
    pub mandate: Option<String>,
    /// Only with `final`: why it ended otherwise than by the vehicle leaving. Absent where it left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Ended>,
}

/// One vehicle's pass before one camera.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Passage {
    /// UUIDv7.
    pub passage: String,
    /// Whether it may still change.
    pub state: PassageState,
    /// What the camera read.
    pub observed: Observed,
    /// Where and when, and from which frame.
    #[serde(flatten)]
    pub sighting: Sighting,
    /// Pictures kept on the box, by their hash; empty where none is kept.
    pub evidence: Vec<Evidence>,
    /// The models that read the plate; null where not said.
    pub models: Option<Models>,
    /// The authorisation the camera works under; null where the box is not told.
    pub mandate: Option<String>,
}

/// Where a hit is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum HitState {
    /// First message: sure enough to act on. Who wants one message a hit takes this one.
    New,
    /// A better reading of the same vehicle.
    Updated,
    /// The vehicle has left; the last word.
    Final,
    /// The final reading no longer matches.
    Withdrawn,
}

/// How the observed text met the list's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MatchKind {
    /// It is the same.
    Exact,
    /// A plate grammar allows only one reading of a look-alike (O and 0), and that is the list's.
    Resolved,
    /// Another text was read, but what the reader saw makes the list's likely enough: a possible hit.
    Alternative,
    /// The list gives a pattern, which the observed text fits: a possible hit.
    Wildcard,
}

/// Where a passage is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PassageState {
    /// The vehicle is still in view.
    Open,
    /// It has left.
    Closed,
}

/// What the camera read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Observed {
    /// The plate as read: `0-9 A-Z`, no separators.
    pub text: String,
    /// Probability that the whole text is right.
    #[schemars(range(min = 0.0, max = 1.0))]
    #[serde(deserialize_with = "finite::read")]
    pub confidence: f32,
    /// The likeliest country; null where the reader does not say.
    pub country: Option<CountryGuess>,
    /// Lines of text on the plate; null where unknown.
    pub lines: Option<u8>,
    /// How many readings were fused.
    pub readings: u32,
    /// Share of the readings whose own text is `text`.
    #[schemars(range(min = 0.0, max = 1.0))]
    #[serde(deserialize_with = "finite::read")]
    pub agreement: f32,
    /// Whether its readings contradict each other as those of two vehicles do; `text` is what the better part of
    /// them says. False in messages of boxes before 0.2.
    #[serde(default)]
    pub contradictory: bool,
    /// The characters of `text`, each with its probability.
    pub characters: Vec<Character>,
}

/// A country and how likely it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CountryGuess {
    /// ISO 3166-1 alpha-2.
    #[schemars(regex(pattern = r"^[A-Z]{2}$"))]
    pub code: String,
    /// Its probability.
    #[schemars(range(min = 0.0, max = 1.0))]
    #[serde(deserialize_with = "finite::read")]
    pub probability: f32,
}

/// One character of the observed text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Character {
    /// The character.
    pub char: char,
    /// Its probability.
    #[schemars(range(min = 0.0, max = 1.0))]
    #[serde(deserialize_with = "finite::read")]
    pub p: f32,
}

/// What the list says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Matched {
    /// The listed plate, or the pattern (`*` any run, `?` one character) where `kind` is `wildcard`.
    pub plate: String,
    /// Why it is listed: `stolen-vehicle`, `wanted-person`, …
    pub category: String,
    /// 0 (most urgent) to 100.
    pub priority: u8,
    /// Country of issue the list asks for (ISO 3166-1 alpha-2); null matches any.
    pub country: Option<String>,
    /// Reference of the case; may be empty.
    pub case: String,
    /// What the officer should do or know; may be empty.
    pub instruction: String,
    /// Where it stands.
    pub list: ListRef,
}

/// A line of a version of a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ListRef {
    /// The list.
    pub name: String,
    /// SHA-256 of the list's file, lower-case hexadecimal.
    pub sha256: String,
    /// Line in that file, the header being line 1.
    pub line: u64,
    /// When the box loaded it.
    pub loaded_at: Time,
    /// Seconds from then to the hit: how old the list was.
    pub age_s: u64,
}

/// Where and when a vehicle was seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Sighting {
    /// The camera.
    pub camera: String,
    /// When the first reading was taken.
    pub first_seen: Time,
    /// When the latest reading was taken.
    pub last_seen: Time,
    /// Where the vehicle went, seen from the camera (a moving camera: relative to it); null where it stood or
    /// was seen too briefly to tell.
    #[serde(default)]
    pub direction: Option<Direction>,
    /// The lane or zone of the camera's picture in which it was seen most, as configured; null where in none.
    #[serde(default)]
    pub lane: Option<String>,
    /// The frame of the best reading.
    pub best_frame: BestFrame,
    /// What stands behind the times.
    pub clock: Clock,
    /// Where the camera was; null where unknown.
    pub position: Option<Position>,
}

/// Where a vehicle goes, seen from the camera.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// It comes nearer.
    Towards,
    /// It goes away.
    Away,
    /// Across the picture, to the left.
    Left,
    /// Across the picture, to the right.
    Right,
}

/// A picture kept on the box.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// `plate` (the plate alone) or `context` (with its surroundings).
    pub role: String,
    /// SHA-256 of the file, lower-case hexadecimal.
    #[schemars(regex(pattern = r"^[0-9a-f]{64}$"))]
    pub sha256: String,
    /// Always `image/jpeg`.
    pub media_type: String,
    /// Width in px.
    pub width: u32,
    /// Height in px.
    pub height: u32,
    /// The frame it was cut from.
    pub frame_seq: u64,
}

/// SHA-256 of the models, lower-case hexadecimal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Models {
    /// What found the plate.
    pub detector: String,
    /// What read it.
    pub reader: String,
}

/// From light to decision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Timing {
    /// When the frame of the best reading was taken.
    pub captured_at: Time,
    /// When its pixels were in the box's memory.
    pub received_at: Time,
    /// When the hit was decided.
    pub decided_at: Time,
}

/// Whether the box is there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Status {
    /// `online`, `stopping` (in order) or `offline`.
    pub state: BoxState,
    /// Since when. The `offline` that the broker says for a lost box (its last will) carries the time
    /// at which that box had connected, as nobody can know more.
    pub since: Time,
    /// platewatch's version.
    pub version: String,
}

/// Whether the box is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum BoxState {
    /// Connected.
    Online,
    /// Ending in order; what is left in the outbox is being sent.
    Stopping,
    /// Gone: after an orderly end or, said by the broker, without one.
    Offline,
}

/// How the box is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Health {
    /// platewatch's version.
    pub version: String,
    /// Seconds since the program was started.
    pub uptime_s: u64,
    /// Every camera.
    pub cameras: Vec<CameraHealth>,
    /// What waits for the broker. Filled in by the publisher.
    pub outbox: OutboxHealth,
    /// Every list.
    pub lists: Vec<ListHealth>,
    /// The models in use; null where not said.
    pub models: Option<Models>,
    /// Free space where records and pictures are kept, in bytes; null where unknown.
    pub disk_free_bytes: Option<u64>,
    /// Latest row of the audit chain as `SEQ:HASH`; whoever keeps it can show that the chain was not cut off
    /// (`platewatch audit verify --head`). Null where unknown.
    pub audit_head: Option<String>,
    /// Public key with which the box signs, hexadecimal (Ed25519); null where unknown.
    pub box_key: Option<String>,
    /// Rules, mandates and what does not fit; null in messages of boxes that do not know the law.
    #[serde(default)]
    pub law: Option<LawHealth>,
    /// What came from outside since the start; null where the box listens to nothing. Filled in by the publisher.
    #[serde(default)]
    pub inbound: Option<InboundHealth>,
    /// The certificates of the connection to the broker; null without TLS. Filled in by the publisher.
    #[serde(default)]
    pub broker_tls: Option<TlsHealth>,
    /// Whether what is decided can be kept; null where not said.
    #[serde(default)]
    pub store: Option<StoreHealth>,
    /// How far the clock can be believed; null where not said.
    #[serde(default)]
    pub clock: Option<ClockHealth>,
    /// What somebody has to take note of, the oldest first.
    #[serde(default)]
    pub alarms: Vec<AlarmHealth>,
    /// How often a part of the program failed by a defect and was started again, since the start.
    #[serde(default)]
    pub restarts: u64,
}

/// How a camera is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CameraState {
    /// Being opened.
    Connecting,
    /// Frames come.
    Running,
    /// Cannot be opened, or frames have stopped; it is tried again.
    Failed,
    /// Has ended (a file) or was stopped.
    Ended,
    /// Not opened: its mandate does not cover what it would do now (since v0.2).
    Refused,
}

/// How one camera is, published when it changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CameraStatus {
    /// The camera.
    pub camera: String,
    /// How it is.
    pub state: CameraState,
    /// Since when.
    pub since: Time,
    /// Why, for people; null where there is nothing to say.
    pub reason: Option<String>,
}
