//! Layer 3: what the law allows, as data and pure decisions: presets, mandates, permits, the register's pages.
//!
//! * `access` knows who may look: roles, people, the gate.
//! * `preset` reads the one file in which every term, age, role and required field of a country stands with
//!   its article (`presets/be-wpa.toml`); nothing of a country is in the code.
//! * `mandate` is one signed authorisation, `folder` all of a box, `place` its geometries.
//! * `permit` decides whether a camera may look at a moment, and says why not.
//! * `position` is the seam for where a vehicle is and was, `gpsd` the daemon that tells it.
//! * `register` puts the register of use on paper, `public` the list of places.
//!
//! May import `domain`, `plate`, `telemetry` and `runtime`. Knows no SQL, no camera and no command line: the
//! pipeline asks it, the store keeps what it says.

pub mod access;
pub mod camera_type;
pub mod folder;
pub mod gpsd;
mod html;
pub mod mandate;
pub mod officers;
pub mod permit;
pub mod place;
pub mod position;
pub mod preset;
pub mod public;
pub mod register;
pub mod settings;

pub use camera_type::CameraType;
pub use folder::{Mandates, Refused};
pub use gpsd::GpsdAddress;
pub use mandate::{Mandate, MandateError, Modalities};
pub use officers::Officers;
pub use permit::{
    CameraUse, Covert, Grant, Mode, Moment, Permit, Refusal, decide, list_allowed, purposes_allowed,
};
pub use place::{Geometry, Place};
pub use position::{Fix, PositionFile, PositionSource, Positions, Route};
pub use preset::{Preset, PresetError, Rule, Rules, Unchecked};
pub use settings::{Policy, Settings};
