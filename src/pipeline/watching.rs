//! What happens in the stages, told to logs, metrics and the status topics.

use super::lawful::{Lawful, Looking};
use super::ledger::Ledger;
use super::orders::Orders;
use crate::alert::message::{CameraState, CameraStatus, HotlistState, HotlistStatus, Time};
use crate::alert::{Accepted, AlertEvents, Refusal, StatusUpdates};
use crate::capture::{CaptureError, CaptureEvent, CaptureEvents};
use crate::domain::{CameraId, ListVersion, Utc};
use crate::hotlist::{Hotlists, ImportError, ImportReport, List, ListEvents, Policy, WhenStale};
use crate::store::{AuditAction, AuditEntry};
use crate::telemetry::{DropReason, Metrics, Stage};
use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

/// A camera's state as last told.
#[derive(Debug, Clone)]
pub(super) struct Told {
    pub state: CameraState,
    pub failures: u64,
}

/// Listens to capture and hotlists. The status topics are set once publishing has started.
pub(super) struct Watch {
    metrics: Metrics,
    statuses: OnceLock<StatusUpdates>,
    cameras: Mutex<BTreeMap<CameraId, Told>>,
    hotlists: Hotlists,
    ledger: Ledger,
    lawful: Lawful,
}

impl Watch {
    /// Knows every camera from the start: one that never opens must show too.
    pub fn new(
        metrics: Metrics,
        hotlists: Hotlists,
        cameras: impl Iterator<Item = CameraId>,
        ledger: Ledger,
        lawful: Lawful,
    ) -> Self {
        let connecting = cameras.map(|c| (c, Told { state: CameraState::Connecting, failures: 0 }));
        Self {
            metrics,
            statuses: OnceLock::new(),
            cameras: Mutex::new(connecting.collect()),
            hotlists,
            ledger,
            lawful,
        }
    }

    /// Whether it is known where the vehicle is.
    pub fn position(&self, known: bool) {
        self.metrics.position_known(known);
    }

    pub fn tell(&self, statuses: StatusUpdates) {
        let _ = self.statuses.set(statuses); // set once, at the start
    }

