//! Layer 3: being built.

mod settings;

pub use settings::Settings;
