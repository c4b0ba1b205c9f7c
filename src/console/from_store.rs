//! Hits and pictures read out of the store, for the screen.

use super::view::{AnswerError, AnswerSink, AnswerView, HitSource, HitView, NewAnswer, PictureRef};
use crate::domain::Utc;
use crate::store::{
    self, Answer, AnswerSource, EvidenceRole, HitQuery, HitRow, Reader, StoreError, StoreHandle,
};
use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

/// Reads with a connection of its own. Gives out only pictures of hits it has given out.
#[derive(Debug)]
pub struct StoreHits {
    // Locks for the console's one thread alone: a reader may be handed on but not shared.
    reader: Mutex<Reader>,
    settings: store::Settings,
    /// Hashes of the pictures of the hits last given out; no other picture can be asked for.
    shown: Mutex<HashSet<String>>,
}

impl StoreHits {
    /// Opens the store for reading; the store must have been started before.
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub fn open(settings: &store::Settings) -> Result<Self, StoreError> {
        let reader = Mutex::new(Reader::open(settings)?);
        Ok(Self { reader, settings: settings.clone(), shown: Mutex::default() })
    }
}

/// Late hits get one in so many of the places on the page.
const LATE_SHARE: usize = 4;

impl HitSource for StoreHits {
    fn recent_hits(&self, limit: usize) -> Result<Vec<HitView>, String> {
        let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        if reader.is_outdated() {
            *reader = Reader::open(&self.settings).map_err(|e| e.to_string())?;
        }
        let read = |late: bool, limit: usize| {
            let query = HitQuery { limit, late: Some(late), ..HitQuery::default() };
            reader.recent_hits(&query).map_err(|e| e.to_string())
        };
        // However many a search of the past has found, vehicles that can still be stopped come first.
        let late = read(true, limit / LATE_SHARE)?;
        let mut rows = read(false, limit - late.len().min(limit))?;
        rows.extend(late);
        let pictures = rows.iter().flat_map(|row| &row.evidence);
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) =
            pictures.map(|p| p.sha256.clone()).collect();
        Ok(rows.into_iter().map(view).collect())
    }

    fn picture(&self, sha256: &str) -> Option<Vec<u8>> {
        if !self.shown.lock().unwrap_or_else(PoisonError::into_inner).contains(sha256) {
            return None;
        }
        // A picture that is not the recorded one is no evidence and must not be looked at as such.
        let reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        reader
            .picture(sha256)
            .inspect_err(|error| tracing::error!(%error, "a hit's picture cannot be shown"))
            .ok()
    }
}

/// Hands answers to the store's own thread.
#[derive(Debug)]
pub struct StoreAnswers(pub StoreHandle);

impl AnswerSink for StoreAnswers {
    fn answer(&self, given: NewAnswer) -> Result<(), AnswerError> {
        let NewAnswer { hit, outcome, by, note } = given;
        let answer = Answer { hit, outcome, by, at: Utc::now(), note, source: AnswerSource::Console };
        self.0.answer(answer).map_err(|e| match e {
            StoreError::UnknownHit { .. } => AnswerError::UnknownHit,
            StoreError::Answer { why } => AnswerError::Refused(why.to_owned()),
            other => AnswerError::Failed(other.to_string()),
        })
    }
}

