//! What a box takes from outside: commands and answers of operators, signed, or let through by a broker that is
//! trusted to know who may.
//!
//! [`judge`] is pure: bytes, rules and a time in, an [`Accepted`] or the one [`Refusal`] out. Whether a message came
//! before is known only to who keeps the ids (`src/store/orders.rs`), so that is asked last, together with doing it.

mod signed;

pub use signed::{Message, MessageError};

use super::BoxIdentity;
use crate::domain::{HitId, Outcome, Utc};
use crate::runtime::PublicKey;
use std::collections::BTreeSet;
use std::time::Duration;

/// `type` of a command.
pub const COMMAND_TYPE: &str = "platewatch.command.v1";
/// `type` of an answer to a hit.
pub const OUTCOME_TYPE: &str = "platewatch.outcome.v1";

/// Longest message taken, in bytes; the longest that can be right has some 4 KiB.
pub const LONGEST: usize = 16 * 1024;

/// What somebody may ask of a box.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Right {
    /// Answer a hit.
    Outcome,
    /// Have list files read again.
    ReloadLists,
    /// Have messages sent again that were given up on.
    RetryOutbox,
    /// Stop a camera.
    Pause,
    /// Let it go on.
    Resume,
    /// Have `health` said at once.
    HealthNow,
}

impl Right {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Outcome, Self::ReloadLists, Self::RetryOutbox, Self::Pause, Self::Resume, Self::HealthNow];

    /// The word in messages and in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Outcome => "outcome",
            Self::ReloadLists => "reload-lists",
            Self::RetryOutbox => "retry-outbox",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::HealthNow => "health-now",
        }
    }

    /// That of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|r| r.as_str() == word)
    }
}

/// Somebody whose signature counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageSigner {
    /// The name in messages.
    pub id: String,
    /// The key that checks the signature.
    pub key: PublicKey,
    /// What may be asked with it.
    pub may: BTreeSet<Right>,
}

/// Whose messages count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// Those signed by one of these.
    Signed(Vec<MessageSigner>),
    /// All that the broker delivers: only its access list stands between anyone and this box.
    Broker(BTreeSet<Right>),
}

/// What is taken from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inbound {
    /// Whose messages count.
    pub trust: Trust,
    /// A message older than this is not taken.
    pub max_age: Duration,
    /// The clocks of signers and box may differ by so much.
    pub clock_skew: Duration,
}

/// Where a message came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InboundTopic {
    /// `commands`.
    Commands,
    /// `outcomes`.
    Outcomes,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// This is the answer to that hit.
    Outcome {
        /// The hit.
        hit: HitId,
        /// The answer.
        outcome: Outcome,
        /// What else was said; empty where nothing.
        note: String,
    },
    /// See [`Right::ReloadLists`].
    ReloadLists,
    /// See [`Right::RetryOutbox`].
    RetryOutbox,
    /// See [`Right::Pause`].
    Pause {
        /// The camera.
        camera: String,
        /// Why; empty where nothing was said.
        reason: String,
    },
    /// See [`Right::Resume`].
    Resume {
        /// The camera.
        camera: String,
    },
    /// See [`Right::HealthNow`].
    HealthNow,
}

impl Request {
    /// What is needed for it.
    pub fn right(&self) -> Right {
        match self {
            Self::Outcome { .. } => Right::Outcome,
            Self::ReloadLists => Right::ReloadLists,
            Self::RetryOutbox => Right::RetryOutbox,
            Self::Pause { .. } => Right::Pause,
            Self::Resume { .. } => Right::Resume,
            Self::HealthNow => Right::HealthNow,
        }
    }
}

/// A message that counts, unless it came before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// Its id, unique for its signer.
    pub id: String,
    /// Whose key signed it; `broker` where none needs to.
    pub signer: String,
    /// Who asks, as the signer says.
    pub by: String,
    /// When it was made.
    pub at: Utc,
    /// When its id can be forgotten, as an older message is not taken any more.
    pub expires: Utc,
    /// What is asked.
    pub request: Request,
}

