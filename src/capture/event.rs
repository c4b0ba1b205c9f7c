//! Where frames go and who is told what happens: the two traits a user of this room brings.

use super::CaptureError;
use crate::domain::{CameraId, Frame};
use std::time::Duration;

/// Takes frames. Called from the camera's thread only.
pub trait FrameSink: Send + Sync {
    /// Takes `frame`. For live sources it must not block (it drops an older frame and counts it); for
    /// files and folders it may block until there is room. False when the pipeline is ending.
    fn offer(&self, frame: Frame) -> bool;
}

/// Something that happened to a source.
#[derive(Debug)]
pub enum CaptureEvent<'a> {
    /// It opened.
    Opened {
        /// Width in px.
        width: u32,
        /// Height in px.
        height: u32,
        /// Frames per second it claims, where it claims any.
        fps: Option<f64>,
        /// Four letters of its codec, where known.
        codec: Option<&'a str>,
    },
    /// Opening or reading failed.
    Failed(&'a CaptureError),
    /// It will be opened again.
    Retrying {
        /// After this time.
        in_: Duration,
    },
    /// It is open but sent nothing.
    Stalled {
        /// For this long.
        silent: Duration,
    },
    /// One frame or picture could not be decoded; it is skipped and the rest goes on.
    BadFrame {
        /// File name of the picture or position in the stream.
        what: &'a str,
        /// Why.
        cause: &'a str,
        /// How many there were so far since the start, this one included.
        count: u64,
    },
    /// Frames now have another size.
    ResolutionChanged {
        /// Width and height before, in px.
        from: (u32, u32),
        /// Width and height now, in px.
        to: (u32, u32),
    },
    /// A file or folder came to its end.
    Ended {
        /// Frames delivered since the start.
        frames: u64,
    },
    /// A file ended before its container said it would.
    Truncated {
        /// Frames that could be read in this pass: the last good one has this number, counted from 1.
        frames: u64,
        /// Frames the container promises.
        expected: u64,
    },
}

/// Is told what happens. Called from the camera's thread; must not block for long.
pub trait CaptureEvents: Send + Sync {
    /// `event` happened to `camera`.
    fn event(&self, camera: &CameraId, event: CaptureEvent<'_>);
}