fn view(row: HitRow) -> HitView {
    let picture = |role: EvidenceRole| {
        row.evidence.iter().find(|p| p.role == role).map(|p| PictureRef {
            sha256: p.sha256.clone(),
            width: p.width,
            height: p.height,
        })
    };
    HitView {
        plate_picture: picture(EvidenceRole::Plate),
        context_picture: picture(EvidenceRole::Context),
        id: row.id.to_string(),
        state: row.state,
        kind: row.kind,
        probability: row.probability,
        matched: row.entry.plate.to_string(),
        observed: row.observed.to_string(),
        country: row.entry.country,
        category: row.entry.category,
        priority: row.entry.priority,
        case: row.entry.case,
        instruction: row.entry.instruction,
        camera: row.camera,
        first_seen: row.first_seen,
        last_seen: row.last_seen,
        direction: row.direction,
        lane: row.lane,
        contradictory: row.contradictory,
        clock: row.clock.source,
        decided_at: row.decided_at,
        list: row.list.name,
        list_sha256: row.list.sha256,
        list_loaded_at: row.list.loaded_at,
        late: row.late,
        answer: row.outcome.map(|o| AnswerView { outcome: o.outcome, by: o.by, at: o.at, note: o.note }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::*;
    use crate::store::{Clerk, EvidenceFile, LateHit, PastSearch, Record, Store};
    use std::sync::Arc;

    fn at(s: i64) -> Utc {
        Utc::from_unix_ms(1_800_000_000_000 + s * 1_000)
    }

    fn record(jpeg: &[u8]) -> Record {
        let passage = Passage {
            id: PassageId::generate(),
            camera: CameraId::new("gate-1"),
            state: PassageState::Closed,
            first_seen: at(0),
            last_seen: at(1),
            clock: ClockQuality { source: ClockSource::Gps, error_ms: None },
            position: None,
            text: PlateText::new("1A8C123").unwrap(),
            confidence: 0.75,
            positions: vec![CharDistribution { p: [0.02; 36], none: 0.01 }; 7],
            country: None,
            lines: 1,
            readings: 7,
            agreement: 0.5,
            contradictory: false,
            direction: None,
            lane: None,
            mandate: None,
            best_frame: 41,
            best_frame_at: at(0),
            best_frame_received_at: at(0),
            best_corners: Corners::from_box(10.0, 20.0, 110.5, 40.25),
        };
        let hit = Hit {
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
                valid_until: None,
                case: "AN-1".into(),
                instruction: "stop".into(),
            }),
            list: Arc::new(ListVersion { name: "zone".into(), sha256: "ab".repeat(32), loaded_at: at(-60) }),
            decided_at: at(2),
        };
        let evidence = EvidenceFile {
            role: EvidenceRole::Plate,
            sha256: <sha2::Sha256 as sha2::Digest>::digest(jpeg).iter().map(|b| format!("{b:02x}")).collect(),
            jpeg: jpeg.to_vec(),
            width: 160,
            height: 40,
            frame_seq: 41,
            captured_at: at(0),
        };
        Record { passage, hits: vec![hit], evidence: vec![evidence], messages: vec![], models: None }
    }

    #[test]
    fn hits_and_pictures_come_out_as_recorded_and_changed_pictures_do_not() {
        let dir = tempfile::tempdir().unwrap();
        let settings =
            store::Settings { keep_passage_pictures: true, ..store::Settings::new(dir.path().join("store")) };
        let mut writer = Store::open(&settings).unwrap();
        let source = StoreHits::open(&settings).unwrap();
        assert_eq!(source.recent_hits(10).unwrap(), []);
        writer.record(&record(b"jpeg bytes")).unwrap();

        let hits = source.recent_hits(10).unwrap();
        let hit = hits.first().unwrap();
        assert_eq!((hit.matched.as_str(), hit.observed.as_str()), ("1ABC123", "1A8C123"));
        assert_eq!((hit.camera.as_str(), hit.list.as_str(), hit.case.as_str()), ("gate-1", "zone", "AN-1"));
        let picture = hit.plate_picture.clone().unwrap();
        assert_eq!((picture.width, picture.height, hit.context_picture.is_none()), (160, 40, true));
        assert_eq!(source.picture(&picture.sha256).as_deref(), Some(b"jpeg bytes".as_slice()));
        assert_eq!(source.picture(&"00".repeat(32)), None);

        // Late hits come after the others, and never crowd them out.
        let mut clerk = Clerk::open(&settings).unwrap();
        let list = ListVersion { name: "new".into(), sha256: "cd".repeat(32), loaded_at: at(500) };
        let search = PastSearch {
            list: list.clone(),
            since: None,
            purpose: "theft".into(),
            case: "AN-2".into(),
            asked_by: "Peeters".into(),
            allowed_by: "no mandates".into(),
            started_at: at(500),
        };
        let search = clerk.begin_search(&search).unwrap();
        let passed = record(b"other jpeg");
        let found = |n: u64| {
            let mut hit = passed.hits[0].clone();
            let entry = Entry { line: n, category: format!("theft-{n}"), ..hit.entry.as_ref().clone() };
            (hit.id, hit.passage, hit.decided_at) = (HitId::generate(), passed.passage.id, at(600));
            (hit.entry, hit.list) = (Arc::new(entry), Arc::new(list.clone()));
            LateHit { passage: passed.passage.clone(), hit, messages: vec![] }
        };
        writer.record(&Record { hits: vec![], ..passed.clone() }).unwrap();
        clerk.record_late(search, &(0..9).map(found).collect::<Vec<_>>()).unwrap();
        let hits = source.recent_hits(8).unwrap();
        assert_eq!(hits.iter().map(|h| h.late).collect::<Vec<_>>(), [false, true, true]);

        let rows = Reader::open(&settings).unwrap().recent_hits(&HitQuery::default()).unwrap();
        let path =
            rows.iter().flat_map(|r| &r.evidence).find(|e| e.sha256 == picture.sha256).unwrap().path.clone();
        std::fs::write(&path, b"other bytes").unwrap();
        assert_eq!(source.picture(&picture.sha256), None);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(source.picture(&picture.sha256), None);
    }
}
