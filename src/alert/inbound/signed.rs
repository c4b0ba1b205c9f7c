//! A message to a box and the text of it that is signed.
//!
//! The signature is not over the JSON, which can be written in many ways, but over lines made of what it says:
//!
//! ```text
//! platewatch-signed-message 1
//! type: platewatch.command.v1
//! id: 019ab2c0-5d10-7c3e-9d7a-0d6a3f0a7b11
//! time: 2026-11-25T08:15:00.000Z
//! signer: dispatch
//! data.box: box-1
//! data.by: Peeters
//! data.command: health-now
//! data.zone: antwerp
//! ```
//!
//! Every field of `data` is a text of one line and stands there, sorted by name in the order of bytes; each line ends
//! with a line feed. No text may hold a control character, so no field can pretend to be two.

use super::{COMMAND_TYPE, OUTCOME_TYPE, Request, Right};
use crate::domain::{EventId, HitId, Outcome, Utc};
use crate::runtime::{Signature, SigningKey};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Write;

const HEADER: &str = "platewatch-signed-message 1";
/// Longest id and signer, in bytes.
const LONGEST_NAME: usize = 64;
/// Longest field, in characters.
const LONGEST_FIELD: usize = 500;

/// Why a text is no message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct MessageError(String);

/// A command or an answer, signed or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Unique for its signer.
    pub id: String,
    /// Its CloudEvents `type`.
    pub kind: String,
    /// When it was made.
    pub at: Utc,
    /// As it is written.
    time: String,
    signed: Option<(String, Signature)>,
    data: BTreeMap<String, String>,
}

/// The envelope as it is written; what it does not name is not looked at.
#[derive(Serialize, Deserialize)]
struct Wire {
    specversion: String,
    id: String,
    source: String,
    #[serde(rename = "type")]
    kind: String,
    time: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    datacontenttype: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signer: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signature: Option<String>,
    data: BTreeMap<String, String>,
}

impl Message {
    /// A new message to a box, made now by `by`.
    ///
    /// # Errors
    /// A text is too long, of more than one line, or missing.
    pub fn new(zone: &str, box_id: &str, by: &str, request: &Request) -> Result<Self, MessageError> {
        let mut data = BTreeMap::new();
        let mut put = |name: &str, value: &str| {
            if !value.is_empty() {
                data.insert(name.to_owned(), value.to_owned());
            }
        };
        put("zone", zone);
        put("box", box_id);
        put("by", by.trim());
        let kind = match request {
            Request::Outcome { hit, outcome, note } => {
                put("hit", &hit.to_string());
                put("outcome", outcome.as_str());
                put("note", note);
                OUTCOME_TYPE
            }
            command => {
                put("command", command.right().as_str());
                match command {
                    Request::Pause { camera, reason } => {
                        put("camera", camera);
                        put("reason", reason);
                    }
                    Request::Resume { camera } => put("camera", camera),
                    _ => {}
                }
                COMMAND_TYPE
            }
        };
        let at = Utc::now();
        let id = EventId::generate().to_string();
        let message = Self { id, kind: kind.into(), at, time: at.to_string(), signed: None, data };
        message.check()?;
        message.request()?;
        Ok(message)
    }

    /// Reads one; the signature is not checked yet.
    ///
    /// # Errors
    /// It is none.
    pub fn parse(text: &str) -> Result<Self, MessageError> {
        let wire: Wire = serde_json::from_str(text).map_err(|e| MessageError(e.to_string()))?;
        if wire.specversion != "1.0" {
            return Err(MessageError("specversion is not 1.0".into()));
        }
        let at = wire.time.parse().map_err(|_| MessageError("time is no time of RFC 3339".into()))?;
        let signed = match (wire.signer, wire.signature) {
            (Some(signer), Some(signature)) => {
                let signature = signature.parse().map_err(|_| MessageError("signature is none".into()))?;
                Some((signer, signature))
            }
            (None, None) => None,
            _ => return Err(MessageError("signer and signature stand together or not at all".into())),
        };
        let message = Self { id: wire.id, kind: wire.kind, at, time: wire.time, signed, data: wire.data };
        message.check()?;
        Ok(message)
    }

