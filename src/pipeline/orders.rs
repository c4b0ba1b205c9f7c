//! What operators ask over MQTT, done: kept in the store first, with its row in the audit chain, then carried out.

use super::pausing::Switches;
use crate::alert::{Accepted, Refusal, Request};
use crate::domain::Utc;
use crate::hotlist::Hotlists;
use crate::store::{Answer, AnswerSource, Order, Ordered, StoreError, StoreHandle};

/// Who carries out.
#[derive(Clone)]
pub(super) struct Orders {
    pub store: StoreHandle,
    pub hotlists: Hotlists,
    pub switches: Switches,
}

impl Orders {
    /// Does what is asked.
    ///
    /// # Errors
    /// It came before, there is no such hit or camera, or the store could not keep it; nothing was done.
    pub fn carry_out(&self, asked: &Accepted) -> Result<(), Refusal> {
        let switch = |camera: &str| self.switches.get(camera).ok_or(Refusal::NoSuchThing);
        let what = match &asked.request {
            Request::Outcome { hit, outcome, note } => Ordered::Answer(Answer {
                hit: *hit,
                outcome: *outcome,
                by: asked.by.clone(),
                at: Utc::now(),
                note: note.clone(),
                source: AnswerSource::Mqtt,
            }),
            Request::RetryOutbox => Ordered::RetryOutbox,
            Request::ReloadLists | Request::HealthNow => Ordered::Noted(asked.request.right().as_str()),
            Request::Pause { camera, reason } => {
                switch(camera)?;
                Ordered::Pause { camera: camera.clone(), reason: reason.clone() }
            }
            Request::Resume { camera } => {
                switch(camera)?;
                Ordered::Resume { camera: camera.clone() }
            }
        };
        let order = Order {
            id: asked.id.clone(),
            signer: asked.signer.clone(),
            by: asked.by.clone(),
            expires: asked.expires,
            what,
        };
        match self.store.order(order) {
            Ok(true) => {}
            Ok(false) => return Err(Refusal::Replayed),
            Err(StoreError::UnknownHit { .. }) => return Err(Refusal::NoSuchThing),
            Err(StoreError::Answer { .. }) => return Err(Refusal::Malformed),
            Err(error) => {
                tracing::error!(%error, "an operator's message could not be kept and is not followed");
                return Err(Refusal::Failed);
            }
        }
        match &asked.request {
            Request::ReloadLists => self.hotlists.reload(),
            Request::Pause { camera, reason } => switch(camera)?.pause(&asked.by, reason),
            Request::Resume { camera } => switch(camera)?.resume(),
            // The publisher looks at the outbox and says health by itself.
            Request::RetryOutbox | Request::HealthNow | Request::Outcome { .. } => {}
        }
        Ok(())
    }
}
