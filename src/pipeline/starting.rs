//! Parts of a box's start: what it knows of the past, how its threads get their models, what it puts on record.

use super::guard::{Eye, Faults, FaultyEye, MakeEye};
use super::recorder::Seen;
use super::{PipelineError, Settings};
use crate::alert::{BoxIdentity, cut_off_hit_message};
use crate::domain::{Hit, HitState, Passage, PassageState, Utc};
use crate::store::{self, OpenHit, Record, StoreHandle};
use crate::vision::{FaceFinder, Vision};

/// The time of the latest row of the audit chain: no clock that is right stands before it.
pub(super) fn latest(store: &StoreHandle, settings: &store::Settings) -> Option<Utc> {
    let head = store.audit_head().ok()?;
    let rows = store::Reader::open(settings).ok()?.audit_rows(head.seq, 1).ok()?;
    rows.first().map(|row| row.at)
}

/// Gives hits that were open when the box was cut off their last word, before any camera starts. One that cannot be read
/// or kept stays open, named in the log; the next start tries again.
pub(super) fn close_cut_off(store: &StoreHandle, settings: &store::Settings, identity: &BoxIdentity) {
    let found = store::Reader::open(settings).and_then(|reader| Ok((reader.open_hits()?, reader)));
    let (open, reader) = match found {
        Ok(found) => found,
        Err(error) => {
            tracing::error!(%error, "hits that were open when the box was cut off cannot be looked for");
            return;
        }
    };
    let mut closed = 0_u64;
    for row in open {
        let id = row.id;
        let outcome = reader.open_hit(row).map_err(Into::into).and_then(|hit| close(store, hit, identity));
        match outcome {
            Ok(()) => closed += 1,
            Err(error) => tracing::error!(hit = %id, %error, "an open hit cannot be closed"),
        }
    }
    if closed > 0 {
        tracing::warn!(closed, "hits that were open when the box was cut off are final");
    }
}

fn close(store: &StoreHandle, open: OpenHit, identity: &BoxIdentity) -> Result<(), PipelineError> {
    // When it was decided stays: nothing new was read.
    let hit = Hit { state: HitState::Final, ..open.hit };
    let message = cut_off_hit_message(identity, &open.passage, &hit, Utc::now())?;
    let passage = Passage { state: PassageState::Closed, ..open.passage.passage };
    // The hit's state and its message are one transaction: either both are there, or the next start finds it open.
    store.record(Record {
        passage,
        hits: vec![hit],
        evidence: vec![],
        messages: vec![message],
        models: None,
    })?;
    Ok(())
}

/// Whom pictures may show, by camera, and who finds faces in the others.
pub(super) fn seen(settings: &Settings) -> Result<Seen, PipelineError> {
    let faces = FaceFinder::beside(&settings.vision.detector, settings.vision.onnxruntime.as_deref())?;
    if faces.is_none() {
        tracing::warn!(
            "no face finder beside the detector (faces.toml): surroundings in pictures are cut narrower"
        );
    }
    let allowed = settings.cameras.iter().filter(|c| c.people).map(|c| c.capture.camera.clone()).collect();
    Ok(Seen { allowed, faces })
}

/// How a vision thread opens its models, with the faults it is to have.
pub(super) fn eyes(vision: Vision, faults: Faults) -> MakeEye {
    Box::new(move || {
        let eye: Box<dyn Eye + Send> = Box::new(vision.worker()?);
        Ok(match faults.vision_every {
            None => eye,
            Some(every) => Box::new(FaultyEye { eye, every, frames: 0 }),
        })
    })
}

/// What verbs beside the box must hold to.
pub(super) fn law_on_record(settings: &Settings) -> store::LawInForce {
    let preset = &settings.law.preset;
    let terms = settings.store.retention.map_or_else(serde_json::Map::new, |r| {
        let t = r.terms;
        [
            ("non_hits", t.non_hits),
            ("hits", t.hits),
            ("plate_texts", t.plate_texts),
            ("pictures", t.pictures),
            ("register", t.register),
            ("audit", t.audit),
        ]
        .into_iter()
        .map(|(name, days)| (name.to_owned(), days.into()))
        .collect()
    });
    store::LawInForce {
        policy: settings.law.policy.word().to_owned(),
        preset: preset.name.clone(),
        statement: preset.statement.clone(),
        rules: preset.text.clone(),
        terms: serde_json::Value::Object(terms).to_string(),
    }
}
