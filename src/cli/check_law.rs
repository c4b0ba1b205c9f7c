//! What `check --config` says of the law: what would be refused, and what nobody has checked.

use crate::domain::Utc;
use crate::law::{Mandates, Moment, Permit, Policy, decide, list_allowed};
use crate::pipeline::Settings;
use std::fmt::Write as _;

/// Lines for the summary, and what is wrong.
pub(super) fn law(settings: &Settings) -> (String, Vec<String>) {
    let law = &settings.law;
    let mut out =
        format!("law: preset {}, policy {}\n     {}\n", law.preset.name, law.policy, law.preset.statement);
    let mut errors = Vec::new();
    let Some(rules) = law.preset.rules.as_ref() else { return (out, errors) };
    if let (Some(folder), true) = (&law.mandates, law.policy != Policy::Off) {
        match Mandates::read(folder, &law.signers, rules) {
            Ok(mandates) => cameras(settings, &mandates, &mut out, &mut errors),
            Err(error) => errors.push(format!("the folder of mandates {}: {error}", folder.display())),
        }
    }
    if !law.preset.unchecked.is_empty() {
        let n = law.preset.unchecked.len();
        let _ = writeln!(
            out,
            "     {n} rules of this preset were not compared with the text of the law; {}:",
            law.preset.verify
        );
        for u in &law.preset.unchecked {
            let _ = writeln!(out, "       {} ({})", u.rule, u.article);
        }
    }
    (out, errors)
}

fn cameras(settings: &Settings, mandates: &Mandates, out: &mut String, errors: &mut Vec<String>) {
    let law = &settings.law;
    let Some(rules) = law.preset.rules.as_ref() else { return };
    for refused in mandates.refused() {
        errors.push(format!("mandate {}: {}", refused.path.display(), refused.why));
    }
    let now = Utc::now();
    for camera in &settings.cameras {
        let name = &camera.capture.camera;
        // Who is on duty and where a vehicle is are known only while the box runs.
        let moves = camera.lawful.kind.is_some_and(|k| k.moves());
        let officer = Some("-".to_owned());
        let at = Moment { now, position: camera.capture.position, vehicle: law.vehicle.clone(), officer };
        match decide(rules, mandates, &camera.lawful, &at) {
            Permit::Granted(grant) => {
                let until = grant.until.map_or_else(|| "no end".into(), |t| t.to_string());
                let reference = grant.mandate.as_ref().map_or("none needed", |m| m.reference.as_str());
                let _ = writeln!(
                    out,
                    "     camera {name}: mandate {reference}, {}, until {until}",
                    camera.lawful.mode
                );
                for list in &settings.hotlists {
                    if let Some(Err(why)) =
                        grant.mandate.as_ref().map(|m| list_allowed(m, &list.name, &list.policy.purposes))
                    {
                        let _ = writeln!(out, "     camera {name}: not matched: {why}");
                    }
                }
            }
            Permit::Refused(refusal) if moves && refusal.code == "no-position" => {
                if law.positions.is_none() {
                    errors.push(format!(
                        "camera {name}: it moves, and law.positions does not say where the vehicle is"
                    ));
                }
                let _ = writeln!(out, "     camera {name}: moves; its place is asked while it drives");
            }
            // It would run, so `check` does not fail; it says it all the same.
            Permit::Refused(refusal) if law.policy != Policy::Enforce => {
                let _ = writeln!(out, "     camera {name}: NO mandate covers it: {}", refusal.text);
            }
            Permit::Refused(refusal) => {
                errors.push(format!("camera {name}: would not be opened: {}", refusal.text));
            }
        }
    }
}
