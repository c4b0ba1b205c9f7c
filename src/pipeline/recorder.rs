//! The recorder thread: judged passages are encoded, put into words and kept, in one transaction each.

use super::condition::Condition;
use super::keeper::Keeper;
use super::lawful::{Door, Lawful};
use crate::alert::{BoxIdentity, hit_message, passage_message};
use crate::domain::{CameraId, EvidenceFrame, Hit, PassageState, Utc};
use crate::law::Policy;
use crate::runtime::Stop;
use crate::store::{EvidenceFile, EvidenceRole, ModelVersions, OutboxMessage, Record};
use crate::telemetry::{Metrics, QueueName, Stage, SuppressReason};
use crate::track::TrackEvent;
use crate::vision::{EncodedPicture, FaceFinder, People, PictureRole, VisionError, encode_evidence};
use crossbeam_channel::{Receiver, never, select};
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

/// A passage with what the lists said of it.
pub(super) struct Judged {
    pub event: TrackEvent,
    pub hits: Vec<Hit>,
}

/// What is kept and told beside hits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Keep {
    pub passages: bool,
    pub passage_pictures: bool,
    pub publish_passages: bool,
}

pub(super) struct Recorder {
    pub keeper: Keeper<Condition>,
    /// A defect made on purpose: at this record.
    pub fails_at: Option<u64>,
    pub identity: BoxIdentity,
    pub models: Arc<ModelVersions>,
    pub keep: Keep,
    pub metrics: Metrics,
    /// How many passages without a hit each camera may tell of.
    pub limits: Limits,
    /// Who may be seen in pictures.
    pub seen: Seen,
    /// What of a camera may be kept.
    pub lawful: Lawful,
    /// Set when waiting for a disk must end.
    pub give_up: Stop,
}

/// Who may be seen in pictures: nobody, but at cameras whose mandate allows it.
pub(super) struct Seen {
    /// Cameras whose configuration wants people to be seen; their mandate must allow it besides.
    pub allowed: HashSet<CameraId>,
    /// Hides faces at the others.
    pub faces: Option<FaceFinder>,
}

impl Seen {
    /// The pictures of a passage, ready for the store: the plate and its surroundings, from the frame that was read.
    fn evidence_files(
        &mut self,
        evidence: &EvidenceFrame,
        lawful: &Lawful,
    ) -> Result<Vec<EvidenceFile>, VisionError> {
        let camera = &evidence.stamp.camera;
        if self.allowed.contains(camera) && people(lawful, camera) {
            return evidence_files(evidence, People::Allowed);
        }
        evidence_files(evidence, People::Hidden(self.faces.as_mut())).or_else(|error| {
            // Without the finder's word the surroundings end at the bonnet.
            tracing::error!(%error, "faces could not be looked for; the surroundings are cut narrower");
            evidence_files(evidence, People::Hidden(None))
        })
    }
}

/// Whether people may be seen in the camera's pictures: its mandate allows it, or police law does not apply.
fn people(lawful: &Lawful, camera: &CameraId) -> bool {
    let law = &lawful.inner().settings;
    if law.policy == Policy::Off || law.preset.rules.is_none() {
        return true;
    }
    let gates = lawful.inner().gates.lock().unwrap_or_else(PoisonError::into_inner);
    let mandate = gates.get(camera).filter(|g| g.door == Door::Open).and_then(|g| g.mandate.as_ref());
    mandate.and_then(|m| m.modalities.as_ref()).is_some_and(|m| m.people)
}

/// How many passages without a hit cameras may publish in a minute. A camera that looks at a fence or a shelf of
/// signs must not flood whoever listens; what it may not say is recorded all the same.
pub(super) struct Limits {
    per_min: HashMap<CameraId, u32>,
    told: HashMap<CameraId, VecDeque<Instant>>,
}

impl Limits {
    /// Of these cameras; others may tell of all.
    pub fn new(per_min: impl Iterator<Item = (CameraId, u32)>) -> Self {
        Self { per_min: per_min.collect(), told: HashMap::new() }
    }

    /// Whether the camera may tell of one more at `now`; counts it if so.
    fn allow(&mut self, camera: &CameraId, now: Instant) -> bool {
        let Some(&most) = self.per_min.get(camera) else { return true };
        let told = self.told.entry(camera.clone()).or_default();
        while told.front().is_some_and(|at| now.duration_since(*at) >= Duration::from_secs(60)) {
            told.pop_front();
        }
        let allowed = told.len() < most as usize;
        if allowed {
            told.push_back(now);
        }
        allowed
    }
}

