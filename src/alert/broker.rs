//! An MQTT broker inside this process, for demo and development: loopback only, no TLS, no password,
//! nothing on disk. Production uses a broker of its own, see `docs/ref/mqtt.md`.

use super::link::MAX_PACKET;
use super::{AlertError, Remote, Version};
use rumqttd::{ConnectionSettings, RouterConfig, ServerSettings};
use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

/// How long the listeners may take to come up.
const START: Duration = Duration::from_secs(5);

/// A running broker. `rumqttd` cannot be stopped: it ends with the process.
#[derive(Debug, Clone)]
pub struct EmbeddedBroker {
    v311: u16,
    v5: u16,
}

impl EmbeddedBroker {
    /// Starts one on 127.0.0.1: MQTT 3.1.1 on `port` (what `mosquitto_sub` speaks unasked) and MQTT 5.0 on
    /// a free port beside it for subscribers, as `rumqttd` listens to each version apart; 0 takes a free
    /// port for both.
    /// Returns once both take connections.
    ///
    /// # Errors
    /// [`AlertError::Embedded`] where `port` is taken or the listeners do not come up.
    pub fn start(port: u16) -> Result<Self, AlertError> {
        let (v311, v5) = free_ports(port)?;
        let server = |name: &str, port: u16| ServerSettings {
            name: name.into(),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
            tls: None,
            next_connection_delay_ms: 1,
            connections: ConnectionSettings {
                connection_timeout_ms: 5_000,
                max_payload_size: MAX_PACKET as usize,
                max_inflight_count: 100,
                auth: None,
                external_auth: None,
                dynamic_filters: true,
            },
        };
        let config = rumqttd::Config {
            id: 0,
            router: RouterConfig {
                max_connections: 64,
                max_outgoing_packet_count: 200,
                max_segment_size: 8 * 1024 * 1024,
                max_segment_count: 4,
                ..RouterConfig::default()
            },
            v4: Some(HashMap::from([("v311".to_owned(), server("mqtt-v311", v311))])),
            v5: Some(HashMap::from([("v5".to_owned(), server("mqtt-v5", v5))])),
            ..rumqttd::Config::default()
        };
        std::thread::Builder::new()
            .name("broker".into())
            .spawn(move || {
                // Blocks for as long as the listeners live.
                if let Err(error) = rumqttd::Broker::new(config).start() {
                    tracing::error!(%error, "the embedded broker has ended");
                }
            })
            .map_err(|source| AlertError::Thread { name: "broker", source })?;
        for port in [v311, v5] {
            await_listener(port)?;
        }
        Ok(Self { v311, v5 })
    }

    /// Port on 127.0.0.1 for MQTT 3.1.1.
    pub fn v311_port(&self) -> u16 {
        self.v311
    }

    /// Port on 127.0.0.1 for subscribers that speak MQTT 5.0.
    pub fn v5_port(&self) -> u16 {
        self.v5
    }

    /// How to reach it, with MQTT 3.1.1: `rumqttd` 0.20 panics when a message that was published with
    /// properties of MQTT 5.0 goes to a 3.1.1 subscriber (`protocol/v4/mod.rs:364`, "not possible in v4"),
    /// so nobody may publish such messages to it. Subscribers of either version are served.
    pub fn remote(&self) -> Remote {
        Remote {
            host: Ipv4Addr::LOCALHOST.to_string(),
            port: self.v311,
            version: Version::V311,
            tls: None,
            credentials: None,
            keep_alive_s: 30,
        }
    }
}

/// Two different free ports, the first being `wanted` unless that is 0. Somebody may take them between here
/// and the broker's own bind; then its listener is missing and `await_listener` or the client says so.
fn free_ports(wanted: u16) -> Result<(u16, u16), AlertError> {
    let bind = |port: u16| {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port));
        listener
            .and_then(|l| l.local_addr().map(|a| (l, a.port())))
            .map_err(|e| AlertError::Embedded { port, why: e.to_string() })
    };
    let first = bind(wanted)?;
    let second = bind(0)?; // while the first is still held, so they differ
    Ok((first.1, second.1))
}

fn await_listener(port: u16) -> Result<(), AlertError> {
    let began = Instant::now();
    loop {
        match TcpStream::connect((Ipv4Addr::LOCALHOST, port)) {
            Ok(_) => return Ok(()),
            Err(e) if began.elapsed() > START => {
                return Err(AlertError::Embedded { port, why: format!("does not answer: {e}") });
            }
            Err(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}
