//! Everything a running box is told.

use crate::{alert, capture, console, hotlist, law, store, telemetry, track, vision};
use std::path::PathBuf;
use std::time::Duration;

/// A whole box.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Cameras, each with its own tracking.
    pub cameras: Vec<CameraSettings>,
    /// Models and threads.
    pub vision: vision::Settings,
    /// Lists.
    pub hotlists: Vec<hotlist::Settings>,
    /// The ignore list, where there is one.
    pub ignore: Option<PathBuf>,
    /// How the reader confuses characters; `None` for what its card names, or what is built in.
    pub confusions: Option<PathBuf>,
    /// What the law asks.
    pub law: law::Settings,
    /// Records and pictures.
    pub store: store::Settings,
    /// Broker and topics.
    pub alert: alert::Settings,
    /// Web page and metrics; `None` serves nothing.
    pub console: Option<console::Settings>,
    /// Logs.
    pub telemetry: telemetry::Settings,
    /// The officer who takes charge with the start (`run --officer`).
    pub officer: Option<String>,
    /// SHA-256 of the configuration as written, lower-case hexadecimal; `None` where there is no file.
    pub configuration: Option<String>,
    /// Longest time for an orderly end.
    pub stop_deadline: Duration,
}

/// One camera and how its vehicles are followed.
#[derive(Debug, Clone)]
pub struct CameraSettings {
    /// How it is reached.
    pub capture: capture::Settings,
    /// What it says of itself before the law: mandate, kind, mode.
    pub lawful: law::CameraUse,
    /// How its vehicles are followed.
    pub track: track::Settings,
    /// Narrower plates of this camera (px) are not read; `None`: as `vision` says.
    pub min_plate_width_px: Option<f32>,
    /// Whether people may be seen in its pictures, as its mandate says.
    pub people: bool,
    /// Passages without a hit it may tell of in a minute; `None`: all.
    pub max_passages_per_min: Option<u32>,
}
