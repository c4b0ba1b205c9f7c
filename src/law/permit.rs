//! Whether a camera may look now. Pure: rules, mandates, place and time are arguments.

use super::folder::Mandates;
use super::{CameraType, Mandate, Rules};
use crate::domain::{Position, Utc};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// Whether a camera can be seen looking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// With a sign, on a marked vehicle, or after a warning.
    Visible,
    /// Without.
    Covert,
}

impl Mode {
    /// Its word in files and tables.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Visible => "visible",
            Self::Covert => "covert",
        }
    }
}

impl FromStr for Mode {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Visible, Self::Covert].into_iter().find(|m| m.word() == text).ok_or(())
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// On what a covert use rests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Covert {
    /// The article.
    pub ground: String,
    /// The officer who leads it.
    pub officer: String,
    /// Its first instant.
    pub from: Utc,
    /// First instant it is over.
    pub until: Utc,
}

/// What a camera is and says of itself, from its configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct CameraUse {
    /// The mandate it names.
    pub mandate: Option<String>,
    /// Its kind.
    pub kind: Option<CameraType>,
    /// How it looks.
    pub mode: Mode,
    /// With [`Mode::Covert`].
    pub covert: Option<Covert>,
}

impl Default for CameraUse {
    fn default() -> Self {
        Self { mandate: None, kind: None, mode: Mode::Visible, covert: None }
    }
}

/// What is known of the moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Moment {
    /// The box's clock.
    pub now: Utc,
    /// Where the camera is: configured, or the vehicle's latest position that is not too old.
    pub position: Option<Position>,
    /// The vehicle the box is in.
    pub vehicle: Option<String>,
    /// The officer in charge who is on duty.
    pub officer: Option<String>,
}

/// Why a camera may not look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// A word for tables and metrics: `no-mandate`, `outside-area`, …
    pub code: &'static str,
    /// A sentence for people: what, why, what to do.
    pub text: String,
}

/// What holds for a camera at a moment.
#[derive(Debug, Clone)]
pub enum Permit {
    /// It may look.
    Granted(Grant),
    /// It may not.
    Refused(Refusal),
}

/// What a camera may look under.
#[derive(Debug, Clone)]
pub struct Grant {
    /// The mandate; `None` where its kind needs none.
    pub mandate: Option<Arc<Mandate>>,
    /// When it ends, where an end is known.
    pub until: Option<Utc>,
    /// The name of the place it stands in or is driving through.
    pub place: Option<String>,
}

fn no(code: &'static str, text: String) -> Permit {
    Permit::Refused(Refusal { code, text })
}

/// Whether the camera may look at this moment.
pub fn decide(rules: &Rules, mandates: &Mandates, camera: &CameraUse, at: &Moment) -> Permit {
    let of = &rules.mandate;
    let Some(kind) = camera.kind else {
        return no("no-type", "the camera says no type; write type = \"fixed\" or another kind".into());
    };
    if !of.camera_types.value.contains(&kind) {
        return no("type", format!("{kind} is no kind of camera of {}", of.camera_types.article));
    }
    let exempt = of.exempt_types.value.contains(&kind);
    let Some(reference) = &camera.mandate else {
        if exempt && camera.mode == Mode::Visible {
            return Permit::Granted(Grant { mandate: None, until: None, place: None });
        }
        return no("no-mandate", "the camera names no mandate; write mandate = \"REFERENCE\"".into());
    };
    let Some(mandate) = mandates.get(reference) else {
        let text = match mandates.refusal(reference) {
            Some(refused) => format!("the mandate {reference} is not taken: {}", refused.why),
            None => format!("there is no mandate {reference} in the folder of mandates"),
        };
        return no("no-mandate", text);
    };
    let name = &mandate.reference;
    if !mandate.types.contains(&kind) {
        let allowed = mandate.types.iter().map(|t| t.word()).collect::<Vec<_>>().join(", ");
        return no(
            "type",
            format!("the mandate {name} is for cameras of the kind {allowed}, this one is {kind}"),
        );
    }
    if let Some(refusal) = wrong_time(rules, mandate, at.now)
        .or_else(|| wrong_mode(rules, mandate, camera, kind, at.now))
        .or_else(|| wrong_vehicle(mandate, kind, at))
    {
        return Permit::Refused(refusal);
    }
    let place = match where_allowed(mandate, kind, at) {
        Ok(place) => place,
        Err(refusal) => return Permit::Refused(refusal),
    };
    if rules.register.officer_types.value.contains(&kind) && at.officer.is_none() {
        return no(
            "no-officer",
            format!(
                "no officer in charge is on duty, and {} asks for one; platewatch duty start",
                rules.register.officer_types.article
            ),
        );
    }
    let covert_until = camera.covert.as_ref().filter(|_| camera.mode == Mode::Covert).map(|c| c.until);
    let until = [mandate.ends(rules), covert_until].into_iter().flatten().min();
    Permit::Granted(Grant { mandate: Some(Arc::clone(mandate)), until, place })
}

fn refusal(code: &'static str, text: String) -> Option<Refusal> {
    Some(Refusal { code, text })
}

