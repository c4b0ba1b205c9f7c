//! Layer 4: what operators are told, over MQTT: messages, topics, the publisher of the outbox, and an
//! embedded broker with a subscriber for demo and development.
//!
//! May import `domain`, `telemetry`, `runtime` and `store`; the only door to `rumqttc` and `rumqttd`.
//! Reading order: `topic`, `message` (the wire types), `compose` (domain to wire), `schema`, `outbox`
//! (what is needed of the store), `unkept` (hits of a dead disk), `publisher` (for the pipeline), `worker` (its
//! thread) and `session`, `delayed`, `inbound` and `taking_in` (what operators ask), `link`, `tls` and `certificates`
//! (the MQTT door), `broker`, `subscriber`, `error`.

mod broker;
mod certificates;
mod compose;
mod delayed;
mod error;
mod expiry;
mod inbound;
mod link;
pub mod message;
mod outbox;
mod publisher;
mod schema;
mod session;
mod settings;
mod subscriber;
mod taking_in;
mod timing;
mod tls;
mod topic;
mod unkept;
mod worker;

#[cfg(test)]
mod tests;

pub use broker::EmbeddedBroker;
pub use compose::{cut_off_hit_message, hit_message, late_hit_message, passage_message};
pub use error::AlertError;
pub use expiry::{Expiry, expiries};
pub use inbound::{
    Accepted, Inbound, InboundTopic, Message, MessageError, MessageSigner, Refusal, Request, Right, Trust,
    judge,
};
pub use outbox::Outbox;
pub use publisher::{AlertEvents, HealthSource, Publisher, StatusUpdates, broker_address, start};
pub use schema::schemas;
pub use settings::{Broker, Remote, Settings, Tls, Version};
pub use subscriber::{Received, Subscriber, one_line};
pub use topic::{BoxIdentity, MAX_NAME, check_name};
pub use unkept::Unkept;
