//! How the law at work is told: log, audit chain, camera status, health and the periods of the register.

use super::lawful::{Door, Gate, Lawful, Looking};
use super::ledger::Ledger;
use super::watching::Watch;
use crate::alert::message::{CameraLaw, LawHealth, MandateHealth, MandateRefused, PositionHealth, Time};
use crate::domain::{CameraId, Utc};
use crate::law::{self, Mandates, Mode, Moment, Policy, Rules};
use crate::store::{AuditAction, AuditEntry, Reader, UsePeriod};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;

/// Says which mandates are taken, and which files are not and why.
pub(super) fn mandates_changed(before: &Mandates, now: &Mandates, rules: &Rules, ledger: &Ledger) {
    for mandate in now.all() {
        if before.all().any(|m| m == mandate) {
            continue;
        }
        let ends = mandate.ends(rules).map_or_else(|| "no end".to_owned(), |t| t.to_string());
        tracing::info!(
            mandate = mandate.reference,
            signer = mandate.signer,
            oral = mandate.oral.is_some(),
            ends,
            "mandate taken"
        );
        ledger.tell(
            AuditEntry::by_box(AuditAction::MandateTaken)
                .with("mandate", &mandate.reference)
                .with("signer", &mandate.signer)
                .with("oral", mandate.oral.is_some())
                .with("ends", ends),
        );
    }
    for refused in now.refused() {
        if before.refused().contains(refused) {
            continue;
        }
        let file = refused.path.display().to_string();
        tracing::error!(file, why = refused.why, "mandate not taken");
        ledger.tell(
            AuditEntry::by_box(AuditAction::MandateRefused).with("file", file).with("why", &refused.why),
        );
    }
}

/// Announces once each mandate that ends within the days of the preset.
pub(super) fn endings(
    mandates: &Mandates,
    rules: &Rules,
    now: Utc,
    announced: &mut BTreeSet<String>,
    ledger: &Ledger,
) {
    for mandate in mandates.all() {
        let Some(end) = mandate.ends(rules).filter(|end| *end > now && is_near(*end, rules, now)) else {
            continue;
        };
        if !announced.insert(format!("{} {end}", mandate.reference)) {
            continue;
        }
        let days = end.since_ms(now) / 86_400_000;
        tracing::warn!(mandate = mandate.reference, %end, days, "a mandate ends soon; its cameras will stop by themselves");
        ledger.tell(
            AuditEntry::by_box(AuditAction::MandateEnding)
                .with("mandate", &mandate.reference)
                .with("end", end),
        );
    }
}

fn is_near(end: Utc, rules: &Rules, now: Utc) -> bool {
    end.since_ms(now) <= i64::from(rules.mandate.end_notice_days.value) * 86_400_000
}

/// Says where a camera's mode is another than when it was last used: nobody changes it in silence.
pub(super) fn mode_changes(lawful: &Lawful, reader: Option<&Reader>, ledger: &Ledger) {
    let Some(reader) = reader else { return };
    let gates = lawful.inner().gates.lock().unwrap_or_else(PoisonError::into_inner);
    for (camera, gate) in gates.iter() {
        let mode = gate.said.mode.word();
        match reader.last_mode(camera.as_str()) {
            Ok(Some(last)) if last != mode => {
                tracing::warn!(%camera, from = last, to = mode, "the camera's mode is another than before");
                let mut entry = AuditEntry::by_box(AuditAction::ModeChanged)
                    .with("camera", camera)
                    .with("from", &last)
                    .with("to", mode);
                if let Some(covert) = gate.said.covert.as_ref().filter(|_| gate.said.mode == Mode::Covert) {
                    entry = entry.with("ground", &covert.ground).with("officer", &covert.officer);
                }
                ledger.tell(entry);
            }
            Ok(_) => {}
            Err(error) => tracing::error!(%camera, %error, "the camera's last use cannot be read"),
        }
    }
}

