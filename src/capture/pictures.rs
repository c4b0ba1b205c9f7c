//! Single pictures and folders of them.

use super::CaptureError;
use super::decoder::image_of;
use super::memory::Memory;
use crate::domain::Image;
use opencv::core::{Mat, MatTraitConst, Vector};
use opencv::imgcodecs::{IMREAD_COLOR, imdecode};
use std::cmp::Ordering;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Largest picture in million pixels; decoding one takes three bytes a pixel.
const LIMIT_MP: u64 = 100;
/// Largest picture of a stream in million pixels: more than 8K (33), and one comes after the other.
const LIMIT_STREAM_MP: u64 = 40;
/// Largest picture file in bytes: an uncompressed one of [`LIMIT_MP`] and its header.
const LIMIT_BYTES: u64 = LIMIT_MP * 1_000_000 * 3 + 1_000_000;
/// Extensions of pictures, in lower case.
const EXTENSIONS: [&str; 7] = ["jpg", "jpeg", "png", "bmp", "webp", "tif", "tiff"];
/// Deepest folder below the one that was asked for; deeper ones are circles of links.
const MAX_DEPTH: usize = 32;

/// Reads a picture, turned upright as its EXIF orientation says.
pub fn read_picture(path: &Path) -> Result<Image, CaptureError> {
    let io = |cause| CaptureError::Io { path: path.to_owned(), cause };
    let length = std::fs::metadata(path).map_err(io)?.len();
    if length > LIMIT_BYTES {
        let cause = format!("it is {} megabytes long", length / 1_000_000);
        return Err(CaptureError::NotAPicture { path: path.to_owned(), cause });
    }
    let bytes = std::fs::read(path).map_err(io)?;
    decode(bytes, path)
}

/// Decodes the bytes of a picture; `path` is for messages.
pub(super) fn decode(bytes: Vec<u8>, path: &Path) -> Result<Image, CaptureError> {
    decode_within(LIMIT_MP, &mut Memory::default(), bytes, path)
}

/// Picture after picture of one size, in the same memory.
#[derive(Default)]
pub(super) struct Pictures {
    memory: Memory,
}

impl Pictures {
    /// Decodes the bytes of the next one; `path` is for messages.
    pub fn decode(&mut self, bytes: Vec<u8>, path: &Path) -> Result<Arc<Image>, CaptureError> {
        let image = decode_within(LIMIT_STREAM_MP, &mut self.memory, bytes, path)?;
        Ok(self.memory.give(image))
    }
}

fn decode_within(
    limit_mp: u64,
    memory: &mut Memory,
    bytes: Vec<u8>,
    path: &Path,
) -> Result<Image, CaptureError> {
    let broken = |cause: &str| CaptureError::NotAPicture { path: path.to_owned(), cause: cause.to_owned() };
    if bytes.is_empty() {
        return Err(broken("it is empty"));
    }
    let too_large =
        |(width, height)| CaptureError::PictureTooLarge { path: path.to_owned(), width, height, limit_mp };
    // OpenCV tries more kinds than ours, and their headers claim sizes that are not looked at here.
    if !is_known_kind(&bytes) {
        return Err(broken("its content is of no known kind or damaged"));
    }
    // Before decoding: a small file can claim a size that fills the memory.
    let claimed = claimed_size(&bytes);
    if claimed.is_none() {
        return Err(broken("its header does not say how large it is"));
    }
    if let Some(size) = claimed.filter(|(w, h)| w.saturating_mul(*h) > limit_mp * 1_000_000) {
        return Err(too_large(size));
    }
    // libjpeg fills what is missing with grey; a plate must not be sought there.
    if bytes.starts_with(&[0xff, 0xd8]) && !bytes.windows(2).any(|w| w == [0xff, 0xd9]) {
        return Err(broken("it ends in the middle"));
    }
    let buffer = Vector::<u8>::from_iter(bytes);
    // Never into a picture that is there already: OpenCV 4.6 leaves it as it is where a header is damaged, and says
    // nothing.
    let mat: Mat = imdecode(&buffer, IMREAD_COLOR).map_err(|e| broken(&e.message))?;
    if mat.empty() {
        return Err(broken("its content is of no known kind or damaged"));
    }
    let image = image_of(&mat, memory, &path.display().to_string())?;
    let size = (u64::from(image.width()), u64::from(image.height()));
    if size.0.saturating_mul(size.1) > limit_mp * 1_000_000 {
        return Err(too_large(size));
    }
    Ok(image)
}

