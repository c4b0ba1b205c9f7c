//! The tracks of one camera: from each frame's readings to passages that open, improve and close.

use super::Settings;
use super::association::Motion;
use super::fusion::{Fused, fuse};
use crate::domain::{
    CameraId, EvidenceFrame, Frame, Passage, PassageId, PassageState, PlateText, Reading, Utc,
};

/// A passage at a moment of its life.
#[derive(Debug, Clone)]
pub struct TrackEvent {
    /// The passage as known now; its state says whether it may still change.
    pub passage: Passage,
    /// The frame its best reading came from.
    pub evidence: EvidenceFrame,
    /// Whether the passage was announced before.
    pub announced_before: bool,
}

/// Why a track ended without ever being a passage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Discarded {
    /// Fewer readings than configured.
    TooFewReadings,
    /// Read, but never surely enough.
    TooUnsure,
    /// Letters alone, read as of a country that issues no such plates: a shop sign, a van's lettering.
    Lettering,
    /// The same plate at the same time as another track: a second detection of one vehicle.
    SameAsOther,
}

/// Readings kept of one track for fusion: the best ones. More would cost time and add nothing, since
/// neighbouring frames repeat each other.
const KEPT_READINGS: usize = 40;
/// Tracks at once; beyond it the input is noise, and the oldest are closed.
const MAX_TRACKS: usize = 100;
/// A passage already announced is announced again when it became so much surer, or its text changed.
const WORTH_TELLING: f32 = 0.1;
/// A plate read again by another track within this time (ms) of media is the same vehicle: a plate found twice
/// in a frame, or a track that was lost for a moment.
const SAME_VEHICLE_MS: i64 = 2_000;
/// Plates nearer to the border of the frame than this share of its sides may be cut off: they hold a track
/// together but are not read.
const BORDER: f32 = 0.004;
/// Texts shorter than this are no plates (a number on a door, a badge).
const MIN_CHARACTERS: usize = 4;

struct Track {
    id: PassageId,
    motion: Motion,
    readings: Vec<Reading>,
    count: u32,
    first_seen: Utc,
    last_seen: Utc,
    last_detected: Utc,
    best: Option<(Reading, EvidenceFrame)>,
    fused: Option<Fused>,
    announced: Option<(String, f32)>,
}

/// Follows the plates of one camera.
pub struct Tracker {
    camera: CameraId,
    settings: Settings,
    tracks: Vec<Track>,
    /// Which passage each reading of the latest frame went to.
    assigned: Vec<(PassageId, Reading)>,
    /// Text, passage and end of the latest passages.
    ended: Vec<(String, PassageId, Utc)>,
    discarded: Vec<Discarded>,
}

impl Tracker {
    /// A tracker that has seen nothing.
    pub fn new(camera: CameraId, settings: Settings) -> Self {
        Self {
            camera,
            settings,
            tracks: Vec::new(),
            assigned: Vec::new(),
            ended: Vec::new(),
            discarded: Vec::new(),
        }
    }

    /// Takes the readings of the next frame; gives the passages that opened, improved or closed by it.
    pub fn step(&mut self, frame: &Frame, readings: Vec<Reading>) -> Vec<TrackEvent> {
        let now = frame.stamp.captured_at;
        let mut events = self.tick(now);
        self.assigned.clear();
        for (reading, track) in self.assign(readings) {
            let track = match track.and_then(|i| self.tracks.get_mut(i)) {
                Some(track) => {
                    track.motion.update(&reading.detection.corners, now.unix_ms());
                    track
                }
                None => {
                    self.tracks.push(Track::new(&reading));
                    let Some(track) = self.tracks.last_mut() else { continue };
                    track
                }
            };
            self.assigned.push((track.id, reading.clone()));
            track.take(frame, reading);
        }
        for i in 0..self.tracks.len() {
            let Some(track) = self.tracks.get(i) else { continue };
            // Only what this frame changed can have news.
            if track.last_seen != now || self.is_seen_elsewhere(track) {
                continue;
            }
            let (camera, settings) = (&self.camera, &self.settings);
            events.extend(self.tracks.get_mut(i).and_then(|t| t.announce(camera, settings)));
        }
        while self.tracks.len() > MAX_TRACKS {
            let oldest = self.tracks.remove(0);
            events.extend(self.close(oldest));
        }
        events
    }