impl Recorder {
    /// Records until every sender has gone and what they brought is kept, or giving up is asked for.
    pub fn run(mut self, judged: Receiver<Judged>) {
        let nobody = never();
        let mut open = true;
        while open || !self.keeper.is_empty() {
            if self.give_up.requested() && !open || self.keeper.is_over() {
                self.keeper.give_up();
                return;
            }
            let bringers = if open && self.keeper.takes() { &judged } else { &nobody };
            select! {
                recv(bringers) -> brought => match brought {
                    Err(_) => open = false,
                    Ok(j) => {
                        self.metrics.queue_depth(QueueName::Store, judged.len());
                        let recorded = self.lawful.records(&j.event.passage.camera);
                        let record = self.record(j, recorded);
                        // Of a third party's camera whose pictures the police do not record, only hits are kept.
                        if record.hits.is_empty() && !recorded {
                            continue;
                        }
                        if record.hits.is_empty() && record.messages.is_empty() && !self.keep.passages {
                            continue;
                        }
                        self.keeper.put(record);
                    }
                },
                recv(self.keeper.answer()) -> answer => self.keeper.answered(answer),
                default(self.keeper.patience()) => {}
            }
            self.keeper.advance();
        }
    }

    #[expect(clippy::panic, reason = "the defect made on purpose")]
    fn record(&mut self, j: Judged, recorded: bool) -> Record {
        if let Some(left) = self.fails_at.as_mut() {
            *left = left.saturating_sub(1);
            if *left == 0 {
                panic!("a defect made on purpose (bench faults)");
            }
        }
        let passage = j.event.passage;
        let evidence = if !recorded || (j.hits.is_empty() && !self.keep.passage_pictures) {
            Vec::new()
        } else {
            let start = Instant::now();
            let pictures = self.seen.evidence_files(&j.event.evidence, &self.lawful);
            self.metrics.stage_time(Stage::Encode, start.elapsed());
            match pictures {
                Ok(pictures) => pictures,
                Err(error) => {
                    // A hit without its picture is still a hit.
                    tracing::error!(camera = %passage.camera, passage = %passage.id, %error, "evidence could not be encoded");
                    Vec::new()
                }
            }
        };
        let now = Utc::now();
        let told = j
            .hits
            .iter()
            .map(|h| hit_message(&self.identity, &passage, h, &evidence, Some(&self.models), now));
        let wanted = self.keep.publish_passages && passage.state == PassageState::Closed;
        // Hits are never held back, nor are the passages they belong to.
        let allowed = !wanted || !j.hits.is_empty() || self.limits.allow(&passage.camera, Instant::now());
        if !allowed {
            self.metrics.passage_suppressed(&passage.camera, SuppressReason::RateLimit);
        }
        let passage_told = (wanted && allowed)
            .then(|| passage_message(&self.identity, &passage, &evidence, Some(&self.models), now));
        let mut messages: Vec<OutboxMessage> = Vec::new();
        for message in told.chain(passage_told) {
            match message {
                Ok(message) => messages.push(message),
                // The hit is kept all the same and shows in `log` and on the page.
                Err(error) => {
                    tracing::error!(camera = %passage.camera, passage = %passage.id, %error, "a message could not be written");
                }
            }
        }
        // `new` and `final` of one hit may come together: its row holds the last.
        let mut hits: Vec<Hit> = Vec::new();
        for hit in j.hits {
            match hits.iter_mut().find(|h| h.id == hit.id) {
                Some(earlier) => *earlier = hit,
                None => hits.push(hit),
            }
        }
        Record { passage, hits, evidence, messages, models: Some(self.models.clone()) }
    }
}

/// The pictures of a passage, ready for the store: the plate and its surroundings, from the frame that was read.
pub fn evidence_files(
    evidence: &EvidenceFrame,
    people: People<'_>,
) -> Result<Vec<EvidenceFile>, VisionError> {
    let pictures = encode_evidence(evidence, people)?;
    let file = |p: EncodedPicture| EvidenceFile {
        role: match p.role {
            PictureRole::Plate => EvidenceRole::Plate,
            PictureRole::Context => EvidenceRole::Context,
        },
        sha256: p.sha256,
        jpeg: p.jpeg,
        width: p.width,
        height: p.height,
        frame_seq: evidence.stamp.seq,
        captured_at: evidence.stamp.captured_at,
    };
    Ok(pictures.into_iter().map(file).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_camera_tells_of_so_many_a_minute_and_others_of_all() {
        let (gate, other) = (CameraId::new("gate"), CameraId::new("other"));
        let mut limits = Limits::new([(gate.clone(), 2)].into_iter());
        let start = Instant::now();
        let after = |s| start + Duration::from_secs(s);
        let allowed: Vec<bool> = [0, 1, 2, 59, 60, 62].map(|s| limits.allow(&gate, after(s))).into();
        assert_eq!(allowed, [true, true, false, false, true, true]);
        assert!((0..100).all(|_| limits.allow(&other, start)));
    }
}
