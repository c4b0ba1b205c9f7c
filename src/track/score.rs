//! Passages against the truth: the figures by which following and fusing are measured.
//!
//! `identity_f1` is the harmonic mean of identity precision and recall over frames (Ristani et al. 2016): every
//! vehicle is given the one passage that serves it best, all frames of others on it count against it.

use super::Moved;
use super::assign::assign;
use crate::domain::{Passage, PassageId, Reading};
use std::collections::{BTreeMap, BTreeSet};

/// What a detection shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shows {
    /// This vehicle's plate.
    Vehicle(usize),
    /// This vehicle's plate, too small or too hidden to be asked for.
    Unasked(usize),
    /// No plate of the truth, and too narrow for the truth to have it: it leaves such plates out.
    Unrecorded,
    /// No plate of the truth.
    Nothing,
}

/// A vehicle of the truth.
#[derive(Debug, Clone)]
pub struct TrueVehicle {
    /// Its plate, in the form in which plates are compared.
    pub text: String,
    /// Whether a person can read it.
    pub readable: bool,
    /// Frames in which its plate can be asked for; what no person can read is never asked for.
    pub fair_frames: u32,
    /// Where it goes, as the truth says: `towards`, `away`.
    pub heading: Option<String>,
}

/// What was seen of a passage.
#[derive(Default, Clone)]
struct Seat {
    /// Frame, what was there, and the box it was found in.
    frames: Vec<(u64, Shows, [f32; 4])>,
    single: Option<(String, f32)>,
    told: Option<Passage>,
}

/// Collects what the tracker did, frame by frame.
#[derive(Default, Clone)]
pub struct Score {
    seats: BTreeMap<PassageId, Seat>,
}

/// The figures.
#[derive(Debug, Clone, Default)]
pub struct Figures {
    /// Name and value, in the order to print them.
    pub lines: Vec<(&'static str, f64)>,
    /// What went wrong, a line each.
    pub errors: Vec<String>,
}

impl Figures {
    /// The figure of this name; NaN for a name there is not.
    pub fn get(&self, name: &str) -> f64 {
        self.lines.iter().find(|(n, _)| *n == name).map_or(f64::NAN, |(_, v)| *v)
    }
}

impl Score {
    /// A reading of frame `seq` went to this passage.
    pub fn assigned(&mut self, id: PassageId, reading: &Reading, shows: Shows) {
        let seat = self.seats.entry(id).or_default();
        seat.frames.push((reading.stamp.seq, shows, reading.detection.bounds));
        let confidence = reading.confidence();
        if confidence > 0.0 && seat.single.as_ref().is_none_or(|(_, p)| confidence > *p) {
            seat.single = Some((reading.text(), confidence));
        }
    }

    /// Readings turned out to be another passage's.
    pub fn moved(&mut self, moves: &[Moved]) {
        for m in moves {
            let Some(from) = self.seats.get_mut(&m.from) else { continue };
            let (stay, go): (Vec<_>, Vec<_>) =
                std::mem::take(&mut from.frames).into_iter().partition(|f| f.0 < m.since_frame);
            from.frames = stay;
            let single = from.single.clone();
            let to = self.seats.entry(m.to).or_default();
            to.frames.extend(go);
            if let Some((text, p)) = single.filter(|_| m.since_frame == 0)
                && to.single.as_ref().is_none_or(|(_, own)| p > *own)
            {
                to.single = Some((text, p));
            }
        }
    }

    /// A passage's last word.
    pub fn closed(&mut self, passage: Passage) {
        let id = passage.id;
        self.seats.entry(id).or_default().told = Some(passage);
    }

    /// Where each passage was in the frames in which its plate was not found: on straight lines between those in which
    /// it was, as trackers that know the whole clip do (nothing is read there). `shows` tells what is at a place. Gaps
    /// of more than `longest` frames stay.
    pub fn fill_gaps(&mut self, longest: u64, shows: impl Fn(u64, &[f32; 4]) -> Shows) {
        for seat in self.seats.values_mut().filter(|s| s.told.is_some()) {
            seat.frames.sort_by_key(|f| f.0);
            let pairs = seat.frames.windows(2).filter_map(|w| match w {
                [a, b] if b.0 - a.0 > 1 && b.0 - a.0 - 1 <= longest => Some((*a, *b)),
                _ => None,
            });
            let mut filled = Vec::new();
            for ((from, _, a), (to, _, b)) in pairs {
                for seq in from + 1..to {
                    let share = (seq - from) as f32 / (to - from) as f32;
                    let place: [f32; 4] = std::array::from_fn(|i| a[i] + (b[i] - a[i]) * share);
                    filled.push((seq, shows(seq, &place), place));
                }
            }
            seat.frames.extend(filled);
        }
    }

