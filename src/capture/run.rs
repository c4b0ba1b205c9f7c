//! Keeps one source delivering: opens it, hands on its frames, opens it again.

use super::{CaptureError, CaptureEvents, FrameSink, Settings};
use crate::runtime::Stop;

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

/// Delivers the frames of one source until `stop` is requested or, for files and folders, their end.
///
/// Live sources are opened again after every failure, waiting as `settings.reconnect` says; each failure
/// goes to `events`. Files and folders fail with the error. Blocks; call it on the camera's own thread.
pub fn run(
    settings: &Settings,
    sink: &dyn FrameSink,
    events: &dyn CaptureEvents,
    stop: &Stop,
) -> Result<(), CaptureError> {
    let _ = (settings, sink, events, stop);
    todo!()
}

/// Opens the source, reads one frame and closes it.
pub fn probe(settings: &Settings) -> Result<ProbeReport, CaptureError> {
    let _ = settings;
    todo!()
}
