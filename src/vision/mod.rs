//! Layer 3: frames to readings with ONNX models.
//!
//! The only room that knows ONNX Runtime (`session.rs`) and, with `capture`, OpenCV. What the models
//! want and give stands in their cards (`card.rs`); nothing here knows a particular model. May import
//! `domain`, `plate`, `telemetry` and `runtime`.

mod card;
mod closer;
mod ctc;
mod detector;
mod error;
mod evidence;
mod faces;
mod letterbox;
mod people;
mod picture;
mod reader;
mod rectify;
mod session;
mod settings;
mod worker;

pub use card::{Card, DetectorCard, ModelId, ReaderCard};
pub use error::VisionError;
pub use evidence::{EncodedPicture, People, PictureRole, encode_evidence};
pub use faces::FaceFinder;
pub use people::{Masked, for_subject};
pub use picture::{Overlay, annotate, encode_jpeg};
pub use settings::Settings;
pub use worker::{StageTimes, Treatment, Vision, Worker};

/// Door for the fuzz targets (src/fuzzing): whatever the card, its model is not read.
#[cfg(any(test, fuzzing))]
pub(crate) fn fuzz_card(text: &str) -> (bool, bool) {
    let path = std::path::Path::new("fuzz.toml");
    (DetectorCard::read(path, text).is_ok(), ReaderCard::read(path, text).is_ok())
}
