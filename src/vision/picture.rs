//! Pictures for people: JPEG, and frames with the plates outlined and read.

use super::VisionError;
use super::letterbox::borrow;
use crate::domain::{Corners, Image};
use opencv::core::{Mat, Point as CvPoint, Scalar, Vector};
use opencv::prelude::*;
use opencv::{imgcodecs, imgproc};

/// Encodes `image` as JPEG with the given quality (1 to 100).
pub fn encode_jpeg(image: &Image, quality: u8) -> Result<Vec<u8>, VisionError> {
    jpeg(&borrow(image)?, quality)
}

pub(super) fn jpeg(mat: &impl opencv::core::ToInputArray, quality: u8) -> Result<Vec<u8>, VisionError> {
    let mut out = Vector::<u8>::new();
    let params = Vector::from_slice(&[imgcodecs::IMWRITE_JPEG_QUALITY, i32::from(quality)]);
    imgcodecs::imencode(".jpg", mat, &mut out, &params).map_err(VisionError::picture("encoding a JPEG"))?;
    Ok(out.to_vec())
}

/// One plate to draw.
#[derive(Debug, Clone)]
pub struct Overlay {
    /// Where it is, px.
    pub corners: Corners,
    /// What to write above it; ASCII.
    pub label: String,
    /// Drawn in green where sure, amber else.
    pub sure: bool,
}

/// A JPEG of `image` with every plate outlined and its label above it.
pub fn annotate(image: &Image, plates: &[Overlay]) -> Result<Vec<u8>, VisionError> {
    let failed = VisionError::picture("drawing plates");
    let mut canvas: Mat = borrow(image)?.try_clone().map_err(&failed)?;
    // Line width and letter size follow the picture: a phone photo of 4000 px and a still of 500 px both stay legible.
    let unit = (image.width().max(image.height()) as f32 / 1000.0).clamp(0.6, 4.0);
    let thick = (2.0 * unit).round().max(1.0) as i32;
    for plate in plates {
        let colour = if plate.sure {
            Scalar::new(60.0, 200.0, 40.0, 0.0)
        } else {
            Scalar::new(0.0, 160.0, 255.0, 0.0)
        };
        let outline: Vector<CvPoint> =
            plate.corners.0.iter().map(|p| CvPoint::new(p.x.round() as i32, p.y.round() as i32)).collect();
        imgproc::polylines(&mut canvas, &outline, true, colour, thick, imgproc::LINE_AA, 0)
            .map_err(&failed)?;
        let font = imgproc::FONT_HERSHEY_SIMPLEX;
        let scale = f64::from(0.7 * unit);
        let mut base = 0;
        let size = imgproc::get_text_size(&plate.label, font, scale, thick, &mut base).map_err(&failed)?;
        let [x0, y0, _, y1] = plate.corners.bounds();
        let (w, h) = (image.width() as i32, image.height() as i32);
        let x = (x0.round() as i32).clamp(0, (w - size.width).max(0));
        let above = y0.round() as i32 - base - thick;
        let y =
            if above > size.height { above } else { (y1.round() as i32 + size.height + base).min(h - base) };
        let pad = thick;
        let back = opencv::core::Rect::new(
            x - pad,
            y - size.height - pad,
            size.width + 2 * pad,
            size.height + base + 2 * pad,
        );
        imgproc::rectangle(&mut canvas, back, colour, imgproc::FILLED, imgproc::LINE_8, 0)
            .map_err(&failed)?;
        let black = Scalar::new(0.0, 0.0, 0.0, 0.0);
        imgproc::put_text(
            &mut canvas,
            &plate.label,
            CvPoint::new(x, y),
            font,
            scale,
            black,
            thick,
            imgproc::LINE_AA,
            false,
        )
        .map_err(&failed)?;
    }
    jpeg(&canvas, 90)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_without_leaving_the_picture() {
        let image = Image::new(64, 48, vec![90; 64 * 48 * 3]).unwrap();
        let plate = |x: f32, y: f32| Overlay {
            corners: Corners::from_box(x, y, x + 30.0, y + 8.0),
            label: "1ABC123 98%".into(),
            sure: true,
        };
        let jpeg = annotate(&image, &[plate(-10.0, -4.0), plate(60.0, 44.0)]).unwrap();
        assert_eq!(jpeg.get(..3), Some(&[0xFF, 0xD8, 0xFF][..]));
    }
}
