//! Which models, and how they are run.

use std::path::PathBuf;

/// Models and threads.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Card of the detector.
    pub detector: PathBuf,
    /// Card of the reader.
    pub reader: PathBuf,
    /// ONNX Runtime's shared library; looked for where it is not said.
    pub onnxruntime: Option<PathBuf>,
    /// Worker threads; one camera keeps its worker.
    pub workers: usize,
    /// Threads inside one inference.
    pub intra_threads: usize,
    /// Detections below this score are left out; the card's own threshold where it is not said.
    pub min_score: Option<f32>,
    /// Plates narrower than this many px are not read.
    pub min_plate_width_px: f32,
}
