//! What can go wrong between a camera and its frames.

use std::path::PathBuf;
use std::time::Duration;

/// Why there are no frames. No text holds credentials: addresses are shown as configured.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// The camera, device or file could not be opened.
    #[error("cannot open {source_name}: {cause}; {advice}")]
    Open {
        /// Address or path as configured.
        source_name: String,
        /// What went wrong.
        cause: String,
        /// What to look at next.
        advice: &'static str,
    },
    /// Nothing came out of the opening within the time allowed.
    #[error(
        "{source_name} did not answer within {after:?}; see whether the camera is on, the address is right \
         and nothing filters the way to it"
    )]
    OpenTimeout {
        /// Address or path as configured.
        source_name: String,
        /// Time waited.
        after: Duration,
    },
    /// It was open but sent no frame for too long.
    #[error("{source_name} sent no frame for {silent:?}; it is opened anew")]
    Stalled {
        /// Address or path as configured.
        source_name: String,
        /// Time without a frame.
        silent: Duration,
    },
    /// A live source ended its stream.
    #[error("{source_name} ended its stream; it is opened anew")]
    StreamEnded {
        /// Address or path as configured.
        source_name: String,
    },
    /// The camera began to send another picture format, which the open decoder cannot follow.
    #[error("{source_name} changed its picture format; it is opened anew")]
    FormatChanged {
        /// Address or path as configured.
        source_name: String,
    },
    /// A file changes its picture format in the middle.
    #[error(
        "{source_name} changes its picture format soon after frame {frames}; split it there (ffmpeg -c copy) \
         and read the parts one by one"
    )]
    ClipChanged {
        /// The file.
        source_name: String,
        /// Frames before the change; they were delivered.
        frames: u64,
    },
    /// Too many reads of a camera hang inside the decoder for another to be started.
    #[error(
        "{source_name}: {hanging} reads still hang in the decoder; no further one is started until one \
         returns; see whether the camera answers, else restart platewatch"
    )]
    Hanging {
        /// Address or path as configured.
        source_name: String,
        /// Threads that hang.
        hanging: usize,
    },
    /// A file or folder that is not there or may not be read.
    #[error("cannot read {}: {cause}; see that it is there and may be read", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: std::io::Error,
    },
    /// A file that is no picture.
    #[error("{} is not a picture that can be read: {cause}; {KNOWN}", path.display())]
    NotAPicture {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
    /// A picture over the size limit.
    #[error("{} is {width}x{height} px, more than {limit_mp} megapixels; scale it down", path.display())]
    PictureTooLarge {
        /// The file.
        path: PathBuf,
        /// Width in px.
        width: u64,
        /// Height in px.
        height: u64,
        /// Allowed million pixels.
        limit_mp: u64,
    },
    /// A folder without a single picture.
    #[error("{} holds no picture; {KNOWN}", path.display())]
    NoPictures {
        /// The folder.
        path: PathBuf,
    },
    /// OpenCV failed where it should not.
    #[error("{source_name}: OpenCV failed: {cause}")]
    Decoder {
        /// Address or path as configured.
        source_name: String,
        /// What OpenCV said.
        cause: String,
    },
    /// A thread could not be started.
    #[error("cannot start the reading thread of {source_name}: {cause}; see the limit on threads")]
    Thread {
        /// Address or path as configured.
        source_name: String,
        /// What the system said.
        #[source]
        cause: std::io::Error,
    },
}

/// What pictures may be.
const KNOWN: &str = "known are jpg, jpeg, png, bmp, webp, tif and tiff";

impl CaptureError {
    /// Whether opening the same source again later may help.
    pub fn is_transient(&self) -> bool {
        !matches!(
            self,
            Self::Io { .. }
                | Self::NotAPicture { .. }
                | Self::PictureTooLarge { .. }
                | Self::NoPictures { .. }
        )
    }
}
