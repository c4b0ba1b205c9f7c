//! The door to OpenCV's `VideoCapture`: opens, grabs, and puts pixels into our own memory.

use super::CaptureError;
use super::memory::Memory;
use crate::domain::Image;
use opencv::core::{LogLevel, Mat, MatTraitConst, MatTraitConstManual, ToOutputArray, Vec3b, Vector};
use opencv::prelude::{VideoCaptureTrait, VideoCaptureTraitConst};
use opencv::videoio::{self, VideoCapture};
use std::sync::{Arc, Once};

/// An open source of decoded pictures.
pub(super) struct Decoder {
    capture: VideoCapture,
    source_name: String,
    size: (u32, u32),
    memory: Memory,
}

/// What a source says of itself once it is open.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Opened {
    /// Width in px; 0 where it is known only with the first picture.
    pub width: u32,
    /// Height in px; 0 where it is known only with the first picture.
    pub height: u32,
    /// Frames per second, where it says so.
    pub fps: Option<f64>,
    /// Four letters, where known.
    pub codec: Option<String>,
}

impl Decoder {
    /// Opens `target` (never with credentials: OpenCV prints it when it fails) with a backend of
    /// `VideoCaptureAPIs` and `CAP_PROP_*` parameters. `None` where OpenCV could not open it.
    pub fn open(
        target: &str,
        backend: i32,
        parameters: &[(i32, i32)],
        source_name: &str,
    ) -> Result<Option<Self>, CaptureError> {
        // What OpenCV writes to the error output says less than the errors here and breaks JSON logs.
        static QUIET: Once = Once::new();
        QUIET.call_once(|| {
            let _ = opencv::core::set_log_level(LogLevel::LOG_LEVEL_SILENT);
        });
        let flat: Vector<i32> = parameters.iter().flat_map(|(name, value)| [*name, *value]).collect();
        let fail = |e| decoder_error(source_name, &e);
        let capture = VideoCapture::from_file_with_params(target, backend, &flat).map_err(fail)?;
        if !capture.is_opened().map_err(fail)? {
            return Ok(None);
        }
        let mut decoder =
            Self { capture, source_name: source_name.to_owned(), size: (0, 0), memory: Memory::default() };
        decoder.size = (
            decoder.property(videoio::CAP_PROP_FRAME_WIDTH).unwrap_or(0.0) as u32,
            decoder.property(videoio::CAP_PROP_FRAME_HEIGHT).unwrap_or(0.0) as u32,
        );
        Ok(Some(decoder))
    }

    /// What it says of itself.
    pub fn opened(&self) -> Opened {
        let codec = self.property(videoio::CAP_PROP_FOURCC).and_then(|code| {
            let letters: String = (code as u32).to_le_bytes().iter().map(|b| char::from(*b)).collect();
            letters.chars().all(|c| c.is_ascii_graphic() || c == ' ').then_some(letters)
        });
        let fps = self.property(videoio::CAP_PROP_FPS).filter(|fps| *fps <= 1000.0);
        Opened { width: self.size.0, height: self.size.1, fps, codec }
    }

    /// The code OpenCV names the codec by; 0 where it names none.
    pub fn fourcc(&self) -> u32 {
        self.property(videoio::CAP_PROP_FOURCC).unwrap_or(0.0) as u32
    }

    /// The packet last grabbed, from a source opened with `CAP_PROP_FORMAT` -1.
    pub fn packet(&mut self) -> Result<Option<Vec<u8>>, CaptureError> {
        let mut mat = Mat::default();
        if !self.retrieve_into(&mut mat)? {
            return Ok(None);
        }
        Ok(Some(mat.data_bytes().map_err(|e| decoder_error(&self.source_name, &e))?.to_vec()))
    }

    /// Frames the container promises; an estimate from length and rate where it holds no count.
    pub fn frame_count(&self) -> Option<u64> {
        self.property(videoio::CAP_PROP_FRAME_COUNT).filter(|n| *n < 1e12).map(|n| n as u64)
    }

