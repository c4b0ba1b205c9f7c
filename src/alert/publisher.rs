//! Publishing as the pipeline sees it: start it, tell it statuses, be told what happened, end it.

use super::certificates::Certificates;
use super::link::{self, LinkOptions};
use super::message::{CameraStatus, Health, HotlistStatus};
use super::session::Pace;
use super::taking_in::TakingIn;
use super::unkept::Unkept;
use super::worker::{Control, Worker};
use super::{
    Accepted, AlertError, BoxIdentity, Broker, EmbeddedBroker, Outbox, Refusal, Remote, Settings, compose,
    message,
};
use crate::domain::Utc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// Statuses and wake-ups that may wait for the publisher's thread.
const QUEUE: usize = 256;

/// How the rest of the box is; asked every `health_every_s` from the thread `alert`.
pub trait HealthSource: Send + 'static {
    /// The figures now; `outbox` is filled in by the publisher.
    fn health(&self) -> Health;
}

impl<F: Fn() -> Health + Send + 'static> HealthSource for F {
    fn health(&self) -> Health {
        self()
    }
}

/// What happens to messages, for counters and logs. Called from the thread `alert`; must not block.
pub trait AlertEvents: Send + 'static {
    /// The broker at `host:port` has accepted us.
    fn connected(&self, _broker: &str) {}
    /// The connection could not be made or was lost; `reason` names host, port and cause.
    fn disconnected(&self, _reason: &str) {}
    /// The broker has acknowledged outbox row `row`, `latency` after the message was made; of the first message of a
    /// hit, `since_capture` after its frame was taken.
    fn delivered(&self, _row: i64, _latency: Duration, _since_capture: Option<Duration>) {}
    /// The broker has acknowledged a message marked `kept: false`, `latency` after it was handed over.
    fn delivered_unkept(&self, _latency: Duration) {}
    /// Outbox row `row` can never be delivered.
    fn refused(&self, _row: i64, _reason: &str) {}
    /// An operator asks this, and may. Done, and on disk, when this returns; may take as long as a disk write.
    ///
    /// # Errors
    /// Why it is not done.
    fn asked(&self, _asked: &Accepted) -> Result<(), Refusal> {
        Err(Refusal::NotAllowed)
    }
    /// A message from outside was followed (`accepted`) or not, for the reason of that word.
    fn taken_in(&self, _result: &'static str) {}
}

/// Nobody wants to know.
impl AlertEvents for () {}

/// Tells the retained status topics. Clones share one queue.
#[derive(Debug, Clone)]
pub struct StatusUpdates {
    identity: BoxIdentity,
    control: mpsc::Sender<Control>,
}

impl StatusUpdates {
    /// How a camera is from now on. `Ok(false)` where the queue is full: say it again later.
    ///
    /// # Errors
    /// The camera's name cannot stand in a topic.
    pub fn camera(&self, status: CameraStatus) -> Result<bool, AlertError> {
        let topic = self.identity.camera_status(&status.camera)?;
        let subject = Some(status.camera.clone());
        let kind = message::CAMERA_STATUS_TYPE;
        let (_, payload) =
            compose::event(&self.identity, "camera status", kind, subject, Utc::now(), status)?;
        Ok(self.control.try_send(Control::Retain { topic, payload }).is_ok())
    }

    /// Which version of a list is in use. `Ok(false)` where the queue is full: say it again later.
    ///
    /// # Errors
    /// The list's name cannot stand in a topic.
    pub fn hotlist(&self, status: HotlistStatus) -> Result<bool, AlertError> {
        let topic = self.identity.hotlist_status(&status.list)?;
        let subject = Some(status.list.clone());
        let kind = message::HOTLIST_STATUS_TYPE;
        let (_, payload) =
            compose::event(&self.identity, "hotlist status", kind, subject, Utc::now(), status)?;
        Ok(self.control.try_send(Control::Retain { topic, payload }).is_ok())
    }
}

/// The running thread `alert`; [`Publisher::join`] ends it in order. Dropping it ends it at once.
#[derive(Debug)]
pub struct Publisher {
    statuses: StatusUpdates,
    remote: Remote,
    embedded: Option<EmbeddedBroker>,
    ended: crossbeam_channel::Receiver<u64>,
}