    /// The state of every camera that has said something.
    pub fn cameras(&self) -> BTreeMap<CameraId, Told> {
        self.cameras.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A camera was stopped by an operator, for a while.
    pub fn camera_paused(&self, camera: &CameraId, why: String) {
        self.lawful.looking(camera, Looking::Paused(why.clone()));
        tracing::info!(%camera, "camera paused");
        let entry = AuditEntry::by_box(AuditAction::CameraStopped).with("camera", camera);
        self.ledger.tell(entry.with("why", &why));
        self.set(camera, CameraState::Ended, Some(why));
    }

    /// It goes on.
    pub fn camera_resumed(&self, camera: &CameraId) {
        self.lawful.looking(camera, Looking::Opening);
        tracing::info!(%camera, "camera resumed");
        self.ledger.did(AuditAction::CameraStarted, "camera", camera.as_str());
        self.set(camera, CameraState::Connecting, None);
    }

    /// Cameras that failed for good: `(name, text)`.
    pub fn camera_over(&self, camera: &CameraId, error: Option<CaptureError>) {
        let why = error.as_ref().map_or_else(|| "ended".to_owned(), ToString::to_string);
        let entry = AuditEntry::by_box(AuditAction::CameraStopped).with("camera", camera);
        self.ledger.tell(entry.with("why", why));
        self.lawful.looking(camera, Looking::Ended);
        match error {
            None => self.set(camera, CameraState::Ended, None),
            Some(error) => {
                tracing::error!(%camera, %error, "camera has ended");
                self.set(camera, CameraState::Failed, Some(error.to_string()));
            }
        }
    }

    /// The law does not let the camera look.
    pub fn refused(&self, camera: &CameraId, why: &str) {
        self.set(camera, CameraState::Refused, Some(why.to_owned()));
    }

    fn set(&self, camera: &CameraId, state: CameraState, reason: Option<String>) {
        self.metrics.camera_up(camera, state == CameraState::Running);
        {
            let mut cameras = self.cameras.lock().unwrap_or_else(PoisonError::into_inner);
            let told =
                cameras.entry(camera.clone()).or_insert(Told { state: CameraState::Connecting, failures: 0 });
            told.failures += u64::from(state == CameraState::Failed);
            told.state = state;
        }
        let status = CameraStatus { camera: camera.to_string(), state, since: Time(Utc::now()), reason };
        if let Some(Err(error)) = self.statuses.get().map(|s| s.camera(status)) {
            tracing::warn!(%camera, %error, "camera status could not be told");
        }
    }

    fn list(&self, status: HotlistStatus) {
        if let Some(Err(error)) = self.statuses.get().map(|s| s.hotlist(status)) {
            tracing::warn!(%error, "hotlist status could not be told");
        }
    }

    /// Says which lists are in use, once someone can hear it.
    pub fn tell_lists(&self) {
        for list in self.hotlists.snapshot().lists() {
            self.list(in_use(list, list.policy().stale_since(Utc::now()), 0));
        }
    }

    fn list_refused(&self, name: &str, kept: Option<&ListVersion>, reason: String) {
        let entry = AuditEntry::by_box(AuditAction::ListRefused).with("list", name).with("why", &reason);
        self.ledger.tell(entry);
        self.metrics.list_refused(name);
        let set = self.hotlists.snapshot();
        let status = match (kept, set.get(name)) {
            (Some(_), Some(list)) => {
                let status = in_use(list, list.policy().stale_since(Utc::now()), 0);
                // Why the new one is refused comes first, then what is used instead.
                let reason =
                    status.reason.clone().map_or_else(|| reason.clone(), |r| format!("{reason}; {r}"));
                self.list(HotlistStatus { state: HotlistState::Refused, reason: Some(reason), ..status });
                return;
            }
            _ => HotlistStatus {
                list: name.to_owned(),
                state: HotlistState::Refused,
                since: Time(Utc::now()),
                version: None,
                loaded_at: None,
                entries: 0,
                bad_rows: 0,
                reason: None,
                made_at: None,
                expires_at: None,
                stale: false,
                signer: None,
                signed_version: None,
            },
        };
        self.list(HotlistStatus { state: HotlistState::Refused, reason: Some(reason), ..status });
    }
}

/// The status of the version in use, out of date since `stale`.
fn in_use(list: &List, stale: Option<Utc>, bad_rows: u64) -> HotlistStatus {
    let (version, policy) = (list.version(), list.policy());
    let manifest = policy.origin.manifest.as_ref();
    let what = match policy.when_stale {
        WhenStale::Lower => "its hits have a lower priority and say so",
        WhenStale::Stop => "it gives no hits",
    };
    HotlistStatus {
        list: version.name.clone(),
        state: HotlistState::Loaded,
        since: Time(Utc::now()),
        version: Some(version.sha256.clone()),
        loaded_at: Some(Time(version.loaded_at)),
        entries: list.len() as u64,
        bad_rows,
        reason: reason(policy, stale, what),
        made_at: policy.origin.made_at.map(Time),
        expires_at: policy.fresh_until().map(Time),
        stale: stale.is_some(),
        signer: manifest.map(|m| m.signer.clone()),
        signed_version: manifest.map(|m| m.version),
    }
}

/// What is to be known of a version in use; `None` where nothing is.
fn reason(policy: &Policy, stale: Option<Utc>, what: &str) -> Option<String> {
    let stale = if Utc::now().is_set() {
        stale.map(|since| format!("out of date since {since}: {what}"))
    } else {
        Some("the box's clock is not set: validity and age cannot be judged, every entry counts".into())
    };
    if !policy.origin.kept_copy {
        return stale;
    }
    let made = policy.origin.made_at.map_or_else(|| "at an unknown time".into(), |t| format!("at {t}"));
    let kept = format!("the version last accepted, made {made}, which this box kept");
    Some(stale.map_or_else(|| kept.clone(), |s| format!("{kept}; {s}")))
}

impl CaptureEvents for Watch {
    fn event(&self, camera: &CameraId, event: CaptureEvent<'_>) {
        match event {
            CaptureEvent::Opened { width, height, fps, codec } => {
                tracing::info!(%camera, width, height, fps, codec, "camera opened");
                self.lawful.looking(camera, Looking::Yes);
                self.set(camera, CameraState::Running, self.lawful.although(camera));
            }
            CaptureEvent::Failed(error) => {
                tracing::warn!(%camera, %error, "camera failed");
                self.lawful.looking(camera, Looking::Fault(error.to_string()));
                self.set(camera, CameraState::Failed, Some(error.to_string()));
            }
            CaptureEvent::Retrying { in_ } => {
                tracing::info!(%camera, in_ms = in_.as_millis(), "camera will be opened again");
                self.metrics.camera_restarted(camera);
            }
            CaptureEvent::Stalled { silent } => {
                tracing::warn!(%camera, silent_ms = silent.as_millis(), "camera sends nothing");
                let reason = format!("no frame for {:.0} s", silent.as_secs_f64());
                self.lawful.looking(camera, Looking::Fault(reason.clone()));
                self.set(camera, CameraState::Failed, Some(reason));
            }
            CaptureEvent::BadFrame { what, cause, count } => {
                tracing::warn!(%camera, what, cause, count, "frame could not be decoded");
                self.metrics.frame_dropped(camera, DropReason::Corrupt);
            }
            CaptureEvent::ResolutionChanged { from, to } => {
                tracing::info!(%camera, ?from, ?to, "camera changed its resolution");
            }
            CaptureEvent::Ended { frames } => tracing::info!(%camera, frames, "camera ended"),
            CaptureEvent::Truncated { frames, expected } => {
                tracing::warn!(%camera, frames, expected, "recording is cut off; what is there was read");
            }
        }
    }
}

impl ListEvents for Watch {
    fn loaded(&self, list: &List, report: &ImportReport) {
        let (version, bad) = (list.version(), report.bad_rows);
        let manifest = list.policy().origin.manifest.as_ref();
        tracing::info!(
            list = version.name,
            entries = list.len(),
            bad_rows = bad,
            sha256 = version.sha256,
            signer = manifest.map(|m| m.signer.as_str()),
            signed_version = manifest.map(|m| m.version),
            kept_copy = list.policy().origin.kept_copy,
            "hotlist loaded"
        );
        for problem in report.bad.iter().take(20) {
            tracing::warn!(list = version.name, line = problem.line, column = problem.column, field = %problem.field, "bad row in hotlist");
        }
        for warning in &report.warnings {
            tracing::warn!(list = version.name, warning, "odd hotlist");
        }
        let mut entry = AuditEntry::by_box(AuditAction::ListActivated)
            .with("list", &version.name)
            .with("sha256", &version.sha256)
            .with("entries", list.len());
        if let Some(manifest) = manifest {
            entry = entry.with("signer", &manifest.signer).with("signed_version", manifest.version);
        }
        self.ledger.tell(entry);
        self.metrics.list_entries(&version.name, list.len());
        self.list(in_use(list, list.policy().stale_since(Utc::now()), bad));
    }

