//! Model cards: what a model wants, what it gives, and which file it is.
//!
//! A card is a TOML file beside its model (`reader.toml` for `reader.onnx`). The code reads the card and
//! never assumes more, so a user can drop in another detector or reader by writing a card for it
//! (docs/ref/models.md).

use super::VisionError;
use crate::domain::Country;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// Which model: its file name and hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelId {
    /// File name, `reader.onnx`.
    pub name: String,
    /// The card's version, where it says one.
    pub version: Option<String>,
    /// SHA-256 of the file, lower-case hexadecimal.
    pub sha256: String,
}

/// A card together with the bytes of the model it describes, hash checked.
#[derive(Debug, Clone)]
pub struct Card<T> {
    /// The model file.
    pub path: PathBuf,
    /// Its name and hash.
    pub id: ModelId,
    /// What the card says.
    pub card: T,
    /// The model itself.
    pub bytes: Vec<u8>,
}

/// Order of the colour channels a model wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Channels {
    /// Blue first, as OpenCV has them.
    #[serde(rename = "BGR")]
    Bgr,
    /// Red first.
    #[serde(rename = "RGB")]
    Rgb,
}

/// Only planes of channels are supported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Layout {
    /// Batch, channel, row, column.
    #[serde(rename = "NCHW")]
    Nchw,
}

/// Input of a detector.
#[derive(Debug, Clone, Deserialize)]
pub struct DetectorInput {
    /// Name of the input tensor, float32 N x 3 x H x W.
    pub name: String,
    /// Axis order.
    pub layout: Layout,
    /// Colour order.
    pub channels: Channels,
    /// Values that black and white become.
    pub range: [f32; 2],
    /// Width in px the model is meant for.
    pub width: u32,
    /// Height in px the model is meant for.
    pub height: u32,
    /// Both sides must be multiples of this; other sizes of the same area are used when the model's
    /// axes are dynamic.
    pub multiple_of: u32,
    /// Value (0 to 255) of the border around a frame of another shape.
    pub pad: f32,
    /// Above 1: the frame is looked at as a whole and in as many overlapping parts each way, for plates too
    /// small to be seen in the whole. Costs `tiles²` more runs a frame.
    #[serde(default = "no_tiles")]
    pub tiles: u32,
    /// A second look at small plates; none where it is not said.
    pub closer: Option<CloserLook>,
}

/// A second look at what may be a small plate, at full resolution: cuts of the frame, `most` of them at most.
/// Only for models whose axes are free.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
pub struct CloserLook {
    /// Plates narrower than this, px of the input, are looked at again.
    pub below: f32,
    /// Score from which there may be a plate; well below the card's threshold.
    pub from: f32,
    /// Width of a cut in px.
    pub width: u32,
    /// Height of a cut in px.
    pub height: u32,
    /// Most cuts a frame, the surest first.
    pub most: usize,
}

fn no_tiles() -> u32 {
    1
}

/// Output of a detector.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum DetectorOutput {
    /// A grid of cells of `stride` px; each gives a score (0..1), distances in px from its centre to the
    /// left, top, right and bottom of a box, and offsets in px from its centre to the four corners.
    Dense {
        /// Cell size in px.
        stride: u32,
        /// Name of the score tensor, N x 1 x H/stride x W/stride.
        score: String,
        /// Name of the distances, N x 4 x ...
        #[serde(rename = "box")]
        ltrb: String,
        /// Name of the corner offsets, N x 8 x ... (top-left, top-right, bottom-right, bottom-left).
        corners: Option<String>,
    },
}

/// Card of a plate detector.
#[derive(Debug, Clone, Deserialize)]
pub struct DetectorCard {
    /// `plate-detection`
    pub task: String,
    /// Free text.
    pub version: Option<String>,
    /// File beside the card; the card's own name with `.onnx` where it is not said.
    pub file: Option<String>,
    /// What goes in.
    pub input: DetectorInput,
    /// What comes out.
    pub output: DetectorOutput,
    /// Score from which a cell counts.
    pub threshold: f32,
    /// Overlap from which the weaker of two boxes is dropped.
    pub nms_iou: f32,
    /// Hash of the file.
    pub sha256: String,
}

