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

/// How much of a frame's movement of the picture goes into the average of what it moves by.
const DRIFTING: f32 = 0.2;

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
    /// What it moved by from frame to frame of late, on average, px.
    drift: Point,
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
            drift: Point { x: 0.0, y: 0.0 },
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
        // A movement that goes on is left to the tracks, whose speeds take it in. Without that, traffic that all goes
        // one way is taken for a picture that moves the other way, more with every frame, until plates seen for the
        // first time are looked for where none can be.
        self.drift.x += (shake.x - self.drift.x) * DRIFTING;
        self.drift.y += (shake.y - self.drift.y) * DRIFTING;
        let (x, y) = (self.moved.x + shake.x - self.drift.x, self.moved.y + shake.y - self.drift.y);
        self.moved = Point { x, y };
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
mod tests;
