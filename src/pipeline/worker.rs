//! One vision thread: frames of its cameras in, judged passages out.

use super::CameraSettings;
use super::clock::Clock;
use super::condition::Condition;
use super::guard::{Eye, MakeEye, Pause, guarded};
use super::ignoring::Ignoring;
use super::judge::Judge;
use super::lawful::Lawful;
use super::recorder::Judged;
use crate::domain::{CameraId, Detection, Frame, HitState, PassageState, Reading, Utc};
use crate::hotlist::{Hotlists, List};
use crate::runtime::Mailboxes;
use crate::telemetry::{DiscardReason, DropReason, Metrics, QueueName, RejectReason, Stage, SuppressReason};
use crate::track::{self, Areas, Discarded, TrackEvent, Tracker};
use crate::vision::{Treatment, VisionError};
use crossbeam_channel::Sender;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often tracks of silent cameras are looked at.
const IDLE: Duration = Duration::from_millis(200);

/// A frame older than this was not taken before a jump of the clock just seen.
const JUST_JUMPED: Duration = Duration::from_secs(10);

/// What a camera's thread brings to its vision thread.
pub(super) enum Work {
    /// The next frame.
    Frame(Frame),
    /// The camera does not look for a while; its tracks are over.
    Paused,
    /// The camera has ended; its tracks are over.
    Ended,
}

/// A camera as its vision thread knows it.
struct Camera {
    id: CameraId,
    tracker: Tracker,
    track: track::Settings,
    pause: Pause,
    areas: Arc<Areas>,
    min_plate_width_px: Option<f32>,
    live: bool,
    ended: bool,
}

pub(super) struct VisionThread {
    eye: Box<dyn Eye + Send>,
    make: MakeEye,
    work: Arc<Mailboxes<Work>>,
    cameras: Vec<Camera>,
    judge: Judge,
    ignoring: Ignoring,
    lawful: Lawful,
    metrics: Metrics,
    condition: Condition,
    out: Sender<Judged>,
    clock: Clock,
    /// By how many ms the clock last jumped, and when: a frame taken before may still wait.
    jumped: Option<(i64, Instant)>,
}

impl VisionThread {
    /// Opens its models by `make`.
    ///
    /// # Errors
    /// They cannot be opened.
    #[expect(clippy::too_many_arguments, reason = "the wiring of one thread")]
    pub fn new(
        make: MakeEye,
        work: Arc<Mailboxes<Work>>,
        cameras: &[&CameraSettings],
        hotlists: Hotlists,
        ignoring: Ignoring,
        lawful: Lawful,
        metrics: Metrics,
        condition: Condition,
        out: Sender<Judged>,
    ) -> Result<Self, VisionError> {
        let cameras = cameras
            .iter()
            .map(|c| Camera {
                id: c.capture.camera.clone(),
                tracker: Tracker::new(c.capture.camera.clone(), c.track.clone()),
                track: c.track.clone(),
                pause: Pause::new(),
                areas: c.track.areas.clone(),
                min_plate_width_px: c.min_plate_width_px,
                live: c.capture.source.is_live(),
                ended: false,
            })
            .collect();
        Ok(Self {
            eye: make()?,
            make,
            work,
            cameras,
            judge: Judge::new(hotlists),
            ignoring,
            lawful,
            metrics,
            condition,
            out,
            clock: Clock::new(),
            jumped: None,
        })
    }

    /// Works until every camera has ended or the mailboxes are closed and empty; then closes what is open.
    pub fn run(mut self) {
        let mut looked = Instant::now();
        while !self.cameras.iter().all(|c| c.ended) {
            // Even while other cameras keep this thread busy: a camera that falls silent must not keep its
            // vehicles open.
            if looked.elapsed() > IDLE {
                looked = Instant::now();
                self.close_lost();
            }
            let taken = self.work.take(IDLE);
            self.look_at_clock();
            self.metrics.queue_depth(QueueName::Vision, self.work.len());
            match taken {
                Some((i, Work::Frame(frame))) => self.frame(i, frame),
                Some((i, Work::Paused)) => self.paused(i),
                Some((i, Work::Ended)) => self.ended(i),
                None if self.work.is_closed() => break,
                None => {}
            }
        }
        for i in 0..self.cameras.len() {
            self.ended(i);
        }
    }

