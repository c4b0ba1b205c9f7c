//! Keeps one source delivering: opens it, hands on its frames, opens it again.

use super::live::{Item, Live, Readers, source_name};
use super::recorded::{Delivery, run_file, run_folder};
use super::{CaptureError, CaptureEvent, CaptureEvents, ClipReader, FrameSink, Settings, Source};
use super::{list_pictures, read_picture};
use crate::domain::{ClockQuality, ClockSource, Frame, FrameStamp, Utc};
use crate::runtime::{Backoff, Stop};
use std::path::Path;
use std::time::Duration;

/// Written by systemd-timesyncd once the clock is synchronised.
const SYNCHRONIZED: &str = "/run/systemd/timesync/synchronized";
/// The clock is looked at again after this many frames.
const CLOCK_EVERY: u64 = 256;

/// What [`probe`] found.
#[derive(Debug, Clone, PartialEq)]
pub struct ProbeReport {
    /// Width in px.
    pub width: u32,
    /// Height in px.
    pub height: u32,
    /// Frames per second it claims, where it claims any.
    pub fps: Option<f64>,
    /// Four letters of its codec, where known.
    pub codec: Option<String>,
}

/// Delivers the frames of one source until `stop` is requested, the sink ends or, for files and folders,
/// the source does.
///
/// Live sources are opened again after every failure, waiting as `settings.reconnect` says; each failure
/// goes to `events`. Files and folders fail with the error. Blocks; call it on the camera's own thread.
pub fn run(
    settings: &Settings,
    sink: &dyn FrameSink,
    events: &dyn CaptureEvents,
    stop: &Stop,
) -> Result<(), CaptureError> {
    let delivery = Delivery { settings, sink, events, stop };
    match &settings.source {
        Source::File { path, pace, start_at, repeat } => run_file(&delivery, path, *pace, *start_at, *repeat),
        Source::Folder { path, fps, pace } => run_folder(&delivery, path, *fps, *pace),
        Source::Rtsp { .. } | Source::Mjpeg { .. } | Source::V4l2 { .. } => {
            run_live(&delivery);
            Ok(())
        }
    }
}

/// What lives on while a camera is opened again and again.
#[derive(Default)]
struct Progress {
    frames: u64,
    bad: u64,
    size: Option<(u32, u32)>,
    readers: Readers,
}

fn run_live(delivery: &Delivery<'_>) {
    let (first, most) = delivery.settings.reconnect;
    let mut backoff = Backoff::new(first, most);
    let mut progress = Progress::default();
    while !delivery.stop.requested() {
        let before = progress.frames;
        let Err(error) = live_once(delivery, &mut progress) else { return };
        if progress.frames > before {
            backoff.succeeded();
        }
        if let CaptureError::Stalled { silent, .. } = error {
            delivery.event(CaptureEvent::Stalled { silent });
        }
        delivery.event(CaptureEvent::Failed(&error));
        let in_ = match error {
            // The camera is well, only the decoder has to be set up anew.
            CaptureError::FormatChanged { .. } => Duration::ZERO,
            _ => backoff.failed(),
        };
        delivery.event(CaptureEvent::Retrying { in_ });
        if delivery.stop.wait(in_) {
            return;
        }
    }
}

/// Opens a live source once and delivers until it fails; `Ok` when all is to end.
fn live_once(delivery: &Delivery<'_>, progress: &mut Progress) -> Result<(), CaptureError> {
    let mut live = Live::start(delivery.settings, &progress.readers)?;
    let mut opened = None;
    let mut clock = system_clock();
    while let Some(item) = live.next(delivery.stop)? {
        let (image, at) = match item {
            Item::Opened(as_described) => {
                opened = Some(as_described);
                continue;
            }
            Item::Bad(cause) => {
                progress.bad += 1;
                let what = format!("after frame {}", progress.frames);
                delivery.event(CaptureEvent::BadFrame { what: &what, cause: &cause, count: progress.bad });
                continue;
            }
            Item::Picture(image, at) => (image, at),
        };
        let size = (image.width(), image.height());
        // Open is what gives pictures: what a camera promises before the first one may not hold.
        if let Some(opened) = opened.take() {
            let (width, height) = size;
            let codec = opened.codec.as_deref();
            delivery.event(CaptureEvent::Opened { width, height, fps: opened.fps, codec });
        }
        if let Some(from) = progress.size.replace(size).filter(|before| *before != size) {
            delivery.event(CaptureEvent::ResolutionChanged { from, to: size });
        }
        if progress.frames.is_multiple_of(CLOCK_EVERY) || !at.is_set() {
            clock = system_clock();
        }
        let stamp = FrameStamp {
            camera: delivery.settings.camera.clone(),
            seq: progress.frames,
            captured_at: at,
            received_at: at,
            clock,
            position: delivery.settings.position,
        };
        progress.frames += 1;
        if !delivery.sink.offer(Frame { stamp, image }) {
            return Ok(());
        }
    }
    Ok(())
}

/// What stands behind the system clock.
fn system_clock() -> ClockQuality {
    // The file outlives a clock that is set to nonsense by hand.
    let synchronized = Path::new(SYNCHRONIZED).exists() && Utc::now().is_set();
    let source = if synchronized { ClockSource::Ntp } else { ClockSource::FreeRunning };
    ClockQuality { source, error_ms: None }
}

/// Opens the source, reads one frame and closes it.
pub fn probe(settings: &Settings) -> Result<ProbeReport, CaptureError> {
    match &settings.source {
        Source::File { path, start_at, .. } => {
            let mut clip = ClipReader::open(path, settings.camera.clone(), *start_at)?;
            let frame = clip.next()?.ok_or_else(|| CaptureError::Open {
                source_name: path.display().to_string(),
                cause: "not one frame of it can be decoded".into(),
                advice: "see whether it plays elsewhere",
            })?;
            Ok(ProbeReport {
                width: frame.image.width(),
                height: frame.image.height(),
                fps: clip.fps(),
                codec: clip.opened().codec.clone(),
            })
        }
        Source::Folder { path, fps, .. } => {
            let pictures = list_pictures(path)?;
            let first = pictures.first().ok_or_else(|| CaptureError::NoPictures { path: path.clone() })?;
            let image = read_picture(first)?;
            Ok(ProbeReport { width: image.width(), height: image.height(), fps: Some(*fps), codec: None })
        }
        Source::Rtsp { .. } | Source::Mjpeg { .. } | Source::V4l2 { .. } => probe_live(settings),
    }
}

fn probe_live(settings: &Settings) -> Result<ProbeReport, CaptureError> {
    let never = Stop::new();
    let mut live = Live::start(settings, &Readers::default())?;
    let mut opened = None;
    while let Some(item) = live.next(&never)? {
        match item {
            Item::Opened(as_described) => opened = Some(as_described),
            // A camera joined between key frames may begin with frames that cannot be decoded.
            Item::Bad(_) => {}
            Item::Picture(image, _) => {
                let (fps, codec) = opened.map_or((None, None), |o| (o.fps, o.codec));
                return Ok(ProbeReport { width: image.width(), height: image.height(), fps, codec });
            }
        }
    }
    Err(CaptureError::StreamEnded { source_name: source_name(&settings.source) })
}
