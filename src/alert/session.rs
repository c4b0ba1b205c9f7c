//! What one connection to the broker knows, and forgets when it ends: the outbox alone remembers.

use super::link::Link;
use super::unkept;
use crate::domain::Utc;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// One message on its way.
pub(super) enum Sending {
    Row {
        id: i64,
        created_at: Utc,
        /// When the frame of a hit that it tells of first was taken.
        captured_at: Option<Utc>,
    },
    /// A hit that the disk has not taken.
    Unkept(Arc<unkept::Message>),
    Retained,
}

/// What one connection knows.
#[derive(Default)]
pub(super) struct Session {
    pub connected: bool,
    pub max_packet: usize,
    /// Newer certificates wait for this connection to be ended in order.
    pub renewing: bool,
    pub queued: VecDeque<Sending>,
    pub in_flight: HashMap<u16, (Sending, Instant)>,
}

impl Session {
    /// Messages that are not acknowledged.
    pub fn open(&self) -> usize {
        self.queued.len() + self.in_flight.len()
    }

    /// Rows of the outbox among them.
    pub fn rows(&self) -> impl Iterator<Item = i64> {
        let all = self.queued.iter().chain(self.in_flight.values().map(|(s, _)| s));
        all.filter_map(|s| match s {
            Sending::Row { id, .. } => Some(*id),
            Sending::Unkept(_) | Sending::Retained => None,
        })
    }
}

/// How a session ended that did not fail.
pub(super) enum End {
    /// All is over.
    Over,
    /// A new connection is to be made, with newer certificates.
    Renew,
}

/// How often and how fast.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    pub health_every: Duration,
    pub catch_up_per_s: u32,
}

/// Takes leave of the broker and waits, not for long, until it has heard.
pub(super) async fn farewell(mut link: Link) {
    link.disconnect();
    let gone = async { while link.next().await.is_ok() {} };
    let _ = tokio::time::timeout(Duration::from_millis(250), gone).await;
}
