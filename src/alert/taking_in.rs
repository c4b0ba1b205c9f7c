//! Messages of operators as they come off the connection: judged, handed on, counted, never answered.

use super::delayed::Allowance;
use super::inbound::{Inbound, InboundTopic, Refusal, Request, judge};
use super::message::InboundHealth;
use super::{AlertEvents, BoxIdentity};
use crate::domain::Utc;

/// Messages looked at in a second; operators send a few a day.
const PER_S: u32 = 20;

/// See the module.
pub(super) struct TakingIn {
    rules: Inbound,
    counts: InboundHealth,
    rate: Allowance,
    /// Whoever floods the topics must not flood the log.
    log: Allowance,
}

impl TakingIn {
    pub fn new(rules: Inbound) -> Self {
        let (rate, log) = (Allowance::new(PER_S), Allowance::new(1));
        Self { rules, counts: InboundHealth::default(), rate, log }
    }

    /// For the health message.
    pub fn health(&self) -> InboundHealth {
        self.counts.clone()
    }

    /// Deals with one message; what the publisher itself has to do about it.
    pub fn take(
        &mut self,
        identity: &BoxIdentity,
        events: &impl AlertEvents,
        topic: &str,
        payload: &[u8],
        retained: bool,
    ) -> Option<Request> {
        let topic = if topic == identity.commands() {
            InboundTopic::Commands
        } else if topic == identity.outcomes() {
            InboundTopic::Outcomes
        } else {
            return None; // a subscription of another program under our name
        };
        let judged = if self.rate.take() {
            judge(&self.rules, identity, topic, payload, retained, Utc::now())
        } else {
            Err(Refusal::TooMany)
        };
        match judged.and_then(|asked| events.asked(&asked).map(|()| asked)) {
            Ok(asked) => {
                self.counts.accepted += 1;
                events.taken_in("accepted");
                let what = asked.request.right().as_str();
                tracing::info!(
                    what,
                    signer = asked.signer,
                    message = asked.id,
                    "an operator's message is followed"
                );
                Some(asked.request)
            }
            Err(refusal) => {
                let reason = refusal.as_str();
                *self.counts.refused.entry(reason.to_owned()).or_default() += 1;
                events.taken_in(reason);
                // Nothing of the message itself: it may be anything, and of anyone.
                if self.log.take() {
                    tracing::warn!(reason, bytes = payload.len(), "a message from outside is not followed");
                }
                None
            }
        }
    }
}
