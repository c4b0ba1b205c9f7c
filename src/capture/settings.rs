//! How one camera is reached.

use crate::domain::{CameraId, Position, Utc};
use crate::runtime::Secret;
use std::path::PathBuf;
use std::time::Duration;

/// One camera.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Its name.
    pub camera: CameraId,
    /// Where its frames come from.
    pub source: Source,
    /// Longest time to open it.
    pub open_timeout: Duration,
    /// Longest time without a frame before it counts as dead and is opened anew.
    pub read_timeout: Duration,
    /// First and longest wait between attempts to open it.
    pub reconnect: (Duration, Duration),
    /// Where it stands, for cameras that do not move.
    pub position: Option<Position>,
}

/// Where frames come from.
#[derive(Debug, Clone)]
pub enum Source {
    /// H.264 or H.265 over RTSP (RFC 2326). The URL carries no credentials.
    Rtsp {
        /// `rtsp://host[:port]/path`
        url: String,
        /// TCP interleaved or UDP.
        transport: Transport,
        /// User and password.
        credentials: Option<(String, Secret)>,
    },
    /// Motion JPEG over HTTP (`multipart/x-mixed-replace`). The URL carries no credentials.
    Mjpeg {
        /// `http://host[:port]/path`
        url: String,
        /// User and password (HTTP basic authentication).
        credentials: Option<(String, Secret)>,
    },
    /// A Video4Linux2 device.
    V4l2 {
        /// `/dev/video0`
        device: PathBuf,
        /// Wanted width and height in px.
        size: Option<(u32, u32)>,
        /// Wanted frames per second.
        fps: Option<f64>,
    },
    /// A video file.
    File {
        /// The file.
        path: PathBuf,
        /// As fast as possible or as recorded.
        pace: Pace,
        /// When the recording began; the file's modification time where it is not said.
        start_at: Option<Utc>,
        /// Begin again at the end, for ever.
        repeat: bool,
    },
    /// A folder of pictures, in the order of their names.
    Folder {
        /// The folder.
        path: PathBuf,
        /// Frames per second they are taken to have been made at.
        fps: f64,
        /// As fast as possible or at `fps`.
        pace: Pace,
    },
}

/// How RTSP carries the video.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// Interleaved in the RTSP connection (RFC 2326 section 10.12): nothing is lost on the way.
    Tcp,
    /// RTP over UDP.
    Udp,
}

/// How fast recorded frames are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// As fast as they can be worked on; nothing is dropped.
    Fast,
    /// As they were recorded; nothing is dropped, the reader waits.
    RealTime,
}

impl Source {
    /// Whether frames come whether or not anyone takes them: then the newest wins.
    pub fn is_live(&self) -> bool {
        matches!(self, Self::Rtsp { .. } | Self::Mjpeg { .. } | Self::V4l2 { .. })
    }
}
