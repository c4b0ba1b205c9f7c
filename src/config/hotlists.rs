//! `[[hotlists]]`: which lists, how they are laid out, where and until when they count, who signs them.

use super::cameras::unique_names;
use super::file::{Table, Value};
use crate::domain::{MatchKind, Utc, Zone};
use crate::hotlist::{self, Hours, Mapping, Policy, Signing, WhenStale, manifest_path, ready};
use crate::pipeline::CameraSettings;
use std::path::Path;
use std::time::Duration;

/// All lists; `memory` is the folder where accepted versions of signed ones are kept.
pub(super) fn hotlists(
    root: &Table<'_>,
    cameras: &[CameraSettings],
    memory: &Path,
    passages_per_day: f64,
) -> Vec<hotlist::Settings> {
    let blocks = root.blocks("hotlists");
    if root.get("hotlists").is_none() {
        root.file.warn(0, "hotlists", "nothing", "without a list, nothing is a hit");
    }
    unique_names(&blocks);
    blocks.iter().filter_map(|t| list(t, cameras, memory, passages_per_day)).collect()
}

fn list(
    t: &Table<'_>,
    cameras: &[CameraSettings],
    memory: &Path,
    passages_per_day: f64,
) -> Option<hotlist::Settings> {
    let name = t.need("name").and_then(|v| v.name(64, true)).map(str::to_owned);
    let path = t.need("path").and_then(|v| v.existing_file());
    let poll = t.or("poll_s", Duration::from_secs(2), |v| v.seconds());
    let max_bad_share = t.or("max_bad_share", 0.1, |v| v.number());
    let mapping = t.or("mapping", Mapping::own(), mapping);
    let policy = policy(t, cameras);
    let signing = signing(t, path.as_deref(), memory);
    let (rules, budget) = (rules(t), budget(t, passages_per_day));
    let (name, path) = (name?, path?);
    Some(hotlist::Settings { name, path, mapping, poll, max_bad_share, policy, signing, rules, budget })
}

/// A ready mapping by its name, or one of the user's by its file.
fn mapping(v: Value<'_>) -> Option<Mapping> {
    let text = v.text()?;
    let found = if ready().iter().any(|(name, _)| *name == text) {
        Mapping::load(text)
    } else if text.ends_with(".toml") {
        Mapping::load(&v.existing_file()?.to_string_lossy())
    } else {
        let near = super::keys::nearest(text, ready().iter().map(|m| m.0));
        return v.wrong(near.map(|near| format!("did you mean {near:?}?")));
    };
    match found {
        Ok(mapping) => Some(mapping),
        Err(error) => v.wrong(Some(error.to_string())),
    }
}

fn policy(t: &Table<'_>, cameras: &[CameraSettings]) -> Policy {
    let globs = t.get("cameras").and_then(|v| {
        let globs: Vec<String> = v.texts()?.into_iter().map(|g| g.trim().to_owned()).collect();
        for glob in &globs {
            let one = Policy { cameras: vec![glob.clone()], ..Policy::default() };
            // Without a camera the problem is another one, said already.
            let fits = |c: &CameraSettings| one.applies(&c.capture.camera, Utc::from_unix_ms(0));
            if !cameras.is_empty() && !cameras.iter().any(fits) {
                v.file.warn(v.at, &v.key, &format!("{glob:?}"), "no camera of this file has such a name");
            }
        }
        Some(globs)
    });
    let zone = t.get("time_zone").map(|v| {
        Zone::parse(v.text().unwrap_or_default()).ok().or_else(|| v.wrong(None)).unwrap_or_else(Zone::utc)
    });
    let hours = t.get("hours").and_then(|v| {
        let texts = v.texts()?;
        if zone.is_none() {
            t.missing("time_zone", Some("hours are those of a clock somewhere".into()));
        }
        match Hours::parse(texts, zone.clone().unwrap_or_else(Zone::utc)) {
            Ok(hours) => Some(hours),
            Err(why) => v.wrong_as(&why, None),
        }
    });
    let expires = t.get("expires").and_then(|v| {
        let text = v.time_text()?;
        text.parse().ok().or_else(|| v.wrong(Some("with an offset, such as Z".into())))
    });
    let max_age = t.get("max_age_h").and_then(|v| v.number()).map(|h| Duration::from_secs_f64(h * 3600.0));
    let when_stale = t.or("when_stale", WhenStale::Lower, |v| {
        Some(if v.word()? == "stop" { WhenStale::Stop } else { WhenStale::Lower })
    });
    let purposes = t.get("purposes").and_then(|v| v.texts());
    let purposes = purposes.unwrap_or_default().into_iter().map(str::to_owned).collect();
    Policy {
        cameras: globs.unwrap_or_default(),
        hours,
        expires,
        max_age,
        when_stale,
        purposes,
        ..Policy::default()
    }
}

fn signing(t: &Table<'_>, list: Option<&Path>, memory: &Path) -> Option<Signing> {
    let said = t.get("signers");
    if said.is_none() {
        for key in ["manifest", "allow_older"] {
            if let Some(v) = t.get(key) {
                let _: Option<()> = v.wrong(Some("only with signers".into()));
            }
        }
        return None;
    }
    let signers = said.and_then(|v| super::law::signers(&v))?;
    // It need not be there yet: the list is refused until it is.
    let manifest = t.get("manifest").and_then(|v| v.path()).or_else(|| list.map(manifest_path))?;
    let allow_older = t.or("allow_older", false, |v| v.yes());
    if let (true, Some(v)) = (allow_older, t.get("allow_older")) {
        v.file.warn(v.at, &v.key, "true", "an old list that someone brings again will be used");
    }
    Some(Signing { signers, manifest, memory: Some(memory.to_owned()), allow_older })
}

fn rules(t: &Table<'_>) -> hotlist::Rules {
    let default = hotlist::Rules::default();
    let words = hotlist::Rules::ALL.map(MatchKind::as_str);
    let kind = |word: &str| hotlist::Rules::ALL.into_iter().find(|k| k.as_str() == word);
    let kinds = t.or("kinds", default.kinds, |v| {
        let kinds: Option<Vec<MatchKind>> = v.texts()?.into_iter().map(kind).collect();
        match kinds {
            Some(kinds) if kinds.iter().enumerate().all(|(i, k)| !kinds.iter().take(i).any(|o| o == k)) => {
                Some(kinds)
            }
            _ => v.wrong(Some(format!("any of {}", super::keys::quoted(words.iter().copied())))),
        }
    });
    let min_alternative =
        t.or("min_alternative_probability", default.min_alternative, |v| v.number().map(|n| n as f32));
    hotlist::Rules { kinds, min_alternative }
}

fn budget(t: &Table<'_>, passages_per_day: f64) -> hotlist::Budget {
    let max_false_hits_per_day = t.get("max_false_hits_per_day").and_then(|v| v.number());
    let anyway = t.get("activate_over_budget");
    let activate_anyway = anyway.as_ref().and_then(|v| v.yes()).unwrap_or(false);
    if let (Some(v), true) = (anyway, activate_anyway) {
        let why = "the list is used however many false hits it is expected to cause";
        v.file.warn(v.at, &v.key, "true", why);
    }
    hotlist::Budget { max_false_hits_per_day, activate_anyway, passages_per_day }
}