    /// Closes the tracks that have not been seen for the configured time at `now`.
    pub fn tick(&mut self, now: Utc) -> Vec<TrackEvent> {
        let lost_after = self.settings.lost_after_ms;
        // A clock that jumps back must not keep a track for ever: its distance counts either way.
        let (lost, kept): (Vec<_>, Vec<_>) = std::mem::take(&mut self.tracks)
            .into_iter()
            .partition(|t| now.since_ms(t.last_detected).abs() > lost_after);
        self.tracks = kept;
        lost.into_iter().filter_map(|t| self.close(t)).collect()
    }

    /// Closes every track: the camera ended or was replaced.
    pub fn finish(&mut self) -> Vec<TrackEvent> {
        let all = std::mem::take(&mut self.tracks);
        all.into_iter().filter_map(|t| self.close(t)).collect()
    }

    /// Which passage each reading of the latest frame went to, for measuring; not every one of them comes to
    /// be announced.
    pub fn assigned(&self) -> &[(PassageId, Reading)] {
        &self.assigned
    }

    /// The tracks that ended without a passage since the last call.
    pub fn take_discarded(&mut self) -> Vec<Discarded> {
        std::mem::take(&mut self.discarded)
    }

    /// Which reading continues which track: the best pairs first, each once.
    fn assign(&self, readings: Vec<Reading>) -> Vec<(Reading, Option<usize>)> {
        let mut pairs = Vec::new();
        for (r, reading) in readings.iter().enumerate() {
            for (t, track) in self.tracks.iter().enumerate() {
                let text = track.fused.as_ref().map(|f| f.text.as_str());
                let affinity = track.motion.affinity(reading, text);
                if affinity > 0.0 {
                    pairs.push((affinity, r, t));
                }
            }
        }
        pairs.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut taken = vec![false; self.tracks.len()];
        let mut of: Vec<Option<usize>> = vec![None; readings.len()];
        for (_, r, t) in pairs {
            if let (Some(slot @ None), Some(free @ false)) = (of.get_mut(r), taken.get_mut(t)) {
                (*slot, *free) = (Some(t), true);
            }
        }
        readings.into_iter().zip(of).collect()
    }

    fn close(&mut self, track: Track) -> Option<TrackEvent> {
        if track.announced.is_none() {
            let confidence = track.fused.as_ref().map_or(0.0, |f| f.confidence);
            let why = if self.is_seen_elsewhere(&track) {
                Some(Discarded::SameAsOther)
            } else if track.fused.as_ref().is_some_and(is_lettering) {
                Some(Discarded::Lettering)
            } else if track.count < self.settings.min_readings {
                Some(Discarded::TooFewReadings)
            } else if confidence < self.settings.min_confidence {
                Some(Discarded::TooUnsure)
            } else {
                None
            };
            if let Some(why) = why {
                self.discarded.push(why);
                return None;
            }
        }
        let event = track.event(&self.camera, PassageState::Closed)?;
        self.ended.retain(|(_, _, end)| event.passage.last_seen.since_ms(*end).abs() <= SAME_VEHICLE_MS);
        self.ended.push((event.passage.text.to_string(), event.passage.id, event.passage.last_seen));
        Some(event)
    }

    /// Whether another track has told of this plate, now or a moment ago. A track that has told of it itself
    /// stays what it is.
    fn is_seen_elsewhere(&self, track: &Track) -> bool {
        let Some(fused) = track.fused.as_ref().filter(|_| track.announced.is_none()) else { return false };
        let told =
            |t: &Track| t.id != track.id && t.announced.as_ref().is_some_and(|(text, _)| *text == fused.text);
        let near = |end: Utc| track.first_seen.since_ms(end).abs() <= SAME_VEHICLE_MS;
        self.tracks.iter().any(told)
            || self.ended.iter().any(|(text, id, end)| *text == fused.text && *id != track.id && near(*end))
    }
}

impl Track {
    fn new(first: &Reading) -> Self {
        let at = first.stamp.captured_at;
        Self {
            id: PassageId::generate(),
            motion: Motion::new(&first.detection.corners, at.unix_ms()),
            readings: Vec::new(),
            count: 0,
            first_seen: at,
            last_seen: at,
            last_detected: at,
            best: None,
            fused: None,
            announced: None,
        }
    }

