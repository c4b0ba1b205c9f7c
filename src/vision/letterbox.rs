//! A frame scaled into a detector's input, and the way back.

use super::VisionError;
use super::card::{Channels, DetectorInput};
use crate::domain::{Image, Point};
use opencv::core::{CV_8UC3, Mat, Rect, Size};
use opencv::imgproc;
use opencv::prelude::*;

/// An image as an OpenCV matrix that borrows its pixels.
pub(super) fn borrow(image: &Image) -> Result<opencv::boxed_ref::BoxedRef<'_, Mat>, VisionError> {
    let side = |n: u32| i32::try_from(n).unwrap_or(i32::MAX);
    Mat::new_rows_cols_with_bytes::<opencv::core::Vec3b>(
        side(image.height()),
        side(image.width()),
        image.bgr(),
    )
    .map_err(VisionError::picture("borrowing a frame"))
}

/// A part of a frame, px.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    pub x: u32,
    pub y: u32,
    pub width: u32,
    pub height: u32,
}

/// How a frame was fitted into the input: `input = frame * scale`, from the top-left corner.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Fit {
    pub width: u32,
    pub height: u32,
    pub scale_x: f32,
    pub scale_y: f32,
}

impl Fit {
    /// Chooses the input size for a frame: the card's area in the frame's own shape where the model's axes
    /// are free (a 4:3 picture would else waste a quarter of the input on border), the fixed size else.
    pub fn choose(input: &DetectorInput, fixed: [Option<u32>; 2], width: u32, height: u32) -> Self {
        let (w, h) = (width as f32, height as f32);
        let area = input.width as f32 * input.height as f32;
        let step = input.multiple_of;
        let round_up = |px: f32| ((px / step as f32 - 0.01).ceil().max(1.0) as u32 * step).min(4096);
        let (in_w, in_h) = match fixed {
            [Some(h), Some(w)] => (w, h),
            _ if (w / h - input.width as f32 / input.height as f32).abs() < 0.15 => {
                (input.width, input.height)
            }
            _ => {
                let wide = (area * w / h).sqrt().clamp(step as f32, area / step as f32);
                (round_up(wide - step as f32 / 2.0), round_up(area / wide - step as f32 / 2.0))
            }
        };
        Self::into(in_w, in_h, width, height)
    }

    /// Fits a picture of `width` x `height` px into an input of this size.
    pub fn into(in_w: u32, in_h: u32, width: u32, height: u32) -> Self {
        let (w, h) = (width as f32, height as f32);
        let scale = (in_w as f32 / w).min(in_h as f32 / h);
        // The scaled picture has whole pixels; the factors follow from them so that boxes map back exactly.
        let fit_w = (w * scale).round().clamp(1.0, in_w as f32);
        let fit_h = (h * scale).round().clamp(1.0, in_h as f32);
        Self { width: in_w, height: in_h, scale_x: fit_w / w, scale_y: fit_h / h }
    }

    /// A place in the input as a place in the frame.
    pub fn to_frame(self, x: f32, y: f32) -> Point {
        Point { x: x / self.scale_x, y: y / self.scale_y }
    }
}