    /// Asks for a property; sources that cannot do it stay as they are.
    pub fn set(&mut self, id: i32, value: f64) {
        let _ = self.capture.set(id, value);
        self.size = (
            self.property(videoio::CAP_PROP_FRAME_WIDTH).unwrap_or(0.0) as u32,
            self.property(videoio::CAP_PROP_FRAME_HEIGHT).unwrap_or(0.0) as u32,
        );
    }

    /// Time of the last grabbed frame in milliseconds; 0 for some frames that have one (stack.md), so
    /// only good with a guard.
    pub fn position_ms(&self) -> f64 {
        self.property(videoio::CAP_PROP_POS_MSEC).unwrap_or(0.0)
    }

    /// Takes the next frame; false at the end and on failure, which OpenCV does not tell apart.
    pub fn grab(&mut self) -> Result<bool, CaptureError> {
        self.capture.grab().map_err(|e| decoder_error(&self.source_name, &e))
    }

    /// The pixels of the frame last grabbed; `None` where they could not be made.
    pub fn retrieve(&mut self) -> Result<Option<Arc<Image>>, CaptureError> {
        let (width, height) = self.size;
        let mut bgr = self.memory.take(width as usize * height as usize * 3);
        let other = if bgr.is_empty() {
            let mut mat = Mat::default();
            if !self.retrieve_into(&mut mat)? {
                return Ok(None);
            }
            Some(image_of(&mat, &mut self.memory, &self.source_name)?)
        } else {
            // OpenCV writes into our memory as long as size and type fit, else into new memory of its own.
            let ours = bgr.as_ptr();
            let (rows, columns) = (height as i32, width as i32);
            let mut mat = Mat::new_rows_cols_with_bytes_mut::<Vec3b>(rows, columns, &mut bgr)
                .map_err(|e| decoder_error(&self.source_name, &e))?;
            if !self.retrieve_into(&mut mat)? {
                return Ok(None);
            }
            if std::ptr::eq(mat.data(), ours) && mat.rows() == rows && mat.cols() == columns {
                None
            } else {
                Some(image_of(&mat, &mut self.memory, &self.source_name)?)
            }
        };
        if let Some(image) = other {
            self.size = (image.width(), image.height());
            return Ok(Some(self.memory.give(image)));
        }
        let image = Image::new(width, height, bgr).map_err(|e| CaptureError::Decoder {
            source_name: self.source_name.clone(),
            cause: e.to_string(),
        })?;
        Ok(Some(self.memory.give(image)))
    }

    fn retrieve_into(&mut self, mat: &mut impl ToOutputArray) -> Result<bool, CaptureError> {
        self.capture.retrieve(mat, 0).map_err(|e| decoder_error(&self.source_name, &e))
    }

    /// A property above zero.
    fn property(&self, id: i32) -> Option<f64> {
        self.capture.get(id).ok().filter(|v| v.is_finite() && *v > 0.0)
    }
}

/// Copies the pixels of a continuous 8-bit BGR `mat`.
pub(super) fn image_of(
    mat: &impl MatTraitConstManual,
    memory: &mut Memory,
    source_name: &str,
) -> Result<Image, CaptureError> {
    let pixels = mat.data_bytes().map_err(|e| decoder_error(source_name, &e))?;
    let bgr = memory.copy(pixels);
    Image::new(mat.cols().max(0) as u32, mat.rows().max(0) as u32, bgr)
        .map_err(|e| CaptureError::Decoder { source_name: source_name.to_owned(), cause: e.to_string() })
}

/// An OpenCV failure as an error of ours.
pub(super) fn decoder_error(source_name: &str, error: &opencv::Error) -> CaptureError {
    CaptureError::Decoder { source_name: source_name.to_owned(), cause: error.message.clone() }
}
