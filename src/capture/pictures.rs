//! Single pictures and folders of them.

use super::CaptureError;
use crate::domain::Image;
use std::path::{Path, PathBuf};

/// Reads a picture, turned upright as its EXIF orientation says.
pub fn read_picture(path: &Path) -> Result<Image, CaptureError> {
    let _ = path;
    todo!()
}

/// The pictures at `path`: itself if it is a file, else those in the folder and below, by their
/// extension (jpg, jpeg, png, bmp, webp, tif, tiff), in natural order (`2.jpg` before `10.jpg`).
pub fn list_pictures(path: &Path) -> Result<Vec<PathBuf>, CaptureError> {
    let _ = path;
    todo!()
}
