//! Layer 1: being built.

mod settings;

pub use settings::Settings;