    /// The times of vehicles in view move with the clock: setting it must not end one passage and begin another.
    fn look_at_clock(&mut self) {
        let Some((expected, now)) = self.clock.look() else { return };
        let by = now.since_ms(expected);
        self.jumped = Some((by, Instant::now()));
        for camera in self.cameras.iter_mut().filter(|c| c.live) {
            camera.tracker.shift(by);
        }
    }

    /// Moves the stamp of a live frame that was taken before the clock jumped.
    fn restamp(&self, frame: &mut Frame) {
        let Some((by, at)) = self.jumped else { return };
        if at.elapsed() > JUST_JUMPED {
            return;
        }
        let age = Utc::now().since_ms(frame.stamp.captured_at);
        if age.saturating_sub(by).saturating_abs() < age.saturating_abs() {
            frame.stamp.captured_at = frame.stamp.captured_at.plus_ms(by);
            frame.stamp.received_at = frame.stamp.received_at.plus_ms(by);
        }
    }

    /// A defect of ours in `part`, at a frame or vehicle of this camera.
    fn defect(&mut self, index: usize, part: &str) {
        let Some(camera) = self.cameras.get_mut(index) else { return };
        camera.pause.failed();
        tracing::error!(camera = %camera.id, part, "a part of the vision thread has failed (a defect, see above); it starts again");
        self.condition.restarted(part, Some(camera.id.as_str()));
    }

    fn frame(&mut self, index: usize, mut frame: Frame) {
        if self.cameras.get(index).is_some_and(|c| c.live) {
            self.restamp(&mut frame);
        }
        let frame = &frame;
        let Some(camera) = self.cameras.get_mut(index) else { return };
        if camera.live && camera.pause.holds() {
            self.metrics.frame_dropped(&camera.id, DropReason::Failed);
            return;
        }
        let (areas, least) = (camera.areas.clone(), camera.min_plate_width_px);
        let (metrics, id) = (&self.metrics, &camera.id);
        let mut treatment = |d: &Detection| {
            if areas.masked(d.corners.centre(), frame.image.width(), frame.image.height()) {
                metrics.reading_rejected(id, RejectReason::Masked);
                Treatment::Ignore
            } else if least.is_some_and(|least| d.corners.width_px() < least) {
                Treatment::Follow
            } else {
                Treatment::Read
            }
        };
        let expected = guarded(|| camera.tracker.expected(frame)).unwrap_or_default();
        let eye = &mut self.eye;
        let readings = match guarded(|| eye.look(frame, &expected, &mut treatment)) {
            Some(Ok((readings, times))) => {
                self.metrics.stage_time(Stage::Scale, times.scale);
                self.metrics.stage_time(Stage::Detect, times.detect);
                if !readings.is_empty() {
                    self.metrics.stage_time(Stage::Rectify, times.rectify);
                    self.metrics.stage_time(Stage::Read, times.read);
                }
                readings
            }
            Some(Err(error)) => {
                tracing::error!(camera = %camera.id, frame = frame.stamp.seq, %error, "frame could not be read");
                self.metrics.frame_dropped(&camera.id, DropReason::Failed);
                return;
            }
            None => {
                self.metrics.frame_dropped(&camera.id, DropReason::Failed);
                // Whatever the models were in the middle of: they are opened anew.
                match (self.make)() {
                    Ok(eye) => self.eye = eye,
                    Err(error) => {
                        tracing::error!(%error, "the models cannot be opened anew; those before stay")
                    }
                }
                self.defect(index, "models");
                return;
            }
        };
        camera.pause.well();
        count(&self.metrics, &camera.id, &readings);
        let start = Instant::now();
        let tracker = &mut camera.tracker;
        let events = guarded(|| tracker.step(frame, readings));
        self.metrics.stage_time(Stage::Track, start.elapsed());
        self.tracked(index, events);
    }