/// Scales `part` of `image` as `fit` says and writes it as three planes into `out` (resized to `3 * H * W`).
pub(super) fn letterbox(
    image: &Image,
    part: Part,
    fit: Fit,
    input: &DetectorInput,
    scaled: &mut Mat,
    out: &mut Vec<f32>,
) -> Result<(), VisionError> {
    let frame = borrow(image)?;
    let area = Rect::new(part.x as i32, part.y as i32, part.width as i32, part.height as i32);
    let source = frame.roi(area).map_err(VisionError::picture("cutting out a tile"))?;
    let w = ((part.width as f32 * fit.scale_x).round() as u32).clamp(1, fit.width);
    let h = ((part.height as f32 * fit.scale_y).round() as u32).clamp(1, fit.height);
    // Area averaging when shrinking: a plate of 20 px must not lose strokes to skipped rows.
    let how = if fit.scale_x < 1.0 { imgproc::INTER_AREA } else { imgproc::INTER_LINEAR };
    imgproc::resize(&source, scaled, Size::new(w as i32, h as i32), 0.0, 0.0, how)
        .map_err(VisionError::picture("scaling"))?;
    debug_assert_eq!(scaled.typ(), CV_8UC3);
    let pixels = scaled.data_bytes().map_err(VisionError::picture("scaling"))?;
    let (low, high) = (input.range[0], input.range[1]);
    let pad = low + input.pad / 255.0 * (high - low);
    let plane = fit.width as usize * fit.height as usize;
    out.clear();
    out.resize(plane * 3, pad);
    let value: [f32; 256] = std::array::from_fn(|v| low + v as f32 / 255.0 * (high - low));
    let (a, rest) = out.split_at_mut(plane);
    let (b, c) = rest.split_at_mut(plane);
    let (first, third) = match input.channels {
        Channels::Bgr => (a, c),
        Channels::Rgb => (c, a),
    };
    let stride = fit.width as usize;
    let rows =
        first.chunks_exact_mut(stride).zip(b.chunks_exact_mut(stride)).zip(third.chunks_exact_mut(stride));
    for (((blue, green), red), line) in rows.zip(pixels.chunks_exact(w as usize * 3)) {
        for (((p, blue), green), red) in line.as_chunks::<3>().0.iter().zip(blue).zip(green).zip(red) {
            *blue = value[usize::from(p[0])];
            *green = value[usize::from(p[1])];
            *red = value[usize::from(p[2])];
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::card::Layout;
    use super::*;

    fn input() -> DetectorInput {
        DetectorInput {
            name: "image".into(),
            layout: Layout::Nchw,
            channels: Channels::Rgb,
            range: [0.0, 255.0],
            width: 640,
            height: 384,
            multiple_of: 32,
            pad: 114.0,
            tiles: 1,
            closer: None,
        }
    }

    #[test]
    fn keeps_the_cards_size_for_video_and_its_area_for_other_shapes() {
        let fit = Fit::choose(&input(), [None, None], 1920, 1080);
        assert_eq!((fit.width, fit.height, fit.scale_x), (640, 384, 640.0 / 1920.0));
        for (w, h) in [(640, 480), (480, 640), (1000, 100), (50, 2000)] {
            let fit = Fit::choose(&input(), [None, None], w, h);
            let area = f64::from(fit.width * fit.height);
            assert!(fit.width.is_multiple_of(32) && fit.height.is_multiple_of(32), "{fit:?}");
            assert!((0.7..1.6).contains(&(area / (640.0 * 384.0))), "{w}x{h}: {fit:?}");
        }
        let fit = Fit::choose(&input(), [Some(384), Some(640)], 100, 1000);
        assert_eq!((fit.width, fit.height), (640, 384));
    }

    #[test]
    fn planes_hold_the_pixels_in_the_cards_order_and_pad_the_rest() {
        let image = Image::new(2, 1, vec![10, 20, 30, 10, 20, 30]).unwrap();
        let fit = Fit { width: 4, height: 2, scale_x: 1.0, scale_y: 1.0 };
        let mut out = Vec::new();
        let part = Part { x: 0, y: 0, width: 2, height: 1 };
        letterbox(&image, part, fit, &input(), &mut Mat::default(), &mut out).unwrap();
        let pad = 114.0;
        let plane = |v: f32| [v, v, pad, pad, pad, pad, pad, pad];
        assert_eq!(out, [plane(30.0), plane(20.0), plane(10.0)].concat());
        let part = Part { x: 1, y: 0, width: 1, height: 1 };
        let wide = Image::new(2, 1, vec![1, 2, 3, 10, 20, 30]).unwrap();
        let fit = Fit { width: 2, height: 1, scale_x: 1.0, scale_y: 1.0 };
        letterbox(&wide, part, fit, &input(), &mut Mat::default(), &mut out).unwrap();
        assert_eq!(out, [30.0, pad, 20.0, pad, 10.0, pad]);
        let back = fit.to_frame(1.0, 0.5);
        assert_eq!((back.x, back.y), (1.0, 0.5));
    }
}
