//! One track: the detections taken for one vehicle, what they say together, and what was told of it.

use super::Settings;
use super::contradiction::{Verdict, conflicts, judge};
use super::fusion::{Fused, Sample, fuse_samples};
use super::motion::Motion;
use super::tracker::TrackEvent;
use crate::domain::{
    CameraId, Direction, EvidenceFrame, Frame, Passage, PassageId, PassageState, PlateText, Point, Reading,
    Utc,
};
use std::collections::VecDeque;

/// Readings kept of one track for fusion: the best ones, and the latest, which may begin to say something else.
/// More would cost time and add nothing, since neighbouring frames repeat each other.
const KEPT_READINGS: usize = 40;
const KEPT_LATEST: usize = 8;
/// Times kept at which a vehicle was found.
const KEPT_TIMES: usize = 100;
/// A passage already announced is announced again when it became so much surer, or its text changed.
const WORTH_TELLING: f32 = 0.1;
/// Plates nearer to the border of the frame than this share of its sides may be cut off: they hold a track
/// together but are not read.
const BORDER: f32 = 0.004;
/// Texts shorter than this are no plates (a number on a door, a badge).
const MIN_CHARACTERS: usize = 4;
/// A vehicle in view for this long is no passing one: it may be hidden for longer.
const STAYING_MS: i64 = 3_000;
/// Growth (as a logarithm) and ways (in plate widths) down and across that weigh the same in telling where a vehicle
/// goes.
const TELLING_GROWTH: f32 = 0.2;
const TELLING_DOWN: f32 = 1.5;
const TELLING_ACROSS: f32 = 3.0;

/// A reading with the frame it was read from.
type Witness = (Reading, EvidenceFrame);

/// One vehicle, as far as it is known.
pub(super) struct Track {
    pub id: PassageId,
    pub motion: Motion,
    samples: Vec<Sample>,
    pub count: u32,
    pub first_seen: Utc,
    pub last_seen: Utc,
    pub first_detected: Utc,
    pub last_detected: Utc,
    /// The best witness of what is read, and of what contradicts it if anything does.
    witnesses: Vec<Witness>,
    pub fused: Option<Fused>,
    contradictory: bool,
    lanes: Vec<u32>,
    pub announced: Option<(String, f32)>,
    /// When it was found, the latest [`KEPT_TIMES`] times.
    found_at: VecDeque<Utc>,
}

impl Track {
    pub fn new(first: &Reading, camera: Point) -> Self {
        let at = first.stamp.captured_at;
        Self {
            id: PassageId::generate(),
            motion: Motion::new(&first.detection.corners, at.unix_ms(), camera),
            samples: Vec::new(),
            count: 0,
            first_seen: at,
            last_seen: at,
            first_detected: at,
            last_detected: at,
            witnesses: Vec::new(),
            fused: None,
            contradictory: false,
            lanes: Vec::new(),
            announced: None,
            found_at: VecDeque::new(),
        }
    }

    /// Takes a reading. Where it shows that the latest readings are another vehicle's, they are given back as a
    /// track of their own, which goes on from here; this one stays where it was.
    pub fn take(&mut self, frame: &Frame, reading: Reading, jump: f32, settings: &Settings) -> Option<Self> {
        self.last_detected = reading.stamp.captured_at;
        self.found_at.push_back(self.last_detected);
        while self.found_at.len() > KEPT_TIMES {
            self.found_at.pop_front();
        }
        let (width, height) = (frame.image.width(), frame.image.height());
        self.lanes.resize(settings.areas.lanes.len(), 0);
        let lane = settings.areas.lane(reading.detection.corners.centre(), width, height);
        if let Some(n) = lane.and_then(|i| self.lanes.get_mut(i)) {
            *n = n.saturating_add(1);
        }
        let cut_off = touches_border(frame, &reading.detection.bounds);
        if cut_off || reading.positions.len() < MIN_CHARACTERS || reading.readable < 0.3 {
            return None;
        }
        if self.count == 0 {
            self.first_seen = reading.stamp.captured_at;
        }
        self.last_seen = reading.stamp.captured_at;
        self.count = self.count.saturating_add(1);
        self.keep_witness(reading.clone(), |r| EvidenceFrame::cut(frame, r.detection.corners));
        self.samples.push(Sample::new(reading, jump));
        self.forget_worst();
        self.fuse()
    }

    fn forget_worst(&mut self) {
        if self.samples.len() <= KEPT_READINGS + KEPT_LATEST {
            return;
        }
        let older = self.samples.len() - KEPT_LATEST;
        let worst =
            self.samples.iter().take(older).enumerate().min_by(|a, b| a.1.merit().total_cmp(&b.1.merit()));
        if let Some((i, _)) = worst {
            self.samples.remove(i);
        }
    }

