//! Passages against the lists, and the life of the hits that come of it.

use crate::domain::{Hit, HitId, HitState, PassageId, PassageState, PlateText, Utc};
use crate::hotlist::{Hotlists, Match, match_passage};
use crate::track::TrackEvent;
use std::collections::HashMap;

/// A hit already told of, by what makes it the same hit: a list reloaded meanwhile does not make it another.
struct Known {
    id: HitId,
    list: String,
    plate: PlateText,
    category: String,
    last: Hit,
}

/// Decides the hits of one worker's cameras.
pub(super) struct Judge {
    hotlists: Hotlists,
    open: HashMap<PassageId, Vec<Known>>,
}

impl Judge {
    pub fn new(hotlists: Hotlists) -> Self {
        Self { hotlists, open: HashMap::new() }
    }

    /// The hits to tell of after `event`, in order. A vehicle that was never sure enough while in view and
    /// matches at the end gives `new` and `final` at once, so that every hit has both.
    pub fn judge(&mut self, event: &TrackEvent, now: Utc) -> Vec<Hit> {
        let matches = match_passage(&self.hotlists.snapshot(), &event.passage, now);
        let closing = event.passage.state == PassageState::Closed;
        let mut known = self.open.remove(&event.passage.id).unwrap_or_default();
        let mut told = Vec::new();
        let mut matched: Vec<HitId> = Vec::new();
        for m in matches {
            let same = known.iter_mut().find(|k| {
                k.list == m.list.name && k.plate == m.entry.plate && k.category == m.entry.category
            });
            let fresh = same.is_none();
            let id = same.map_or_else(HitId::generate, |k| k.id);
            matched.push(id);
            let hit = |state| hit(id, event.passage.id, state, &m, now);
            let states: &[HitState] = match (fresh, closing) {
                (true, false) => &[HitState::New],
                (true, true) => &[HitState::New, HitState::Final],
                (false, false) => &[HitState::Updated],
                (false, true) => &[HitState::Final],
            };
            told.extend(states.iter().map(|&s| hit(s)));
            if fresh && !closing {
                known.push(Known {
                    id,
                    list: m.list.name.clone(),
                    plate: m.entry.plate.clone(),
                    category: m.entry.category.clone(),
                    last: hit(HitState::New),
                });
            }
        }
        if closing {
            let gone = known.into_iter().filter(|k| !matched.contains(&k.id));
            told.extend(gone.map(|k| Hit { state: HitState::Withdrawn, decided_at: now, ..k.last }));
        } else if !known.is_empty() {
            self.open.insert(event.passage.id, known);
        }
        told
    }
}

fn hit(id: HitId, passage: PassageId, state: HitState, m: &Match, now: Utc) -> Hit {
    Hit {
        id,
        passage,
        state,
        kind: m.kind,
        probability: m.probability,
        entry: m.entry.clone(),
        list: m.list.clone(),
        decided_at: now,
    }
}