/// Input of a reader.
#[derive(Debug, Clone, Deserialize)]
pub struct ReaderInput {
    /// Name of the input tensor, float32 N x 3 x H x W.
    pub name: String,
    /// Axis order.
    pub layout: Layout,
    /// Colour order.
    pub channels: Channels,
    /// Values that black and white become.
    pub range: [f32; 2],
    /// Width in px.
    pub width: u32,
    /// Height in px.
    pub height: u32,
    /// Margin left and right of the plate, as a share of `width`.
    pub margin_x: f32,
    /// Margin above and below the plate, as a share of `height`.
    pub margin_y: f32,
}

/// Output of a reader.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum ReaderOutput {
    /// One distribution for each of `slots` places, `none` meaning that nothing stands there.
    Slots {
        /// Name of the tensor N x slots x classes, probabilities.
        name: String,
        /// How many places.
        slots: usize,
        /// The character of each class but `none`.
        alphabet: String,
        /// Class meaning "no character".
        none: usize,
    },
    /// Connectionist temporal classification (Graves et al. 2006) over `rows` x `steps` columns, row
    /// after row.
    Ctc {
        /// Name of the tensor N x (rows * steps) x classes, probabilities.
        name: String,
        /// Text lines.
        rows: usize,
        /// Columns in a row.
        steps: usize,
        /// The character of each class but `blank`.
        alphabet: String,
        /// Class meaning "no character".
        blank: usize,
        /// Name of the tensor N x countries, probabilities.
        country: Option<String>,
        /// ISO 3166-1 alpha-2 codes of its classes; `other` for all the rest.
        #[serde(default)]
        countries: Vec<String>,
        /// Name of the tensor N x 2: probability of one line, of two.
        lines: Option<String>,
        /// Name of the tensor N x 1: probability that it is a plate that can be read.
        readable: Option<String>,
    },
}

/// Card of a plate reader.
#[derive(Debug, Clone, Deserialize)]
pub struct ReaderCard {
    /// `plate-reading`
    pub task: String,
    /// Free text.
    pub version: Option<String>,
    /// File beside the card; the card's own name with `.onnx` where it is not said.
    pub file: Option<String>,
    /// What goes in.
    pub input: ReaderInput,
    /// What comes out.
    pub output: ReaderOutput,
    /// Readings below this `readable` probability are no readings.
    #[serde(default)]
    pub min_readable: f32,
    /// File beside the card with the reader's confusions (docs/ref/models.md).
    pub confusions: Option<String>,
    /// Hash of the file.
    pub sha256: String,
}

/// Largest side in px a card may ask for: beyond it the card is a mistake or an attack.
const MAX_SIDE: u32 = 4096;

impl DetectorCard {
    /// Reads the card at `path` and the model it names.
    pub fn load(path: &Path) -> Result<Card<Self>, VisionError> {
        let card = Self::read(path, &read_card(path)?)?;
        with_model(path, card.file.clone(), card.version.clone(), card.sha256.clone(), card)
    }