    /// Says anew what the readings say together.
    fn fuse(&mut self) -> Option<Self> {
        let all: Vec<&Sample> = self.samples.iter().collect();
        self.fused = fuse_samples(&all);
        self.contradictory = false;
        if self.fused.as_ref().is_none_or(|f| f.agreement > 0.9) {
            return None;
        }
        match judge(&all) {
            Verdict::One => None,
            Verdict::Mixed { lesser } => {
                let weight = |s: &Sample| s.merit();
                let total: f32 = all.iter().map(|s| weight(s)).sum();
                let counted: Vec<&Sample> =
                    all.iter().enumerate().filter(|(i, _)| !lesser.contains(i)).map(|(_, s)| *s).collect();
                let share = counted.iter().map(|s| weight(s)).sum::<f32>() / total.max(f32::MIN_POSITIVE);
                let same =
                    |f: &Fused| all.iter().filter(|s| s.text == f.text).count() as f32 / all.len() as f32;
                let fused = fuse_samples(&counted);
                self.fused =
                    fused.map(|f| Fused { confidence: f.confidence * share, agreement: same(&f), ..f });
                self.contradictory = true;
                None
            }
            Verdict::Split { from } => self.split(from),
        }
    }

    fn split(&mut self, from: usize) -> Option<Self> {
        let first = self.samples.get(from)?.reading.clone();
        let later = self.samples.split_off(from);
        let seq = first.stamp.seq;
        let (older, newer): (Vec<Witness>, Vec<Witness>) =
            std::mem::take(&mut self.witnesses).into_iter().partition(|(r, _)| r.stamp.seq < seq);
        let count = later.len().try_into().unwrap_or(u32::MAX);
        let mut new = Self {
            motion: self.motion.clone(),
            count,
            first_seen: first.stamp.captured_at,
            last_seen: self.last_seen,
            last_detected: self.last_detected,
            witnesses: newer,
            lanes: self.lanes.clone(),
            ..Self::new(&first, Point { x: 0.0, y: 0.0 })
        };
        new.samples = later;
        new.fused = fuse_samples(&new.samples.iter().collect::<Vec<_>>());
        self.witnesses = older;
        self.count = self.count.saturating_sub(count);
        if let Some(last) = self.samples.last() {
            self.last_seen = last.reading.stamp.captured_at;
            self.last_detected = self.last_seen;
        }
        self.fused = fuse_samples(&self.samples.iter().collect::<Vec<_>>());
        Some(new)
    }

    /// Whether a track of a few readings ran only while this one was not found, before and after, and read nearly the
    /// same: a picture that jolted and a misread character made two of one.
    pub fn surrounds(&self, brief: &Self) -> bool {
        let within = |at: &Utc| (brief.first_detected..=brief.last_detected).contains(at);
        let nearly = |a: &Fused, b: &Fused| conflicts(&a.text, &b.text) <= 1;
        self.id != brief.id
            && brief.count <= BRIEF
            && self.count > brief.count
            && self.found_at.front().is_some_and(|first| *first < brief.first_detected)
            && self.last_detected > brief.last_detected
            && !self.found_at.iter().any(within)
            && self.fused.as_ref().zip(brief.fused.as_ref()).is_some_and(|(a, b)| nearly(a, b))
    }

    /// Confidence of the surest reading by itself.
    pub fn surest(&self) -> f32 {
        self.samples.iter().map(|s| s.confidence).fold(0.0, f32::max)
    }

    /// Sequence number of the frame of the first reading.
    pub fn first_seq(&self) -> u64 {
        self.samples.first().map_or(0, |s| s.reading.stamp.seq)
    }

    /// Goes on with what was followed as another vehicle and is this one.
    pub fn absorb(&mut self, later: Self) {
        self.motion.continue_with(later.motion);
        self.samples.extend(later.samples);
        while self.samples.len() > KEPT_READINGS + KEPT_LATEST {
            self.forget_worst();
        }
        self.count = self.count.saturating_add(later.count);
        self.found_at.extend(later.found_at);
        (self.last_seen, self.last_detected) = (later.last_seen, later.last_detected);
        for (n, more) in self.lanes.iter_mut().zip(later.lanes) {
            *n = n.saturating_add(more);
        }
        later.witnesses.into_iter().for_each(|(reading, frame)| self.keep_witness(reading, |_| frame));
        self.fused = fuse_samples(&self.samples.iter().collect::<Vec<_>>());
    }

