//! What a box is told of the law: `[law]` of the configuration.

use super::officers::Officers;
use super::position::Positions;
use super::preset::Preset;
use crate::runtime::Signers;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

/// What happens where a camera's mandate does not cover what it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// The camera is not opened, or closed.
    Enforce,
    /// It runs; log, audit chain, health and register say what is wrong.
    Warn,
    /// Nobody looks; the register and every export say so.
    Off,
}

impl Policy {
    /// Its word in the configuration.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Warn => "warn",
            Self::Off => "off",
        }
    }
}

impl FromStr for Policy {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Enforce, Self::Warn, Self::Off].into_iter().find(|p| p.word() == text).ok_or(())
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// The law as configured.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The rules in force.
    pub preset: Arc<Preset>,
    /// What a missing or unfit mandate means.
    pub policy: Policy,
    /// Whether the configuration says anything about the law at all. Where it does not, the box runs, with
    /// [`Policy::Warn`], and says so everywhere (docs/design/decisions/0018-law-unsaid.md).
    pub said: bool,
    /// Folder of the mandates, `*.toml`; looked at again while the box runs.
    pub mandates: Option<PathBuf>,
    /// Who may sign mandates.
    pub signers: Signers,
    /// The vehicle the box is in, by the name mandates give it.
    pub vehicle: Option<String>,
    /// Who says where the vehicle is.
    pub positions: Option<Positions>,
    /// Officers who may be in charge, by card or service number; empty: whoever says a name.
    pub officers: Officers,
}

impl Settings {
    /// A configuration that says nothing about the law: Belgian rules, warnings, no mandates.
    pub fn unsaid() -> Self {
        Self {
            preset: Arc::new(Preset::be_wpa()),
            policy: Policy::Warn,
            said: false,
            mandates: None,
            signers: Signers::default(),
            vehicle: None,
            positions: None,
            officers: Officers::default(),
        }
    }

    /// Private use outside police law, and the demo: no mandates; exports say so.
    pub fn off() -> Self {
        Self { preset: Arc::new(Preset::off()), policy: Policy::Off, said: true, ..Self::unsaid() }
    }
}
