//! What messages say of hotlists.

use super::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One list's figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ListHealth {
    /// The list.
    pub name: String,
    /// SHA-256 of its file, lower-case hexadecimal.
    pub version: String,
    /// Entries in use.
    pub entries: u64,
    /// When it was loaded.
    pub loaded_at: Time,
    /// When it was made: by its manifest, else its file's last change; null where unknown.
    #[serde(default)]
    pub made_at: Option<Time>,
    /// When it is (or was) out of date; null where that is not set.
    #[serde(default)]
    pub expires_at: Option<Time>,
    /// Whether it is out of date.
    #[serde(default)]
    pub stale: bool,
    /// Who signed it; null where nobody had to.
    #[serde(default)]
    pub signer: Option<String>,
}

/// Which version of a list is in use, published when it changes or when a new one was refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HotlistStatus {
    /// The list.
    pub list: String,
    /// Whether the file as it lies there is the one in use.
    pub state: HotlistState,
    /// When this was found.
    pub since: Time,
    /// SHA-256 of the version in use, lower-case hexadecimal; null where none is.
    pub version: Option<String>,
    /// When that was loaded.
    pub loaded_at: Option<Time>,
    /// Entries in use.
    pub entries: u64,
    /// Rows of the latest file that could not be used.
    pub bad_rows: u64,
    /// Why the latest file was refused or that the list is out of date, for people; null where neither.
    pub reason: Option<String>,
    /// When the version in use was made: by its manifest, else its file's last change; null where unknown.
    #[serde(default)]
    pub made_at: Option<Time>,
    /// When it is (or was) out of date; null where that is not set.
    #[serde(default)]
    pub expires_at: Option<Time>,
    /// Whether it is out of date: its hits have a lower priority, or there are none.
    #[serde(default)]
    pub stale: bool,
    /// Who signed it; null where nobody had to.
    #[serde(default)]
    pub signer: Option<String>,
    /// Its number in its manifest; null where it has none.
    #[serde(default)]
    pub signed_version: Option<u64>,
}

/// Whether a list's file is the one in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum HotlistState {
    /// It is.
    Loaded,
    /// It was refused or cannot be read; the version before stays in use.
    Refused,
}
