//! Live sources, each read on a thread of its own and watched from outside.
//!
//! A read inside OpenCV or a name server cannot be called off. So the camera's thread never enters them:
//! it waits for what the reading thread hands over, for a bounded time, and leaves that thread behind when
//! nothing comes. What was left behind ends by itself as soon as its call returns; there are never more
//! than [`MAX_READERS`] of them for one camera.

use super::decoder::{Decoder, Opened};
use super::mjpeg::{MjpegStream, Part};
use super::net::{Attempt, Cut};
use super::rtsp::{Door, Trouble};
use super::{CaptureError, Settings, Source};
use crate::domain::{Image, Utc};
use crate::runtime::Stop;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use opencv::videoio;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Most reading threads of one camera, hanging ones included.
const MAX_READERS: usize = 3;
/// Pictures between reader and camera thread; the sink behind it does not block.
const QUEUE: usize = 2;
/// How much longer than the reader itself its watcher waits, so that the reader's own error comes first.
const MARGIN: Duration = Duration::from_millis(500);
/// How often a wait looks whether to stop.
const LOOK: Duration = Duration::from_millis(50);
/// How long an orderly end waits for the reader.
const END_WAIT: Duration = Duration::from_millis(1000);
/// Failed reads in a row that are taken for the end: one frame that cannot be decoded fails like it.
const MAX_FAILED_READS: u64 = 8;

/// What a reading thread hands over.
pub(super) enum Item {
    /// The source is open.
    Opened(Opened),
    /// A picture, and when it was here.
    Picture(Arc<Image>, Utc),
    /// A frame that could not be decoded, and why.
    Bad(String),
}

type Handed = Result<Item, CaptureError>;

/// Counts the reading threads of one camera.
#[derive(Clone, Default)]
pub(super) struct Readers(Arc<()>);

/// One live source being read.
pub(super) struct Live {
    items: Option<Receiver<Handed>>,
    reader: Option<JoinHandle<()>>,
    cut: Cut,
    source_name: String,
    open: bool,
    open_timeout: Duration,
    read_timeout: Duration,
}

impl Live {
    /// Starts to open the source of `settings`.
    pub fn start(settings: &Settings, readers: &Readers) -> Result<Self, CaptureError> {
        let source_name = source_name(&settings.source);
        let hanging = Arc::strong_count(&readers.0) - 1;
        if hanging >= MAX_READERS {
            return Err(CaptureError::Hanging { source_name, hanging });
        }
        let (give, items) = bounded(QUEUE);
        let cut = Cut::default();
        let reader = {
            let (settings, cut, counted) = (settings.clone(), cut.clone(), readers.clone());
            std::thread::Builder::new().name(format!("read-{}", settings.camera)).spawn(move || {
                if let Err(error) = read(&settings, &cut, &give) {
                    // Nobody listens any more where the watcher gave up first.
                    let _ = give.send(Err(error));
                }
                drop(counted);
            })
        }
        .map_err(|cause| CaptureError::Thread { source_name: source_name.clone(), cause })?;
        Ok(Self {
            items: Some(items),
            reader: Some(reader),
            cut,
            source_name,
            open: false,
            open_timeout: settings.open_timeout,
            read_timeout: settings.read_timeout,
        })
    }

