//! Parts of a box's start: what it knows of the past, how its threads get their models, what it puts on record.

use super::Settings;
use super::guard::{Eye, Faults, FaultyEye, MakeEye};
use crate::domain::Utc;
use crate::store::{self, StoreHandle};
use crate::vision::Vision;

/// The time of the latest row of the audit chain: no clock that is right stands before it.
pub(super) fn latest(store: &StoreHandle, settings: &store::Settings) -> Option<Utc> {
    let head = store.audit_head().ok()?;
    let rows = store::Reader::open(settings).ok()?.audit_rows(head.seq, 1).ok()?;
    rows.first().map(|row| row.at)
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
