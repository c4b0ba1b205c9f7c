//! Passages against the lists, and the life of the hits that come of it.

use crate::domain::{Hit, HitId, HitState, Listed, PassageId, PassageState, Utc};
use crate::hotlist::{Hotlists, List, Match, match_passage_on};
use crate::track::TrackEvent;
use std::collections::HashMap;

/// A hit already told of, by what makes it the same hit: a list reloaded meanwhile does not make it another.
struct Known {
    id: HitId,
    list: String,
    plate: Listed,
    category: String,
    last: Hit,
}

/// What came of an event.
pub(super) struct Judgement {
    /// The hits to tell of, in order.
    pub told: Vec<Hit>,
    /// Whether there were hits that the ignore list holds back.
    pub held_back: bool,
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
    ///
    /// With `hold_back` (the plate stands on the ignore list, hits included) no new hit is told of; those told of
    /// already get their last word.
    ///
    /// Lists for which `allowed` is false are not matched: the camera's mandate does not allow what they are for.
    pub fn judge(
        &mut self,
        event: &TrackEvent,
        now: Utc,
        allowed: impl Fn(&List) -> bool,
        hold_back: bool,
    ) -> Judgement {
        let mut matches = match_passage_on(&self.hotlists.snapshot(), &event.passage, now, allowed);
        let mut held_back = false;
        if hold_back && !self.open.contains_key(&event.passage.id) {
            held_back = !matches.is_empty();
            matches.clear();
        }
        let closing = event.passage.state == PassageState::Closed;
        let mut known = self.open.remove(&event.passage.id).unwrap_or_default();
        let mut told = Vec::new();
        let mut matched: Vec<HitId> = Vec::new();
        for m in matches {
            let same = known.iter_mut().find(|k| {
                k.list == m.list.name && k.plate == m.entry.plate && k.category == m.entry.category
            });
            let fresh = same.is_none();
            let id = same.as_ref().map_or_else(HitId::generate, |k| k.id);
            matched.push(id);
            let hit = |state| hit(id, event.passage.id, state, &m, now);
            if let Some(known) = same {
                known.last = hit(HitState::Updated);
            }
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
        Judgement { told, held_back }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        CameraId, CharDistribution, ClockQuality, ClockSource, Corners, EvidenceFrame, Frame, FrameStamp,
        Image, Passage, PlateText,
    };
    use crate::hotlist::import_bytes;
    use std::sync::Arc;

    fn judge() -> Judge {
        let list = "plate,category,case\n1ABC123,stolen-vehicle,C1\n2XYZ987,wanted-person,C2\n";
        let (list, _) = import_bytes(list.as_bytes(), "wanted", 0.1, Utc::from_unix_ms(0)).unwrap();
        let hotlists = Hotlists::new();
        hotlists.replace(list);
        Judge::new(hotlists)
    }

    fn event(id: PassageId, text: &str, state: PassageState) -> TrackEvent {
        let at = Utc::from_unix_ms(1_000);
        let clock = ClockQuality { source: ClockSource::Media, error_ms: None };
        let stamp = FrameStamp {
            camera: CameraId::new("c"),
            seq: 1,
            captured_at: at,
            received_at: at,
            clock,
            position: None,
        };
        let corners = Corners::from_box(0.0, 0.0, 1.0, 1.0);
        let positions = text.chars().map(|_| CharDistribution { p: [0.02; 36], none: 0.0 }).collect();
        let passage = Passage {
            id,
            camera: stamp.camera.clone(),
            state,
            first_seen: at,
            last_seen: at,
            clock,
            position: None,
            text: PlateText::new(text).unwrap(),
            confidence: 0.9,
            positions,
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
            best_corners: corners,
        };
        let image = Arc::new(Image::new(1, 1, vec![0; 3]).unwrap());
        let evidence = EvidenceFrame::cut(&Frame { stamp, image }, corners);
        TrackEvent { passage, evidence, announced_before: false }
    }

    fn states(hits: &[Hit]) -> Vec<HitState> {
        hits.iter().map(|h| h.state).collect()
    }

    #[test]
    fn one_id_from_new_over_updated_to_final() {
        let (mut judge, id, now) = (judge(), PassageId::generate(), Utc::from_unix_ms(2_000));
        let mut all = judge.judge(&event(id, "1ABC123", PassageState::Open), now, |_| true, false).told;
        all.extend(judge.judge(&event(id, "1ABC123", PassageState::Open), now, |_| true, false).told);
        all.extend(judge.judge(&event(id, "1ABC123", PassageState::Closed), now, |_| true, false).told);
        assert_eq!(states(&all), [HitState::New, HitState::Updated, HitState::Final]);
        assert!(all.iter().all(|h| h.id == all[0].id && h.passage == id));
    }

    #[test]
    fn a_vehicle_sure_only_at_the_end_gives_new_and_final_at_once() {
        let hits = judge()
            .judge(
                &event(PassageId::generate(), "2XYZ987", PassageState::Closed),
                Utc::from_unix_ms(0),
                |_| true,
                false,
            )
            .told;
        assert_eq!(states(&hits), [HitState::New, HitState::Final]);
        assert_eq!(hits[0].id, hits[1].id);
    }

    #[test]
    fn a_final_reading_that_no_longer_matches_withdraws() {
        let (mut judge, id, now) = (judge(), PassageId::generate(), Utc::from_unix_ms(2_000));
        let new = judge.judge(&event(id, "1ABC123", PassageState::Open), now, |_| true, false).told;
        let end = judge.judge(&event(id, "1ABC128", PassageState::Closed), now, |_| true, false).told;
        assert_eq!((states(&end), end[0].id), (vec![HitState::Withdrawn], new[0].id));
    }

    #[test]
    fn a_text_on_no_list_is_no_hit() {
        let hits = judge()
            .judge(
                &event(PassageId::generate(), "9QQQ999", PassageState::Closed),
                Utc::from_unix_ms(0),
                |_| true,
                false,
            )
            .told;
        assert!(hits.is_empty());
    }

    #[test]
    fn a_hit_held_back_is_counted_and_one_told_of_gets_its_last_word() {
        let (mut judge, now) = (judge(), Utc::from_unix_ms(0));
        let id = PassageId::generate();
        let held = judge.judge(&event(id, "1ABC123", PassageState::Open), now, |_| true, true);
        assert!(held.told.is_empty() && held.held_back);
        judge.judge(&event(id, "2XYZ987", PassageState::Open), now, |_| true, false);
        let end = judge.judge(&event(id, "1ABC123", PassageState::Closed), now, |_| true, true);
        assert!(end.told.iter().any(|h| h.state == HitState::Withdrawn));
    }
}