    /// What comes next; `None` when `stop` was requested. Fails when nothing comes in time.
    pub fn next(&mut self, stop: &Stop) -> Result<Option<Item>, CaptureError> {
        let ended = || CaptureError::StreamEnded { source_name: self.source_name.clone() };
        let Some(items) = &self.items else { return Err(ended()) };
        let allowed = if self.open { self.read_timeout } else { self.open_timeout };
        let since = Instant::now();
        loop {
            if stop.requested() {
                return Ok(None);
            }
            match items.recv_timeout(LOOK) {
                Ok(item) => {
                    self.open = true;
                    return item.map(Some);
                }
                Err(RecvTimeoutError::Disconnected) => return Err(ended()),
                Err(RecvTimeoutError::Timeout) if since.elapsed() < allowed + MARGIN => {}
                Err(RecvTimeoutError::Timeout) => {
                    let source_name = self.source_name.clone();
                    return Err(if self.open {
                        CaptureError::Stalled { source_name, silent: since.elapsed() }
                    } else {
                        CaptureError::OpenTimeout { source_name, after: since.elapsed() }
                    });
                }
            }
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.items = None;
        self.cut.cut();
        let since = Instant::now();
        if let Some(reader) = self.reader.take() {
            while !reader.is_finished() && since.elapsed() < END_WAIT {
                std::thread::sleep(Duration::from_millis(5));
            }
            if reader.is_finished() {
                // A panic in there has been reported by the panic hook.
                let _ = reader.join();
            }
        }
    }
}

/// How messages name a source: never with credentials.
pub(super) fn source_name(source: &Source) -> String {
    match source {
        Source::Rtsp { url, .. } | Source::Mjpeg { url, .. } => url.clone(),
        Source::V4l2 { device, .. } => device.display().to_string(),
        Source::File { path, .. } | Source::Folder { path, .. } => path.display().to_string(),
    }
}

/// Opens the source and hands over what it sends, until nobody takes it any more.
fn read(settings: &Settings, cut: &Cut, give: &Sender<Handed>) -> Result<(), CaptureError> {
    let attempt = Attempt::new(source_name(&settings.source), settings.open_timeout, cut.clone());
    match &settings.source {
        Source::Rtsp { url, transport, credentials } => {
            let door = Door::open(url, *transport, credentials.as_ref(), &attempt)?;
            let parameters = [
                (videoio::CAP_PROP_OPEN_TIMEOUT_MSEC, milliseconds(attempt.left()?)),
                (videoio::CAP_PROP_READ_TIMEOUT_MSEC, milliseconds(settings.read_timeout)),
            ];
            let decoder = Decoder::open(door.url(), videoio::CAP_FFMPEG, &parameters, &attempt.source_name)?;
            let Some(decoder) = decoder else { return Err(not_opened(&door, &attempt)) };
            pump(decoder, settings.read_timeout, &attempt.source_name, give).map_err(|error| {
                match door.trouble() {
                    Some(Trouble::FormatChanged) => {
                        CaptureError::FormatChanged { source_name: attempt.source_name.clone() }
                    }
                    _ => error,
                }
            })
        }
        Source::Mjpeg { url, credentials } => {
            let mut stream = MjpegStream::open(url, credentials.as_ref(), &attempt, settings.read_timeout)?;
            let opened = Opened { width: 0, height: 0, fps: None, codec: Some("MJPG".into()) };
            let mut taken = give.send(Ok(Item::Opened(opened))).is_ok();
            while taken {
                let item = stream.next().map_err(|error| match error {
                    CaptureError::OpenTimeout { source_name, after } => {
                        CaptureError::Stalled { source_name, silent: after }
                    }
                    _ => CaptureError::StreamEnded { source_name: attempt.source_name.clone() },
                })?;
                taken = give
                    .send(Ok(match item {
                        Part::Picture(image, at) => Item::Picture(image, at),
                        Part::Bad(cause) => Item::Bad(cause),
                    }))
                    .is_ok();
            }
            Ok(())
        }
        Source::V4l2 { device, size, fps } => {
            if let Err(error) = std::fs::metadata(device) {
                let advice = "see that the camera is plugged in and which /dev/video it is";
                return Err(attempt.refused(error.to_string(), advice));
            }
            let advice =
                "see that it is a camera, that no other program uses it and that this user is in group video";
            let unusable = || attempt.refused("it cannot be used as a camera", advice);
            let target = device.to_str().ok_or_else(unusable)?;
            let mut decoder =
                Decoder::open(target, videoio::CAP_V4L2, &[], &attempt.source_name)?.ok_or_else(unusable)?;
            // A camera that cannot do what is wanted does what it can; events show the size it took.
            let mjpg = f64::from(u32::from_le_bytes(*b"MJPG"));
            decoder.set(videoio::CAP_PROP_FOURCC, mjpg);
            if let Some((width, height)) = size {
                decoder.set(videoio::CAP_PROP_FRAME_WIDTH, f64::from(*width));
                decoder.set(videoio::CAP_PROP_FRAME_HEIGHT, f64::from(*height));
            }
            if let Some(fps) = fps {
                decoder.set(videoio::CAP_PROP_FPS, *fps);
            }
            pump(decoder, settings.read_timeout, &attempt.source_name, give)
        }
        Source::File { .. } | Source::Folder { .. } => Ok(()),
    }
}

/// Hands over every frame of an open decoder.
fn pump(
    mut decoder: Decoder,
    read_timeout: Duration,
    source_name: &str,
    give: &Sender<Handed>,
) -> Result<(), CaptureError> {
    let mut taken = give.send(Ok(Item::Opened(decoder.opened()))).is_ok();
    let mut failed = 0;
    while taken {
        let asked = Instant::now();
        let grabbed = decoder.grab()?;
        // After its time-out OpenCV gives out what the decoder still held: frames that are older than
        // they would seem. They are left.
        if asked.elapsed() >= read_timeout {
            return Err(CaptureError::Stalled {
                source_name: source_name.to_owned(),
                silent: asked.elapsed(),
            });
        }
        if !grabbed {
            failed += 1;
            if failed >= MAX_FAILED_READS {
                return Err(CaptureError::StreamEnded { source_name: source_name.to_owned() });
            }
            continue;
        }
        let at = Utc::now();
        for _ in 0..std::mem::take(&mut failed) {
            taken &= give.send(Ok(Item::Bad("it could not be decoded".into()))).is_ok();
        }
        let item = match decoder.retrieve()? {
            Some(image) => Item::Picture(image, at),
            None => Item::Bad("its pixels could not be converted".into()),
        };
        taken &= give.send(Ok(item)).is_ok();
    }
    Ok(())
}

/// Why OpenCV could not open a camera that had described its stream before.
fn not_opened(door: &Door, attempt: &Attempt) -> CaptureError {
    match door.trouble() {
        _ if attempt.left().is_err() => attempt.timed_out(),
        Some(Trouble::Refused(answer)) => attempt.refused(
            format!("it answered {answer:?}"),
            "see whether it allows this transport and another viewer",
        ),
        Some(Trouble::FormatChanged) => {
            CaptureError::FormatChanged { source_name: attempt.source_name.clone() }
        }
        None => attempt.refused(
            "it answers, but sends no video that can be decoded",
            "see that it sends H.264 or H.265, over the transport that is configured",
        ),
    }
}

fn milliseconds(time: Duration) -> i32 {
    i32::try_from(time.as_millis()).unwrap_or(i32::MAX).max(1)
}
