//! `[law]`: which rules hold, and what a missing mandate means.

use super::file::{Table, Value};
use crate::domain::Utc;
use crate::law::{CameraUse, Covert, GpsdAddress, Mode, Officers, Policy, Positions, Preset, Settings};
use crate::runtime::Signers;
use std::sync::Arc;

/// The law; a file without `[law]` is warned of, here and by the running box.
pub(super) fn law(root: &Table<'_>) -> Settings {
    let t = root.table("law", "law");
    if !t.is_there() {
        root.file.warn(
            0,
            "law",
            "nothing",
            "the configuration says nothing about the law: cameras run without a mandate, and log, health and \
             register say so. Write [law] with mandates = \"DIR\", or preset = \"off\" outside police law; \
             docs/guide/mandates.md",
        );
        return Settings::unsaid();
    }
    let preset = match t.get("preset") {
        None => Some(Preset::be_wpa()),
        Some(v) => preset(&v),
    };
    let off = preset.as_ref().is_some_and(|p| p.rules.is_none());
    let policy = t.get("policy").and_then(|v| {
        let policy = v.word()?.parse::<Policy>().ok()?;
        if off && policy != Policy::Off {
            return v
                .wrong(Some("the preset is outside police law and has no rules; leave policy out".into()));
        }
        if !off && policy != Policy::Enforce {
            let why = match policy {
                Policy::Off => "mandates are not looked at; the register and every export say so",
                _ => "cameras run without a mandate that covers them; log, health and register say so",
            };
            v.file.warn(v.at, &v.key, &format!("\"{policy}\""), why);
        }
        Some(policy)
    });
    let policy = policy.unwrap_or(if off { Policy::Off } else { Policy::Enforce });
    let mandates = t.get("mandates").and_then(|v| v.existing_folder());
    let signers = t.get("signers").and_then(|v| signers(&v));
    if policy != Policy::Off {
        for key in ["mandates", "signers"] {
            if t.get(key).is_none() {
                let why = "mandates are signed files in a folder; docs/guide/mandates.md";
                t.missing(key, Some(why.into()));
            }
        }
    }
    let officers = t.get("officers").and_then(|v| {
        let path = v.existing_file()?;
        let text = std::fs::read_to_string(&path).map_err(|e| e.to_string());
        match text.and_then(|text| Officers::parse(&text)) {
            Ok(officers) => Some(officers),
            Err(why) => v.wrong(Some(format!("{}: {why}", path.display()))),
        }
    });
    Settings {
        vehicle: t.get("vehicle").and_then(|v| v.name(64, true)).map(str::to_owned),
        positions: t.get("positions").and_then(|v| positions(&v)),
        officers: officers.unwrap_or_default(),
        preset: Arc::new(preset.unwrap_or_else(Preset::be_wpa)),
        policy,
        said: true,
        mandates,
        signers: signers.unwrap_or_default(),
    }
}

/// What a camera's block says of it before the law.
pub(super) fn camera_use(t: &Table<'_>) -> CameraUse {
    let mandate = t.get("mandate").and_then(|v| v.text()).map(str::to_owned);
    let kind = t.get("type").and_then(|v| v.word()?.parse().ok());
    let mode = t.get("mode").and_then(|v| v.word()?.parse().ok()).unwrap_or(Mode::Visible);
    let covert = t.table("covert", "cameras.covert");
    let time = |key: &str| {
        covert.need(key).and_then(|v| {
            let at: Option<Utc> = v.time_text()?.parse().ok();
            at.or_else(|| v.wrong(Some("with an offset, such as Z".into())))
        })
    };
    let covert = covert.is_there().then(|| {
        let text = |key: &str| covert.need(key).and_then(|v| v.text()).map(str::to_owned);
        let (ground, officer, from, until) = (text("ground"), text("officer"), time("from"), time("until"));
        Some(Covert { ground: ground?, officer: officer?, from: from?, until: until? })
    });
    match (mode, &covert) {
        (Mode::Covert, None) => {
            let hint = "legal ground, officer, from and until: a covert use without them is never allowed";
            t.file.wrong(
                t.at,
                &t.path_of("covert"),
                "nothing",
                "a table [cameras.covert]",
                Some(hint.into()),
            );
        }
        (Mode::Visible, Some(_)) => {
            let hint = "write mode = \"covert\", or take the table out";
            t.file.wrong(
                t.at,
                &t.path_of("covert"),
                "a table",
                "nothing with mode = \"visible\"",
                Some(hint.into()),
            );
        }
        _ => {}
    }
    CameraUse { mandate, kind, mode, covert: covert.flatten() }
}

/// A file's path, or gpsd's address.
fn positions(v: &Value<'_>) -> Option<Positions> {
    let text = v.text()?;
    if !text.contains("://") {
        return v.path().map(Positions::File);
    }
    match GpsdAddress::parse(text) {
        Ok(address) => Some(Positions::Gpsd(address)),
        Err(why) => v.wrong(Some(why)),
    }
}

fn preset(v: &Value<'_>) -> Option<Preset> {
    let text = v.text()?;
    if !text.ends_with(".toml") && !Preset::ready().any(|name| name == text) {
        let near = super::keys::nearest(text, Preset::ready());
        return v.wrong(near.map(|near| format!("did you mean {near:?}?")));
    }
    match Preset::load(text, v.file.base) {
        Ok(preset) => Some(preset),
        Err(error) => v.wrong(Some(error.to_string())),
    }
}

/// The public keys in the file `v` names.
pub(super) fn signers(v: &Value<'_>) -> Option<Signers> {
    let path = v.existing_file()?;
    let text = std::fs::read_to_string(&path).map_err(|e| e.to_string());
    match text.and_then(|text| Signers::parse(&text)) {
        Ok(signers) => Some(signers),
        Err(why) => v.wrong(Some(format!("{}: {why}", path.display()))),
    }
}
