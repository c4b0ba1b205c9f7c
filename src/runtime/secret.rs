//! A password or key that cannot be printed by accident.

use std::fmt;

/// Text that shows as `***` in `Debug` and has no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps it.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text itself; only for the call that needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn does_not_show() {
        let s = Secret::new("hunter2".into());
        assert!(!format!("{s:?}").contains("hunter2") && s.reveal() == "hunter2");
    }
}
