//! Records to test with.

use crate::domain::{
    CameraId, CharDistribution, ClockQuality, ClockSource, Corners, Entry, Hit, HitId, HitState, ListVersion,
    MatchKind, Passage, PassageId, PassageState, PlateText, Utc,
};
use crate::store::{EvidenceFile, EvidenceRole, MessageKind, OutboxMessage, Record};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// A closed passage without hit or message.
pub(super) fn plain_record() -> Record {
    let at = Utc::now();
    let text = PlateText::new("1ABC123").unwrap();
    let passage = Passage {
        id: PassageId::generate(),
        camera: CameraId::new("gate"),
        state: PassageState::Closed,
        first_seen: at,
        last_seen: at,
        clock: ClockQuality { source: ClockSource::Ntp, error_ms: None },
        position: None,
        positions: text.as_str().chars().map(|_| CharDistribution { p: [0.02; 36], none: 0.0 }).collect(),
        text,
        confidence: 0.9,
        country: None,
        lines: 1,
        readings: 3,
        agreement: 1.0,
        contradictory: false,
        direction: None,
        lane: None,
        mandate: None,
        best_frame: 1,
        best_frame_at: at,
        best_frame_received_at: at,
        best_corners: Corners::from_box(0.0, 0.0, 1.0, 1.0),
    };
    Record { passage, hits: vec![], evidence: vec![], messages: vec![], models: None }
}

/// A hit with a picture of `bytes` bytes and a message.
pub(super) fn hit_record(bytes: usize) -> Record {
    let mut record = plain_record();
    let at = record.passage.first_seen;
    let hit = Hit {
        id: HitId::generate(),
        passage: record.passage.id,
        state: HitState::Final,
        kind: MatchKind::Exact,
        probability: 0.9,
        entry: Arc::new(Entry {
            plate: record.passage.text.clone().into(),
            line: 2,
            category: "stolen-vehicle".into(),
            priority: 1,
            country: None,
            valid_from: None,
            valid_until: None,
            case: String::new(),
            instruction: String::new(),
        }),
        list: Arc::new(ListVersion { name: "zone".into(), sha256: "ab".repeat(32), loaded_at: at }),
        decided_at: at,
    };
    let jpeg = format!("{}{}", hit.id, " ".repeat(bytes)).into_bytes();
    record.evidence = vec![EvidenceFile {
        role: EvidenceRole::Plate,
        sha256: Sha256::digest(&jpeg).iter().map(|b| format!("{b:02x}")).collect(),
        jpeg,
        width: 10,
        height: 5,
        frame_seq: 1,
        captured_at: at,
    }];
    record.messages = vec![OutboxMessage {
        event_id: hit.id.to_string(),
        topic: "platewatch/v1/z/b/hits".into(),
        payload: format!("{{\"id\":\"{}\"}}", hit.id),
        kind: MessageKind::Hit,
        hit: Some(hit.id),
        created_at: at,
    }];
    record.hits = vec![hit];
    record
}
