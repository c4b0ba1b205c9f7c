//! What operators send to a box, for the schemas; what the box does with it: `src/alert/inbound`.

use super::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// CloudEvents 1.0 envelope of a message to a box. `signer` and `signature` are extension attributes; what is signed
/// stands in docs/ref/mqtt.md.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ToBox<T> {
    /// CloudEvents version, always `1.0`.
    pub specversion: String,
    /// Unique for its signer; a message whose id the box knows is not followed again.
    #[schemars(regex(pattern = r"^[A-Za-z0-9._-]{1,64}$"))]
    pub id: String,
    /// Who speaks; not signed and not looked at.
    pub source: String,
    /// What `data` is.
    #[serde(rename = "type")]
    pub kind: String,
    /// When the message was made; one that is too old or from the future is not followed.
    pub time: Time,
    /// `application/json`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub datacontenttype: Option<String>,
    /// Whose key signed it, by the name in the box's configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[A-Za-z0-9._-]{1,64}$"))]
    pub signer: Option<String>,
    /// Ed25519 (RFC 8032), 128 hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[0-9a-fA-F]{128}$"))]
    pub signature: Option<String>,
    /// The message itself; every field is a text of one line.
    pub data: T,
}

/// Something a box is to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Command {
    /// The zone of the box it is for.
    pub zone: String,
    /// The box it is for.
    #[serde(rename = "box")]
    pub box_id: String,
    /// Who asks: a person's name or number, kept in the audit chain.
    #[schemars(length(min = 1, max = 80))]
    pub by: String,
    /// What is to be done.
    pub command: CommandWord,
    /// With `pause` and `resume`: which camera.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub camera: Option<String>,
    /// With `pause`: why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 500))]
    pub reason: Option<String>,
}

/// What a box can be told to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CommandWord {
    /// Read every list file again, now.
    ReloadLists,
    /// Send messages again that were given up on.
    RetryOutbox,
    /// Stop a live camera until `resume`, also over restarts.
    Pause,
    /// Let a camera go on.
    Resume,
    /// Say `health` at once.
    HealthNow,
}

/// An operator's answer to a hit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OutcomeOfHit {
    /// The zone of the box that told of the hit.
    pub zone: String,
    /// That box.
    #[serde(rename = "box")]
    pub box_id: String,
    /// Who answers.
    #[schemars(length(min = 1, max = 80))]
    pub by: String,
    /// `data.hit` of the hit.
    pub hit: String,
    /// The answer.
    pub outcome: OutcomeWord,
    /// What else there is to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 500))]
    pub note: Option<String>,
}

/// What a hit was worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OutcomeWord {
    /// It was the wanted vehicle.
    Confirmed,
    /// It was, and it was stopped.
    Intercepted,
    /// The camera read another text than stood on the plate.
    Misread,
    /// The plate is of another country than the wanted one.
    WrongCountry,
    /// The vehicle is no longer wanted, or never was as the list says.
    ListOutOfDate,
    /// Nobody could go.
    NoCapacity,
    /// Put aside without a finding.
    Dismissed,
}

/// What came from outside since the start.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InboundHealth {
    /// Messages that were followed.
    pub accepted: u64,
    /// Messages that were not, by reason.
    pub refused: std::collections::BTreeMap<String, u64>,
}

/// The certificates of the connection to the broker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TlsHealth {
    /// When the files in use were read.
    pub loaded_at: Time,
    /// Why newer files are not in use; null where there is nothing to say.
    pub problem: Option<String>,
    /// When the first of the certificates in use ends (the authority's, ours); null where it cannot be told. The
    /// broker's own is not looked at.
    #[serde(default)]
    pub expires_at: Option<Time>,
    /// Whole days until then; negative once it has ended. Below 30 the log warns, daily.
    #[serde(default)]
    pub days_left: Option<i64>,
}
