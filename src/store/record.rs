//! What is handed to the store: one passage with everything that must be kept, or fail, together.

use crate::domain::{Hit, HitId, Passage, Utc};
use std::sync::Arc;

/// A passage and all that hangs on it: kept in one transaction, or not at all.
#[derive(Debug, Clone)]
pub struct Record {
    /// The passage as it is now; a later record with the same id updates its row.
    pub passage: Passage,
    /// Hits of this passage that are new or have changed.
    pub hits: Vec<Hit>,
    /// Pictures of this passage, encoded.
    pub evidence: Vec<EvidenceFile>,
    /// What operators must be told.
    pub messages: Vec<OutboxMessage>,
    /// The models behind the reading; `None` leaves what an earlier record said.
    pub models: Option<Arc<ModelVersions>>,
}

/// What a picture shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EvidenceRole {
    /// The plate alone.
    Plate,
    /// The plate and its surroundings.
    Context,
}

impl EvidenceRole {
    /// The word used in messages and tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plate => "plate",
            Self::Context => "context",
        }
    }
}

/// One encoded picture.
#[derive(Clone)]
pub struct EvidenceFile {
    /// What it shows.
    pub role: EvidenceRole,
    /// SHA-256 of `jpeg`, 64 lower-case hexadecimal digits; checked before anything is written.
    pub sha256: String,
    /// The bytes of the file.
    pub jpeg: Vec<u8>,
    /// Width in px.
    pub width: u32,
    /// Height in px.
    pub height: u32,
    /// Sequence number of the frame it was cut from.
    pub frame_seq: u64,
    /// When that frame was taken.
    pub captured_at: Utc,
}

impl std::fmt::Debug for EvidenceFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "EvidenceFile({} {}x{}, {} bytes, {})",
            self.role.as_str(),
            self.width,
            self.height,
            self.jpeg.len(),
            self.sha256
        )
    }
}

/// What a message tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageKind {
    /// A hit: goes out before every passage.
    Hit,
    /// A passage without urgency.
    Passage,
}

impl MessageKind {
    /// The word used in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Passage => "passage",
        }
    }
}

/// One message that must reach the broker.
#[derive(Debug, Clone)]
pub struct OutboxMessage {
    /// CloudEvents id, unique; a message with an id that is already known is ignored.
    pub event_id: String,
    /// The whole MQTT topic.
    pub topic: String,
    /// The whole payload (JSON).
    pub payload: String,
    /// What it tells.
    pub kind: MessageKind,
    /// The hit it tells of, which must be in this record or an earlier one; `None` for a passage.
    pub hit: Option<HitId>,
    /// When it was made.
    pub created_at: Utc,
}

/// Which models a reading came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelVersions {
    /// SHA-256 of the detector's file, lower-case hexadecimal.
    pub detector_sha256: String,
    /// SHA-256 of the reader's file, lower-case hexadecimal.
    pub reader_sha256: String,
}
