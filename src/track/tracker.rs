//! The tracks of one camera: from each frame's readings to passages that open, improve and close.

use super::Settings;
use super::assign::assign;
use super::association::{Association, Known, lacks_an_end};
use super::following::{Track, is_lettering};
use super::fusion::Fused;
use super::shift::Profile;
use crate::domain::{
    CameraId, EvidenceFrame, Frame, Passage, PassageId, PassageState, PlateText, Point, Reading, Utc,
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
    /// The same plate at the same time as another track: a second detection of one vehicle, or a piece of its track.
    SameAsOther,
    /// What came out of the fusion is no plate's text.
    NoText,
}

/// Readings that were taken for one vehicle's and turned out to be another's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moved {
    /// The passage they were counted to.
    pub from: PassageId,
    /// The passage they belong to.
    pub to: PassageId,
    /// Sequence number of the first frame that moved; all later ones moved too.
    pub since_frame: u64,
}

/// Tracks at once; beyond it the input is noise, and the oldest are closed.
const MAX_TRACKS: usize = 100;
/// A plate read again by another track within this time (ms) of media is the same vehicle: a plate found twice
/// in a frame, or a track that was lost for a moment.
const SAME_VEHICLE_MS: i64 = 2_000;

/// With at most so many tracks the picture itself is asked what it moved by.
const FEW: usize = 3;

/// A plate not found for longer than this (ms) is not looked for any more: where it is then is a guess.
const EXPECTED_MS: f32 = 500.0;

/// From this time between frames (ms) on, a fast vehicle may be readable in one frame only; then a single reading is
/// enough when it is as sure as this.
const SPARSE_MS: f32 = 90.0;
const SURE_ALONE: f32 = 0.95;

/// Follows the plates of one camera.
pub struct Tracker {
    camera: CameraId,
    settings: Settings,
    tracks: Vec<Track>,
    /// How far the picture has moved since the first frame, px.
    moved: Point,
    /// Brightness of the latest frame by column and row, as long as it may be needed.
    picture: Option<Profile>,
    /// Which passage each reading of the latest frame went to.
    assigned: Vec<(PassageId, Reading)>,
    /// Text, passage and end of the latest passages.
    ended: Vec<(String, PassageId, Utc)>,
    discarded: Vec<Discarded>,
    reassigned: Vec<Moved>,
    last_frame: Option<Utc>,
    /// Usual time between frames, ms.
    interval_ms: f32,
}

impl Tracker {
    /// A tracker that has seen nothing.
    pub fn new(camera: CameraId, settings: Settings) -> Self {
        Self {
            camera,
            settings,
            tracks: Vec::new(),
            moved: Point { x: 0.0, y: 0.0 },
            picture: None,
            assigned: Vec::new(),
            ended: Vec::new(),
            discarded: Vec::new(),
            reassigned: Vec::new(),
            last_frame: None,
            interval_ms: 0.0,
        }
    }

