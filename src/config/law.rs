//! `[law]`: which rules hold, and what a missing mandate means.

use super::file::{Table, Value};
use crate::law::{Policy, Preset, Settings};
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
    Settings {
        preset: Arc::new(preset.unwrap_or_else(Preset::be_wpa)),
        policy,
        said: true,
        mandates,
        signers: signers.unwrap_or_default(),
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
