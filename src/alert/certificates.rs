//! The certificates of the connection, exchanged while the box runs.
//!
//! The files are looked at every few seconds. Newer ones that can be read are tried on a connection of their own;
//! only when the broker has accepted that one is the old connection ended in order and a new one made with them.
//! Files that cannot be read, or that the broker does not accept, change nothing but what `health` says. Where the
//! connection is lost meanwhile (the broker may have got a new certificate too), both are tried in turn.

use super::link::{Link, LinkEvent, LinkOptions};
use super::message::{Time, TlsHealth};
use super::{AlertError, Expiry, Tls, expiries, tls};
use crate::domain::Utc;
use rumqttc::TlsConfiguration;
use sha2::{Digest, Sha256};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// Longest time for the broker to accept a trial.
const TRIAL: Duration = Duration::from_secs(15);
/// A trial that failed is made again after so long: the broker's side may be changed after ours.
const AGAIN: Duration = Duration::from_secs(60);

/// How a trial ended; why it failed.
type Trial = Result<(), String>;

/// How often it is said that a certificate ends soon.
const WARN_EVERY: Duration = Duration::from_secs(24 * 3600);

struct Loaded {
    config: TlsConfiguration,
    at: Utc,
    ends: Vec<Expiry>,
}

impl Loaded {
    fn of(files: &Tls) -> Result<Self, AlertError> {
        let at = Utc::now();
        Ok(Self { config: tls::client_config(files)?, at, ends: expiries(files, at)? })
    }
}

/// See the module.
pub(super) struct Certificates {
    files: Tls,
    /// Of the files as they were last loaded or found unusable.
    seen: [u8; 32],
    /// Of the files at the last look, where they had changed: loaded once they stay so.
    changing: Option<[u8; 32]>,
    good: Loaded,
    newer: Option<Loaded>,
    problem: Option<String>,
    /// Whether the present attempt or connection is made with the newer ones.
    with_newer: bool,
    trial_due: Option<Instant>,
    /// When the end of those in use is looked at again.
    warn_due: Instant,
    /// Where trials tell their end, and where it is heard.
    trials: (mpsc::Sender<Trial>, mpsc::Receiver<Trial>),
}

impl Certificates {
    /// Those in `files`.
    ///
    /// # Errors
    /// One of them cannot be used: an error of the configuration at the start.
    pub fn load(files: &Tls) -> Result<Self, AlertError> {
        let seen = fingerprint(files);
        Ok(Self {
            good: Loaded::of(files)?,
            files: files.clone(),
            seen,
            changing: None,
            newer: None,
            problem: None,
            with_newer: false,
            trial_due: None,
            warn_due: Instant::now(),
            trials: mpsc::channel(4),
        })
    }

    /// What the next attempt to connect is made with.
    pub fn next(&mut self) -> TlsConfiguration {
        self.with_newer = self.newer.is_some() && !self.with_newer;
        match &self.newer {
            Some(newer) if self.with_newer => newer.config.clone(),
            _ => self.good.config.clone(),
        }
    }

    /// The broker has accepted the connection made with [`Self::next`].
    pub fn accepted(&mut self) {
        if !self.with_newer {
            return;
        }
        if let Some(newer) = self.newer.take() {
            tracing::info!("connected with the newer certificates");
            (self.good, self.problem, self.trial_due, self.with_newer) = (newer, None, None, false);
            self.warn_due = Instant::now();
        }
    }

    /// Looks at the files; where the connection `is_up`, begins a trial of newer ones.
    pub fn look(&mut self, options: &LinkOptions, is_up: bool) {
        if self.warn_due <= Instant::now() {
            self.warn_due = Instant::now() + WARN_EVERY;
            let now = Utc::now();
            for warning in self.good.ends.iter().filter_map(|e| e.warning(now)) {
                tracing::warn!("{warning}");
            }
        }
        let now = fingerprint(&self.files);
        if now == self.seen {
            self.changing = None;
        } else if self.changing != Some(now) {
            self.changing = Some(now); // perhaps still being written
        } else {
            (self.seen, self.changing) = (now, None);
            match Loaded::of(&self.files) {
                Ok(newer) => {
                    tracing::info!("newer certificates are there; the broker is asked before they are used");
                    self.newer = Some(newer);
                    (self.problem, self.trial_due) = (None, Some(Instant::now()));
                }
                Err(error) => {
                    tracing::error!(%error, "newer certificates cannot be used; those before stay in use");
                    (self.newer, self.trial_due, self.problem) = (None, None, Some(error.to_string()));
                }
            }
        }
        if is_up
            && self.trial_due.is_some_and(|due| due <= Instant::now())
            && let Some(newer) = &self.newer
        {
            self.trial_due = Some(Instant::now() + AGAIN);
            let options = LinkOptions {
                client_id: format!("{}-certificates", options.client_id),
                will: None,
                persistent: false,
                tls: Some(newer.config.clone()),
                ..options.clone()
            };
            let tell = self.trials.0.clone();
            tokio::spawn(async move {
                let outcome = tokio::time::timeout(TRIAL, trial(&options)).await;
                let _ = tell.send(outcome.unwrap_or_else(|_| Err("no answer in time".into()))).await;
            });
        }
    }

    /// Waits for the end of a trial; true where a new connection is to be made. May be dropped at any time.
    pub async fn tried(&mut self) -> bool {
        // Never ends by itself: a sender is kept here.
        let outcome = self.trials.1.recv().await;
        match outcome {
            Some(Ok(())) if self.newer.is_some() => {
                self.with_newer = false; // so that the next attempt is made with them
                true
            }
            Some(Err(why)) if self.newer.is_some() => {
                let why = format!("the broker does not accept the newer certificates: {why}");
                tracing::error!(why, "those before stay in use");
                self.problem = Some(why);
                false
            }
            _ => false,
        }
    }

    /// For the health message.
    pub fn health(&self) -> TlsHealth {
        let first = self.good.ends.iter().min_by_key(|e| e.ends_at);
        TlsHealth {
            loaded_at: Time(self.good.at),
            problem: self.problem.clone(),
            expires_at: first.map(|e| Time(e.ends_at)),
            days_left: first.map(|e| e.days_left(Utc::now())),
        }
    }
}

/// [`Certificates::tried`], where there are any: whether newer certificates were accepted in a trial; waits for ever without TLS.
pub(super) async fn tried(certificates: &mut Option<Certificates>) -> bool {
    match certificates {
        Some(certificates) => certificates.tried().await,
        None => std::future::pending().await,
    }
}

async fn trial(options: &LinkOptions) -> Trial {
    let mut link = Link::open(options);
    loop {
        match link.next().await {
            Ok(LinkEvent::Connected { .. }) => {
                link.disconnect();
                while link.next().await.is_ok() {}
                return Ok(());
            }
            Ok(_) => {}
            Err(AlertError::Link { why, .. }) => return Err(why),
            Err(error) => return Err(error.to_string()),
        }
    }
}

/// Of what is in the files; of why they cannot be read where they cannot.
fn fingerprint(files: &Tls) -> [u8; 32] {
    let client = files.client.iter().flat_map(|(certificate, key)| [certificate, key]);
    let mut hasher = Sha256::new();
    for path in [&files.ca].into_iter().chain(client) {
        match std::fs::read(path) {
            Ok(bytes) => {
                let bytes = zeroize::Zeroizing::new(bytes); // one of them is a private key
                hasher.update((bytes.len() as u64).to_be_bytes());
                hasher.update(&*bytes);
            }
            Err(error) => hasher.update(error.kind().to_string()),
        }
    }
    hasher.finalize().into()
}