    /// The card that `text` is; `path` is for messages.
    pub(super) fn read(path: &Path, text: &str) -> Result<Self, VisionError> {
        let card: Self = parse(path, text)?;
        let i = &card.input;
        check(path, card.task == "plate-detection", "task must be \"plate-detection\"")?;
        check(path, i.multiple_of > 0 && i.width > 0 && i.height > 0, "input sides must be above 0")?;
        check(path, i.width <= MAX_SIDE && i.height <= MAX_SIDE, "input sides must be at most 4096")?;
        check(
            path,
            i.width.is_multiple_of(i.multiple_of) && i.height.is_multiple_of(i.multiple_of),
            "input.width and input.height must be multiples of input.multiple_of",
        )?;
        check(path, (1..=4).contains(&i.tiles), "input.tiles must be from 1 to 4")?;
        if let Some(c) = &i.closer {
            let sides = [c.width, c.height];
            check(
                path,
                sides.iter().all(|s| (32..=1024).contains(s) && s.is_multiple_of(i.multiple_of)),
                "input.closer.width and .height must be from 32 to 1024 and multiples of input.multiple_of",
            )?;
            check(path, (1..=64).contains(&c.most), "input.closer.most must be from 1 to 64")?;
            check(path, c.from > 0.0 && c.from <= 1.0, "input.closer.from must be above 0 and at most 1")?;
            check(path, (1.0..=1024.0).contains(&c.below), "input.closer.below must be from 1 to 1024")?;
        }
        let DetectorOutput::Dense { stride, .. } = &card.output;
        check(
            path,
            *stride > 0 && i.multiple_of.is_multiple_of(*stride),
            "output.stride must divide input.multiple_of",
        )?;
        check(path, (0.0..=1.0).contains(&card.threshold), "threshold must be between 0 and 1")?;
        check(path, (0.0..=1.0).contains(&card.nms_iou), "nms_iou must be between 0 and 1")?;
        Ok(card)
    }
}

impl ReaderCard {
    /// Reads the card at `path` and the model it names.
    pub fn load(path: &Path) -> Result<Card<Self>, VisionError> {
        let card = Self::read(path, &read_card(path)?)?;
        with_model(path, card.file.clone(), card.version.clone(), card.sha256.clone(), card)
    }

    /// The card that `text` is; `path` is for messages.
    pub(super) fn read(path: &Path, text: &str) -> Result<Self, VisionError> {
        let card: Self = parse(path, text)?;
        let i = &card.input;
        check(path, card.task == "plate-reading", "task must be \"plate-reading\"")?;
        check(path, i.width > 0 && i.height > 0, "input sides must be above 0")?;
        check(path, i.width <= MAX_SIDE && i.height <= MAX_SIDE, "input sides must be at most 4096")?;
        let margins = [i.margin_x, i.margin_y];
        check(path, margins.iter().all(|m| (0.0..0.45).contains(m)), "margins must be from 0 to 0.45")?;
        let (alphabet, gap, gap_name) = match &card.output {
            ReaderOutput::Slots { alphabet, none, .. } => (alphabet, *none, "none"),
            ReaderOutput::Ctc { alphabet, blank, .. } => (alphabet, *blank, "blank"),
        };
        check(
            path,
            !alphabet.is_empty() && alphabet.bytes().all(|c| c.is_ascii_digit() || c.is_ascii_uppercase()),
            "output.alphabet must be of 0-9 and A-Z",
        )?;
        check(path, gap <= alphabet.len(), &format!("output.{gap_name} must be one of the classes"))?;
        if let ReaderOutput::Ctc { countries, rows, steps, .. } = &card.output {
            check(path, *rows > 0 && *steps > 0, "output.rows and output.steps must be above 0")?;
            let bad = countries.iter().find(|c| *c != "other" && Country::parse(c).is_none());
            check(
                path,
                bad.is_none(),
                &format!("output.countries has {:?}, no country code", bad.cloned().unwrap_or_default()),
            )?;
        }
        Ok(card)
    }
}

pub(super) fn read_card(path: &Path) -> Result<String, VisionError> {
    std::fs::read_to_string(path)
        .map_err(|e| VisionError::Card { path: path.into(), problem: format!("cannot be read: {e}") })
}

pub(super) fn parse<T: serde::de::DeserializeOwned>(path: &Path, text: &str) -> Result<T, VisionError> {
    toml::from_str(text)
        .map_err(|e| VisionError::Card { path: path.into(), problem: e.to_string().trim().to_owned() })
}

