//! Parts of a box's start: what it knows of the past, how its threads get their models, what it puts on record.

use super::Settings;
use super::guard::{Eye, Faults, FaultyEye, MakeEye};
use crate::alert::{AlertError, BoxIdentity, cut_off_hit_message};
use crate::domain::{Hit, HitState, Passage, PassageState, Utc};
use crate::store::{self, OpenHit, Record, StoreHandle};
use crate::vision::Vision;

/// The time of the latest row of the audit chain: no clock that is right stands before it.
pub(super) fn latest(store: &StoreHandle, settings: &store::Settings) -> Option<Utc> {
    let head = store.audit_head().ok()?;
    let rows = store::Reader::open(settings).ok()?.audit_rows(head.seq, 1).ok()?;
    rows.first().map(|row| row.at)
}

/// Gives hits that were open when the box was cut off their last word, before any camera starts. One whose last word
/// cannot be kept stays open; the next start tries again.
/// Gives the names under which the box speaks.
///
/// # Errors
/// The names cannot stand in a topic.
pub(super) fn close_cut_off(store: &StoreHandle, settings: &Settings) -> Result<BoxIdentity, AlertError> {
    let identity = BoxIdentity::new(&settings.alert.zone, &settings.alert.box_id)?;
    let open = match store::Reader::open(&settings.store).and_then(|reader| reader.open_hits()) {
        Ok(open) => open,
        Err(error) => {
            tracing::error!(%error, "hits that were open when the box was cut off cannot be looked for");
            return Ok(identity);
        }
    };
    let mut closed = 0_u64;
    for hit in &open {
        match close(store, hit, &identity) {
            Ok(()) => closed += 1,
            Err(error) => tracing::error!(hit = %hit.hit.id, %error, "an open hit cannot be closed"),
        }
    }
    if closed > 0 {
        tracing::warn!(closed, "hits that were open when the box was cut off are final");
    }
    Ok(identity)
}

fn close(store: &StoreHandle, open: &OpenHit, identity: &BoxIdentity) -> Result<(), super::PipelineError> {
    // When it was decided stays: nothing new was read.
    let hit = Hit { state: HitState::Final, ..open.hit.clone() };
    let message = cut_off_hit_message(identity, &open.passage, &hit, Utc::now())?;
    let passage = Passage { state: PassageState::Closed, ..open.passage.passage.clone() };
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
