//! Layer 3: what the law allows, as data and pure decisions: the preset, mandates, the duty register.
//!
//! * `access` knows who may look: roles, people, the gate.
//! * `preset` reads the one file in which every term, age, role and required field of a country stands with
//!   its article (`presets/be-wpa.toml`); nothing of a country is in the code.
//!
//! May import `domain`, `plate`, `telemetry` and `runtime`. Knows no SQL, no camera and no command line: the
//! pipeline asks it, the store keeps what it says.

pub mod access;
pub mod camera_type;
pub mod preset;
pub mod settings;

pub use camera_type::CameraType;
pub use preset::{Preset, PresetError, Rule, Rules, Unchecked};
pub use settings::{Policy, Settings};