    /// Names are names and every text is one line.
    fn check(&self) -> Result<(), MessageError> {
        let name = |text: &str| {
            (1..=LONGEST_NAME).contains(&text.len())
                && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
        };
        let line = |text: &str| text.chars().count() <= LONGEST_FIELD && !text.chars().any(char::is_control);
        let signer = self.signed.as_ref().map_or("-", |(signer, _)| signer);
        if !name(&self.id) || !name(&self.kind) || !name(signer) || !line(&self.time) {
            return Err(MessageError("id, type, signer or time is not as it must be".into()));
        }
        match self.data.iter().find(|(field, value)| !name(field) || !line(value)) {
            Some((field, _)) => Err(MessageError(format!(
                "{:?} is too long or not one line",
                field.chars().take(LONGEST_NAME).collect::<String>()
            ))),
            None => Ok(()),
        }
    }

    /// A field of `data`; empty where it is not there.
    pub fn get(&self, field: &str) -> &str {
        self.data.get(field).map_or("", String::as_str)
    }

    /// Who has signed, and how.
    pub fn signature(&self) -> Option<(&str, Signature)> {
        self.signed.as_ref().map(|(signer, signature)| (signer.as_str(), *signature))
    }

    /// What `signer` signs.
    pub fn text_to_sign(&self, signer: &str) -> String {
        let Self { id, kind, time, .. } = self;
        let mut text = format!("{HEADER}\ntype: {kind}\nid: {id}\ntime: {time}\nsigner: {signer}\n");
        for (field, value) in &self.data {
            let _ = writeln!(text, "data.{field}: {value}"); // into a String, which never fails
        }
        text
    }

    /// Signed with `key`, which is that of `signer`.
    #[must_use]
    pub fn sign(mut self, signer: &str, key: &SigningKey) -> Self {
        let signature = key.sign(self.text_to_sign(signer).as_bytes());
        self.signed = Some((signer.to_owned(), signature));
        self
    }

    /// As it goes out.
    ///
    /// # Errors
    /// Never, as far as is known: it holds texts only.
    pub fn to_json(&self) -> Result<String, MessageError> {
        let (signer, signature) = match &self.signed {
            Some((signer, signature)) => (Some(signer.clone()), Some(signature.to_string())),
            None => (None, None),
        };
        let wire = Wire {
            specversion: "1.0".into(),
            id: self.id.clone(),
            source: format!("/platewatch/{}/operators", self.get("zone")),
            kind: self.kind.clone(),
            time: self.time.clone(),
            datacontenttype: Some("application/json".into()),
            signer,
            signature,
            data: self.data.clone(),
        };
        serde_json::to_string(&wire).map_err(|e| MessageError(e.to_string()))
    }

    /// What is asked.
    ///
    /// # Errors
    /// A field is missing, is not known here, or holds what it cannot.
    pub fn request(&self) -> Result<Request, MessageError> {
        let wrong = |what: &str| MessageError(what.to_owned());
        if self.get("by").trim().is_empty() || self.get("by").chars().count() > 80 {
            return Err(wrong("\"by\", who asks, is missing or longer than 80 characters"));
        }
        let mut known = vec!["zone", "box", "by"];
        let request = if self.kind == OUTCOME_TYPE {
            known.extend(["hit", "outcome", "note"]);
            Request::Outcome {
                hit: HitId::parse(self.get("hit")).ok_or_else(|| wrong("\"hit\" is no hit's id"))?,
                outcome: Outcome::parse(self.get("outcome"))
                    .ok_or_else(|| wrong("\"outcome\" is no answer"))?,
                note: self.get("note").to_owned(),
            }
        } else {
            known.push("command");
            let camera = || match self.get("camera") {
                "" => Err(wrong("\"camera\" is missing")),
                camera => Ok(camera.to_owned()),
            };
            match Right::parse(self.get("command")) {
                Some(Right::ReloadLists) => Request::ReloadLists,
                Some(Right::RetryOutbox) => Request::RetryOutbox,
                Some(Right::HealthNow) => Request::HealthNow,
                Some(Right::Pause) => {
                    known.extend(["camera", "reason"]);
                    Request::Pause { camera: camera()?, reason: self.get("reason").to_owned() }
                }
                Some(Right::Resume) => {
                    known.push("camera");
                    Request::Resume { camera: camera()? }
                }
                Some(Right::Outcome) | None => return Err(wrong("\"command\" is no command")),
            }
        };
        match self.data.keys().find(|field| !known.contains(&field.as_str())) {
            // A later platewatch may mean something by it that this one would leave undone.
            Some(field) => Err(MessageError(format!("{field:?} is not known here"))),
            None => Ok(request),
        }
    }
}