/// Says that lists are not matched at a camera, once for each set of them.
pub(super) fn lists_left_out(camera: &CameraId, gate: &mut Gate, settings: &law::Settings, ledger: &Ledger) {
    let names = gate.left_out.keys().cloned().collect::<Vec<_>>().join(" ");
    if gate.told_lists == names {
        return;
    }
    gate.told_lists = names;
    for (list, why) in &gate.left_out {
        let matched = settings.policy == Policy::Warn;
        tracing::warn!(%camera, list, why, matched, "a list is not allowed at a camera");
        ledger.tell(
            AuditEntry::by_box(AuditAction::ListNotAllowed)
                .with("camera", camera)
                .with("list", list)
                .with("why", why)
                .with("matched", matched),
        );
    }
}

/// Says what has changed at a camera's door.
pub(super) fn door(
    camera: &CameraId,
    gate: &mut Gate,
    settings: &law::Settings,
    ledger: &Ledger,
    watch: &Watch,
) {
    let (key, entry) = match &gate.door {
        // Nothing was asked, nothing was allowed: the one row of the start says it for all cameras.
        _ if settings.policy == Policy::Off || !settings.said => return,
        Door::Open => {
            let mandate = gate.mandate.as_ref().map_or("none needed", |m| m.reference.as_str());
            let entry = AuditEntry::by_box(AuditAction::CameraPermitted).with("mandate", mandate);
            (format!("open {mandate}"), entry)
        }
        Door::OpenAlthough(refusal) | Door::Shut(refusal) => {
            let opened = matches!(gate.door, Door::OpenAlthough(_));
            let entry = AuditEntry::by_box(AuditAction::CameraRefused)
                .with("why", &refusal.text)
                .with("reason", refusal.code)
                .with("opened", opened);
            (format!("{opened} {}", refusal.text), entry)
        }
    };
    if gate.audited().as_ref() == Some(&key) {
        return;
    }
    *gate.audited() = Some(key);
    ledger.tell(entry.with("camera", camera).with("mode", gate.said.mode));
    match &gate.door {
        Door::Open => {
            let mandate = gate.mandate.as_ref().map(|m| m.reference.as_str());
            tracing::info!(%camera, mandate, mode = gate.said.mode.word(), "the camera may look");
        }
        Door::OpenAlthough(refusal) => {
            tracing::warn!(%camera, why = refusal.text, "the camera looks without a mandate that covers it (policy warn)");
        }
        Door::Shut(refusal) => {
            tracing::error!(%camera, why = refusal.text, "the camera may not look and is not opened");
            watch.refused(camera, &refusal.text);
        }
    }
}

/// What the register is to hold of a camera now.
pub(super) fn period(camera: &CameraId, gate: &Gate, settings: &law::Settings, at: &Moment) -> UsePeriod {
    let (used, reason, explanation) = match (&gate.door, &gate.looking) {
        (Door::Shut(refusal), _) => (false, refusal.code, refusal.text.clone()),
        (_, Looking::Opening) => (false, "opening", "the camera is being opened".into()),
        (_, Looking::Fault(why)) => (false, "fault", why.clone()),
        (_, Looking::Paused(why)) => (false, "paused", why.clone()),
        (_, Looking::Ended) => (false, "ended", "the source of pictures has ended".into()),
        (Door::OpenAlthough(refusal), Looking::Yes) => (true, refusal.code, refusal.text.clone()),
        (Door::Open, Looking::Yes) => (true, "", String::new()),
    };
    let mandate = gate.mandate.as_ref();
    let covert = gate.said.covert.as_ref().filter(|_| gate.said.mode == Mode::Covert);
    // A covert use has its own officer; a camera that stands is in the hands of the mandate's contact.
    let officer = covert
        .map(|c| c.officer.clone())
        .or_else(|| at.officer.clone())
        .or_else(|| mandate.map(|m| m.contact.clone()));
    UsePeriod {
        camera: camera.to_string(),
        used,
        began_at: at.now,
        ended_at: None,
        alive_at: at.now,
        reason: reason.to_owned(),
        explanation,
        preset: settings.preset.name.clone(),
        policy: settings.policy.word().to_owned(),
        kind: gate.said.kind.map(|k| k.word().to_owned()),
        mandate: mandate.map(|m| m.reference.clone()),
        mode: gate.said.mode.word().to_owned(),
        ground: covert.map(|c| c.ground.clone()),
        officer,
        purposes: mandate.map(|m| m.purposes.clone()).unwrap_or_default(),
        place: gate.place.clone(),
        track: at.position.iter().map(|p| [p.longitude, p.latitude]).collect(),
        lists: BTreeMap::new(),
        passages: 0,
        hits: 0,
    }
}

