//! A password or key that cannot be printed by accident.

use std::fmt;
use zeroize::Zeroizing;

/// Text that shows as `***` in `Debug`, has no `Display`, and is wiped from memory when it goes.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Wraps it.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
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
