//! What is said of the box itself, retained.

use super::super::certificates::Certificates;
use super::super::message::{self, BoxState, OutboxHealth, Status, Time};
use super::super::taking_in::TakingIn;
use super::super::{AlertError, AlertEvents, HealthSource, Outbox, compose};
use super::Worker;
use crate::domain::Utc;
use std::time::Instant;

impl<O: Outbox, H: HealthSource, E: AlertEvents> Worker<O, H, E> {
    pub(super) fn say_health(&mut self) {
        self.health_due = Instant::now() + self.health_every;
        let mut health = self.health.health();
        health.inbound = self.taking_in.as_ref().map(TakingIn::health);
        health.broker_tls = self.certificates.as_ref().map(Certificates::health);
        let now = Utc::now();
        match self.outbox.stats() {
            Ok(stats) => {
                health.outbox = OutboxHealth {
                    pending: stats.pending,
                    oldest_s: stats.oldest.map(|t| now.since_ms(t).max(0).unsigned_abs() / 1000),
                    dead: stats.dead,
                    dropped: stats.dropped,
                };
            }
            Err(error) => tracing::error!(%error, "the outbox cannot be read for the health message"),
        }
        let event = compose::event(&self.identity, "health", message::HEALTH_TYPE, None, now, health);
        self.retain(self.identity.health(), event.map(|(_, json)| json));
    }

    pub(super) fn say_status(&mut self, state: BoxState, since: Utc) {
        let payload = self.status(state, since);
        self.retain(self.identity.status(), payload);
    }

    pub(super) fn status(&self, state: BoxState, since: Utc) -> Result<String, AlertError> {
        let status = Status { state, since: Time(since), version: env!("CARGO_PKG_VERSION").into() };
        compose::event(&self.identity, "status", message::STATUS_TYPE, None, since, status).map(|e| e.1)
    }

    fn retain(&mut self, topic: String, payload: Result<String, AlertError>) {
        match payload {
            Ok(payload) => {
                self.unsaid.insert(topic.clone());
                self.retained.insert(topic, payload);
            }
            Err(error) => tracing::error!(%error, "a status is not published"),
        }
    }
}
