//! A subscriber of hits inside this process, for demo and development, and a hit as one readable line.

use super::link::{Link, LinkEvent, LinkOptions};
use super::message::{HitEvent, HitState, MatchKind};
use super::{AlertError, BoxIdentity, Remote, broker_address, tls};
use crate::domain::Utc;
use crate::runtime::Backoff;
use std::time::Duration;
use tokio::sync::mpsc;

/// A hit that has come back from the broker.
#[derive(Debug, Clone, PartialEq)]
pub struct Received {
    /// What was published.
    pub event: HitEvent,
    /// When it was here.
    pub received_at: Utc,
}

/// The running thread `hits`; dropping it ends it.
#[derive(Debug)]
pub struct Subscriber {
    ready: crossbeam_channel::Receiver<()>,
    _stop: mpsc::Sender<()>,
}

impl Subscriber {
    /// Subscribes to the hits of `identity` at `remote` as the client `<client id>-hits` and calls `each`
    /// for every hit, from the thread `hits`. Connects again when the connection is lost; messages that
    /// are no hits of version 1 are counted out with a warning.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn start(
        remote: &Remote,
        identity: &BoxIdentity,
        each: impl FnMut(Received) + Send + 'static,
    ) -> Result<Self, AlertError> {
        let (stop, stopped) = mpsc::channel(1);
        let (subscribed, ready) = crossbeam_channel::bounded(1);
        let options = LinkOptions {
            remote: remote.clone(),
            client_id: format!("{}-hits", identity.client_id()),
            will: None,
            persistent: false,
            tls: None,
        };
        let filter = identity.hits();
        std::thread::Builder::new()
            .name("hits".into())
            .spawn(move || match tokio::runtime::Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime.block_on(run(&options, &filter, stopped, &subscribed, each)),
                Err(error) => tracing::error!(%error, "the subscriber cannot start its event loop"),
            })
            .map_err(|source| AlertError::Thread { name: "hits", source })?;
        Ok(Self { ready, _stop: stop })
    }

    /// Waits until the broker has granted the subscription; false where `timeout` passes first.
    pub fn wait_ready(&self, timeout: Duration) -> bool {
        self.ready.recv_timeout(timeout).is_ok()
    }
}

async fn run(
    options: &LinkOptions,
    filter: &str,
    mut stopped: mpsc::Receiver<()>,
    subscribed: &crossbeam_channel::Sender<()>,
    mut each: impl FnMut(Received),
) {
    let broker = broker_address(&options.remote);
    let mut backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(10));
    loop {
        let session = async {
            let tls = options.remote.tls.as_ref().map(tls::client_config).transpose()?;
            let mut link = Link::open(&LinkOptions { tls, ..options.clone() });
            loop {
                match link.next().await? {
                    LinkEvent::Connected { .. } => {
                        link.subscribe(filter);
                    }
                    LinkEvent::Subscribed(Ok(())) => {
                        backoff.succeeded();
                        let _ = subscribed.try_send(()); // full: said before
                    }
                    LinkEvent::Subscribed(Err(why)) => {
                        let why = format!("refused the subscription to {filter}: {why}");
                        return Err(AlertError::Link { broker: broker.clone(), why, protocol: true });
                    }
                    LinkEvent::Message { payload, receipt, .. } => {
                        link.acknowledge(&receipt);
                        let received_at = Utc::now();
                        match serde_json::from_slice(&payload) {
                            Ok(event) => each(Received { event, received_at }),
                            Err(error) => tracing::warn!(%error, "a message that is no hit"),
                        }
                    }
                    _ => {}
                }
            }
        };
        let outcome: Result<(), AlertError> = tokio::select! {
            outcome = session => outcome,
            _ = stopped.recv() => return,
        };
        if let Err(error) = outcome {
            tracing::warn!(%error, "not subscribed");
        }
        tokio::select! {
            () = tokio::time::sleep(backoff.failed()) => {}
            _ = stopped.recv() => return,
        }
    }
}

/// A hit as one line for people: when, how urgent and why, the listed plate, what was read where that
/// differs, how it met the list and how sure, the camera, the case and the instruction. For terminals, not
/// for logs: it holds plates.
pub fn one_line(event: &HitEvent) -> String {
    let hit = &event.data;
    let matched = &hit.matched;
    let kind = match hit.kind {
        MatchKind::Exact => "exact",
        MatchKind::Resolved => "resolved",
        MatchKind::Alternative => "possible (alternative)",
        MatchKind::Wildcard => "possible (wildcard)",
    };
    let state = match hit.state {
        HitState::New => "NEW",
        HitState::Updated => "upd",
        HitState::Final => "fin",
        HitState::Withdrawn => "OFF",
    };
    let observed = if hit.observed.text == matched.plate {
        String::new()
    } else {
        format!(" (read {})", printable(&hit.observed.text))
    };
    let mut line = format!(
        "{} {state} P{} {}  {}{observed}  {kind} {:.0}%  {}",
        hit.timing.captured_at.0,
        matched.priority,
        printable(&matched.category),
        printable(&matched.plate),
        // Never 100 %: nothing read by a machine is certain.
        (hit.probability * 100.0).floor().min(99.0),
        printable(&hit.sighting.camera),
    );
    for extra in [&matched.case, &matched.instruction] {
        if !extra.is_empty() {
            line.push_str("  ");
            line.push_str(&printable(extra));
        }
    }
    if hit.late {
        line.push_str("  [late: found in what had passed]");
    }
    if event.delayed == Some(true) {
        line.push_str("  [delayed]");
    }
    line
}

/// Text from a list or the network without what could move a terminal's cursor.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
