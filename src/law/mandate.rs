//! A mandate: the authorisation a camera works under, as a file that its authority's office signed.
//!
//! The file is TOML; its last line, a comment to TOML, is the signature (Ed25519, RFC 8032) over every byte
//! before it, behind a label and the signer's name (docs/guide/mandates.md). The signature is checked before
//! anything in the file is believed.

use super::{CameraType, Place, Rules};
use crate::domain::Utc;
use crate::runtime::{Signature, Signers, SigningKey};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Part of what is signed, so that a signature made for something else never fits.
const LABEL: &str = "platewatch-mandate 1";
/// How the last line begins.
const SIGNED: &str = "# signature: ";
const MAX_BYTES: u64 = 1 << 20;

/// Why a mandate file is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MandateError {
    /// It cannot be read.
    #[error("{} cannot be read: {why}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// Nobody signed it.
    #[error("it is not signed; platewatch mandate sign FILE --key KEY --signer NAME")]
    Unsigned,
    /// Nobody of that name may sign.
    #[error("it is signed by {0:?}, who is not among the signers")]
    UnknownSigner(String),
    /// The signature is not that signer's over this text.
    #[error("its signature is wrong: it was changed after {0:?} signed it, or signed with another key")]
    BadSignature(String),
    /// It is no mandate: line and field.
    #[error("{0}")]
    Malformed(String),
    /// What the law asks for is missing or does not hold.
    #[error("{0}")]
    Unlawful(String),
}

/// How the pictures may be taken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Modalities {
    /// The camera may be used so that it is seen (sign, marked vehicle, or announced).
    pub visible: bool,
    /// It may be used without being seen, where a legal ground, an officer and an end are named too.
    #[serde(default)]
    pub covert: bool,
    /// Pictures may show people: not cropped to the vehicle, faces not blurred.
    #[serde(default)]
    pub people: bool,
}

/// Whose camera it is, where it is not the police's.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ThirdParty {
    /// Who owns it.
    pub owner: Option<String>,
    /// Reference of the protocol between owner and zone.
    pub protocol: Option<String>,
    /// Whether the police record. If not, passages without a hit and pictures are not kept.
    pub police_record: Option<bool>,
}

/// A decision that was given by word of mouth.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Oral {
    /// Who gave it: the mayor, or who stood in.
    pub by: String,
    /// The officer who asked and heard it.
    pub heard_by: String,
    /// Why it could not wait.
    pub urgency: String,
}

/// An authorisation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mandate {
    /// Reference of the decision; cameras name it.
    pub reference: String,
    /// When it was decided.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "instant")]
    pub decided: Option<Utc>,
    /// Who decided: the council of which municipality.
    #[serde(default)]
    pub authority: String,
    /// Reference of the oral decision that this written one confirms: cameras that name that one go on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirms: Option<String>,
    /// Kinds of camera.
    #[serde(default)]
    pub types: Vec<CameraType>,
    /// What for, in the preset's words.
    #[serde(default)]
    pub purposes: Vec<String>,
    /// Vehicles, by the names that boxes give in `law.vehicle`; empty: any, or none where cameras stand.
    #[serde(default)]
    pub vehicles: Vec<String>,
    /// First instant it counts.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "instant")]
    pub valid_from: Option<Utc>,
    /// First instant it no longer counts.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "instant")]
    pub valid_until: Option<Utc>,
    /// Reference of the privacy and operational impact and risk analysis.
    #[serde(default)]
    pub impact_analysis: String,
    /// Whom to ask: the officer responsible.
    #[serde(default)]
    pub contact: String,
    /// How pictures may be taken.
    pub modalities: Option<Modalities>,
    /// Present where the decision was oral.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oral: Option<Oral>,
    /// Present where the camera is somebody else's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub third_party: Option<ThirdParty>,
    /// Where.
    #[serde(default)]
    pub places: Vec<Place>,
    /// Who signed the file; not part of it.
    #[serde(skip)]
    pub signer: String,
}