pub(super) fn check(path: &Path, fine: bool, problem: &str) -> Result<(), VisionError> {
    if fine { Ok(()) } else { Err(VisionError::Card { path: path.into(), problem: problem.to_owned() }) }
}

pub(super) fn with_model<T>(
    card_path: &Path,
    file: Option<String>,
    version: Option<String>,
    sha256: String,
    card: T,
) -> Result<Card<T>, VisionError> {
    let path = match file {
        Some(file) => card_path.with_file_name(file),
        None => card_path.with_extension("onnx"),
    };
    let bad = |problem: String| VisionError::Model { path: path.clone(), problem };
    let bytes = std::fs::read(&path).map_err(|e| bad(format!("cannot be read: {e}")))?;
    if bytes.is_empty() {
        return Err(bad("is empty (0 bytes)".into()));
    }
    let found = hex(&Sha256::digest(&bytes));
    if !found.eq_ignore_ascii_case(&sha256) {
        return Err(bad(format!(
            "is not the file its card {} describes: SHA-256 is {found}, the card says {sha256}",
            card_path.display()
        )));
    }
    let name = path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    Ok(Card { id: ModelId { name, version, sha256: found }, path, card, bytes })
}

/// Lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CARD: &str = r#"
task = "plate-detection"
input = { name = "image", layout = "NCHW", channels = "BGR", range = [0.0, 255.0], width = 640, height = 384, multiple_of = 32, pad = 114 }
output = { kind = "dense", stride = 8, score = "score", box = "ltrb", corners = "corners" }
threshold = 0.6
nms_iou = 0.3
sha256 = "HASH"
"#;

    fn write(card: &str, model: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("d.toml");
        std::fs::write(&path, card.replace("HASH", &hex(&Sha256::digest(model)))).unwrap();
        std::fs::write(dir.path().join("d.onnx"), model).unwrap();
        (dir, path)
    }

    #[test]
    fn loads_card_and_model() {
        let (_dir, path) = write(CARD, b"model");
        let card = DetectorCard::load(&path).unwrap();
        assert_eq!((card.id.name.as_str(), card.bytes.as_slice()), ("d.onnx", &b"model"[..]));
    }

    #[test]
    fn names_what_is_wrong() {
        let fails = |card: &str, model: &[u8]| {
            let (_dir, path) = write(card, model);
            DetectorCard::load(&path).unwrap_err().to_string()
        };
        assert!(fails(CARD, b"").contains("is empty"));
        assert!(fails(&CARD.replace("HASH", "00"), b"m").contains("SHA-256 is"));
        assert!(fails(&CARD.replace("plate-detection", "cats"), b"m").contains("task must be"));
        assert!(fails(&CARD.replace("width = 640", "width = 641"), b"m").contains("multiples of"));
        assert!(fails(&CARD.replace("pad = 114", "pad = 114, tiles = 9"), b"m").contains("input.tiles"));
        let closer = |text: &str| {
            let all = format!("pad = 114, closer = {{ {text} }}");
            fails(&CARD.replace("pad = 114", &all), b"m")
        };
        assert!(
            closer("below = 40, from = 0.01, width = 192, height = 100, most = 8").contains("closer.width")
        );
        assert!(
            closer("below = 40, from = 0.01, width = 192, height = 128, most = 0").contains("closer.most")
        );
        assert!(
            closer("below = 40, from = 0.0, width = 192, height = 128, most = 8").contains("closer.from")
        );
        assert!(
            closer("below = 0, from = 0.01, width = 192, height = 128, most = 8").contains("closer.below")
        );
        assert!(closer("below = 40").contains("from"));
        assert!(fails(&CARD.replace("\"dense\"", "\"anchors\""), b"m").contains("anchors"));
        assert!(fails("task = ", b"m").contains("line 1"));
        assert!(
            DetectorCard::load(Path::new("/nowhere/x.toml"))
                .unwrap_err()
                .to_string()
                .contains("/nowhere/x.toml")
        );
    }
}
