//! What the web page is fed.

use super::Settings;
use super::lawful::Lawful;
use super::watching::Watch;
use crate::alert::message::CameraState;
use crate::console::{
    self, ConsoleError, ConsoleThread, Door, HitSource, Noted, Sources, Status, StoreAnswers, StoreHits,
};
use crate::law::access::Gate;
use crate::runtime::Stop;
use crate::store::StoreHandle;
use crate::telemetry::Metrics;
use std::sync::Arc;

/// Starts the console over the store's hits and the box's own state.
pub(super) fn start(
    console: &console::Settings,
    settings: &Settings,
    metrics: &Metrics,
    watch: &Arc<Watch>,
    lawful: &Lawful,
    store: &StoreHandle,
    stop: &Stop,
) -> Result<ConsoleThread, super::PipelineError> {
    let (numbers, watch, lawful) = (metrics.clone(), Arc::clone(watch), lawful.clone());
    let status = move || {
        let now = numbers.snapshot();
        let told = watch.cameras();
        // A file that has been played is no broken camera.
        let ended =
            |name: &str| told.iter().any(|(c, t)| c.as_str() == name && t.state == CameraState::Ended);
        let mut well = now;
        let mut problems = super::lawful_tell::problems(&lawful);
        // One that may not look gives no frames, and that is said already.
        let refused = |name: &str| lawful.is_shut(name);
        well.cameras.retain(|c| !ended(c.camera.as_str()) && !refused(c.camera.as_str()));
        problems.extend(console::problems(&well));
        Status { problems }
    };
    let law = &settings.law;
    let gate = Gate {
        policy: law.policy,
        preset: law.preset.name.clone(),
        rules: law.preset.rules.as_ref().map(|r| r.access.clone()),
    };
    let door = Door::new(gate, settings.store.users(), store.clone()).map(Arc::new);
    // Where people log in, what each has seen is on record by name; elsewhere by nobody's.
    let hits = StoreHits::open(&settings.store)?;
    let hits: Arc<dyn HitSource> = match &door {
        Some(_) => Arc::new(hits),
        None => Arc::new(Noted::new(hits, store.clone()).map_err(ConsoleError::Thread)?),
    };
    let sources = Sources {
        zone: settings.alert.zone.clone(),
        box_id: settings.alert.box_id.clone(),
        hits,
        status: Arc::new(status),
        answers: Arc::new(StoreAnswers(store.clone())),
        note: if door.is_none() {
            format!("law.policy is {}: nobody has to log in here. {}", law.policy, law.preset.statement)
        } else {
            String::new()
        },
        door,
    };
    let started: Result<ConsoleThread, ConsoleError> =
        console::start(console, sources, metrics.clone(), stop.clone());
    Ok(started?)
}