    fn take(&mut self, frame: &Frame, reading: Reading) {
        self.last_detected = reading.stamp.captured_at;
        let cut_off = touches_border(frame, &reading.detection.bounds);
        if cut_off || reading.positions.len() < MIN_CHARACTERS || reading.readable < 0.3 {
            return;
        }
        if self.count == 0 {
            self.first_seen = reading.stamp.captured_at;
        }
        self.last_seen = reading.stamp.captured_at;
        self.count = self.count.saturating_add(1);
        self.readings.push(reading.clone());
        if self.readings.len() > KEPT_READINGS {
            let merit = |r: &Reading| r.quality * r.confidence();
            let worst = self.readings.iter().enumerate().min_by(|a, b| merit(a.1).total_cmp(&merit(b.1)));
            if let Some((i, _)) = worst {
                self.readings.swap_remove(i);
            }
        }
        self.fused = fuse(&self.readings.iter().collect::<Vec<_>>());
        self.keep_best(frame, reading);
    }

    /// The evidence is the frame whose own reading is the fused text, at its surest.
    fn keep_best(&mut self, frame: &Frame, reading: Reading) {
        let Some(fused) = &self.fused else { return };
        let merit = |r: &Reading| {
            let agrees = if r.text() == fused.text { 1.0 } else { 0.0 };
            agrees + r.quality * r.confidence()
        };
        if self.best.as_ref().is_none_or(|(best, _)| merit(&reading) > merit(best)) {
            let evidence = EvidenceFrame {
                stamp: frame.stamp.clone(),
                image: frame.image.clone(),
                corners: reading.detection.corners,
            };
            self.best = Some((reading, evidence));
        }
    }

    /// An event if the passage is sure enough now and says something not said before.
    fn announce(&mut self, camera: &CameraId, settings: &Settings) -> Option<TrackEvent> {
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
        let event = self.event(camera, PassageState::Open)?;
        self.announced = Some(said);
        Some(event)
    }

    fn event(&self, camera: &CameraId, state: PassageState) -> Option<TrackEvent> {
        let fused = self.fused.as_ref()?;
        let (best, evidence) = self.best.as_ref()?;
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
            best_frame: best.stamp.seq,
            best_frame_at: best.stamp.captured_at,
            best_frame_received_at: best.stamp.received_at,
            best_corners: best.detection.corners,
        };
        Some(TrackEvent { passage, evidence: evidence.clone(), announced_before: self.announced.is_some() })
    }
}

/// Countries around here whose personalised plates may be letters alone.
const LETTERS_ALONE: [&str; 8] = ["BE", "DK", "FI", "SE", "NO", "LV", "GB", "LU"];