    /// Takes the readings of the next frame; gives the passages that opened, improved or closed by it.
    pub fn step(&mut self, frame: &Frame, readings: Vec<Reading>) -> Vec<TrackEvent> {
        let now = frame.stamp.captured_at;
        let mut events = self.tick(now);
        self.assigned.clear();
        let since = self.last_frame.map_or(0, |last| now.since_ms(last));
        if (1..1_000).contains(&since) {
            self.interval_ms +=
                (since as f32 - self.interval_ms) * if self.interval_ms > 0.0 { 0.1 } else { 1.0 };
        }
        self.last_frame = Some(now);
        let shift = self.picture_shift(frame);
        let pairs = self.associate(&readings, now, shift);
        for (reading, (track, jump)) in readings.into_iter().zip(pairs) {
            let place = match track {
                Some(place) => place,
                None => {
                    self.tracks.push(Track::new(&reading, self.moved));
                    self.tracks.len() - 1
                }
            };
            let Some(track) = self.tracks.get_mut(place) else { continue };
            track.motion.update(&reading.detection.corners, now.unix_ms(), self.moved);
            let mut id = track.id;
            if let Some(other) = track.take(frame, reading.clone(), jump, &self.settings) {
                self.reassigned.push(Moved { from: id, to: other.id, since_frame: other.first_seq() });
                id = other.id;
                self.tracks.push(other);
            }
            self.assigned.push((id, reading));
        }
        self.reunite();
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

    /// The boxes (px, `[x0, y0, x1, y1]`) in which the plates followed until now should be in this frame, those seen
    /// latest first: where the detector finds nothing there, a closer look is worth it. Plates whose way is not known
    /// yet, and those not found for half a second, are not among them.
    pub fn expected(&self, frame: &Frame) -> Vec<[f32; 4]> {
        let now = frame.stamp.captured_at.unix_ms();
        let (w, h) = (frame.image.width() as f32, frame.image.height() as f32);
        let mut all: Vec<(f32, [f32; 4])> = self
            .tracks
            .iter()
            .map(|t| t.motion.expect(now))
            .filter(|e| e.moving_known && e.age_ms <= EXPECTED_MS)
            .filter_map(|e| {
                let (x, y) = (e.centre.x + self.moved.x, e.centre.y + self.moved.y);
                let (dx, dy) = (e.around.0 / 2.0, e.around.1 / 2.0);
                let inside = (0.0..w).contains(&x) && (0.0..h).contains(&y);
                inside.then_some((e.age_ms, [x - dx, y - dy, x + dx, y + dy]))
            })
            .collect();
        all.sort_by(|a, b| a.0.total_cmp(&b.0));
        all.into_iter().map(|(_, bounds)| bounds).collect()
    }

    /// Closes the tracks that have not been seen for the configured time at `now`.
    pub fn tick(&mut self, now: Utc) -> Vec<TrackEvent> {
        let (lost, kept): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.tracks).into_iter().partition(|t| t.is_gone(now, &self.settings));
        self.tracks = kept;
        lost.into_iter().filter_map(|t| self.close(t)).collect()
    }

    /// Moves every time it knows by `ms`: the clock was set, the vehicles are where they were.
    pub fn shift(&mut self, ms: i64) {
        self.tracks.iter_mut().for_each(|t| t.shift(ms));
        self.ended.iter_mut().for_each(|(_, _, at)| *at = at.plus_ms(ms));
        self.last_frame = self.last_frame.map(|at| at.plus_ms(ms));
    }

    /// Closes every track: the camera ended or was replaced.
    pub fn finish(&mut self) -> Vec<TrackEvent> {
        let all = std::mem::take(&mut self.tracks);
        all.into_iter().filter_map(|t| self.close(t)).collect()
    }

    /// Which passage each reading of the latest frame went to, for measuring; not every one of them comes to
    /// be announced, and [`Self::take_reassigned`] may correct it later.
    pub fn assigned(&self) -> &[(PassageId, Reading)] {
        &self.assigned
    }

    /// What turned out to belong to another passage since the last call, in the order to follow.
    pub fn take_reassigned(&mut self) -> Vec<Moved> {
        std::mem::take(&mut self.reassigned)
    }

    /// The tracks that ended without a passage since the last call.
    pub fn take_discarded(&mut self) -> Vec<Discarded> {
        std::mem::take(&mut self.discarded)
    }

    /// Which track each reading continues, as is best for all together, and how far (in plate widths) from where
    /// it was expected. Learns meanwhile what the picture as a whole has moved by.
    fn associate(
        &mut self,
        readings: &[Reading],
        now: Utc,
        picture: Option<Point>,
    ) -> Vec<(Option<usize>, f32)> {
        let known = self.tracks.iter().map(|t| Known {
            motion: &t.motion,
            fused: t.fused.as_ref(),
            readings: t.count,
            hidden: t.is_hidden(now, &self.settings),
        });
        let association = Association::new(known.collect(), readings, now.unix_ms(), self.moved, picture);
        let given = assign(&association.worth());
        let pairs: Vec<(usize, usize)> =
            given.iter().enumerate().filter_map(|(r, track)| Some(((*track)?, r))).collect();
        let jumps = given
            .iter()
            .zip(readings)
            .map(|(track, reading)| (*track, track.map_or(0.0, |t| association.jump(t, reading))))
            .collect();
        let shake = association.measured_shake(&pairs);
        self.moved = Point { x: self.moved.x + shake.x, y: self.moved.y + shake.y };
        jumps
    }

