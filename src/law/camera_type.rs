//! The kinds of camera that police law tells apart.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A kind of camera.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CameraType {
    /// Stands where it stands for an unlimited time.
    Fixed,
    /// Stands in one place for a limited time.
    TemporaryFixed,
    /// Moves while it is used: in or on a vehicle.
    Mobile,
    /// Somebody else's, whose pictures the police use.
    ThirdParty,
    /// A dome on the roof of a vehicle that can be turned.
    MobileDome,
    /// Worn by an officer.
    Bodycam,
    /// In the police's own closed premises.
    Premises,
}

impl CameraType {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Fixed,
        Self::TemporaryFixed,
        Self::Mobile,
        Self::ThirdParty,
        Self::MobileDome,
        Self::Bodycam,
        Self::Premises,
    ];

    /// Its word in files.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Fixed => "fixed",
            Self::TemporaryFixed => "temporary-fixed",
            Self::Mobile => "mobile",
            Self::ThirdParty => "third-party",
            Self::MobileDome => "mobile-dome",
            Self::Bodycam => "bodycam",
            Self::Premises => "premises",
        }
    }

    /// Whether it moves while it is used, so that where it is must be asked again and again.
    pub const fn moves(self) -> bool {
        matches!(self, Self::Mobile | Self::MobileDome | Self::Bodycam)
    }
}

impl FromStr for CameraType {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|t| t.word() == text).ok_or(())
    }
}

impl fmt::Display for CameraType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