    /// Reckons it up.
    pub fn figures(&self, truth: &[TrueVehicle]) -> Figures {
        let passages: Vec<&Seat> = self.seats.values().filter(|s| s.told.is_some()).collect();
        let mut errors = Vec::new();
        let text = |s: &Seat| s.told.as_ref().map(|p| p.text.to_string()).unwrap_or_default();
        let is_asked = |v: usize| truth.get(v).is_some_and(|t| t.readable);
        // Every frame of a vehicle on a passage, and those that count.
        let on = |s: &Seat, v: usize| {
            s.frames.iter().filter(|f| matches!(f.1, Shows::Vehicle(w) | Shows::Unasked(w) if w == v)).count()
                as u32
        };
        let asked = |s: &Seat, v: usize| {
            s.frames.iter().filter(|f| f.1 == Shows::Vehicle(v) && is_asked(v)).count() as u32
        };
        let counts = |shows: &Shows| match shows {
            Shows::Vehicle(v) => is_asked(*v),
            Shows::Unasked(_) | Shows::Unrecorded => false,
            Shows::Nothing => true,
        };
        let counted: u32 =
            passages.iter().map(|s| s.frames.iter().filter(|f| counts(&f.1)).count() as u32).sum();
        let worth: Vec<Vec<f32>> =
            (0..truth.len()).map(|v| passages.iter().map(|s| asked(s, v) as f32).collect()).collect();
        let shares = assign(&worth).into_iter().zip(&worth).filter_map(|(p, row)| row.get(p?).copied());
        // An empty sum of floating numbers is -0.
        let kept: f32 = shares.sum::<f32>() + 0.0;
        let mut found = vec![BTreeSet::new(); truth.len()];
        for (seq, shows, _) in self.seats.values().flat_map(|s| &s.frames) {
            if let Shows::Vehicle(v) = shows
                && is_asked(*v)
                && let Some(frames) = found.get_mut(*v)
            {
                frames.insert(*seq);
            }
        }
        let found_frames: u32 = found.iter().map(|f| f.len() as u32).sum();
        let fair: u32 = truth.iter().filter(|v| v.readable).map(|v| v.fair_frames).sum();
        let f1 = |frames: u32| 2.0 * f64::from(kept) / f64::from((frames + counted).max(1));

        let mut of_vehicle: BTreeMap<usize, Vec<&Seat>> = BTreeMap::new();
        let (mut joined, mut nobodys) = (0_u32, 0_u32);
        for seat in &passages {
            // A detection that strays onto a neighbour for a frame or two joins nothing.
            let vehicles: Vec<(u32, usize)> = (0..truth.len()).map(|v| (on(seat, v), v)).collect();
            let several = vehicles.iter().filter(|(n, _)| *n >= 3).count() > 1;
            joined += u32::from(several);
            if several {
                let each = vehicles.iter().filter(|(n, _)| *n >= 3);
                let each: Vec<String> = each
                    .filter_map(|(n, v)| truth.get(*v).map(|t| format!("{n} frames of {}", t.text)))
                    .collect();
                errors.push(format!("joined {}: {}", text(seat), each.join(", ")));
            }
            match vehicles.iter().filter(|(n, _)| *n > 0).max_by_key(|(n, _)| *n) {
                Some((_, v)) => {
                    let (shown, own) = (|f: &&(u64, Shows, _)| counts(&f.1), asked(seat, *v));
                    let stray = (seat.frames.iter().filter(shown).count() as u32).saturating_sub(own);
                    if stray > 0 {
                        errors.push(format!("stray {}: {stray} frames show something else", text(seat)));
                    }
                    of_vehicle.entry(*v).or_default().push(seat);
                }
                None => {
                    nobodys += 1;
                    errors.push(format!("no-vehicle {}", text(seat)));
                }
            }
        }
        let (mut readable, mut right, mut single, mut missed, mut split) =
            (0_u32, 0_u32, 0_u32, 0_u32, 0_u32);
        let (mut told, mut told_right, mut sureness) = (0_u32, 0_u32, 0.0_f64);
        let (mut headed, mut headed_right) = (0_u32, 0_u32);
        for (v, vehicle) in truth.iter().enumerate() {
            let own = of_vehicle.get(&v).map_or(&[][..], Vec::as_slice);
            split += u32::from(own.len() > 1);
            let read: Vec<String> = own.iter().map(|s| text(s)).collect();
            if own.len() > 1 {
                errors.push(format!("split {} as {}", vehicle.text, read.join(",")));
            }
            for passage in own.iter().filter_map(|s| s.told.as_ref()) {
                if let (Some(direction), Some(heading)) = (passage.direction, &vehicle.heading) {
                    headed += 1;
                    headed_right += u32::from(direction.as_str() == heading);
                }
            }
            if !vehicle.readable {
                continue;
            }
            readable += 1;
            let ok = read.contains(&vehicle.text);
            right += u32::from(ok);
            missed += u32::from(own.is_empty());
            single +=
                u32::from(own.iter().any(|s| s.single.as_ref().is_some_and(|(t, _)| *t == vehicle.text)));
            told += own.len() as u32;
            told_right += read.iter().filter(|t| **t == vehicle.text).count() as u32;
            sureness +=
                own.iter().filter_map(|s| s.told.as_ref()).map(|p| f64::from(p.confidence)).sum::<f64>();
            let (all, own) = (found.get(v).map_or(0, BTreeSet::len), worth.get(v).into_iter().flatten());
            let own = own.fold(0.0, |most: f32, n| most.max(*n)) as usize;
            if own < all {
                errors.push(format!(
                    "apart {}: {} of {all} frames in which it was found",
                    vehicle.text,
                    all - own
                ));
            }
            if !ok {
                let read = if read.is_empty() { "nothing".into() } else { read.join(",") };
                errors.push(format!("{} read as {read}", vehicle.text));
            }
        }
        let share = |a: u32, b: u32| f64::from(a) / f64::from(b.max(1));
        let n = |x: u32| f64::from(x);
        let contradictory =
            passages.iter().filter(|s| s.told.as_ref().is_some_and(|p| p.contradictory)).count();
        let lines = vec![
            ("vehicles", truth.len() as f64),
            ("readable", n(readable)),
            ("passages", passages.len() as f64),
            ("identity_f1", f1(fair)),
            ("identity_f1_found", f1(found_frames)),
            ("found", share(found_frames, fair)),
            ("text_right", share(right, readable)),
            ("text_right_single", share(single, readable)),
            ("passages_right", share(told_right, told)),
            ("mean_confidence", sureness / f64::from(told.max(1))),
            ("missed", n(missed)),
            ("split", n(split)),
            ("joined", n(joined)),
            ("no_vehicle", n(nobodys)),
            ("contradictory", contradictory as f64),
            ("direction_right", share(headed_right, headed)),
        ];
        Figures { lines, errors }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fusion::tests::reading;
    use super::*;
    use crate::domain::{CameraId, ClockQuality, ClockSource, Corners, PassageState, PlateText, Utc};

    fn passage(id: PassageId) -> Passage {
        let at = Utc::from_unix_ms(0);
        Passage {
            id,
            camera: CameraId::new("c"),
            state: PassageState::Closed,
            first_seen: at,
            last_seen: at,
            clock: ClockQuality { source: ClockSource::Media, error_ms: None },
            position: None,
            mandate: None,
            text: PlateText::new("1ABC123").unwrap(),
            confidence: 0.99,
            positions: vec![],
            country: None,
            lines: 1,
            readings: 4,
            agreement: 1.0,
            contradictory: false,
            direction: None,
            lane: None,
            best_frame: 0,
            best_frame_at: at,
            best_frame_received_at: at,
            best_corners: Corners::from_box(0.0, 0.0, 1.0, 1.0),
        }
    }

    #[test]
    fn what_the_truth_leaves_out_is_no_harm_and_what_is_nothing_is() {
        let truth = [TrueVehicle { text: "1ABC123".into(), readable: true, fair_frames: 4, heading: None }];
        let f1 = |last: Shows| {
            let id = PassageId::generate();
            let mut score = Score::default();
            for (seq, shows) in
                [(0, Shows::Vehicle(0)), (1, Shows::Vehicle(0)), (2, Shows::Vehicle(0)), (3, last)]
            {
                score.assigned(id, &reading("1ABC123", 0.9, seq, 0.0), shows);
            }
            score.closed(passage(id));
            let figures = score.figures(&truth);
            (figures.get("identity_f1"), figures.errors)
        };
        let (recorded, _) = f1(Shows::Vehicle(0));
        let (left_out, said) = f1(Shows::Unrecorded);
        let (nothing, stray) = f1(Shows::Nothing);
        assert!(recorded > left_out && left_out > nothing, "{recorded} {left_out} {nothing}");
        assert!(
            said.is_empty() && stray == ["stray 1ABC123: 1 frames show something else"],
            "{said:?} {stray:?}"
        );
    }

    #[test]
    fn gaps_are_filled_on_straight_lines_and_count_for_whom_they_lie_on() {
        let id = PassageId::generate();
        let mut score = Score::default();
        for (seq, x) in [(0, 0.0), (1, 10.0), (4, 40.0), (90, 900.0)] {
            score.assigned(id, &reading("1ABC123", 0.9, seq, x), Shows::Vehicle(0));
        }
        let told = score.seats.get(&id).unwrap().frames.len();
        score.fill_gaps(10, |_, _| Shows::Nothing);
        assert_eq!(score.seats.get(&id).unwrap().frames.len(), told, "nothing was told of it");
        let mut seat = score.seats.remove(&id).unwrap();
        seat.told = Some(passage(id));
        score.seats.insert(id, seat);
        let truth = [TrueVehicle { text: "1ABC123".into(), readable: true, fair_frames: 6, heading: None }];
        assert!((score.figures(&truth).get("identity_f1") - 0.8).abs() < 1e-9);
        score.fill_gaps(10, |seq, place| {
            assert_eq!(place[0], seq as f32 * 10.0);
            Shows::Vehicle(0)
        });
        assert!(
            (score.figures(&truth).get("identity_f1") - 1.0).abs() < 1e-9,
            "frames 2 and 3; 5 to 89 stay"
        );
    }
}