    /// What the picture moved by since the frame before; `None` where that is not clear, or not asked because enough
    /// plates tell it.
    fn picture_shift(&mut self, frame: &Frame) -> Option<Point> {
        // Profiles of two frames in a row are needed, so one is made as soon as there is anything to follow.
        let few = (1..=FEW).contains(&self.tracks.len());
        let now = if few { Profile::of(&frame.image) } else { None };
        let before = std::mem::replace(&mut self.picture, now);
        self.picture.as_ref()?.moved_since(&before?)
    }

    /// A vehicle that was hidden, or read so differently that it was taken for another, reads the same again: it is
    /// one. The older passage goes on; the younger was never told of.
    fn reunite(&mut self) {
        // A lost end may be what tells neighbours apart: only a moment later, and of a track seen for a moment.
        let brief = |old: &Track, new: &Track| {
            new.first_detected.since_ms(old.last_detected) <= 500 && old.count.min(new.count) <= 3
        };
        let mut young = 0;
        while let Some(new) = self.tracks.get(young) {
            let older =
                new.fused.as_ref().filter(|f| new.announced.is_none() && f.confidence >= 0.8).and_then(|f| {
                    self.tracks.iter().position(|t| {
                        t.id != new.id
                            && t.last_detected < new.first_detected
                            && new.first_detected.since_ms(t.last_detected) <= self.settings.hidden_at_most_ms
                            && t.fused.as_ref().is_some_and(|o| {
                                o.confidence >= 0.5
                                    && (o.text == f.text || brief(t, new) && lacks_an_end(&o.text, &f.text))
                            })
                    })
                });
            let Some(older) = older else {
                young += 1;
                continue;
            };
            let new = self.tracks.remove(young);
            let older = if older > young { older - 1 } else { older };
            let Some(old) = self.tracks.get_mut(older) else { continue };
            self.reassigned.push(Moved { from: new.id, to: old.id, since_frame: 0 });
            for (id, _) in &mut self.assigned {
                if *id == new.id {
                    *id = old.id;
                }
            }
            old.absorb(new);
            young = 0;
        }
    }

