//! `[retention]`: how long things are kept; the law's longest terms hold whatever is written.

use super::file::{Table, Value};
use super::keys;
use crate::law::preset::{RetentionRules, Rule, Scheme};
use crate::law::{self, Preset};
use crate::store::{NonHits, Retention, Terms};

/// No term at all: longer than any box lives.
const FOR_EVER: u32 = 36_500;

/// The terms, and whether passages without a hit are kept at all (`false` only where this says so).
///
/// A preset outside police law sets no term, so there only what is written here counts, and without this table
/// nothing is deleted.
pub(super) fn retention(root: &Table<'_>, law: &law::Settings) -> (Option<Retention>, bool) {
    let t = root.table("retention", "retention");
    let preset = &law.preset;
    let rules = preset.rules.as_ref().map(|r| &r.retention);
    if rules.is_none() && !t.is_there() {
        return (None, true);
    }
    let scheme = scheme(&t, preset, rules);
    let days = |name: &str, default: u32, max: Option<&Rule<u32>>| {
        t.or(name, default, |v| {
            let days = u32::try_from(v.whole()?).ok()?;
            match max {
                Some(max) if days > max.value => refuse(&v, days, max, preset),
                _ => Some(days),
            }
        })
    };
    let (most, register, audit) =
        (rules.map(|r| &r.max_days), rules.map(|r| &r.register_max_days), rules.map(|r| &r.audit_max_days));
    let terms = Terms {
        non_hits: days("non_hits_days", scheme.non_hits, most),
        hits: days("hits_days", scheme.hits, most),
        plate_texts: days("plate_texts_days", scheme.plate_texts, most),
        pictures: days("pictures_days", scheme.pictures, most),
        register: days("register_days", scheme.register, register),
        audit: days("audit_days", scheme.audit, audit),
    };
    let word = t.or("non_hits", "text", |v| v.word());
    let non_hits = if word == "hash" { NonHits::Hash } else { NonHits::Text };
    (Some(Retention { terms, non_hits }), word != "none")
}

fn refuse(v: &Value<'_>, days: u32, max: &Rule<u32>, preset: &Preset) -> Option<u32> {
    let unchecked = if max.checked { String::new() } else { format!("; {}", preset.verify) };
    v.wrong_as(
        &format!("{days} days"),
        Some(format!(
            "the preset {} allows at most {} ({}{unchecked}); a zone may keep less, never more",
            preset.name, max.value, max.article
        )),
    )
}

/// The scheme named, or the preset's own.
fn scheme(t: &Table<'_>, preset: &Preset, rules: Option<&RetentionRules>) -> Scheme {
    let none = Scheme {
        non_hits: FOR_EVER,
        hits: FOR_EVER,
        plate_texts: FOR_EVER,
        pictures: FOR_EVER,
        register: FOR_EVER,
        audit: FOR_EVER,
    };
    let named = t.get("scheme");
    let Some(rules) = rules else {
        if let Some(v) = named {
            let _: Option<()> = v.wrong(Some(format!("the preset {} has no schemes", preset.name)));
        }
        return none;
    };
    let by_name = |name: &str| rules.schemes.get(name).map(|r| r.value);
    let own = by_name(&rules.scheme.value).unwrap_or(none);
    let Some(v) = named else { return bounded(own, rules) };
    let chosen = v.text().and_then(|name| {
        by_name(name).or_else(|| {
            let known = || rules.schemes.keys().map(String::as_str);
            let words = keys::quoted(known());
            let hint = keys::nearest(name, known()).map(|near| format!("did you mean {near:?}?"));
            v.wrong(Some(hint.unwrap_or(format!("the preset {} has {words}", preset.name))))
        })
    });
    bounded(chosen.unwrap_or(own), rules)
}

/// A scheme of a preset that says more than its own maximum keeps to the maximum.
fn bounded(s: Scheme, rules: &RetentionRules) -> Scheme {
    let most = rules.max_days.value;
    Scheme {
        non_hits: s.non_hits.min(most),
        hits: s.hits.min(most),
        plate_texts: s.plate_texts.min(most),
        pictures: s.pictures.min(most),
        register: s.register.min(rules.register_max_days.value),
        audit: s.audit.min(rules.audit_max_days.value),
    }
}
