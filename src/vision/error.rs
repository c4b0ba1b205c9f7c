//! What can go wrong between a frame and its readings.

use std::path::PathBuf;

/// An error of the models or of the pixels given to them.
#[derive(Debug, thiserror::Error)]
pub enum VisionError {
    /// The shared library of ONNX Runtime is nowhere.
    #[error(
        "ONNX Runtime's library (libonnxruntime.so) not found; looked at: {looked}. Run scripts/setup.sh, or \
         set vision.onnxruntime or ORT_DYLIB_PATH to its path"
    )]
    LibraryMissing {
        /// The paths tried.
        looked: String,
    },
    /// The library is there but cannot be used.
    #[error("ONNX Runtime at {path} cannot be used: {cause}; version 1.24 or newer is needed")]
    Library {
        /// The file.
        path: PathBuf,
        /// What it said.
        cause: String,
    },
    /// A card cannot be read.
    #[error("model card {path}: {problem}")]
    Card {
        /// The card.
        path: PathBuf,
        /// What is wrong in it, with key and line where known.
        problem: String,
    },
    /// A model file cannot be read, or is not the one its card describes.
    #[error("model {path}: {problem}")]
    Model {
        /// The model file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// Inference failed.
    #[error("model {model} failed: {cause}")]
    Inference {
        /// The model file's name.
        model: String,
        /// What the runtime said.
        cause: String,
    },
    /// Pixels could not be scaled, warped or encoded.
    #[error("picture work ({what}) failed: {cause}")]
    Picture {
        /// Which operation.
        what: &'static str,
        /// What OpenCV said.
        cause: String,
    },
}

impl VisionError {
    /// For `map_err` on OpenCV's calls.
    pub(super) fn picture(what: &'static str) -> impl Fn(opencv::Error) -> Self {
        move |e| Self::Picture { what, cause: e.message }
    }
}
