//! Layer 3: camera → [`Frame`](crate::domain::Frame).
//!
//! Lives here: everything that opens a camera, video file or folder of pictures and turns it into
//! frames: [`run()`] for the daemon, [`probe`] for `check --cameras`, [`ClipReader`] for `replay` and
//! `bench`, [`read_picture`] and [`list_pictures`] for `read`. Decoding is OpenCV's `VideoCapture`
//! (FFmpeg, Video4Linux2) and `imgcodecs`; apart from `vision` only this room may call OpenCV.
//!
//! May import `domain`, `telemetry`, `runtime`. Knows neither queues nor vision: frames go to a
//! [`FrameSink`], what happens goes to [`CaptureEvents`].

mod address;
mod clip;
mod decoder;
mod error;
mod event;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod http_auth;
mod live;
mod memory;
mod mjpeg;
mod multipart;
mod net;
mod pictures;
mod recorded;
mod rtsp;
mod run;
mod settings;
mod size_guard;

pub use clip::ClipReader;
pub use error::CaptureError;
pub use event::{CaptureEvent, CaptureEvents, FrameSink};
pub use pictures::{list_pictures, read_picture};
pub use run::{ProbeReport, probe, run};
pub use settings::{Pace, Settings, Source, Transport};
