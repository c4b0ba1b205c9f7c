//! How logs are written.

/// Logging.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `error`, `warn`, `info`, `debug` or `trace`, or a full filter such as `platewatch::capture=debug`.
    pub level: String,
    /// One JSON object a line instead of text.
    pub json: bool,
    /// Whether plate texts may stand in logs at `info` and above (they never do otherwise).
    pub plates: bool,
}