    /// Keeps the best witness of what is read and the best of another text, no more, and cuts only those out of their
    /// frames: every vehicle in view has them.
    fn keep_witness(&mut self, reading: Reading, evidence: impl FnOnce(&Reading) -> EvidenceFrame) {
        let merit = |r: &Reading| r.quality * r.confidence();
        let (text, new) = (reading.text(), merit(&reading));
        let read = self.fused.as_ref().map(|f| f.text.as_str());
        let agrees = |r: &Reading| read.is_some_and(|t| r.text() == t);
        if let Some(i) = self.witnesses.iter().position(|(r, _)| r.text() == text) {
            if self.witnesses.get(i).is_some_and(|(old, _)| merit(old).total_cmp(&new).is_ge()) {
                return;
            }
            self.witnesses.remove(i);
        }
        let rank = (agrees(&reading), new);
        let before = |(r, _): &&Witness| (agrees(r), merit(r)) >= rank;
        if self.witnesses.iter().filter(before).count() < 2 {
            let frame = evidence(&reading);
            self.witnesses.push((reading, frame));
        }
        self.witnesses
            .sort_by(|(a, _), (b, _)| agrees(b).cmp(&agrees(a)).then(merit(b).total_cmp(&merit(a))));
        self.witnesses.truncate(2);
    }

    /// Moves every time by `ms`.
    pub fn shift(&mut self, ms: i64) {
        for at in
            [&mut self.first_seen, &mut self.last_seen, &mut self.first_detected, &mut self.last_detected]
        {
            *at = at.plus_ms(ms);
        }
        for (reading, evidence) in &mut self.witnesses {
            for stamp in [&mut reading.stamp, &mut evidence.stamp] {
                stamp.captured_at = stamp.captured_at.plus_ms(ms);
                stamp.received_at = stamp.received_at.plus_ms(ms);
            }
        }
        self.motion.shift(ms);
    }

    /// Whether the vehicle has been away for longer than passing ones are.
    pub fn is_hidden(&self, now: Utc, settings: &Settings) -> bool {
        now.since_ms(self.last_detected).abs() > settings.lost_after_ms
    }

    /// Whether the vehicle is gone at `now`. A clock that jumps back must not keep a track for ever: its
    /// distance counts either way.
    pub fn is_gone(&self, now: Utc, settings: &Settings) -> bool {
        let seen_for = self.last_detected.since_ms(self.first_detected);
        let away = now.since_ms(self.last_detected);
        let patience = if seen_for >= STAYING_MS && away > 0 {
            seen_for.min(settings.hidden_at_most_ms).max(settings.lost_after_ms)
        } else {
            settings.lost_after_ms
        };
        away.abs() > patience
    }

    /// An event if the passage is sure enough now and says something not said before.
    pub fn announce(&mut self, camera: &CameraId, settings: &Settings) -> Option<TrackEvent> {
        let fused = self.fused.as_ref().filter(|f| !is_lettering(f))?;
        if self.count < settings.min_readings || fused.confidence < settings.announce_confidence {
            return None;
        }
        let news = match &self.announced {
            None => true,
            Some((text, confidence)) => *text != fused.text || fused.confidence > confidence + WORTH_TELLING,
        };
        if !news {
            return None;
        }
        let said = (fused.text.clone(), fused.confidence);
        let event = self.event(camera, PassageState::Open, settings)?;
        self.announced = Some(said);
        Some(event)
    }

    /// The passage as known now; `None` where it has no text that can be a plate's.
    pub fn event(&self, camera: &CameraId, state: PassageState, settings: &Settings) -> Option<TrackEvent> {
        let fused = self.fused.as_ref()?;
        let read_it = |w: &&Witness| w.0.text() == fused.text;
        let (best, evidence) = self.witnesses.iter().find(read_it).or_else(|| self.witnesses.first())?;
        let passage = Passage {
            id: self.id,
            camera: camera.clone(),
            state,
            first_seen: self.first_seen,
            last_seen: self.last_seen,
            clock: best.stamp.clock,
            position: best.stamp.position,
            text: PlateText::new(&fused.text).ok()?,
            confidence: fused.confidence,
            positions: fused.positions.clone(),
            country: fused.country,
            lines: fused.lines,
            readings: self.count,
            agreement: fused.agreement,
            contradictory: self.contradictory,
            direction: self.direction(),
            lane: self.lane(settings),
            mandate: None,
            best_frame: best.stamp.seq,
            best_frame_at: best.stamp.captured_at,
            best_frame_received_at: best.stamp.received_at,
            best_corners: best.detection.corners,
        };
        Some(TrackEvent { passage, evidence: evidence.clone(), announced_before: self.announced.is_some() })
    }

