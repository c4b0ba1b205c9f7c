//! One camera's thread: its frames into its box.

use super::lawful::Lawful;
use super::pausing::Switch;
use super::watching::Watch;
use super::worker::Work;
use crate::capture::{self, CaptureError, FrameSink};
use crate::domain::{CameraId, Frame};
use crate::runtime::{Backoff, Mailboxes, Put, Stop, WhenFull};
use crate::telemetry::{DropReason, Metrics};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

/// A camera's box at its vision thread.
struct Sink {
    camera: CameraId,
    index: usize,
    when_full: WhenFull,
    work: Arc<Mailboxes<Work>>,
    metrics: Metrics,
    /// Of a live camera.
    switch: Option<Switch>,
    /// Of a camera that moves: who knows where it was.
    moving: Option<Lawful>,
}

impl FrameSink for Sink {
    fn offer(&self, mut frame: Frame) -> bool {
        if let Some(lawful) = &self.moving {
            frame.stamp.position = lawful.place_at(frame.stamp.captured_at);
        }
        self.metrics.frame_received(&self.camera);
        match self.work.put(self.index, Work::Frame(frame), self.when_full) {
            Put::Kept => true,
            Put::DroppedOldest => {
                self.metrics.frame_dropped(&self.camera, DropReason::NewerFrame);
                true
            }
            Put::Closed => {
                self.metrics.frame_dropped(&self.camera, DropReason::Stopping);
                false
            }
        }
    }
}

impl Sink {
    /// Waits while the camera is paused; true where the box ends meanwhile.
    fn wait_while_paused(&self, watch: &Watch, stop: &Stop) -> bool {
        let Some(switch) = &self.switch else { return stop.requested() };
        let Some(why) = switch.paused() else { return stop.requested() };
        watch.camera_paused(&self.camera, why);
        // Behind the frames that came before; then its open tracks close.
        self.work.put(self.index, Work::Paused, WhenFull::Wait);
        while switch.paused().is_some() {
            if stop.wait(LOOK) {
                return true;
            }
        }
        watch.camera_resumed(&self.camera);
        false
    }
}

/// How often a paused camera looks whether it may go on.
const LOOK: Duration = Duration::from_millis(250);

/// Runs the camera until it ends, fails for good or the box stops. A panic is a defect of ours in one camera's
/// stream: it is logged and counted, the camera starts again after a pause, the others never notice.
fn run_whatever_happens(
    settings: &capture::Settings,
    sink: &Sink,
    watch: &Watch,
    stop: &Stop,
) -> Option<CaptureError> {
    let (shortest, longest) = settings.reconnect;
    let mut backoff = Backoff::new(shortest, longest);
    loop {
        if sink.wait_while_paused(watch, stop) {
            return None;
        }
        let run_stop = match &sink.switch {
            None => stop.clone(),
            Some(switch) => match switch.begin(stop) {
                Some(run) => run,
                None => continue, // paused or over since
            },
        };
        let run = AssertUnwindSafe(|| capture::run(settings, sink, watch, &run_stop));
        match catch_unwind(run) {
            Ok(Ok(())) if sink.switch.as_ref().is_some_and(|s| s.paused().is_some()) => {}
            Ok(outcome) => return outcome.err(),
            Err(_) => {
                let wait = backoff.failed();
                tracing::error!(camera = %settings.camera, in_ms = wait.as_millis(), "the camera's thread has failed (a defect, see above); it starts again");
                sink.metrics.camera_restarted(&settings.camera);
                if stop.wait(wait) {
                    return None;
                }
            }
        }
    }
}

/// Starts the thread `cam-NAME`. A source that ends, or fails for good, ends its tracks.
pub(super) fn spawn(
    settings: capture::Settings,
    index: usize,
    work: Arc<Mailboxes<Work>>,
    watch: Arc<Watch>,
    (lawful, switch): (Lawful, Option<Switch>),
    metrics: Metrics,
    stop: Stop,
) -> std::io::Result<JoinHandle<()>> {
    let name = format!("cam-{}", settings.camera);
    std::thread::Builder::new().name(name).spawn(move || {
        let when_full = if settings.source.is_live() { WhenFull::DropOldest } else { WhenFull::Wait };
        let camera = settings.camera.clone();
        let moving = lawful.moves(&camera).then(|| lawful.clone());
        let work_of = Arc::clone(&work);
        let sink = Sink { camera: camera.clone(), index, when_full, work: work_of, metrics, switch, moving };
        // Nothing is opened before the law allows it, and what is open is closed when it no longer does.
        let outcome = loop {
            let Some(run) = lawful.wait_open(&camera, &stop) else { break None };
            let outcome = run_whatever_happens(&settings, &sink, &watch, &run);
            if stop.requested() || !run.requested() {
                break outcome;
            }
            sink.work.put(index, Work::Paused, WhenFull::Wait);
        };
        watch.camera_over(&camera, outcome);
        // Waits behind the last frames: what was delivered is worked on before the tracks close.
        work.put(index, Work::Ended, WhenFull::Wait);
    })
}
