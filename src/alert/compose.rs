//! From the nouns of `domain` to messages ready for the outbox.

use super::message::{self, Event, Time};
use super::{AlertError, BoxIdentity};
use crate::domain::{Direction, EventId, Hit, HitState, MatchKind, Passage, PassageState, Utc};
use crate::store::{EvidenceFile, EvidenceRole, MessageKind, ModelVersions, OutboxMessage, PassageRow};
use serde::Serialize;

/// The message that tells operators of `hit`, made at `now`. `evidence` are the passage's pictures so far.
///
/// # Errors
/// [`AlertError::Json`]; no value of these types causes it.
pub fn hit_message(
    identity: &BoxIdentity,
    passage: &Passage,
    hit: &Hit,
    evidence: &[EvidenceFile],
    models: Option<&ModelVersions>,
    now: Utc,
) -> Result<OutboxMessage, AlertError> {
    told(identity, passage, hit, Told::default(), pictures(evidence), models, now)
}

/// The message that tells operators of `hit`, found at `now` in a passage that was kept long before.
///
/// # Errors
/// [`AlertError::Json`]; no value of these types causes it.
pub fn late_hit_message(
    identity: &BoxIdentity,
    kept: &PassageRow,
    hit: &Hit,
    now: Utc,
) -> Result<OutboxMessage, AlertError> {
    let told = Told { late: true, ended: None };
    self::told(identity, &kept.passage, hit, told, kept_pictures(kept), kept.models.as_ref(), now)
}

/// The last word on `hit`, whose box was cut off before the vehicle left; made at `now`, after the restart.
///
/// # Errors
/// [`AlertError::Json`]; no value of these types causes it.
pub fn cut_off_hit_message(
    identity: &BoxIdentity,
    kept: &PassageRow,
    hit: &Hit,
    now: Utc,
) -> Result<OutboxMessage, AlertError> {
    let told = Told { late: false, ended: Some(message::Ended::Restart) };
    self::told(identity, &kept.passage, hit, told, kept_pictures(kept), kept.models.as_ref(), now)
}

/// What is out of the ordinary about a hit.
#[derive(Default)]
struct Told {
    late: bool,
    ended: Option<message::Ended>,
}

fn kept_pictures(kept: &PassageRow) -> Vec<message::Evidence> {
    let shown = |e: &crate::store::EvidenceRow| {
        let shown = Shown { role: e.role, sha256: &e.sha256, width: e.width, height: e.height };
        picture(shown, e.frame_seq)
    };
    kept.evidence.iter().map(shown).collect()
}

fn told(
    identity: &BoxIdentity,
    passage: &Passage,
    hit: &Hit,
    told: Told,
    evidence: Vec<message::Evidence>,
    models: Option<&ModelVersions>,
    now: Utc,
) -> Result<OutboxMessage, AlertError> {
    let data = message::Hit {
        hit: hit.id.to_string(),
        passage: hit.passage.to_string(),
        state: match hit.state {
            HitState::New => message::HitState::New,
            HitState::Updated => message::HitState::Updated,
            HitState::Final => message::HitState::Final,
            HitState::Withdrawn => message::HitState::Withdrawn,
        },
        late: told.late,
        kind: match hit.kind {
            MatchKind::Exact => message::MatchKind::Exact,
            MatchKind::Resolved => message::MatchKind::Resolved,
            MatchKind::Alternative => message::MatchKind::Alternative,
            MatchKind::Wildcard => message::MatchKind::Wildcard,
        },
        probability: unit(hit.probability),
        observed: observed(passage),
        matched: matched(hit),
        sighting: sighting(passage),
        evidence,
        models: models.map(hashes),
        timing: message::Timing {
            captured_at: Time(passage.best_frame_at),
            received_at: Time(passage.best_frame_received_at),
            decided_at: Time(hit.decided_at),
        },
        mandate: passage.mandate.as_deref().map(str::to_owned),
        ended: told.ended,
    };
    let subject = Some(data.hit.clone());
    let (event_id, payload) = event(identity, "hit", message::HIT_TYPE, subject, now, data)?;
    Ok(OutboxMessage {
        event_id,
        topic: identity.hits(),
        payload,
        kind: MessageKind::Hit,
        hit: Some(hit.id),
        created_at: now,
    })
}

/// The message that tells of `passage`, hit or no hit, made at `now`.
///
/// # Errors
/// [`AlertError::Json`]; no value of these types causes it.
pub fn passage_message(
    identity: &BoxIdentity,
    passage: &Passage,
    evidence: &[EvidenceFile],
    models: Option<&ModelVersions>,
    now: Utc,
) -> Result<OutboxMessage, AlertError> {
    let data = message::Passage {
        passage: passage.id.to_string(),
        state: match passage.state {
            PassageState::Open => message::PassageState::Open,
            PassageState::Closed => message::PassageState::Closed,
        },
        observed: observed(passage),
        sighting: sighting(passage),
        evidence: pictures(evidence),
        models: models.map(hashes),
        mandate: passage.mandate.as_deref().map(str::to_owned),
    };
    let subject = Some(data.passage.clone());
    let (event_id, payload) = event(identity, "passage", message::PASSAGE_TYPE, subject, now, data)?;
    Ok(OutboxMessage {
        event_id,
        topic: identity.passages(),
        payload,
        kind: MessageKind::Passage,
        hit: None,
        created_at: now,
    })
}

