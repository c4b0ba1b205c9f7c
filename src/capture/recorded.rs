//! Video files and folders of pictures: nothing is dropped, the reader waits.

use super::clip::modified;
use super::{CaptureError, CaptureEvent, CaptureEvents, ClipReader, FrameSink, Pace, Settings};
use super::{list_pictures, read_picture};
use crate::domain::{ClockQuality, ClockSource, Frame, FrameStamp, Utc};
use crate::runtime::Stop;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What delivering needs.
pub(super) struct Delivery<'a> {
    pub settings: &'a Settings,
    pub sink: &'a dyn FrameSink,
    pub events: &'a dyn CaptureEvents,
    pub stop: &'a Stop,
}

impl Delivery<'_> {
    pub fn event(&self, event: CaptureEvent<'_>) {
        self.events.event(&self.settings.camera, event);
    }

    /// Waits until `media_ms` after `since` where frames are wanted as recorded; true when to end.
    fn wait_for(&self, pace: Pace, since: Instant, media_ms: f64) -> bool {
        let due = match pace {
            Pace::Fast => Duration::ZERO,
            Pace::RealTime => Duration::try_from_secs_f64(media_ms / 1000.0).unwrap_or_default(),
        };
        self.stop.wait(due.saturating_sub(since.elapsed()))
    }
}

/// Delivers a video file, once or for ever.
pub(super) fn run_file(
    delivery: &Delivery<'_>,
    path: &Path,
    pace: Pace,
    start_at: Option<Utc>,
    repeat: bool,
) -> Result<(), CaptureError> {
    let since = Instant::now();
    let mut frames = 0;
    let mut bad = 0;
    let mut size = None;
    // Time of the first frame of this pass after that of the first pass: time goes on when a file repeats.
    let mut passed_ms = 0.0;
    loop {
        let camera = delivery.settings.camera.clone();
        let mut clip = ClipReader::open(path, camera, start_at)?;
        let opened = clip.opened();
        delivery.event(CaptureEvent::Opened {
            width: opened.width,
            height: opened.height,
            fps: opened.fps,
            codec: opened.codec.as_deref(),
        });
        let mut in_pass = 0;
        let mut bad_in_pass = 0;
        while let Some(mut frame) = clip.next()? {
            let media_ms = passed_ms + frame.stamp.captured_at.since_ms(clip.start_at()) as f64;
            if delivery.wait_for(pace, since, media_ms) {
                return Ok(());
            }
            while bad_in_pass < clip.bad_frames() {
                (bad_in_pass, bad) = (bad_in_pass + 1, bad + 1);
                let what = format!("frame {}", in_pass + bad_in_pass);
                delivery.event(CaptureEvent::BadFrame {
                    what: &what,
                    cause: "it could not be decoded",
                    count: bad,
                });
            }
            let now = (frame.image.width(), frame.image.height());
            if let Some(from) = size.replace(now).filter(|before| *before != now) {
                delivery.event(CaptureEvent::ResolutionChanged { from, to: now });
            }
            frame.stamp.seq = frames;
            frame.stamp.captured_at = clip.start_at().plus_ms(media_ms.round() as i64);
            frame.stamp.received_at = Utc::now();
            frame.stamp.position = delivery.settings.position;
            if !delivery.sink.offer(frame) {
                return Ok(());
            }
            frames += 1;
            in_pass += 1;
        }
        if clip.missing() > 0 {
            let expected = clip.frame_count().unwrap_or(0);
            delivery.event(CaptureEvent::Truncated { frames: in_pass, expected });
        }
        if in_pass == 0 {
            return Err(CaptureError::Open {
                source_name: path.display().to_string(),
                cause: "not one frame of it can be decoded".into(),
                advice: "see whether it plays elsewhere",
            });
        }
        passed_ms += clip.played_ms();
        if !repeat {
            delivery.event(CaptureEvent::Ended { frames });
            return Ok(());
        }
    }
}

/// Delivers the pictures of a folder. One that cannot be read is named, counted and keeps its time.
pub(super) fn run_folder(
    delivery: &Delivery<'_>,
    path: &Path,
    fps: f64,
    pace: Pace,
) -> Result<(), CaptureError> {
    let pictures = list_pictures(path)?;
    let start_at = match pictures.first().map(|first| modified(first)) {
        Some(Ok(at)) => at,
        Some(Err(cause)) => return Err(CaptureError::Io { path: path.to_owned(), cause }),
        None => return Err(CaptureError::NoPictures { path: path.to_owned() }),
    };
    let since = Instant::now();
    let step_ms = if fps.is_finite() && fps > 0.0 { 1000.0 / fps } else { 0.0 };
    let mut frames = 0;
    let mut bad = 0;
    let mut size = None;
    for (index, picture) in pictures.iter().enumerate() {
        let media_ms = index as f64 * step_ms;
        if delivery.wait_for(pace, since, media_ms) {
            return Ok(());
        }
        let image = match read_picture(picture) {
            Ok(image) => image,
            Err(error) => {
                bad += 1;
                let (what, cause) = (picture.display().to_string(), error.to_string());
                delivery.event(CaptureEvent::BadFrame { what: &what, cause: &cause, count: bad });
                continue;
            }
        };
        let now = (image.width(), image.height());
        match size.replace(now) {
            None => delivery.event(CaptureEvent::Opened {
                width: now.0,
                height: now.1,
                fps: (step_ms > 0.0).then_some(fps),
                codec: None,
            }),
            Some(from) if from != now => delivery.event(CaptureEvent::ResolutionChanged { from, to: now }),
            Some(_) => {}
        }
        let stamp = FrameStamp {
            camera: delivery.settings.camera.clone(),
            seq: frames,
            captured_at: start_at.plus_ms(media_ms.round() as i64),
            received_at: Utc::now(),
            clock: ClockQuality { source: ClockSource::Media, error_ms: None },
            position: delivery.settings.position,
        };
        if !delivery.sink.offer(Frame { stamp, image: Arc::new(image) }) {
            return Ok(());
        }
        frames += 1;
    }
    delivery.event(CaptureEvent::Ended { frames });
    Ok(())
}
