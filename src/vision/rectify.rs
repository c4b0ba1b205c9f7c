//! A plate cut out of the frame at full resolution and laid flat into a reader's input.

use super::VisionError;
use super::card::{Channels, ReaderInput};
use super::letterbox::borrow;
use crate::domain::{Corners, Image, Point};
use opencv::core::{BORDER_REPLICATE, Mat, Point2f, Scalar, Size, Vector};
use opencv::imgproc;
use opencv::prelude::*;

/// Warps the plate into a `W x H` BGR picture with the card's margins around it.
pub(super) fn rectify(image: &Image, corners: &Corners, input: &ReaderInput) -> Result<Mat, VisionError> {
    // A plate larger than the input is first warped larger and then averaged down: plain warping skips
    // pixels, and thin strokes with them.
    let shrink = (corners.width_px() / (input.width as f32 * (1.0 - 2.0 * input.margin_x)))
        .max(corners.height_px() / (input.height as f32 * (1.0 - 2.0 * input.margin_y)));
    let factor = if shrink.is_finite() { (shrink - 0.25).ceil().clamp(1.0, 4.0) } else { 1.0 };
    let (w, h) = (input.width as f32 * factor, input.height as f32 * factor);
    let (mx, my) = (input.margin_x * w, input.margin_y * h);
    let target = Corners::from_box(mx, my, w - mx, h - my);
    let points =
        |c: &Corners| c.0.iter().map(|p: &Point| Point2f::new(p.x, p.y)).collect::<Vector<Point2f>>();
    let failed = VisionError::picture("rectifying a plate");
    let m = imgproc::get_perspective_transform(&points(corners), &points(&target), opencv::core::DECOMP_LU)
        .map_err(&failed)?;
    let mut flat = Mat::default();
    imgproc::warp_perspective(
        &borrow(image)?,
        &mut flat,
        &m,
        Size::new(w as i32, h as i32),
        imgproc::INTER_LINEAR,
        BORDER_REPLICATE,
        Scalar::default(),
    )
    .map_err(&failed)?;
    if factor > 1.0 {
        flat = shrink_to(&flat, input)?;
    }
    Ok(flat)
}

/// A picture that is a plate already, scaled into the input between the card's margins.
pub(super) fn whole(image: &Image, input: &ReaderInput) -> Result<Mat, VisionError> {
    let (w, h) = (image.width() as f32, image.height() as f32);
    rectify(image, &Corners::from_box(0.0, 0.0, w, h), input)
}

fn shrink_to(flat: &Mat, input: &ReaderInput) -> Result<Mat, VisionError> {
    let mut out = Mat::default();
    let size = Size::new(input.width as i32, input.height as i32);
    imgproc::resize(flat, &mut out, size, 0.0, 0.0, imgproc::INTER_AREA)
        .map_err(VisionError::picture("rectifying a plate"))?;
    Ok(out)
}

/// Appends a rectified plate to a batch as three planes.
pub(super) fn append_planes(
    flat: &Mat,
    input: &ReaderInput,
    batch: &mut Vec<f32>,
) -> Result<(), VisionError> {
    let pixels = flat.data_bytes().map_err(VisionError::picture("rectifying a plate"))?;
    let (low, high) = (input.range[0], input.range[1]);
    let order = match input.channels {
        Channels::Bgr => [0, 1, 2],
        Channels::Rgb => [2, 1, 0],
    };
    for channel in order {
        batch.extend(
            pixels.as_chunks::<3>().0.iter().map(|p| low + f32::from(p[channel]) / 255.0 * (high - low)),
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::card::Layout;
    use super::*;

    fn input() -> ReaderInput {
        ReaderInput {
            name: "plates".into(),
            layout: Layout::Nchw,
            channels: Channels::Rgb,
            range: [0.0, 1.0],
            width: 20,
            height: 10,
            margin_x: 0.1,
            margin_y: 0.2,
        }
    }

    #[test]
    fn the_plate_fills_the_input_between_its_margins() {
        // A white rectangle from (30, 20) to (70, 32) on black.
        let mut bgr = vec![0_u8; 100 * 60 * 3];
        for y in 20..32 {
            bgr[(y * 100 + 30) * 3..(y * 100 + 70) * 3].fill(255);
        }
        let image = Image::new(100, 60, bgr).unwrap();
        let flat = rectify(&image, &Corners::from_box(30.0, 20.0, 70.0, 32.0), &input()).unwrap();
        let mut batch = Vec::new();
        append_planes(&flat, &input(), &mut batch).unwrap();
        assert_eq!(batch.len(), 3 * 20 * 10);
        assert!(batch[5 * 20 + 10] > 0.99, "middle is white");
        assert!(batch[0] < 0.01, "corner outside the plate is black");
        assert!(batch[5 * 20] < 0.4, "left margin is outside the plate");
    }

    #[test]
    fn corners_that_are_no_quadrangle_do_not_panic() {
        let image = Image::new(10, 10, vec![7; 300]).unwrap();
        for c in [Corners::from_box(5.0, 5.0, 5.0, 5.0), Corners::from_box(-1e9, -1e9, 1e9, 1e9)] {
            let _ = rectify(&image, &c, &input());
        }
    }
}
