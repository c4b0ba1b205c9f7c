//! Reads a video file frame by frame.

use super::CaptureError;
use super::decoder::{Decoder, Opened};
use super::size_guard::SizeGuard;
use crate::domain::{CameraId, ClockQuality, ClockSource, Frame, FrameStamp, Utc};
use opencv::videoio::CAP_FFMPEG;
use std::path::Path;
use std::time::SystemTime;

/// Frame rate taken where a file names none.
const DEFAULT_FPS: f64 = 25.0;
/// Reads tried after one failed: a frame that cannot be decoded looks like the end.
const TRIES_AT_THE_END: u32 = 32;

/// A video file being read, for `replay` and `bench`. Nothing is dropped.
pub struct ClipReader {
    decoder: Decoder,
    guard: SizeGuard,
    source_name: String,
    opened: Opened,
    camera: CameraId,
    start_at: Utc,
    frame_count: Option<u64>,
    clock: MediaClock,
    frames: u64,
    bad: u64,
    ended: bool,
}

impl ClipReader {
    /// Opens `path`. Frames carry `camera` and times counted from `start_at`, or from the file's
    /// modification time where that is `None`.
    pub fn open(path: &Path, camera: CameraId, start_at: Option<Utc>) -> Result<Self, CaptureError> {
        let io = |cause| CaptureError::Io { path: path.to_owned(), cause };
        let start_at = match start_at {
            Some(at) => at,
            None => modified(path).map_err(io)?,
        };
        // An absolute path cannot be mistaken for one of FFmpeg's protocols (`concat:`, `http:`).
        let absolute = path.canonicalize().map_err(io)?;
        let source_name = path.display().to_string();
        let refused = |cause: &str| CaptureError::Open {
            source_name: source_name.clone(),
            cause: cause.to_owned(),
            advice: "see whether it plays elsewhere; a recording that was cut off may lack its index",
        };
        let target = absolute.to_str().ok_or_else(|| refused("its path is not UTF-8"))?;
        let meta = std::fs::metadata(&absolute).map_err(io)?;
        if !meta.is_file() {
            return Err(refused("it is no file"));
        }
        if meta.len() == 0 {
            return Err(refused("it is empty"));
        }
        let decoder = Decoder::open(target, CAP_FFMPEG, &[], &source_name)?
            .ok_or_else(|| refused("it is not a video that can be read"))?;
        let opened = decoder.opened();
        let guard = SizeGuard::open(target, decoder.fourcc(), &source_name)?;
        let frame_count = decoder.frame_count();
        let clock = MediaClock::new(opened.fps.unwrap_or(DEFAULT_FPS));
        Ok(Self {
            decoder,
            guard,
            source_name,
            opened,
            camera,
            start_at,
            frame_count,
            clock,
            frames: 0,
            bad: 0,
            ended: false,
        })
    }

    /// The next frame; `None` at the end (see [`ClipReader::missing`] and [`ClipReader::bad_frames`]).
    #[expect(clippy::should_implement_trait, reason = "the Result outside the Option reads better with `?`")]
    pub fn next(&mut self) -> Result<Option<Frame>, CaptureError> {
        let mut failed = 0;
        // Frames in front of this one that the guard has looked at.
        let mut skipped = 0;
        while !self.ended {
            if !self.decoder.grab()? {
                failed += 1;
                self.ended = failed > TRIES_AT_THE_END;
                continue;
            }
            // Asked before the pixels are converted: OpenCV would read them with the old size.
            for _ in skipped..=failed {
                if self.guard.next_changes()? {
                    self.ended = true;
                    return Err(CaptureError::ClipChanged {
                        source_name: self.source_name.clone(),
                        frames: self.frames,
                    });
                }
            }
            let media_ms = self.clock.next(self.decoder.position_ms());
            let Some(image) = self.decoder.retrieve()? else {
                failed += 1;
                skipped = failed;
                continue;
            };
            self.bad += u64::from(failed);
            let stamp = FrameStamp {
                camera: self.camera.clone(),
                seq: self.frames,
                captured_at: self.start_at.plus_ms(media_ms.round() as i64),
                received_at: Utc::now(),
                clock: ClockQuality { source: ClockSource::Media, error_ms: None },
                position: None,
            };
            self.frames += 1;
            return Ok(Some(Frame { stamp, image }));
        }
        Ok(None)
    }

    /// Frames the container promises, where it says so.
    pub fn frame_count(&self) -> Option<u64> {
        self.frame_count
    }

    /// Frames per second, where the container says so.
    pub fn fps(&self) -> Option<f64> {
        self.opened.fps
    }

    /// Width and height in px.
    pub fn size(&self) -> (u32, u32) {
        (self.opened.width, self.opened.height)
    }

    /// Frames that could not be decoded so far, with good ones after them.
    pub fn bad_frames(&self) -> u64 {
        self.bad
    }

    /// Frames the container promised that were not there; 0 until the end was reached. Where a container
    /// holds no count, the promise is an estimate: up to 2 % (at least 2 frames) do not count as missing.
    pub fn missing(&self) -> u64 {
        let promised = self.frame_count.filter(|_| self.ended).unwrap_or(0);
        let missing = promised.saturating_sub(self.frames + self.bad);
        if missing > (promised / 50).max(2) { missing } else { 0 }
    }

    pub(super) fn opened(&self) -> &Opened {
        &self.opened
    }

    /// Time from the first frame to the last one delivered and its duration, in ms.
    pub(super) fn played_ms(&self) -> f64 {
        self.clock.end_ms()
    }

    pub(super) fn start_at(&self) -> Utc {
        self.start_at
    }
}

/// When `path` was last written.
pub(super) fn modified(path: &Path) -> std::io::Result<Utc> {
    let since =
        std::fs::metadata(path)?.modified()?.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Ok(Utc::from_unix_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX)))
}

/// Media time that always goes forward, from positions that do not (0 for the last frames of a clip with
/// B-frames, or before the first for its first).
#[derive(Debug)]
struct MediaClock {
    step_ms: f64,
    last_ms: Option<f64>,
}

impl MediaClock {
    fn new(fps: f64) -> Self {
        Self { step_ms: 1000.0 / fps, last_ms: None }
    }

    /// Time of the frame at the reported `position_ms`.
    fn next(&mut self, position_ms: f64) -> f64 {
        let now = match self.last_ms {
            None => position_ms.max(0.0),
            Some(last) if position_ms > last => position_ms,
            Some(last) => last + self.step_ms,
        };
        self.last_ms = Some(now);
        now
    }

    fn end_ms(&self) -> f64 {
        self.last_ms.map_or(0.0, |last| last + self.step_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_time_goes_forward() {
        let mut clock = MediaClock::new(25.0);
        let times: Vec<f64> =
            [-80.0, 40.0, 80.0, 0.0, 0.0, 200.0].into_iter().map(|p| clock.next(p)).collect();
        assert_eq!(times, [0.0, 40.0, 80.0, 120.0, 160.0, 200.0]);
        assert_eq!(clock.end_ms(), 240.0);
    }
}