    /// Where it goes, seen from the camera. A plate that comes nearer grows, and moves down where the camera looks
    /// down on it; both are taken together, since the width alone is known badly on small plates.
    fn direction(&self) -> Option<Direction> {
        let (right, down, growth) = self.motion.travelled();
        let nearer = growth / TELLING_GROWTH + down / TELLING_DOWN;
        if nearer.abs() >= 1.0 && nearer.abs() >= right.abs() / TELLING_ACROSS {
            return Some(if nearer > 0.0 { Direction::Towards } else { Direction::Away });
        }
        let across = right.abs() >= 1.0;
        across.then_some(if right > 0.0 { Direction::Right } else { Direction::Left })
    }

    /// The lane in which it was seen most.
    fn lane(&self, settings: &Settings) -> Option<std::sync::Arc<str>> {
        let most = self.lanes.iter().copied().max().filter(|&n| n > 0)?;
        let i = self.lanes.iter().position(|&n| n == most)?;
        settings.areas.lanes.get(i).map(|(name, _)| name.clone())
    }
}

/// A track of so many readings at most can be a piece of another.
const BRIEF: u32 = 3;

/// Countries around here whose personalised plates may be letters alone.
const LETTERS_ALONE: [&str; 8] = ["BE", "DK", "FI", "SE", "NO", "LV", "GB", "LU"];

/// Whether the text is a word and not a plate. Signs are as sharp as plates and read as surely, so neither score
/// nor confidence tells them apart; that the reader places them in a country without such plates does. Readers
/// that name no country get the benefit of the doubt.
pub(super) fn is_lettering(fused: &Fused) -> bool {
    let foreign = |c: &str| !LETTERS_ALONE.contains(&c);
    fused.text.bytes().all(|c| c.is_ascii_uppercase())
        && fused.country.is_some_and(|(c, _)| foreign(c.as_str()))
}

fn touches_border(frame: &Frame, bounds: &[f32; 4]) -> bool {
    let (w, h) = (frame.image.width() as f32, frame.image.height() as f32);
    let [x0, y0, x1, y1] = *bounds;
    x0 <= w * BORDER || y0 <= h * BORDER || x1 >= w * (1.0 - BORDER) || y1 >= h * (1.0 - BORDER)
}

#[cfg(test)]
mod tests {
    use super::super::fusion::tests::reading;
    use super::*;
    use crate::domain::Image;
    use std::cell::Cell;
    use std::sync::Arc;

    #[test]
    fn a_track_cuts_and_keeps_the_best_frame_of_two_texts_alone() {
        let image = Arc::new(Image::new(400, 300, vec![0; 360_000]).unwrap());
        let mut track = Track::new(&reading("1ABC123", 0.9, 0, 0.0), Point { x: 0.0, y: 0.0 });
        let cuts = Cell::new(0);
        let mut show = |text: &str, p: f32, seq: u64| {
            track.keep_witness(reading(text, p, seq, 100.0), |r| {
                cuts.set(cuts.get() + 1);
                let frame = Frame { stamp: r.stamp.clone(), image: image.clone() };
                EvidenceFrame::cut(&frame, r.detection.corners)
            });
            let kept = track.witnesses.iter().map(|(r, e)| {
                assert_eq!(r.stamp.seq, e.stamp.seq, "the frame is the one that was read");
                (r.text(), r.stamp.seq)
            });
            (kept.collect::<Vec<_>>(), cuts.get())
        };
        let kept = |of: &[(&str, u64)]| of.iter().map(|(t, n)| ((*t).to_owned(), *n)).collect::<Vec<_>>();
        assert_eq!(show("1ABC123", 0.9, 1), (kept(&[("1ABC123", 1)]), 1));
        assert_eq!(show("1ABC123", 0.8, 2), (kept(&[("1ABC123", 1)]), 1), "no better");
        assert_eq!(show("1ABC123", 0.95, 3), (kept(&[("1ABC123", 3)]), 2), "better");
        assert_eq!(show("1ABC128", 0.9, 4), (kept(&[("1ABC123", 3), ("1ABC128", 4)]), 3), "another text");
        assert_eq!(show("1A8C123", 0.7, 5), (kept(&[("1ABC123", 3), ("1ABC128", 4)]), 3), "a third, worse");
        assert_eq!(show("1A8C123", 0.93, 6), (kept(&[("1ABC123", 3), ("1A8C123", 6)]), 4), "a third, better");
    }
}
