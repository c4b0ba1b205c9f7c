//! Layer 6: one TOML file becomes the settings of every room, or a list of everything wrong with it.
//!
//! May import the `Settings` of all rooms below. The only room that knows TOML.

mod cameras;
mod check;
mod file;
mod hotlists;
mod inbound;
mod keys;
mod law;
mod mqtt;
mod problem;
mod retention;
mod secret;
mod show;

#[cfg(test)]
mod tests;

pub use keys::reference;
pub use problem::{ConfigError, Problem};

use crate::pipeline;
use sha2::{Digest, Sha256};
use std::path::Path;

/// A configuration that was found right.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// Everything a running box is told.
    pub settings: pipeline::Settings,
    /// What deserves a second look, in the order of the lines.
    pub warnings: Vec<Problem>,
}

/// Reads and checks the file at `path`; relative paths in it start from its folder.
///
/// # Errors
/// [`ConfigError::Unreadable`] where the file cannot be read, [`ConfigError::Invalid`] with every problem in it.
pub fn load(path: &Path) -> Result<Loaded, ConfigError> {
    let text = std::fs::read_to_string(path)
        .map_err(|cause| ConfigError::Unreadable { path: path.to_owned(), cause })?;
    let base = path.parent().unwrap_or(Path::new(""));
    let mut loaded = check::check(path, &text, base, &|name| std::env::var(name).ok())?;
    let hash = Sha256::digest(text.as_bytes());
    loaded.settings.configuration = Some(hash.iter().map(|b| format!("{b:02x}")).collect());
    Ok(loaded)
}

/// Reads `[store]` of the file at `path` and nothing else of it: where the store is and with which key it is opened.
///
/// # Errors
/// [`ConfigError::Unreadable`] where the file cannot be read, [`ConfigError::Invalid`] where that table is wrong.
pub fn load_store(path: &Path) -> Result<crate::store::Settings, ConfigError> {
    let text = std::fs::read_to_string(path)
        .map_err(|cause| ConfigError::Unreadable { path: path.to_owned(), cause })?;
    let base = path.parent().unwrap_or(Path::new(""));
    check::check_store(path, &text, base, &|name| std::env::var(name).ok())
}

/// Checks `text` as if it stood in `base`/platewatch.toml; `env` answers for environment variables.
///
/// # Errors
/// [`ConfigError::Invalid`] with every problem in it.
pub fn parse(text: &str, base: &Path, env: &dyn Fn(&str) -> Option<String>) -> Result<Loaded, ConfigError> {
    check::check(Path::new("platewatch.toml"), text, base, env)
}

/// The commented example that `print-config` prints; valid once the files it names exist.
pub fn example() -> &'static str {
    include_str!("default.toml")
}