/// Times of a mandate: RFC 3339 with an offset, as text or as TOML's own date-time.
mod instant {
    use super::Utc;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(at: &Option<Utc>, s: S) -> Result<S::Ok, S::Error> {
        match at {
            Some(at) => s.collect_str(at),
            None => s.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Utc>, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Said {
            Time(toml::value::Datetime),
            Text(String),
        }
        let text = match Said::deserialize(d)? {
            Said::Time(at) => at.to_string(),
            Said::Text(text) => text,
        };
        let wrong = || {
            Error::custom(format!(
                "{text:?} is no date and time with an offset, such as 2026-12-01T00:00:00+01:00"
            ))
        };
        text.parse().map(Some).map_err(|_| wrong())
    }
}

impl Mandate {
    /// The text of the unsigned file, with `signer`'s signature as its last line.
    pub fn sign(text: &str, signer: &str, key: &SigningKey) -> String {
        let mut body = unsigned(text).trim_end().to_owned();
        body.push('\n');
        let signature = key.sign(signed_text(&body, signer).as_bytes());
        format!("{body}{SIGNED}{signer} {signature}\n")
    }

    /// The mandate in `text`, its signature checked before anything else.
    ///
    /// # Errors
    /// It is not signed by one of `signers`, or is no mandate.
    pub fn verify(text: &str, signers: &Signers) -> Result<Self, MandateError> {
        let trimmed = text.trim_end_matches('\n');
        let (body, last) = trimmed.rsplit_once('\n').ok_or(MandateError::Unsigned)?;
        let said = last.strip_prefix(SIGNED).ok_or(MandateError::Unsigned)?;
        let (signer, signature) = said.split_once(' ').ok_or(MandateError::Unsigned)?;
        let signature: Signature = signature.parse().map_err(|_| MandateError::Unsigned)?;
        let cut = || signer.chars().take(64).collect::<String>();
        let key = signers.key(signer).ok_or_else(|| MandateError::UnknownSigner(cut()))?;
        // With the line end before the signature: every byte but the last line.
        let body = text.get(..=body.len()).unwrap_or_default();
        if !key.verifies(signed_text(body, signer).as_bytes(), &signature) {
            return Err(MandateError::BadSignature(cut()));
        }
        Ok(Self { signer: signer.to_owned(), ..Self::parse(body)? })
    }

    /// The mandate in `text`, signed or not, nothing but its form checked.
    ///
    /// # Errors
    /// [`MandateError::Malformed`] with line and field.
    pub fn parse(text: &str) -> Result<Self, MandateError> {
        let mandate: Self =
            toml::from_str(text).map_err(|e| MandateError::Malformed(e.to_string().trim_end().to_owned()))?;
        let malformed = |why: String| Err(MandateError::Malformed(why));
        if mandate.reference.trim().is_empty() || mandate.reference.chars().any(char::is_control) {
            return malformed("reference: found nothing; every decision has one".into());
        }
        match mandate.places.iter().find_map(Place::problem) {
            Some(problem) => malformed(problem),
            None => Ok(mandate),
        }
    }

    /// Reads the file at `path` and checks its signature.
    ///
    /// # Errors
    /// As [`Self::verify`], and where it cannot be read.
    pub fn read(path: &Path, signers: &Signers) -> Result<Self, MandateError> {
        Self::verify(&read_text(path)?, signers)
    }