/// Starts to publish what `outbox` holds, and the broker too where `settings` say that it is embedded.
/// A broker that cannot be reached is no error here: it is tried again for ever, and the rows wait.
///
/// # Errors
/// Names that cannot stand in topics, certificates that cannot be used, an embedded broker that cannot
/// listen, a thread that cannot be started.
pub fn start<O: Outbox, H: HealthSource, E: AlertEvents>(
    settings: &Settings,
    outbox: O,
    health: H,
    events: E,
) -> Result<Publisher, AlertError> {
    let identity = BoxIdentity::new(&settings.zone, &settings.box_id)?;
    let (remote, embedded) = match &settings.broker {
        Broker::Remote(remote) => (remote.clone(), None),
        Broker::Embedded { port } => {
            let broker = EmbeddedBroker::start(*port)?;
            (broker.remote(), Some(broker))
        }
    };
    // An unusable file is an error of the configuration: said at once.
    let certificates = remote.tls.as_ref().map(Certificates::load).transpose()?;
    let (control, commands) = mpsc::channel(QUEUE);
    let (ending, ended) = crossbeam_channel::bounded(1);
    let wakes = outbox.wakes();
    let options = LinkOptions {
        remote: remote.clone(),
        client_id: identity.client_id(),
        will: None,
        persistent: true,
        tls: None,
    };
    let health_every = Duration::from_secs(settings.health_every_s.max(1));
    let mut worker = Worker::new(
        identity.clone(),
        options,
        outbox,
        health,
        events,
        Pace { health_every, catch_up_per_s: settings.catch_up_per_s },
        commands,
    );
    worker.certificates = certificates;
    worker.taking_in = settings.inbound.clone().map(TakingIn::new);
    spawn("alert", move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        match runtime {
            Ok(runtime) => {
                let left = runtime.block_on(worker.run());
                let _ = ending.send(left); // nobody listens after a `Publisher` was dropped
            }
            Err(error) => tracing::error!(%error, "publishing cannot start its event loop"),
        }
    })?;
    let waker = control.clone();
    // The store's signal comes over a channel that cannot be awaited; this thread only carries it over.
    spawn("alert-wake", move || {
        use crossbeam_channel::RecvTimeoutError::{Disconnected, Timeout};
        while !waker.is_closed() {
            match wakes.recv_timeout(Duration::from_millis(250)) {
                // Full means that the worker has 256 reasons to look at the outbox already.
                Ok(()) => drop(waker.try_send(Control::Wake)),
                Err(Timeout) => {}
                Err(Disconnected) => return,
            }
        }
    })?;
    Ok(Publisher { statuses: StatusUpdates { identity, control }, remote, embedded, ended })
}

fn spawn(name: &'static str, run: impl FnOnce() + Send + 'static) -> Result<(), AlertError> {
    std::thread::Builder::new()
        .name(name.into())
        .spawn(run)
        .map(drop)
        .map_err(|source| AlertError::Thread { name, source })
}

impl Publisher {
    /// Where statuses of cameras and lists are told.
    pub fn statuses(&self) -> StatusUpdates {
        self.statuses.clone()
    }

    /// Where hits are told of that the disk does not take.
    pub fn unkept(&self) -> Unkept {
        Unkept { control: self.statuses.control.clone() }
    }

    /// Whether its thread is there; false after a defect of ours ended it.
    pub fn is_running(&self) -> bool {
        !self.statuses.control.is_closed()
    }

    /// The broker in use, which for the embedded one says where it listens.
    pub fn remote(&self) -> &Remote {
        &self.remote
    }

    /// The embedded broker, where there is one.
    pub fn embedded(&self) -> Option<&EmbeddedBroker> {
        self.embedded.as_ref()
    }

    /// Says `stopping`, sends what waits in the outbox for at most `deadline`, says `offline` and
    /// disconnects. Gives the number of messages left; they stay in the outbox for the next start. Without
    /// a connection one more attempt is made. Call it after the last record went into the store and before
    /// the store ends.
    ///
    /// # Errors
    /// [`AlertError::Late`] where the thread hangs; [`AlertError::Died`] where it had ended before.
    pub fn join(self, deadline: Duration) -> Result<u64, AlertError> {
        use crossbeam_channel::RecvTimeoutError::{Disconnected, Timeout};
        let until = Instant::now() + deadline;
        // A full queue empties within milliseconds, or the thread hangs and is late anyway.
        while self.statuses.control.try_send(Control::Drain { until }).is_err() {
            if self.statuses.control.is_closed() {
                return Err(AlertError::Died);
            }
            if Instant::now() >= until {
                return Err(AlertError::Late { deadline });
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        match self.ended.recv_timeout(deadline + Duration::from_millis(500)) {
            Ok(left) => Ok(left),
            Err(Timeout) => Err(AlertError::Late { deadline }),
            Err(Disconnected) => Err(AlertError::Died),
        }
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        // After `join` the queue is closed and this does nothing.
        let _ = self.statuses.control.try_send(Control::Drain { until: Instant::now() });
    }
}

/// `host:port` of a broker, for logs.
pub fn broker_address(remote: &Remote) -> String {
    link::address(remote)
}
