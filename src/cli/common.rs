//! What several verbs share: where the models are, printing, progress.

use crate::domain::{CameraId, ClockQuality, ClockSource, Frame, FrameStamp, Image, Utc};
use crate::runtime::who::system_user;
use crate::store::{AuditAction, AuditEntry, AuditWriter, Settings, StoreError};
use crate::{config, store, vision};
use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Which models to use.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct ModelArgs {
    /// Folder with detector.toml and reader.toml [default: models/ here, beside the program, or
    /// /usr/share/platewatch/models]
    #[arg(long, value_name = "DIR")]
    pub models: Option<PathBuf>,
    /// Card of the detector, instead of the one in the models folder
    #[arg(long, value_name = "CARD")]
    pub detector: Option<PathBuf>,
    /// Card of the reader, instead of the one in the models folder
    #[arg(long, value_name = "CARD")]
    pub reader: Option<PathBuf>,
    /// ONNX Runtime's library [default: looked for; see docs/guide/troubleshooting.md]
    #[arg(long, value_name = "FILE")]
    pub onnxruntime: Option<PathBuf>,
}

/// Which store a verb works on.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct StoreArgs {
    /// Folder of the store (store.dir of the configuration), where it is not encrypted
    #[arg(long, value_name = "DIR", default_value = "demo-data")]
    pub data: PathBuf,
    /// The configuration, instead: names the folder and, where the store is encrypted, the key
    #[arg(long, value_name = "FILE", conflicts_with = "data")]
    pub config: Option<PathBuf>,
}

impl StoreArgs {
    /// The store they mean.
    pub fn settings(&self) -> anyhow::Result<store::Settings> {
        match &self.config {
            Some(config) => Ok(config::load_store(config)?),
            None => Ok(store::Settings::new(&self.data)),
        }
    }
}

/// What a person does, for the audit chain: under the name given, else the system's; the latter always stands with it.
pub(super) fn by_person(by: Option<&str>, action: AuditAction) -> AuditEntry {
    let user = system_user();
    AuditEntry::by(by.unwrap_or(&user), action).with("system_user", user)
}

/// Puts on record that `entry`'s person looks at `what`. To be called before anything is shown.
///
/// # Errors
/// It cannot be put on record; then nothing may be shown.
pub(super) fn note_look(
    settings: &Settings,
    by: Option<&str>,
    what: &str,
    asked: &[(&str, Option<String>)],
) -> Result<(), StoreError> {
    let mut entry = by_person(by, AuditAction::Search).with("what", what);
    for (name, value) in asked {
        if let Some(value) = value {
            entry = entry.with(name, value);
        }
    }
    AuditWriter::open(settings)?.append(&entry).map(|_| ())
}

impl ModelArgs {
    /// The vision settings these arguments mean, with the given least plate width in px.
    pub fn settings(&self, min_plate_width_px: f32) -> anyhow::Result<vision::Settings> {
        let card = |said: &Option<PathBuf>, name: &str| -> anyhow::Result<PathBuf> {
            match said {
                Some(path) => Ok(path.clone()),
                None => Ok(self.folder()?.join(name)),
            }
        };
        Ok(vision::Settings {
            detector: card(&self.detector, "detector.toml")?,
            reader: card(&self.reader, "reader.toml")?,
            onnxruntime: self.onnxruntime.clone(),
            workers: 1,
            intra_threads: 1,
            min_score: None,
            min_plate_width_px,
        })
    }

    fn folder(&self) -> anyhow::Result<PathBuf> {
        match &self.models {
            Some(dir) => Ok(dir.clone()),
            None => find_folder("models", "detector.toml")
                .context("no models folder found; say where it is with --models DIR"),
        }
    }
}

/// A folder the product ships (`models`, `samples`): in the working folder, in a folder above the program,
/// or installed. It must hold `witness`.
pub(super) fn find_folder(name: &str, witness: &str) -> Option<PathBuf> {
    let exe = std::env::current_exe().ok();
    let above = exe.iter().flat_map(|p| p.ancestors().skip(1)).map(|d| d.join(name));
    std::iter::once(PathBuf::from(name))
        .chain(above)
        .chain([Path::new("/usr/share/platewatch").join(name)])
        .chain(option_env!("CARGO_MANIFEST_DIR").map(|d| Path::new(d).join(name)))
        .find(|dir| dir.join(witness).is_file())
}

/// Writes a line to stderr; where even that fails there is no one to tell.
pub(super) fn complain(text: &str) {
    let _ = writeln!(std::io::stderr(), "platewatch: error: {text}");
}

/// An error with its causes, those left out that the text before already says.
pub(super) fn told(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

/// Whether the reader of our output has gone.
pub(super) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe)
    })
}

/// A bar on stderr where a terminal is attached, nothing else.
pub(super) fn progress(total: u64, what: &str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
    if !std::io::stderr().is_terminal() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {eta}") {
        bar.set_style(style);
    }
    bar.set_message(what.to_owned());
    bar
}

/// A picture from a file as a frame, for verbs that have no camera.
pub(super) fn still(image: Image, seq: u64) -> Frame {
    let now = Utc::now();
    let clock = ClockQuality { source: ClockSource::FreeRunning, error_ms: None };
    let camera = CameraId::new("still");
    let stamp = FrameStamp { camera, seq, captured_at: now, received_at: now, clock, position: None };
    Frame { stamp, image: Arc::new(image) }
}

/// Opens the models for one thread.
pub(super) fn worker(settings: &vision::Settings) -> anyhow::Result<vision::Worker> {
    Ok(vision::Vision::load(settings)?.worker()?)
}

/// Files of the given paths, and of folders those in them; an error names a path that is not there.
pub(super) fn pictures(paths: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for path in paths {
        found.extend(crate::capture::list_pictures(path)?);
    }
    if found.is_empty() {
        bail!(
            "no pictures in {}",
            paths.iter().map(|p| p.display().to_string()).collect::<Vec<_>>().join(", ")
        );
    }
    Ok(found)
}