    /// What the rules ask of a mandate and this one does not say or may not say; each in a sentence.
    pub fn problems(&self, rules: &Rules) -> Vec<String> {
        let rules = &rules.mandate;
        let mut wrong = Vec::new();
        for field in &rules.required.value {
            // An oral decision is confirmed in writing; the analysis may follow with that.
            let may_follow =
                self.oral.is_some() && matches!(field.as_str(), "impact_analysis" | "valid_until");
            if !may_follow && !self.says(field) {
                wrong.push(format!("{field}: found nothing, and {} asks for it", rules.required.article));
            }
        }
        for kind in self.types.iter().filter(|t| !rules.camera_types.value.contains(t)) {
            wrong.push(format!("types: {kind} is no kind of camera of {}", rules.camera_types.article));
        }
        for purpose in self.purposes.iter().filter(|p| !rules.purposes.value.contains(p)) {
            let known = rules.purposes.value.join(", ");
            wrong.push(format!("purposes: {purpose:?} is none of {known} ({})", rules.purposes.article));
        }
        if let (Some(from), Some(until)) = (self.valid_from, self.valid_until) {
            let days = until.since_ms(from) as f64 / 86_400_000.0;
            let most = rules.temporary_max_days.value;
            if until.since_ms(from) <= 0 {
                wrong.push(format!("valid_until, {until}, is not after valid_from, {from}"));
            } else if self.types.contains(&CameraType::TemporaryFixed) && days > f64::from(most) {
                wrong.push(format!(
                    "a temporary camera for {days:.0} days; at most {most} ({})",
                    rules.temporary_max_days.article
                ));
            }
        }
        if self.types.contains(&CameraType::ThirdParty) {
            let said = self.third_party.clone().unwrap_or_default();
            for field in &rules.third_party_required.value {
                let there = match field.as_str() {
                    "owner" => said.owner.as_ref().is_some_and(|t| !t.trim().is_empty()),
                    "protocol" => said.protocol.as_ref().is_some_and(|t| !t.trim().is_empty()),
                    "police_record" => said.police_record.is_some(),
                    _ => false,
                };
                if !there {
                    wrong.push(format!(
                        "third_party.{field}: found nothing; a third party's camera says its owner, the protocol and \
                         whether the police record ({})",
                        rules.third_party_required.article
                    ));
                }
            }
        }
        let stands = self.types.iter().any(|t| !t.moves() && !rules.exempt_types.value.contains(t));
        if stands && self.places.is_empty() {
            wrong.push(
                "places: found nothing; cameras that stand need the places they were allowed for".into(),
            );
        }
        if !stands && !self.types.is_empty() && self.places.is_empty() && self.vehicles.is_empty() {
            wrong.push(
                "places and vehicles: found neither; a mobile camera needs an area, a vehicle or both".into(),
            );
        }
        if let Some(oral) = &self.oral {
            for (field, said) in [("by", &oral.by), ("heard_by", &oral.heard_by), ("urgency", &oral.urgency)]
            {
                if said.trim().is_empty() {
                    wrong.push(format!("oral.{field}: found nothing"));
                }
            }
        }
        wrong
    }

    /// The mandate as TOML, without a signature.
    ///
    /// # Errors
    /// Where a value cannot be written as TOML; what was read from it can.
    pub fn to_text(&self) -> Result<String, toml::ser::Error> {
        toml::to_string(self)
    }

    fn says(&self, field: &str) -> bool {
        let text = |t: &str| !t.trim().is_empty();
        match field {
            "reference" => text(&self.reference),
            "decided" => self.decided.is_some(),
            "authority" => text(&self.authority),
            "types" => !self.types.is_empty(),
            "purposes" => !self.purposes.is_empty(),
            "modalities" => self.modalities.is_some(),
            "valid_from" => self.valid_from.is_some(),
            "valid_until" => self.valid_until.is_some(),
            "impact_analysis" => text(&self.impact_analysis),
            "contact" => text(&self.contact),
            // A preset that asks for a field there is not can never be satisfied; better that than silence.
            _ => false,
        }
    }

    /// First instant at which it no longer counts: its end, and for an oral one the end of the hours that the
    /// rules give it. `None`: no end is known.
    pub fn ends(&self, rules: &Rules) -> Option<Utc> {
        let lapses = self
            .oral
            .as_ref()
            .and(self.decided)
            .map(|at| at.plus_ms(i64::from(rules.mandate.oral_valid_h.value) * 3_600_000));
        match (self.valid_until, lapses) {
            (Some(a), Some(b)) => Some(if a.since_ms(b) < 0 { a } else { b }),
            (a, b) => a.or(b),
        }
    }

    /// Whether the police keep what this camera sees: always their own, a third party's only where it says so.
    pub fn police_record(&self) -> bool {
        self.third_party.as_ref().is_none_or(|t| t.police_record == Some(true))
    }
}

/// The text of a mandate file.
///
/// # Errors
/// It cannot be read, is no UTF-8 or is larger than 1 MiB.
pub fn read_text(path: &Path) -> Result<String, MandateError> {
    let fail = |why: String| MandateError::Unreadable { path: path.to_owned(), why };
    let size = std::fs::metadata(path).map_err(|e| fail(e.to_string()))?.len();
    if size > MAX_BYTES {
        return Err(fail("it is larger than 1 MiB".into()));
    }
    std::fs::read_to_string(path).map_err(|e| fail(e.to_string()))
}

/// The text without its signature line.
pub fn unsigned(text: &str) -> &str {
    let trimmed = text.trim_end_matches('\n');
    match trimmed.rsplit_once('\n') {
        Some((body, last)) if last.starts_with(SIGNED) => body,
        _ => text,
    }
}

fn signed_text(body: &str, signer: &str) -> String {
    format!("{LABEL}\nsigner: {signer}\n{body}")
}

#[cfg(test)]
#[path = "mandate_tests.rs"]
mod tests;
