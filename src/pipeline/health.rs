//! What the `health` message says, asked from the thread `alert`.

use super::condition::Condition;
use super::lawful::Lawful;
use super::lawful_tell;
use super::watching::Watch;
use crate::alert::message::{AlarmHealth, CameraHealth, Health, ListHealth, Models, OutboxHealth, Time};
use crate::domain::Utc;
use crate::hotlist::Hotlists;
use crate::store::{self, ModelVersions, StoreHandle};
use crate::telemetry::Metrics;
use std::sync::Arc;
use std::time::Instant;

/// Answers with the box as it is now.
#[expect(clippy::too_many_arguments, reason = "the wiring of one message")]
pub(super) fn source(
    metrics: Metrics,
    watch: Arc<Watch>,
    hotlists: Hotlists,
    models: &Arc<ModelVersions>,
    store: StoreHandle,
    kept: store::Settings,
    condition: Condition,
    lawful: Lawful,
) -> impl Fn() -> Health + Send + 'static {
    let started = Instant::now();
    let models = Models { detector: models.detector_sha256.clone(), reader: models.reader_sha256.clone() };
    move || Health {
        version: env!("CARGO_PKG_VERSION").into(),
        uptime_s: started.elapsed().as_secs(),
        cameras: cameras(&watch, &metrics),
        outbox: OutboxHealth::default(),
        lists: lists(&hotlists),
        models: Some(models.clone()),
        disk_free_bytes: kept.disk_free_bytes(),
        audit_head: store.audit_head().ok().map(|head| format!("{}:{}", head.seq, head.hash)),
        law: Some(lawful_tell::health(&lawful)),
        box_key: kept.public_key().map(|key| key.to_string()),
        store: Some(condition.store_health()),
        clock: Some(condition.clock_health(Utc::now())),
        alarms: alarms(&store, &metrics),
        restarts: condition.restarts(),
        inbound: None,
        broker_tls: None,
    }
}

/// What nobody has acknowledged; nothing where the store cannot say.
fn alarms(store: &StoreHandle, metrics: &Metrics) -> Vec<AlarmHealth> {
    let open = store.alarms().unwrap_or_default();
    metrics.alarms(open.len());
    let told = |a: store::Alarm| AlarmHealth { seq: a.seq, at: Time(a.at), what: a.what, detail: a.detail };
    open.into_iter().map(told).collect()
}

fn cameras(watch: &Watch, metrics: &Metrics) -> Vec<CameraHealth> {
    let counts = metrics.snapshot();
    let health = |(camera, told): (_, super::watching::Told)| {
        let c = counts.cameras.iter().find(|c| c.camera == camera);
        CameraHealth {
            camera: camera.to_string(),
            state: told.state,
            frames: c.map_or(0, |c| c.received),
            dropped: c.map_or(0, |c| c.dropped),
            last_frame_at: c.and_then(|c| c.last_frame_at).map(Time),
        }
    };
    watch.cameras().into_iter().map(health).collect()
}

fn lists(hotlists: &Hotlists) -> Vec<ListHealth> {
    let health = |l: &Arc<crate::hotlist::List>| ListHealth {
        name: l.version().name.clone(),
        version: l.version().sha256.clone(),
        entries: l.len() as u64,
        loaded_at: Time(l.version().loaded_at),
        made_at: l.policy().origin.made_at.map(Time),
        expires_at: l.policy().fresh_until().map(Time),
        stale: l.policy().stale_since(Utc::now()).is_some(),
        signer: l.policy().origin.manifest.as_ref().map(|m| m.signer.clone()),
    };
    hotlists.snapshot().lists().iter().map(health).collect()
}
