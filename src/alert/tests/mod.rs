//! Publishing against real brokers: mosquitto in its own process, killed and restarted, and the embedded one.

mod delivery;
mod docs;
mod embedded;
mod fixtures;
mod mosquitto;
mod refusals;
mod renewal;
