//! Layer 4: being built.

mod settings;

pub use settings::Settings;