    fn close(&mut self, track: Track) -> Option<TrackEvent> {
        if track.announced.is_none() {
            let confidence = track.fused.as_ref().map_or(0.0, Fused::confidence_but_for_look_alikes);
            let surrounding = self.tracks.iter().find(|t| t.surrounds(&track)).map(|t| t.id);
            if let Some(to) = surrounding {
                self.reassigned.push(Moved { from: track.id, to, since_frame: 0 });
            }
            let why = if surrounding.is_some() || self.is_seen_elsewhere(&track) {
                Some(Discarded::SameAsOther)
            } else if track.fused.as_ref().is_some_and(is_lettering) {
                Some(Discarded::Lettering)
            } else if track.count < self.settings.min_readings
                && !(self.interval_ms >= SPARSE_MS && track.surest() >= SURE_ALONE)
            {
                Some(Discarded::TooFewReadings)
            } else if confidence < self.settings.min_confidence {
                Some(Discarded::TooUnsure)
            } else if track.fused.as_ref().is_none_or(|f| PlateText::new(&f.text).is_err()) {
                Some(Discarded::NoText)
            } else {
                None
            };
            if let Some(why) = why {
                self.discarded.push(why);
                return None;
            }
        }
        let event = track.event(&self.camera, PassageState::Closed, &self.settings)?;
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

#[cfg(test)]
mod tests {
    use super::super::fusion::tests::reading;
    use super::super::{Areas, Polygon};
    use super::*;
    use crate::domain::{Corners, Detection, Direction, Image};
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
    fn one_plate_in_a_picture_that_shakes_is_one_passage() {
        let shakes = [0_i64, 0, 50, -40, 30, -60, 40, -20, 60, -40, 10, 60, -40];
        let run = |steady: bool| {
            let mut t = tracker();
            let mut events = Vec::new();
            for (i, &by) in (0_u64..).zip(&shakes) {
                let image = super::super::shift::tests::wall(1000, 400, if steady { 0 } else { by }, 0);
                let frame = Frame { image: Arc::new(image), ..frame(i) };
                // Not readable, so only its place can tell.
                let mut r = reading(if i % 4 == 0 { "1ABC123" } else { "" }, 0.99, i, 400.0 + by as f32);
                let narrow = Corners::from_box(450.0 + by as f32, 100.0, 490.0 + by as f32, 109.0);
                r.detection = Detection { corners: narrow, bounds: narrow.bounds(), score: 0.9 };
                events.extend(t.step(&frame, vec![r]));
            }
            let followed: std::collections::BTreeSet<_> = t.tracks.iter().map(|t| t.id).collect();
            (followed.len(), events.len())
        };
        assert_eq!(run(false).0, 1);
        assert!(run(true).0 > 1, "were it not for the picture, the plate would have jumped twice its width");
    }

    #[test]
    fn a_jolt_and_a_misread_character_make_no_second_passage() {
        // Frames 10 and 11 are far off and misread; before and after it stands where it stood.
        let jolted = |i: u64| (10..12).contains(&i);
        let misread = |i: u64| {
            let mut r = reading("1ABC923", 0.97, i, 600.0);
            let d = &mut r.positions[4];
            (d.p[9], d.p[1]) = (0.55, 0.43);
            r
        };
        let frames: Vec<_> = (0..60)
            .map(|i| (i, vec![if jolted(i) { misread(i) } else { reading("1ABC123", 0.97, i, 100.0) }]))
            .collect();
        let events = run(&mut tracker(), &frames);
        let closed: Vec<_> = events.iter().filter(|e| e.passage.state == PassageState::Closed).collect();
        assert_eq!(
            closed.len(),
            1,
            "{:?}",
            closed.iter().map(|e| e.passage.text.as_str()).collect::<Vec<_>>()
        );
        // Two that stand there at the same time are two.
        let both = |i: u64| {
            let mut all = vec![reading("1ABC123", 0.97, i, 100.0)];
            all.extend(jolted(i).then(|| misread(i)));
            all
        };
        let events = run(&mut tracker(), &(0..60).map(|i| (i, both(i))).collect::<Vec<_>>());
        assert_eq!(events.iter().filter(|e| e.passage.state == PassageState::Closed).count(), 2);
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
    fn a_plate_is_expected_where_it_is_going_until_it_has_been_away_for_long() {
        let mut t = tracker();
        assert!(t.expected(&frame(0)).is_empty());
        for i in 0..6 {
            t.step(&frame(i), vec![reading("1ABC123", 0.99, i, 100.0 + 20.0 * i as f32)]);
        }
        let there = t.expected(&frame(6));
        assert_eq!(there.len(), 1);
        assert!((there[0][0] - 220.0).abs() < 3.0 && (there[0][2] - 320.0).abs() < 3.0, "{there:?}");
        t.step(&frame(6), vec![]);
        assert!((t.expected(&frame(8))[0][0] - 260.0).abs() < 6.0);
        assert!(t.expected(&frame(60)).is_empty(), "away for two seconds, and out of the picture");
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

    fn closed(events: &[TrackEvent]) -> Vec<&Passage> {
        events.iter().map(|e| &e.passage).filter(|p| p.state == PassageState::Closed).collect()
    }

    #[test]
    fn a_parked_car_seen_for_an_hour_is_one_passage_told_of_once() {
        let mut t = tracker();
        let mut events = Vec::new();
        // 5 frames a second; now and then someone walks past for some seconds, and corners tremble.
        for i in (0..90_000_u64).step_by(5).filter(|i| !(3_000..3_200).contains(&(i % 9_000))) {
            let x = 50.0 + (i % 3) as f32;
            events.extend(t.step(&frame(i), vec![reading("1ABC123", 0.97, i, x)]));
        }
        events.extend(t.finish());
        assert_eq!(events.len(), 2, "{:?}", events.iter().map(|e| e.passage.state).collect::<Vec<_>>());
        let last = &events[1].passage;
        assert!(last.last_seen.since_ms(last.first_seen) > 3_590_000);
    }

    #[test]
    fn the_next_car_in_the_same_place_is_another_passage() {
        let mut t = tracker();
        let mut events = Vec::new();
        for i in 0..500 {
            events.extend(t.step(&frame(i), vec![reading("1ABC123", 0.99, i, 50.0)]));
        }
        for i in 600..700 {
            events.extend(t.step(&frame(i), vec![reading("2XYZ987", 0.99, i, 52.0)]));
        }
        events.extend(t.finish());
        let mut texts: Vec<_> = closed(&events).iter().map(|p| p.text.to_string()).collect();
        texts.sort();
        assert_eq!(texts, ["1ABC123", "2XYZ987"]);
    }

    #[test]
    fn plates_that_cross_stay_themselves() {
        // They meet at frame 10 and one covers the other for three frames.
        let frames: Vec<_> = (0..21_u64)
            .map(|i| {
                let x = 40.0 * i as f32;
                let mut both = vec![reading("1ABC123", 0.99, i, x)];
                if !(9..=11).contains(&i) {
                    both.push(reading("2XYZ987", 0.99, i, 800.0 - x));
                }
                (i, both)
            })
            .collect();
        let events = run(&mut tracker(), &frames);
        let told = closed(&events);
        assert_eq!(told.len(), 2);
        assert!(told.iter().all(|p| p.agreement == 1.0 && !p.contradictory));
        let goes = |text: &str| told.iter().find(|p| p.text.as_str() == text).and_then(|p| p.direction);
        assert_eq!(goes("1ABC123"), Some(Direction::Right));
        assert_eq!(goes("2XYZ987"), Some(Direction::Left));
    }

    #[test]
    fn two_vehicles_joined_while_unread_are_split_when_they_are_read() {
        // The second stands where the first would be; its first frames are not read, so it continues the first.
        let frames: Vec<_> = (0..20_u64)
            .map(|i| {
                let text = if i < 8 {
                    "1ABC123"
                } else if i < 11 {
                    ""
                } else {
                    "2XYZ987"
                };
                (i, vec![reading(text, 0.96, i, 20.0 + 10.0 * i as f32)])
            })
            .collect();
        let events = run(&mut tracker(), &frames);
        let told = closed(&events);
        let mut texts: Vec<_> = told.iter().map(|p| (p.text.to_string(), p.readings)).collect();
        texts.sort();
        assert_eq!(texts, [("1ABC123".to_owned(), 8), ("2XYZ987".to_owned(), 9)]);
        assert!(told.iter().all(|p| p.agreement == 1.0));
    }

    #[test]
    fn a_passage_read_as_two_plates_in_turn_is_marked_and_not_averaged() {
        let unsure = |i: u64| if i % 8 < 5 { "1ABC123" } else { "1ABC147" };
        let frames: Vec<_> = (0..16).map(|i| (i, vec![reading(unsure(i), 0.96, i, 50.0)])).collect();
        let events = run(&mut tracker(), &frames);
        let last = closed(&events)[0];
        assert!(last.contradictory && last.confidence < 0.75, "{last:?}");
        assert_eq!(last.text.as_str(), "1ABC123");
    }

    #[test]
    fn the_lane_is_where_it_was_seen_most() {
        let half = |x0: f32, x1: f32| {
            let corners = [(x0, 0.0), (x1, 0.0), (x1, 1.0), (x0, 1.0)];
            Polygon::new(corners.iter().map(|&(x, y)| Point { x, y }).collect()).unwrap()
        };
        let lanes = vec![("left".into(), half(0.0, 0.5)), ("right".into(), half(0.5, 1.0))];
        let areas = Areas { masks: Vec::new(), lanes };
        let settings = Settings { areas: areas.into(), ..Settings::default() };
        let frames: Vec<_> =
            (0..20).map(|i| (i, vec![reading("1ABC123", 0.99, i, 300.0 + 20.0 * i as f32)])).collect();
        let events = run(&mut Tracker::new(CameraId::new("c"), settings), &frames);
        assert_eq!(closed(&events)[0].lane.as_deref(), Some("right"));
    }

    #[test]
    fn one_sure_reading_is_enough_where_frames_are_sparse() {
        let at = |seq: u64| reading("1ABC123", 0.999, seq, 50.0);
        let mut t = tracker();
        let mut events = Vec::new();
        for i in (0..60).step_by(5) {
            events.extend(t.step(&frame(i), if i == 20 { vec![at(i)] } else { vec![] }));
        }
        events.extend(t.finish());
        assert_eq!(closed(&events).len(), 1);
    }
}
