//! The one door to ONNX Runtime.
//!
//! The library is opened once a process from an explicit path: `ort`'s own look-up panics where the
//! library is missing. `ort`'s `Session::run` wants `&mut`, so every worker has a session of its own over
//! the same bytes (docs/design/decisions/0003-one-session-per-worker.md).

use super::VisionError;
use super::card::ModelId;
use ort::session::Session;
use ort::session::builder::GraphOptimizationLevel;
use ort::value::TensorRef;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

static ENVIRONMENT: Mutex<Option<(PathBuf, ort::environment::Environment)>> = Mutex::new(None);

/// Opens ONNX Runtime's library. A second call keeps the library of the first.
fn environment(wanted: Option<&Path>) -> Result<ort::environment::Environment, VisionError> {
    let mut slot = ENVIRONMENT.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some((_, env)) = slot.as_ref() {
        return Ok(env.clone());
    }
    let path = find_library(wanted)?;
    let bad = |cause: String| VisionError::Library { path: path.clone(), cause };
    let env = ort::init_from(&path)
        .map_err(|e| bad(e.to_string()))?
        .with_name("platewatch")
        .with_telemetry(false)
        .build()
        .map_err(|e| bad(e.to_string()))?;
    env.set_log_level(ort::logging::LogLevel::Error);
    *slot = Some((path.clone(), env.clone()));
    Ok(env)
}

/// As configured, else `ORT_DYLIB_PATH`, else beside the program, else `.onnxruntime` in a folder above
/// the program or the working folder (what `scripts/setup.sh` makes), else the system's folders.
fn find_library(wanted: Option<&Path>) -> Result<PathBuf, VisionError> {
    const NAME: &str = "libonnxruntime.so";
    let said =
        wanted.map(Path::to_path_buf).or_else(|| std::env::var_os("ORT_DYLIB_PATH").map(PathBuf::from));
    let mut candidates = Vec::new();
    if let Some(path) = said {
        candidates.push(path);
    } else {
        let exe = std::env::current_exe().ok();
        if let Some(dir) = exe.as_deref().and_then(Path::parent) {
            candidates.push(dir.join(NAME));
            candidates.push(dir.join("../lib/platewatch").join(NAME));
        }
        let starts = [exe, std::env::current_dir().ok().map(|d| d.join("x"))];
        for dir in starts.iter().flatten().flat_map(|p| p.ancestors().skip(1)) {
            candidates.push(dir.join(".onnxruntime").join(NAME));
        }
        candidates.extend(["/usr/lib/platewatch", "/usr/local/lib"].map(|d| Path::new(d).join(NAME)));
    }
    let mut seen = std::collections::BTreeSet::new();
    candidates.retain(|p| seen.insert(p.clone()));
    match candidates.iter().find(|p| p.is_file()) {
        Some(path) => Ok(path.clone()),
        None => {
            let looked: Vec<_> = candidates.iter().map(|p| p.display().to_string()).collect();
            Err(VisionError::LibraryMissing { looked: looked.join(", ") })
        }
    }
}

/// One model ready to run on one thread.
pub(super) struct Model {
    name: String,
    session: Session,
}

/// A tensor as it came out: its shape and its values, row-major.
pub(super) struct Tensor {
    pub shape: Vec<usize>,
    pub values: Vec<f32>,
}

impl Model {
    /// Builds a session over `bytes` and checks that it has the input and outputs its card names.
    pub fn open(
        library: Option<&Path>,
        path: &Path,
        id: &ModelId,
        bytes: &[u8],
        intra_threads: usize,
        input: &str,
        outputs: &[&str],
    ) -> Result<Self, VisionError> {
        let env = environment(library)?;
        let bad = |problem: String| VisionError::Model { path: path.into(), problem };
        let session = Session::builder(&env)
            .and_then(|b| Ok(b.with_optimization_level(GraphOptimizationLevel::Level3)?))
            .and_then(|b| Ok(b.with_intra_threads(intra_threads.max(1))?))
            .and_then(|b| Ok(b.with_inter_threads(1)?))
            .and_then(|mut b| b.commit_from_memory(bytes))
            .map_err(|e| bad(format!("is no model ONNX Runtime can run: {e}")))?;
        let missing = |what: &str, wanted: &str, have: Vec<&str>| {
            bad(format!("has no {what} {wanted:?} as its card says; it has {}", have.join(", ")))
        };
        let inputs: Vec<&str> = session.inputs().iter().map(|o| o.name()).collect();
        if inputs != [input] {
            return Err(missing("single input", input, inputs));
        }
        let have: Vec<&str> = session.outputs().iter().map(|o| o.name()).collect();
        if let Some(wanted) = outputs.iter().find(|w| !have.contains(w)) {
            return Err(missing("output", wanted, have));
        }
        Ok(Self { name: id.name.clone(), session })
    }

    /// Height and width the model accepts; `None` for an axis that is free.
    pub fn input_size(&self) -> [Option<u32>; 2] {
        let shape = self.session.inputs().first().and_then(|o| o.dtype().tensor_shape().map(|s| s.to_vec()));
        let side = |axis: usize| {
            shape.as_ref().and_then(|s| s.get(axis)).and_then(|&n| u32::try_from(n).ok()).filter(|&n| n > 0)
        };
        [side(2), side(3)]
    }

    /// Runs the model on `values` (row-major, `shape` = N, 3, H, W) and takes the named outputs.
    pub fn run(
        &mut self,
        input: &str,
        shape: [usize; 4],
        values: &[f32],
        outputs: &[&str],
    ) -> Result<Vec<Tensor>, VisionError> {
        let name = &self.name;
        let failed = |cause: String| VisionError::Inference { model: name.clone(), cause };
        let tensor = TensorRef::from_array_view((shape, values)).map_err(|e| failed(e.to_string()))?;
        let got = self.session.run(ort::inputs![input => tensor]).map_err(|e| failed(e.to_string()))?;
        let mut out = Vec::with_capacity(outputs.len());
        for &wanted in outputs {
            let value = got.get(wanted).ok_or_else(|| failed(format!("gave no {wanted:?}")))?;
            let (shape, values) = value
                .try_extract_tensor::<f32>()
                .map_err(|e| failed(format!("output {wanted:?} is no float32 tensor: {e}")))?;
            let shape = shape.iter().map(|&n| usize::try_from(n).unwrap_or(0)).collect();
            out.push(Tensor { shape, values: values.to_vec() });
        }
        Ok(out)
    }
}