/// Why a message was not followed. Each is counted; nothing is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Refusal {
    /// More than [`LONGEST`].
    TooLarge,
    /// No UTF-8.
    NotUtf8,
    /// No message of this kind: no JSON, too deep, fields that are missing, unknown or not as they must be.
    Malformed,
    /// Kept by the broker from before: a command is for now.
    Retained,
    /// For another zone or box.
    WrongBox,
    /// Not signed.
    Unsigned,
    /// Signed by nobody we know.
    UnknownSigner,
    /// The signature is not of this text by that signer.
    BadSignature,
    /// The signer may not ask this.
    NotAllowed,
    /// Made too long ago.
    TooOld,
    /// Made later than now.
    FromTheFuture,
    /// Came before.
    Replayed,
    /// More came than are looked at in a second.
    TooMany,
    /// There is no such hit or camera, or the camera plays a file.
    NoSuchThing,
    /// The store could not keep it.
    Failed,
}

impl Refusal {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::TooLarge,
        Self::NotUtf8,
        Self::Malformed,
        Self::Retained,
        Self::WrongBox,
        Self::Unsigned,
        Self::UnknownSigner,
        Self::BadSignature,
        Self::NotAllowed,
        Self::TooOld,
        Self::FromTheFuture,
        Self::Replayed,
        Self::TooMany,
        Self::NoSuchThing,
        Self::Failed,
    ];

    /// The word in metrics and health.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TooLarge => "too-large",
            Self::NotUtf8 => "not-utf8",
            Self::Malformed => "malformed",
            Self::Retained => "retained",
            Self::WrongBox => "wrong-box",
            Self::Unsigned => "unsigned",
            Self::UnknownSigner => "unknown-signer",
            Self::BadSignature => "bad-signature",
            Self::NotAllowed => "not-allowed",
            Self::TooOld => "too-old",
            Self::FromTheFuture => "from-the-future",
            Self::Replayed => "replayed",
            Self::TooMany => "too-many",
            Self::NoSuchThing => "no-such-thing",
            Self::Failed => "failed",
        }
    }
}

/// Whether the message `payload` on `topic` counts at `now`.
///
/// # Errors
/// The first reason for which it does not.
pub fn judge(
    rules: &Inbound,
    identity: &BoxIdentity,
    topic: InboundTopic,
    payload: &[u8],
    retained: bool,
    now: Utc,
) -> Result<Accepted, Refusal> {
    if payload.len() > LONGEST {
        return Err(Refusal::TooLarge);
    }
    if retained {
        return Err(Refusal::Retained);
    }
    let text = std::str::from_utf8(payload).map_err(|_| Refusal::NotUtf8)?;
    let message = Message::parse(text).map_err(|_| Refusal::Malformed)?;
    let wanted = match topic {
        InboundTopic::Commands => COMMAND_TYPE,
        InboundTopic::Outcomes => OUTCOME_TYPE,
    };
    if message.kind != wanted {
        return Err(Refusal::Malformed);
    }
    // Before the signature: a message for another box is no attack, and checking it costs more.
    if message.get("zone") != identity.zone() || message.get("box") != identity.box_id() {
        return Err(Refusal::WrongBox);
    }
    let (signer, may) = match &rules.trust {
        Trust::Broker(may) => ("broker", may),
        Trust::Signed(signers) => {
            let (id, signature) = message.signature().ok_or(Refusal::Unsigned)?;
            let signer = signers.iter().find(|s| s.id == id).ok_or(Refusal::UnknownSigner)?;
            if !signer.key.verifies(message.text_to_sign(id).as_bytes(), &signature) {
                return Err(Refusal::BadSignature);
            }
            (signer.id.as_str(), &signer.may)
        }
    };
    let request = message.request().map_err(|_| Refusal::Malformed)?;
    if !may.contains(&request.right()) {
        return Err(Refusal::NotAllowed);
    }
    let (skew, age) = (millis(rules.clock_skew), millis(rules.max_age));
    let old = now.since_ms(message.at);
    if old > age.saturating_add(skew) {
        return Err(Refusal::TooOld);
    }
    if old < -skew {
        return Err(Refusal::FromTheFuture);
    }
    Ok(Accepted {
        signer: signer.to_owned(),
        by: message.get("by").to_owned(),
        at: message.at,
        expires: message.at.plus_ms(age.saturating_add(skew)),
        request,
        id: message.id,
    })
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