/// Whether the bytes begin as a JPEG, PNG, BMP, WebP or TIFF does.
fn is_known_kind(bytes: &[u8]) -> bool {
    let webp = bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP");
    let first: [&[u8]; 3] = [&[0xff, 0xd8], b"\x89PNG", b"BM"];
    webp || is_tiff(bytes) || first.iter().any(|magic| bytes.starts_with(magic))
}

fn is_tiff(bytes: &[u8]) -> bool {
    bytes.starts_with(b"II*\0") || bytes.starts_with(b"MM\0*")
}

/// Width and height as the header of a JPEG, PNG, BMP, WebP or TIFF says; `None` for others.
pub(super) fn claimed_size(bytes: &[u8]) -> Option<(u64, u64)> {
    let be32 = |at: usize| bytes.get(at..)?.first_chunk().map(|b| u64::from(u32::from_be_bytes(*b)));
    let le32 = |at: usize| bytes.get(at..)?.first_chunk().map(|b| u32::from_le_bytes(*b));
    let le24 = |at: usize| {
        bytes.get(at..)?.first_chunk().map(|[a, b, c]| u64::from(u32::from_le_bytes([*a, *b, *c, 0])))
    };
    let be16 = |at: usize| bytes.get(at..)?.first_chunk().map(|b| u64::from(u16::from_be_bytes(*b)));
    let le16 = |at: usize| bytes.get(at..)?.first_chunk().map(|b| u64::from(u16::from_le_bytes(*b)));
    if is_tiff(bytes) {
        let size = imagesize::blob_size(bytes).ok()?;
        return Some((size.width as u64, size.height as u64));
    }
    if bytes.starts_with(b"\x89PNG") {
        return Some((be32(16)?, be32(20)?));
    }
    if bytes.starts_with(b"BM") {
        let size = |at| le32(at).map(|v| u64::from((v as i32).unsigned_abs()));
        return Some((size(18)?, size(22)?));
    }
    if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        return match bytes.get(12..16)? {
            b"VP8X" => Some((le24(24)? + 1, le24(27)? + 1)),
            b"VP8L" => le32(21).map(|v| (u64::from(v & 0x3fff) + 1, u64::from(v >> 14 & 0x3fff) + 1)),
            _ => Some((le16(26)? & 0x3fff, le16(28)? & 0x3fff)),
        };
    }
    if bytes.starts_with(&[0xff, 0xd8]) {
        let mut at = 2;
        loop {
            // As libjpeg looks for a marker: over whatever else lies before it (jdmarker.c, next_marker).
            at += bytes.get(at..)?.windows(2).position(|w| matches!(w, [0xff, 0x01..=0xfe]))?;
            let marker = *bytes.get(at + 1)?;
            match marker {
                // Start of frame of any kind, but DHT, JPG and DAC (ITU-T T.81 table B.1).
                0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => {
                    return Some((be16(at + 7)?, be16(at + 5)?));
                }
                0x01 | 0xd0..=0xd8 => at += 2,
                0xd9 | 0xda => return None,
                _ => at += 2 + usize::try_from(be16(at + 2)?).ok()?,
            }
        }
    }
    None
}

/// The pictures at `path`: itself if it is a file, else those in the folder and below, by their
/// extension (jpg, jpeg, png, bmp, webp, tif, tiff), in natural order (`2.jpg` before `10.jpg`).
/// Names beginning with a dot are left out. Fails for a folder without any.
pub fn list_pictures(path: &Path) -> Result<Vec<PathBuf>, CaptureError> {
    let meta = std::fs::metadata(path).map_err(|cause| CaptureError::Io { path: path.to_owned(), cause })?;
    if !meta.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    collect(path, MAX_DEPTH, &mut found)?;
    if found.is_empty() {
        return Err(CaptureError::NoPictures { path: path.to_owned() });
    }
    found.sort_by(|a, b| natural(&a.to_string_lossy(), &b.to_string_lossy()));
    Ok(found)
}