    fn refused(&self, name: &str, error: &ImportError, kept: Option<&ListVersion>) {
        let reason = error.without_content();
        tracing::error!(list = name, reason, kept = kept.is_some(), "hotlist refused");
        self.list_refused(name, kept, reason);
    }

    fn missing(&self, name: &str, kept: Option<&ListVersion>) {
        tracing::error!(list = name, kept = kept.is_some(), "hotlist file is not there");
        self.list_refused(name, kept, "the file is not there".into());
    }

    fn stale(&self, list: &List, since: Option<Utc>) {
        let name = &list.version().name;
        match since {
            Some(since) => tracing::warn!(list = name, %since, "hotlist is out of date"),
            None => tracing::info!(list = name, "hotlist is up to date again"),
        }
        self.metrics.list_stale(name, since.is_some());
        self.list(in_use(list, since, 0));
    }

    fn forgetful(&self, name: &str, why: &std::io::Error) {
        tracing::error!(list = name, %why, "the accepted version of a signed list could not be written down; after a restart an older one would be taken");
    }
}

/// Listens to publishing.
pub(super) struct AlertWatch(pub Metrics, pub Orders);

impl AlertEvents for AlertWatch {
    fn connected(&self, broker: &str) {
        tracing::info!(broker, "connected to the broker");
        self.0.broker_connected(true);
    }

    fn disconnected(&self, reason: &str) {
        tracing::warn!(reason, "no connection to the broker; messages wait in the outbox");
        self.0.broker_connected(false);
    }

    fn delivered(&self, _row: i64, latency: Duration, since_capture: Option<Duration>) {
        self.0.delivered();
        self.0.stage_time(Stage::Deliver, latency);
        if let Some(took) = since_capture {
            self.0.capture_to_delivered(took);
        }
    }

    fn delivered_unkept(&self, latency: Duration) {
        self.0.delivered();
        self.0.stage_time(Stage::Deliver, latency);
    }

    fn asked(&self, asked: &Accepted) -> Result<(), Refusal> {
        self.1.carry_out(asked)
    }

    fn taken_in(&self, result: &'static str) {
        self.0.inbound(result);
    }

    fn refused(&self, row: i64, reason: &str) {
        tracing::error!(row, reason, "a message can never be delivered; it is kept with the reason");
        self.0.publish_refused();
    }
}
