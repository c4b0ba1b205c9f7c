//! Reads a video file frame by frame.

use super::CaptureError;
use crate::domain::{CameraId, Frame, Utc};
use std::path::Path;

/// A video file being read, for `replay` and `bench`. Nothing is dropped.
pub struct ClipReader {}

impl ClipReader {
    /// Opens `path`. Frames carry `camera` and times counted from `start_at`, or from the file's
    /// modification time where that is `None`.
    pub fn open(path: &Path, camera: CameraId, start_at: Option<Utc>) -> Result<Self, CaptureError> {
        let _ = (path, camera, start_at);
        todo!()
    }

    /// The next frame; `None` at the end (see [`ClipReader::missing`]).
    #[expect(
        clippy::should_implement_trait,
        reason = "an iterator could not tell failure from end as simply"
    )]
    pub fn next(&mut self) -> Result<Option<Frame>, CaptureError> {
        todo!()
    }

    /// Frames the container promises, where it says so.
    pub fn frame_count(&self) -> Option<u64> {
        todo!()
    }

    /// Frames per second, where the container says so.
    pub fn fps(&self) -> Option<f64> {
        todo!()
    }

    /// Frames the container promised that were not there; 0 until the end was reached.
    pub fn missing(&self) -> u64 {
        todo!()
    }

    /// Width and height in px.
    pub fn size(&self) -> (u32, u32) {
        todo!()
    }
}