    /// Takes what a tracker gave; one that failed begins anew.
    fn tracked(&mut self, index: usize, events: Option<Vec<TrackEvent>>) {
        match events {
            Some(events) => self.take_events(index, events),
            None => {
                if let Some(camera) = self.cameras.get_mut(index) {
                    camera.tracker = Tracker::new(camera.id.clone(), camera.track.clone());
                }
                self.defect(index, "tracker");
            }
        }
    }

    /// Live cameras may have stalled with tracks open.
    fn close_lost(&mut self) {
        for i in 0..self.cameras.len() {
            let events = match self.cameras.get_mut(i) {
                Some(camera) if camera.live => guarded(|| camera.tracker.tick(Utc::now())),
                _ => continue,
            };
            self.tracked(i, events);
        }
    }

    fn ended(&mut self, index: usize) {
        if let Some(camera) = self.cameras.get_mut(index) {
            camera.ended = true;
        }
        self.paused(index);
    }

    fn paused(&mut self, index: usize) {
        let Some(camera) = self.cameras.get_mut(index) else { return };
        let events = guarded(|| camera.tracker.finish());
        self.tracked(index, events);
    }

    fn take_events(&mut self, index: usize, events: Vec<TrackEvent>) {
        let Some(camera) = self.cameras.get_mut(index) else { return };
        for why in camera.tracker.take_discarded() {
            let reason = match why {
                Discarded::TooFewReadings => DiscardReason::TooFewReadings,
                Discarded::TooUnsure => DiscardReason::LowConfidence,
                Discarded::Lettering => DiscardReason::Lettering,
                Discarded::SameAsOther => DiscardReason::SameAsOther,
                Discarded::NoText => DiscardReason::NoText,
            };
            self.metrics.track_discarded(&camera.id, reason);
        }
        let id = camera.id.clone();
        for mut event in events {
            event.passage.mandate = self.lawful.mandate_of(&id);
            let start = Instant::now();
            let now = Utc::now();
            let ignored = self.ignoring.find(&event.passage.text, now);
            let allowed = |list: &List| self.lawful.allows_list(&id, list);
            let judge = &mut self.judge;
            let hold_back = ignored.as_ref().is_some_and(|i| i.suppress_hits);
            let Some(hits) = guarded(|| judge.judge(&event, now, allowed, hold_back)) else {
                self.defect(index, "judge");
                continue;
            };
            self.metrics.stage_time(Stage::Judge, start.elapsed());
            for hit in hits.told.iter().filter(|h| h.state == HitState::New) {
                self.metrics.hit(&hit.list.name, hit.kind);
            }
            let closed = event.passage.state == PassageState::Closed;
            if closed {
                self.metrics.passage(&id);
            }
            if let Some(ignored) = ignored.filter(|_| hits.told.is_empty()) {
                if closed {
                    let reason =
                        if hits.held_back { SuppressReason::IgnoredHit } else { SuppressReason::Ignored };
                    self.metrics.passage_suppressed(&id, reason);
                    // The line, not the plate: the list says whose it is to whoever may read it.
                    tracing::info!(camera = %id, list_line = ignored.line, hit = hits.held_back, "a passage on the ignore list is not recorded");
                }
                continue;
            }
            if hits.told.is_empty() && !closed {
                continue;
            }
            // Waits where the recorder is behind: pressure runs back to capture, the one place that sheds.
            if self.out.send(Judged { event, hits: hits.told }).is_err() {
                tracing::error!("the recorder has gone; a passage could not be kept");
            }
        }
    }
}

fn count(metrics: &Metrics, camera: &CameraId, readings: &[Reading]) {
    for r in readings {
        metrics.detection(camera);
        if r.positions.is_empty() {
            let narrow = r.readable == 0.0;
            let reason = if narrow { RejectReason::TooNarrow } else { RejectReason::Empty };
            metrics.reading_rejected(camera, reason);
        } else {
            metrics.reading(camera);
        }
    }
}

#[cfg(test)]
mod tests;