/// By what one period differs from the next: everything but times, track and counts.
pub(super) fn key_of(p: &UsePeriod) -> String {
    format!("{:?}", (p.used, &p.reason, &p.explanation, &p.mandate, &p.mode, &p.officer, &p.place))
}

/// What the web page and `/healthz` must say: cameras that may not look, mandates that are not taken.
pub(super) fn problems(lawful: &Lawful) -> Vec<String> {
    let inner = lawful.inner();
    let mut found = Vec::new();
    {
        let present = inner.present.lock().unwrap_or_else(PoisonError::into_inner);
        found.extend(present.folder_problem.clone());
        found.extend(
            present
                .mandates
                .refused()
                .iter()
                .map(|r| format!("mandate {} not taken: {}", r.path.display(), r.why)),
        );
    }
    let gates = inner.gates.lock().unwrap_or_else(PoisonError::into_inner);
    let shut = |(camera, gate): (&CameraId, &Gate)| match &gate.door {
        Door::Shut(refusal) => Some(format!("camera {:?} may not look: {}", camera.as_str(), refusal.text)),
        _ => None,
    };
    found.extend(gates.iter().filter_map(shut));
    found
}

/// What `health` says of the law.
pub(super) fn health(lawful: &Lawful) -> LawHealth {
    let inner = lawful.inner();
    let settings = &inner.settings;
    let now = Utc::now();
    let present = inner.present.lock().unwrap_or_else(PoisonError::into_inner);
    let rules = settings.preset.rules.as_ref();
    let mandate = |m: &std::sync::Arc<law::Mandate>| {
        let ends = rules.and_then(|r| m.ends(r));
        MandateHealth {
            reference: m.reference.clone(),
            ends_at: ends.map(Time),
            oral: m.oral.is_some(),
            over: ends.is_some_and(|end| end <= now),
            ending: ends.zip(rules).is_some_and(|(end, r)| end > now && is_near(end, r, now)),
        }
    };
    let mut mandates_refused: Vec<MandateRefused> = present
        .mandates
        .refused()
        .iter()
        .map(|r| MandateRefused { file: r.path.display().to_string(), why: r.why.clone() })
        .collect();
    mandates_refused.extend(
        present.folder_problem.iter().map(|why| MandateRefused { file: String::new(), why: why.clone() }),
    );
    let gates = inner.gates.lock().unwrap_or_else(PoisonError::into_inner);
    let camera = |(camera, gate): (&CameraId, &Gate)| {
        let reason = match &gate.door {
            Door::Open => None,
            Door::OpenAlthough(refusal) | Door::Shut(refusal) => Some(refusal.text.clone()),
        };
        CameraLaw {
            camera: camera.to_string(),
            may_look: matches!(gate.door, Door::Open),
            opened: !matches!(gate.door, Door::Shut(_)),
            mandate: gate.mandate.as_ref().map(|m| m.reference.clone()).filter(|_| reason.is_none()),
            mode: gate.said.mode.word().to_owned(),
            reason,
            lists_left_out: gate.left_out.keys().cloned().collect(),
        }
    };
    LawHealth {
        preset: settings.preset.name.clone(),
        statement: settings.preset.statement.clone(),
        policy: settings.policy.word().to_owned(),
        configured: settings.said,
        on_duty: present.officer.is_some(),
        position: settings.positions.is_some().then(|| PositionHealth {
            known: present.position.is_some(),
            problem: present.position_problem.clone(),
        }),
        mandates: present.mandates.all().map(mandate).collect(),
        mandates_refused,
        cameras: gates.iter().map(camera).collect(),
        unchecked_rules: settings.preset.unchecked.len() as u64,
    }
}