fn collect(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> Result<(), CaptureError> {
    let io = |cause| CaptureError::Io { path: folder.to_owned(), cause };
    for entry in std::fs::read_dir(folder).map_err(io)? {
        let entry = entry.map_err(io)?;
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        let path = entry.path();
        if path.is_dir() {
            if depth > 0 {
                collect(&path, depth - 1, found)?;
            }
        } else if is_picture(&path) {
            found.push(path);
        }
    }
    Ok(())
}

fn is_picture(path: &Path) -> bool {
    path.extension()
        .and_then(OsStr::to_str)
        .is_some_and(|e| EXTENSIONS.iter().any(|known| e.eq_ignore_ascii_case(known)))
}

/// Orders text with its runs of digits taken as numbers; texts that differ are never equal.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut rest_a, mut rest_b) = (a, b);
    loop {
        let ((run_a, next_a), (run_b, next_b)) = (first_run(rest_a), first_run(rest_b));
        if run_a.is_empty() || run_b.is_empty() {
            return run_a.len().cmp(&run_b.len()).then_with(|| a.cmp(b));
        }
        let digits = |run: &str| run.starts_with(|c: char| c.is_ascii_digit());
        let order = if digits(run_a) && digits(run_b) {
            let (a, b) = (run_a.trim_start_matches('0'), run_b.trim_start_matches('0'));
            a.len().cmp(&b.len()).then_with(|| a.cmp(b))
        } else {
            run_a.cmp(run_b)
        };
        if order != Ordering::Equal {
            return order;
        }
        (rest_a, rest_b) = (next_a, next_b);
    }
}