fn wrong_time(rules: &Rules, mandate: &Mandate, now: Utc) -> Option<Refusal> {
    let name = &mandate.reference;
    if let Some(from) = mandate.valid_from.filter(|from| now < *from) {
        return refusal("not-yet", format!("the mandate {name} counts from {from} on"));
    }
    if let Some(decided) = mandate.decided.filter(|at| now < *at) {
        return refusal(
            "not-yet",
            format!(
                "the mandate {name} was decided at {decided}, which is still to come; is this box's clock right?"
            ),
        );
    }
    let end = mandate.ends(rules)?;
    if now < end {
        return None;
    }
    if mandate.oral.is_some() && mandate.valid_until != Some(end) {
        let hours = rules.mandate.oral_valid_h.value;
        return refusal(
            "oral-lapsed",
            format!(
                "the oral decision {name} lapsed at {end}, {hours} hours after it was given, and no written one \
                 confirms it ({})",
                rules.mandate.oral_valid_h.article
            ),
        );
    }
    refusal("over", format!("the mandate {name} ended at {end}"))
}

fn wrong_mode(
    rules: &Rules,
    mandate: &Mandate,
    camera: &CameraUse,
    kind: CameraType,
    now: Utc,
) -> Option<Refusal> {
    let name = &mandate.reference;
    let modalities = mandate.modalities.as_ref();
    let rules = &rules.mandate;
    if camera.mode == Mode::Visible {
        let allowed = modalities.is_some_and(|m| m.visible);
        let text = || format!("the mandate {name} does not allow visible use");
        return if allowed { None } else { refusal("mode", text()) };
    }
    if !modalities.is_some_and(|m| m.covert) {
        return refusal("mode", format!("the mandate {name} does not allow covert use"));
    }
    if !rules.covert_types.value.contains(&kind) {
        return refusal("mode", format!("a {kind} camera is never covert ({})", rules.covert_types.article));
    }
    let Some(covert) = &camera.covert else {
        return refusal(
            "mode",
            "covert use needs its legal ground, its officer, its begin and its end: [cameras.covert]".into(),
        );
    };
    if !rules.covert_grounds.value.contains(&covert.ground) {
        let known = rules.covert_grounds.value.join(", ");
        return refusal(
            "mode",
            format!("{:?} is no legal ground for covert use; known: {known}", covert.ground),
        );
    }
    let hours = covert.until.since_ms(covert.from) as f64 / 3_600_000.0;
    let most = rules.covert_max_h.value;
    if hours > f64::from(most) || hours <= 0.0 {
        return refusal(
            "mode",
            format!(
                "covert use for {hours:.0} hours; more than 0 and at most {most} ({})",
                rules.covert_max_h.article
            ),
        );
    }
    if now < covert.from {
        return refusal("not-yet", format!("the covert use begins at {}", covert.from));
    }
    if now >= covert.until {
        return refusal("over", format!("the covert use ended at {}", covert.until));
    }
    None
}

fn wrong_vehicle(mandate: &Mandate, kind: CameraType, at: &Moment) -> Option<Refusal> {
    if mandate.vehicles.is_empty() || !kind.moves() {
        return None;
    }
    let allowed = mandate.vehicles.join(", ");
    let name = &mandate.reference;
    match &at.vehicle {
        None => refusal(
            "vehicle",
            format!(
                "the mandate {name} is for the vehicles {allowed}, and this box does not say which it is in; law.vehicle"
            ),
        ),
        Some(own) if !mandate.vehicles.contains(own) => {
            refusal("vehicle", format!("the mandate {name} is for the vehicles {allowed}, this one is {own}"))
        }
        Some(_) => None,
    }
}

/// The name of the place, where the mandate names places.
fn where_allowed(mandate: &Mandate, kind: CameraType, at: &Moment) -> Result<Option<String>, Refusal> {
    let name = &mandate.reference;
    if mandate.places.is_empty() {
        return Ok(None);
    }
    let Some(position) = &at.position else {
        return Err(if kind.moves() {
            Refusal {
                code: "no-position",
                text: format!("the vehicle's position is not known, and the mandate {name} is for an area"),
            }
        } else {
            Refusal {
                code: "no-position",
                text: format!(
                    "the camera says no position, and the mandate {name} is for a place; write position = [longitude, latitude]"
                ),
            }
        });
    };
    match mandate.places.iter().find(|p| p.contains(position)) {
        Some(place) => Ok(Some(place.name.clone())),
        None => {
            let allowed = mandate.places.iter().map(|p| p.name.as_str()).collect::<Vec<_>>().join(", ");
            Err(Refusal {
                code: "outside-area",
                text: format!("the camera is outside the places of the mandate {name}: {allowed}"),
            })
        }
    }
}

/// Whether a list with these purposes may be matched under this mandate: it says what it is for, and the mandate
/// allows all of it.
///
/// # Errors
/// A sentence that names what is not allowed.
pub fn list_allowed(mandate: &Mandate, list: &str, purposes: &[String]) -> Result<(), String> {
    purposes_allowed(&mandate.reference, &mandate.purposes, list, purposes)
}

/// The same, of a mandate of which only its reference and purposes are known.
///
/// # Errors
/// A sentence that names what is not allowed.
pub fn purposes_allowed(
    reference: &str,
    allowed: &[String],
    list: &str,
    purposes: &[String],
) -> Result<(), String> {
    if purposes.is_empty() {
        return Err(format!("the list {list} says no purposes; write purposes = [\"…\"] in its block"));
    }
    let outside: Vec<&str> = purposes.iter().filter(|p| !allowed.contains(p)).map(String::as_str).collect();
    if outside.is_empty() {
        return Ok(());
    }
    Err(format!(
        "the mandate {reference} does not allow {}, which the list {list} is for",
        outside.join(", ")
    ))
}

#[cfg(test)]
#[path = "permit_tests.rs"]
mod tests;