/// Puts `data` into its envelope; gives the event's id and its JSON.
pub(super) fn event<T: Serialize>(
    identity: &BoxIdentity,
    what: &'static str,
    kind: &'static str,
    subject: Option<String>,
    now: Utc,
    data: T,
) -> Result<(String, String), AlertError> {
    let event = Event {
        specversion: "1.0".into(),
        id: EventId::generate().to_string(),
        source: identity.source(),
        kind: kind.into(),
        time: Time(now),
        subject,
        datacontenttype: "application/json".into(),
        delayed: None,
        kept: None,
        data,
    };
    let json = serde_json::to_string(&event).map_err(|source| AlertError::Json { what, source })?;
    Ok((event.id, json))
}

fn observed(passage: &Passage) -> message::Observed {
    let text = passage.text.as_str();
    message::Observed {
        text: text.to_owned(),
        confidence: unit(passage.confidence),
        country: passage
            .country
            .map(|(c, p)| message::CountryGuess { code: c.to_string(), probability: unit(p) }),
        lines: (passage.lines > 0).then_some(passage.lines),
        readings: passage.readings,
        agreement: unit(passage.agreement),
        contradictory: passage.contradictory,
        characters: text
            .chars()
            .zip(&passage.positions)
            .map(|(char, d)| message::Character { char, p: unit(d.of(char)) })
            .collect(),
    }
}

fn matched(hit: &Hit) -> message::Matched {
    let age_ms = hit.decided_at.since_ms(hit.list.loaded_at).max(0);
    message::Matched {
        plate: hit.entry.plate.to_string(),
        category: hit.entry.category.clone(),
        priority: hit.entry.priority,
        country: hit.entry.country.map(|c| c.to_string()),
        case: hit.entry.case.clone(),
        instruction: hit.entry.instruction.clone(),
        list: message::ListRef {
            name: hit.list.name.clone(),
            sha256: hit.list.sha256.clone(),
            line: hit.entry.line,
            loaded_at: Time(hit.list.loaded_at),
            age_s: age_ms.unsigned_abs() / 1000,
        },
    }
}

fn sighting(passage: &Passage) -> message::Sighting {
    message::Sighting {
        camera: passage.camera.to_string(),
        first_seen: Time(passage.first_seen),
        last_seen: Time(passage.last_seen),
        direction: passage.direction.map(|d| match d {
            Direction::Towards => message::Direction::Towards,
            Direction::Away => message::Direction::Away,
            Direction::Left => message::Direction::Left,
            Direction::Right => message::Direction::Right,
        }),
        lane: passage.lane.as_deref().map(str::to_owned),
        best_frame: message::BestFrame {
            seq: passage.best_frame,
            captured_at: Time(passage.best_frame_at),
            corners: passage.best_corners.0.map(|p| [tenth(p.x), tenth(p.y)]),
        },
        clock: message::Clock {
            source: passage.clock.source.as_str().into(),
            error_ms: passage.clock.error_ms,
        },
        position: passage.position.filter(|p| p.longitude.is_finite() && p.latitude.is_finite()).map(|p| {
            message::Position {
                kind: "Point".into(),
                coordinates: [p.longitude, p.latitude],
                heading: p.heading.filter(|h| h.is_finite()),
                accuracy_m: p.accuracy_m.filter(|a| a.is_finite()),
            }
        }),
    }
}

fn pictures(evidence: &[EvidenceFile]) -> Vec<message::Evidence> {
    evidence
        .iter()
        .map(|e| {
            let shown = Shown { role: e.role, sha256: &e.sha256, width: e.width, height: e.height };
            picture(shown, e.frame_seq)
        })
        .collect()
}

/// What a picture just encoded and one long kept have in common.
struct Shown<'a> {
    role: EvidenceRole,
    sha256: &'a str,
    width: u32,
    height: u32,
}

fn picture(shown: Shown<'_>, frame_seq: u64) -> message::Evidence {
    message::Evidence {
        role: shown.role.as_str().into(),
        sha256: shown.sha256.into(),
        media_type: "image/jpeg".into(),
        width: shown.width,
        height: shown.height,
        frame_seq,
    }
}

fn hashes(models: &ModelVersions) -> message::Models {
    message::Models { detector: models.detector_sha256.clone(), reader: models.reader_sha256.clone() }
}

/// A probability as it goes out: within 0 to 1, six decimals, and never NaN, which JSON cannot say.
fn unit(p: f32) -> f32 {
    if p.is_finite() { (p.clamp(0.0, 1.0) * 1e6).round() / 1e6 } else { 0.0 }
}

/// A place in px as it goes out: a tenth is finer than any corner is known.
fn tenth(x: f32) -> f32 {
    if x.is_finite() { (x * 10.0).round() / 10.0 } else { 0.0 }
}