/// The run of digits or of other characters that `text` begins with, and the rest.
fn first_run(text: &str) -> (&str, &str) {
    let digits = text.starts_with(|c: char| c.is_ascii_digit());
    let end = text.find(|c: char| c.is_ascii_digit() != digits).unwrap_or(text.len());
    text.split_at(end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use opencv::core::{CV_8UC3, Scalar};
    use opencv::imgcodecs::imwrite_def;

    fn picture(path: &Path, width: i32, height: i32) {
        let mat = Mat::new_rows_cols_with_default(height, width, CV_8UC3, Scalar::all(90.0)).unwrap();
        assert!(imwrite_def(path.to_str().unwrap(), &mat).unwrap());
    }

    #[test]
    fn reads_pictures_of_each_kind_and_knows_their_size_beforehand() {
        let dir = tempfile::tempdir().unwrap();
        for extension in EXTENSIONS {
            let path = dir.path().join(format!("p.{extension}"));
            picture(&path, 40, 30);
            let image = read_picture(&path).unwrap();
            assert_eq!((image.width(), image.height()), (40, 30), "{extension}");
            let claimed = claimed_size(&std::fs::read(&path).unwrap());
            assert_eq!(claimed, Some((40, 30)), "{extension}");
        }
    }

    #[test]
    fn a_picture_never_shows_the_one_before_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("p.png");
        let bytes = |grey: f64, (width, height)| {
            let mat = Mat::new_rows_cols_with_default(height, width, CV_8UC3, Scalar::all(grey)).unwrap();
            assert!(imwrite_def(path.to_str().unwrap(), &mat).unwrap());
            std::fs::read(&path).unwrap()
        };
        let mut data = bytes(200.0, (64, 48));
        let half = data.len() / 2;
        data[half..].fill(0);
        let header = [b"\x89PNG".as_slice(), &[0; 40]].concat();
        let bmp = [b"BM".as_slice(), &[0; 60]].concat();
        // A JPEG that says its size, and whose tables for decoding are none.
        let size = [0xff, 0xd8, 0xff, 0xc0, 0, 11, 8, 0, 48, 0, 64, 1, 1, 0x11, 0];
        let jpeg = [size.as_slice(), b"\xff\xc4\0\x05\x7f\0\0\xff\xd9"].concat();
        let empty = b"\xff\xd8\xff\xd9".as_slice();
        let damaged: [&[u8]; 5] = [&data, &header, &bmp, &jpeg, empty];
        let mut pictures = Pictures::default();
        for (grey, size) in [(10, (64, 48)), (20, (64, 48)), (30, (48, 64)), (40, (64, 48)), (50, (80, 60))] {
            // A good one before each: after a bad one there may be nothing left to show.
            for bad in damaged {
                let shown = pictures.decode(bytes(f64::from(grey), size), &path).unwrap();
                assert_eq!((shown.width() as i32, shown.height() as i32), size);
                assert!(shown.bgr().iter().all(|b| *b == grey), "{grey}");
                assert!(pictures.decode(bad.to_vec(), &path).is_err(), "{bad:?}");
            }
        }
    }

    #[test]
    fn what_lies_before_a_marker_hides_no_size() {
        let frame = [0xff, 0xc0, 0, 17, 8, 0x8f, 0x10, 0x06, 0x10, 3];
        for before in [&b""[..], b"\xff", b"\xc9\xff\xff", b"\xff\0\xff\0", b"\xff\xe0\0\x04abc\0"] {
            let jpeg = [b"\xff\xd8", before, &frame, b"\xff\xd9"].concat();
            assert_eq!(claimed_size(&jpeg), Some((0x0610, 0x8f10)), "{before:?}");
        }
        assert_eq!(claimed_size(b"\xff\xd8\xff\xd9"), None);
        assert_eq!(claimed_size(b"\xff\xd8\xff"), None);
    }

    #[test]
    fn a_stream_may_not_claim_what_no_camera_has() {
        let mut claims = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
        claims.extend([0, 0, 0x20, 0, 0, 0, 0x20, 0, 8, 2, 0, 0, 0]);
        let refused = Pictures::default().decode(claims.clone(), Path::new("part"));
        assert!(matches!(refused, Err(CaptureError::PictureTooLarge { limit_mp: LIMIT_STREAM_MP, .. })));
        assert!(matches!(decode(claims, Path::new("p.png")), Err(CaptureError::NotAPicture { .. })));
    }

    #[test]
    fn says_what_is_no_picture() {
        let dir = tempfile::tempdir().unwrap();
        let whole = dir.path().join("whole.jpg");
        picture(&whole, 64, 64);
        let jpeg = std::fs::read(&whole).unwrap();
        let mut bomb = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
        bomb.extend([0, 1, 0, 0, 0, 1, 0, 0, 8, 2, 0, 0, 0]);
        // One directory of two entries, width and height (TIFF 6.0, section 2).
        let mut tiff = b"II*\0\x08\0\0\0\x02\0".to_vec();
        for tag in [0x100_u16, 0x101] {
            tiff.extend(tag.to_le_bytes());
            tiff.extend(b"\x04\0\x01\0\0\0\0\0\x01\0");
        }
        for (name, bytes, word) in [
            ("empty.jpg", &b""[..], "empty"),
            ("text.jpg", b"these are no pixels", "no known kind"),
            // Of a kind that OpenCV would try, and we do not take (Netpbm).
            ("map.pgm", b"P5 2 1 255\nab", "no known kind"),
            ("cut.jpg", &jpeg[..jpeg.len() / 2], "middle"),
            ("bomb.png", &bomb, "65536x65536"),
            ("bomb.tif", &tiff, "65536x65536"),
            ("cut.tif", &tiff[..9], "how large"),
        ] {
            let path = dir.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            let error = read_picture(&path).unwrap_err();
            assert!(error.to_string().contains(word) && error.to_string().contains(name), "{error}");
            assert!(!error.is_transient());
        }
        let missing = read_picture(&dir.path().join("missing.png")).unwrap_err().to_string();
        assert!(missing.contains("missing.png") && missing.contains("see that it is there"), "{missing}");
    }

    #[test]
    fn lists_folders_in_natural_order() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("sub")).unwrap();
        for name in ["10.jpg", "9.JPG", "a2.png", "a10.png", "sub/1.bmp", "notes.txt", ".hidden.jpg"] {
            std::fs::write(dir.path().join(name), b"x").unwrap();
        }
        let found = list_pictures(dir.path()).unwrap();
        let names: Vec<_> =
            found.iter().map(|p| p.strip_prefix(dir.path()).unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["9.JPG", "10.jpg", "a2.png", "a10.png", "sub/1.bmp"]);
        assert!(matches!(list_pictures(&dir.path().join("none")), Err(CaptureError::Io { .. })));
        let empty = tempfile::tempdir().unwrap();
        assert!(matches!(list_pictures(empty.path()), Err(CaptureError::NoPictures { .. })));
    }

    proptest::proptest! {
        #[test]
        fn natural_order_is_an_order(mut names in proptest::collection::vec("[a0-9]{0,6}", 3..4)) {
            names.sort_by(|a, b| natural(a, b));
            for pair in names.windows(2) {
                proptest::prop_assert!(natural(&pair[0], &pair[1]) != Ordering::Greater);
                proptest::prop_assert_eq!(natural(&pair[1], &pair[0]), natural(&pair[0], &pair[1]).reverse());
            }
            proptest::prop_assert!(natural(&names[0], &names[2]) != Ordering::Greater);
        }

        #[test]
        fn any_header_is_read_without_panic(kind in 0..7usize, rest in proptest::collection::vec(proptest::num::u8::ANY, 0..60)) {
            let mut bytes = [&b"\x89PNG"[..], b"BM", b"RIFF\0\0\0\0WEBP", b"\xff\xd8", b"II*\0", b"MM\0*", b""][kind].to_vec();
            bytes.extend(rest);
            let _ = claimed_size(&bytes);
        }
    }
}
