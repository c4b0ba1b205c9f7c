//! Layer 5: being built.

mod settings;

pub use settings::{CameraSettings, Settings};