/// Whether the text is a word and not a plate. Signs are as sharp as plates and read as surely, so neither score
/// nor confidence tells them apart; that the reader places them in a country without such plates does. Readers
/// that name no country get the benefit of the doubt.
fn is_lettering(fused: &Fused) -> bool {
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
    use std::sync::Arc;

    fn frame(seq: u64) -> Frame {
        let stamp = reading("A", 0.9, seq, 0.0).stamp;
        Frame { stamp, image: Arc::new(Image::new(1000, 400, vec![0; 1_200_000]).unwrap()) }
    }

    fn run(tracker: &mut Tracker, frames: &[(u64, Vec<Reading>)]) -> Vec<TrackEvent> {
        let mut events: Vec<_> =
            frames.iter().flat_map(|(seq, r)| tracker.step(&frame(*seq), r.clone())).collect();
        events.extend(tracker.finish());
        events
    }

    fn tracker() -> Tracker {
        Tracker::new(CameraId::new("c"), Settings::default())
    }

    #[test]
    fn one_vehicle_is_one_passage_announced_once_and_closed() {
        let frames: Vec<_> =
            (0..20).map(|i| (i, vec![reading("1ABC123", 0.99, i, 10.0 + 20.0 * i as f32)])).collect();
        let events = run(&mut tracker(), &frames);
        let states: Vec<_> = events.iter().map(|e| (e.passage.state, e.announced_before)).collect();
        assert_eq!(states, [(PassageState::Open, false), (PassageState::Closed, true)]);
        let last = &events[1].passage;
        assert_eq!((last.text.as_str(), last.readings, last.id), ("1ABC123", 20, events[0].passage.id));
    }

    #[test]
    fn two_plates_side_by_side_stay_two() {
        let both = |i: u64| {
            vec![
                reading("1ABC123", 0.99, i, 10.0 * i as f32),
                reading("2XYZ987", 0.99, i, 120.0 + 10.0 * i as f32),
            ]
        };
        let events = run(&mut tracker(), &(0..10).map(|i| (i, both(i))).collect::<Vec<_>>());
        let closed = events.iter().filter(|e| e.passage.state == PassageState::Closed);
        let mut texts: Vec<_> = closed.map(|e| e.passage.text.to_string()).collect();
        texts.sort();
        assert_eq!(texts, ["1ABC123", "2XYZ987"]);
    }

    #[test]
    fn a_plate_hidden_for_a_second_is_still_the_same() {
        let seen = (0..10).chain(30..40);
        let frames: Vec<_> =
            seen.map(|i| (i, vec![reading("1ABC123", 0.99, i, 10.0 + 5.0 * i as f32)])).collect();
        let events = run(&mut tracker(), &frames);
        assert_eq!(events.iter().filter(|e| e.passage.state == PassageState::Closed).count(), 1);
    }

    #[test]
    fn a_car_that_comes_back_later_is_another_passage() {
        let seen = (0..10).chain(500..510);
        let frames: Vec<_> = seen.map(|i| (i, vec![reading("1ABC123", 0.99, i, 50.0)])).collect();
        let events = run(&mut tracker(), &frames);
        let mut ids: Vec<_> = events.iter().map(|e| e.passage.id).collect();
        ids.dedup();
        assert_eq!(ids.len(), 2);
    }

    #[test]
    fn one_reading_or_unsure_ones_are_counted_and_no_passage() {
        let mut t = tracker();
        assert!(run(&mut t, &[(0, vec![reading("1ABC123", 0.99, 0, 50.0)])]).is_empty());
        assert_eq!(t.take_discarded(), [Discarded::TooFewReadings]);
        let frames: Vec<_> = (0..5).map(|i| (i, vec![reading("1ABC123", 0.3, i, 50.0)])).collect();
        assert!(run(&mut t, &frames).is_empty());
        assert_eq!(t.take_discarded(), [Discarded::TooUnsure]);
    }

    #[test]
    fn the_evidence_is_a_frame_that_reads_the_passages_text() {
        let texts = ["1A8C123", "1ABC123", "1ABC123", "1ABC12B", "1ABC123"];
        let frames: Vec<_> = texts
            .iter()
            .enumerate()
            .map(|(i, t)| (i as u64, vec![reading(t, 0.95, i as u64, 50.0)]))
            .collect();
        let events = run(&mut tracker(), &frames);
        let last = events.last().unwrap();
        assert_eq!(last.passage.text.as_str(), "1ABC123");
        assert!([1, 2, 4].contains(&last.passage.best_frame));
        assert_eq!(last.evidence.stamp.seq, last.passage.best_frame);
    }

    #[test]
    fn a_plate_found_twice_is_one_passage() {
        let twice = |i: u64| vec![reading("1ABC123", 0.99, i, 100.0), reading("1ABC123", 0.98, i, 600.0)];
        let mut t = tracker();
        let events = run(&mut t, &(0..10).map(|i| (i, twice(i))).collect::<Vec<_>>());
        assert_eq!(events.iter().filter(|e| e.passage.state == PassageState::Closed).count(), 1);
        assert_eq!(t.take_discarded(), [Discarded::SameAsOther]);
    }

    #[test]
    fn a_shop_sign_is_no_passage_but_a_belgian_name_is() {
        let word = |country: &str| {
            let frames: Vec<_> = (0..5)
                .map(|i| {
                    let mut r = reading("SLAGERIJ", 0.99, i, 50.0);
                    r.countries = vec![(crate::domain::Country::parse(country).unwrap(), 0.9)];
                    (i, vec![r])
                })
                .collect();
            let mut t = tracker();
            (run(&mut t, &frames).len(), t.take_discarded())
        };
        assert_eq!(word("US"), (0, vec![Discarded::Lettering]));
        assert!(word("BE").0 > 0);
    }

    #[test]
    fn a_plate_cut_off_by_the_border_is_not_read() {
        let frames: Vec<_> = (0..5).map(|i| (i, vec![reading("1ABC12", 0.99, i, 899.0)])).collect();
        assert!(run(&mut tracker(), &frames).is_empty());
    }

    #[test]
    fn a_clock_that_jumps_back_closes_tracks_instead_of_keeping_them() {
        let mut t = tracker();
        for i in 1_000..1_005 {
            t.step(&frame(i), vec![reading("1ABC123", 0.99, i, 50.0)]);
        }
        let events = t.step(&frame(1), vec![]);
        assert_eq!(events.len(), 1);
    }
}
