//! Records to test with.

use super::{
    EvidenceFile, EvidenceRole, MessageKind, ModelVersions, OutboxMessage, Record, Settings, pictures,
};
use crate::domain::*;
use sha2::{Digest, Sha256};
use std::path::Path;
use std::sync::Arc;

pub(crate) fn settings(dir: &Path) -> Settings {
    Settings { keep_passage_pictures: true, ..Settings::new(dir.join("store")) }
}

pub(crate) fn at(s: i64) -> Utc {
    Utc::from_unix_ms(1_800_000_000_000 + s * 1000)
}

pub(super) fn passage(text: &str, second: i64) -> Passage {
    let mut d = CharDistribution { p: [0.0; 36], none: 0.01 };
    d.p[11] = 0.9;
    Passage {
        id: PassageId::generate(),
        camera: CameraId::new("gate-1"),
        state: PassageState::Open,
        first_seen: at(second),
        last_seen: at(second + 1),
        clock: ClockQuality { source: ClockSource::Ntp, error_ms: Some(12) },
        position: Some(Position { longitude: 4.4, latitude: 51.2, heading: Some(90.0), accuracy_m: None }),
        text: PlateText::new(text).unwrap(),
        confidence: 0.75,
        positions: vec![d; text.len()],
        country: Some((Country::BE, 0.5)),
        lines: 1,
        readings: 7,
        agreement: 0.5,
        contradictory: true,
        direction: Some(Direction::Left),
        lane: Some("east".into()),
        mandate: Some("GR-2026-114".into()),
        best_frame: 41,
        best_frame_at: at(second),
        best_frame_received_at: at(second),
        best_corners: Corners::from_box(10.0, 20.0, 110.5, 40.25),
    }
}

pub(super) fn hit(passage: &Passage) -> Hit {
    Hit {
        id: HitId::generate(),
        passage: passage.id,
        state: HitState::New,
        kind: MatchKind::Resolved,
        probability: 0.5,
        entry: Arc::new(Entry {
            plate: PlateText::new("1ABC123").unwrap().into(),
            line: 17,
            category: "stolen-vehicle".into(),
            priority: 10,
            country: Some(Country::BE),
            valid_from: None,
            valid_until: Some(at(99_999)),
            case: "AN-1".into(),
            instruction: "stop".into(),
        }),
        list: Arc::new(ListVersion { name: "zone".into(), sha256: "ab".repeat(32), loaded_at: at(-60) }),
        decided_at: at(2),
    }
}

pub(super) fn picture(role: EvidenceRole, bytes: &[u8]) -> EvidenceFile {
    EvidenceFile {
        role,
        sha256: pictures::hex(&Sha256::digest(bytes)),
        jpeg: bytes.to_vec(),
        width: 160,
        height: 40,
        frame_seq: 41,
        captured_at: at(0),
    }
}

pub(super) fn message(event_id: &str, hit: Option<HitId>) -> OutboxMessage {
    OutboxMessage {
        event_id: event_id.into(),
        topic: "platewatch/v1/z/b/hits".into(),
        payload: format!("{{\"id\":\"{event_id}\"}}"),
        kind: if hit.is_some() { MessageKind::Hit } else { MessageKind::Passage },
        hit,
        created_at: at(3),
    }
}

/// A passage without a hit, without pictures, without messages.
pub(super) fn plain(text: &str, second: i64) -> Record {
    Record { passage: passage(text, second), hits: vec![], evidence: vec![], messages: vec![], models: None }
}

/// A passage with a hit, two pictures of their own and a message.
pub(crate) fn full(event_id: &str) -> Record {
    let passage = passage("1A8C123", 0);
    let hit = hit(&passage);
    Record {
        evidence: vec![
            picture(EvidenceRole::Plate, format!("plate {event_id}").as_bytes()),
            picture(EvidenceRole::Context, format!("context {event_id}").as_bytes()),
        ],
        messages: vec![message(event_id, Some(hit.id))],
        models: Some(Arc::new(ModelVersions {
            detector_sha256: "01".repeat(32),
            reader_sha256: "02".repeat(32),
        })),
        hits: vec![hit],
        passage,
    }
}

/// Every file under `pictures`.
pub(super) fn picture_files(settings: &Settings) -> Vec<std::path::PathBuf> {
    let list = |p: &Path| std::fs::read_dir(p).unwrap().map(|e| e.unwrap().path()).collect::<Vec<_>>();
    let mut files: Vec<_> = list(&settings.pictures()).iter().flat_map(|sub| list(sub)).collect();
    files.sort();
    files
}

/// Changes the file behind the program's back.
pub(crate) fn tamper(settings: &Settings, sql: &str) {
    rusqlite::Connection::open(settings.database()).unwrap().execute_batch(sql).unwrap();
}
