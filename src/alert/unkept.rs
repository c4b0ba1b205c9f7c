//! Hits told of before they are kept: the one exception to "nothing is published that is not on disk".
//!
//! A disk that takes no writes must not keep an officer from hearing of the car that has just passed. Such a message
//! carries `kept: false` (CloudEvents extension attribute), has its final id, and is never retried over a loss of
//! the process: when the disk is well again the same event goes through the outbox, without the mark. Decision 0021.

use super::worker::Control;
use crate::store::{MessageKind, OutboxMessage};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::mpsc;

/// Messages that may wait for the broker in memory; beyond it the oldest go, which the backlog of records still has.
pub(super) const MOST: usize = 4_096;

/// A message that is not in the outbox.
#[derive(Debug)]
pub(super) struct Message {
    pub event_id: String,
    pub topic: String,
    pub payload: String,
    /// By the monotonic clock, since a dead disk and a jumping clock may come together.
    pub came: Instant,
}

/// Hands such messages to the publisher. Clones share its queue.
#[derive(Debug, Clone)]
pub struct Unkept {
    pub(super) control: mpsc::Sender<Control>,
}

impl Unkept {
    /// Publishes `message`, marked, as soon as there is a connection; false where the queue is full: say it again.
    pub fn tell(&self, message: &OutboxMessage) -> bool {
        let OutboxMessage { event_id, topic, payload, .. } = message.clone();
        let message = Message { event_id, topic, payload, came: Instant::now() };
        self.control.try_send(Control::Unkept(Arc::new(message))).is_ok()
    }

    /// These are kept now: what of them has not gone out yet goes through the outbox alone.
    pub fn kept(&self, messages: &[OutboxMessage]) {
        for message in messages.iter().filter(|m| m.kind == MessageKind::Hit) {
            // Where the queue is full the message goes out marked as well: twice, with the same id.
            let _ = self.control.try_send(Control::Kept(message.event_id.clone()));
        }
    }
}

/// Adds the extension attribute `kept: false` to a CloudEvent in JSON without touching anything else of it.
pub(super) fn mark_unkept(payload: &str) -> String {
    match payload.strip_prefix('{') {
        Some(rest) => format!("{{\"kept\":false,{rest}"),
        None => payload.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_is_added_and_the_rest_is_kept() {
        let json = mark_unkept(r#"{"id":"1","data":{"p":0.1}}"#);
        let event: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(event["kept"], false);
        assert!(json.ends_with(r#""id":"1","data":{"p":0.1}}"#));
    }
}
