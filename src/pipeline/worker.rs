//! One vision thread: frames of its cameras in, judged passages out.

use super::CameraSettings;
use super::ignoring::Ignoring;
use super::judge::Judge;
use super::lawful::Lawful;
use super::recorder::Judged;
use crate::domain::{CameraId, Detection, Frame, HitState, PassageState, Reading, Utc};
use crate::hotlist::{Hotlists, List};
use crate::runtime::Mailboxes;
use crate::telemetry::{DiscardReason, DropReason, Metrics, QueueName, RejectReason, Stage, SuppressReason};
use crate::track::{Areas, Discarded, TrackEvent, Tracker};
use crate::vision::{self, Treatment};
use crossbeam_channel::Sender;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often tracks of silent cameras are looked at.
const IDLE: Duration = Duration::from_millis(200);

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
    areas: Arc<Areas>,
    min_plate_width_px: Option<f32>,
    live: bool,
    ended: bool,
}

pub(super) struct VisionThread {
    worker: vision::Worker,
    work: Arc<Mailboxes<Work>>,
    cameras: Vec<Camera>,
    judge: Judge,
    ignoring: Ignoring,
    lawful: Lawful,
    metrics: Metrics,
    out: Sender<Judged>,
}

impl VisionThread {
    pub fn new(
        worker: vision::Worker,
        work: Arc<Mailboxes<Work>>,
        cameras: &[&CameraSettings],
        hotlists: Hotlists,
        ignoring: Ignoring,
        lawful: Lawful,
        metrics: Metrics,
        out: Sender<Judged>,
    ) -> Self {
        let cameras = cameras
            .iter()
            .map(|c| Camera {
                id: c.capture.camera.clone(),
                tracker: Tracker::new(c.capture.camera.clone(), c.track.clone()),
                areas: c.track.areas.clone(),
                min_plate_width_px: c.min_plate_width_px,
                live: c.capture.source.is_live(),
                ended: false,
            })
            .collect();
        Self { worker, work, cameras, judge: Judge::new(hotlists), ignoring, lawful, metrics, out }
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
            self.metrics.queue_depth(QueueName::Vision, self.work.len());
            match taken {
                Some((i, Work::Frame(frame))) => self.frame(i, &frame),
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

    fn frame(&mut self, index: usize, frame: &Frame) {
        let Some(camera) = self.cameras.get_mut(index) else { return };
        let (areas, least) = (camera.areas.clone(), camera.min_plate_width_px);
        let (metrics, id) = (&self.metrics, &camera.id);
        let treatment = |d: &Detection| {
            if areas.masked(d.corners.centre(), frame.image.width(), frame.image.height()) {
                metrics.reading_rejected(id, RejectReason::Masked);
                Treatment::Ignore
            } else if least.is_some_and(|least| d.corners.width_px() < least) {
                Treatment::Follow
            } else {
                Treatment::Read
            }
        };
        let expected = camera.tracker.expected(frame);
        let readings = match self.worker.process_where(frame, &expected, treatment) {
            Ok((readings, times)) => {
                self.metrics.stage_time(Stage::Scale, times.scale);
                self.metrics.stage_time(Stage::Detect, times.detect);
                if !readings.is_empty() {
                    self.metrics.stage_time(Stage::Rectify, times.rectify);
                    self.metrics.stage_time(Stage::Read, times.read);
                }
                readings
            }
            Err(error) => {
                tracing::error!(camera = %camera.id, frame = frame.stamp.seq, %error, "frame could not be read");
                self.metrics.frame_dropped(&camera.id, DropReason::Failed);
                return;
            }
        };
        count(&self.metrics, &camera.id, &readings);
        let start = Instant::now();
        let events = camera.tracker.step(frame, readings);
        self.metrics.stage_time(Stage::Track, start.elapsed());
        self.take_events(index, events);
    }

    /// Live cameras may have stalled with tracks open.
    fn close_lost(&mut self) {
        for i in 0..self.cameras.len() {
            let events = match self.cameras.get_mut(i) {
                Some(camera) if camera.live => camera.tracker.tick(Utc::now()),
                _ => continue,
            };
            self.take_events(i, events);
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
        let events = camera.tracker.finish();
        self.take_events(index, events);
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
            let hits =
                self.judge.judge(&event, now, allowed, ignored.as_ref().is_some_and(|i| i.suppress_hits));
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
