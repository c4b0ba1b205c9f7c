//! How the broker is reached.

use super::Inbound;
use crate::runtime::Secret;
use std::path::PathBuf;

/// Publishing over MQTT.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The zone's name in topics.
    pub zone: String,
    /// The box's name in topics, and its MQTT client id (`platewatch-<zone>-<box>`).
    pub box_id: String,
    /// Which broker.
    pub broker: Broker,
    /// Whether every passage is published too, not only hits.
    pub publish_passages: bool,
    /// Longest time between two `health` messages, in seconds.
    pub health_every_s: u64,
    /// Most messages older than 10 s that are sent in a second.
    pub catch_up_per_s: u32,
    /// What is taken from outside; `None`: the box listens to nothing.
    pub inbound: Option<Inbound>,
}

/// Which broker.
#[derive(Debug, Clone)]
pub enum Broker {
    /// One inside this process, on loopback, for demo and development.
    Embedded {
        /// TCP port; 0 takes a free one.
        port: u16,
    },
    /// One somewhere else.
    Remote(Remote),
}

/// A broker reached over the network.
#[derive(Debug, Clone)]
pub struct Remote {
    /// Host name or address.
    pub host: String,
    /// TCP port, usually 8883 with TLS and 1883 without.
    pub port: u16,
    /// MQTT version.
    pub version: Version,
    /// TLS; without it, passwords and plates go in the clear.
    pub tls: Option<Tls>,
    /// User and password.
    pub credentials: Option<(String, Secret)>,
    /// Seconds between pings.
    pub keep_alive_s: u16,
}

/// MQTT version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// MQTT 3.1.1
    V311,
    /// MQTT 5.0
    V5,
}

/// Certificates, PEM.
#[derive(Debug, Clone)]
pub struct Tls {
    /// Who may have signed the broker's certificate.
    pub ca: PathBuf,
    /// Our certificate and its key.
    pub client: Option<(PathBuf, PathBuf)>,
}
