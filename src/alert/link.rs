//! The MQTT door: one connection, version 3.1.1 or 5.0, told as a few events. Nothing else sees `rumqttc`.
//!
//! One `Link` is one connection and never reconnects: `rumqttc` would resend what it remembers beside what
//! the outbox resends, or forget it where the broker kept no session. The outbox alone remembers.
//! `rumqttc`'s event loop loses its flush when its future is dropped midway, so it runs in a task of its
//! own and hands events over; [`Link::next`] may be dropped at any time.

use super::{AlertError, Remote, Version};
use rumqttc::{TlsConfiguration, Transport, v5};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Largest packet sent and taken, in bytes. A hit is about 3 KiB; `rumqttc`'s own limit is 10 KiB.
pub(super) const MAX_PACKET: u32 = 256 * 1024;

/// Un-acknowledged packets `rumqttc` keeps, beyond the publisher's own window so that ids never collide.
const INFLIGHT: u16 = 100;

/// Requests that may be queued to the event loop; more than the publisher's window.
const REQUESTS: usize = 64;

/// How long the broker keeps a session for us after a connection ends (MQTT 5.0 section 3.1.2.11.2).
const SESSION_EXPIRY_S: u32 = 86_400;

/// Content type of a CloudEvent in structured mode (CloudEvents MQTT binding 1.0 section 3.2.1).
const CONTENT_TYPE: &str = "application/cloudevents+json";

/// A retained message: its topic and payload.
#[derive(Debug, Clone)]
pub(super) struct Will {
    pub topic: String,
    pub payload: String,
}

/// How to connect.
#[derive(Debug, Clone)]
pub(super) struct LinkOptions {
    pub remote: Remote,
    pub client_id: String,
    /// What the broker says, retained, when the connection is lost.
    pub will: Option<Will>,
    /// Whether the broker keeps the session over connections.
    pub persistent: bool,
    /// The certificates; `None` without TLS.
    pub tls: Option<TlsConfiguration>,
}

/// What happened on the connection.
#[derive(Debug)]
pub(super) enum LinkEvent {
    /// The broker has accepted us; `max_packet` is the largest packet it takes.
    Connected { max_packet: u32 },
    /// The oldest publish that was queued and not yet told of has gone out under this packet id.
    Sent(u16),
    /// The broker has taken responsibility for it.
    Acked(u16),
    /// The broker has refused it; `later` where the same message may be taken another time.
    Refused { id: u16, why: String, later: bool },
    /// Somebody published this.
    Message { topic: String, payload: Vec<u8>, retained: bool, receipt: Box<Receipt> },
    /// The broker has answered a subscription.
    Subscribed(Result<(), String>),
}

/// What tells the broker that a message has been dealt with; it delivers it again otherwise.
#[derive(Debug)]
pub(super) enum Receipt {
    V311(rumqttc::Publish),
    V5(v5::mqttbytes::v5::Publish),
}

enum Client {
    V311(rumqttc::AsyncClient),
    V5(v5::AsyncClient),
}

/// One connection; dropping it closes the socket without farewell, which makes the broker say the will.
pub(super) struct Link {
    client: Client,
    broker: String,
    events: mpsc::Receiver<Result<LinkEvent, AlertError>>,
    task: JoinHandle<()>,
}

impl Drop for Link {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// `host:port`.
pub(super) fn address(remote: &Remote) -> String {
    format!("{}:{}", remote.host, remote.port)
}

impl Link {
    /// Begins to connect; must be called inside a tokio runtime.
    ///
    /// Whatever goes wrong is told by [`Link::next`].
    pub fn open(options: &LinkOptions) -> Self {
        let broker = address(&options.remote);
        let transport = match &options.tls {
            Some(tls) => Transport::tls_with_config(tls.clone()),
            None => Transport::tcp(),
        };
        let (events, received) = mpsc::channel(REQUESTS);
        let (client, task) = match options.remote.version {
            Version::V311 => open_v311(options, transport, broker.clone(), events),
            Version::V5 => open_v5(options, transport, broker.clone(), events),
        };
        Self { client, broker, events: received, task }
    }

    /// The next event, or why the connection has ended. The future may be dropped without loss.
    pub async fn next(&mut self) -> Result<LinkEvent, AlertError> {
        self.events.recv().await.unwrap_or_else(|| Err(ended(&self.broker)))
    }

    /// Bytes of the packet that would carry this, or a few more.
    pub fn packet_size(topic: &str, payload: &str) -> usize {
        // Fixed header 5, lengths 2 + 2, packet id 2, v5 properties (content type, format, delayed) 55.
        payload.len() + topic.len() + 66
    }

    /// Queues a publish at QoS 1; false where the queue is full, which the publisher's window prevents.
    pub fn publish(&self, topic: &str, retain: bool, delayed: bool, payload: String) -> bool {
        match &self.client {
            Client::V311(c) => c.try_publish(topic, rumqttc::QoS::AtLeastOnce, retain, payload).is_ok(),
            Client::V5(c) => {
                let user_properties =
                    if delayed { vec![("delayed".to_owned(), "true".to_owned())] } else { Vec::new() };
                let properties = v5::mqttbytes::v5::PublishProperties {
                    payload_format_indicator: Some(1), // UTF-8 text
                    content_type: Some(CONTENT_TYPE.into()),
                    user_properties,
                    ..Default::default()
                };
                let qos = v5::mqttbytes::QoS::AtLeastOnce;
                c.try_publish_with_properties(topic, qos, retain, payload, properties).is_ok()
            }
        }
    }

    /// Asks for everything on `filter` at QoS 1; false where the queue is full.
    pub fn subscribe(&self, filter: &str) -> bool {
        match &self.client {
            Client::V311(c) => c.try_subscribe(filter, rumqttc::QoS::AtLeastOnce).is_ok(),
            Client::V5(c) => c.try_subscribe(filter, v5::mqttbytes::QoS::AtLeastOnce).is_ok(),
        }
    }

    /// Tells the broker that a message has been dealt with; where the queue is full it comes again.
    pub fn acknowledge(&self, receipt: &Receipt) {
        let told = match (&self.client, receipt) {
            (Client::V311(c), Receipt::V311(publish)) => c.try_ack(publish).is_ok(),
            (Client::V5(c), Receipt::V5(publish)) => c.try_ack(publish).is_ok(),
            _ => false,
        };
        if !told {
            tracing::debug!("a message could not be acknowledged; it will come again");
        }
    }

    /// Says farewell, so that the broker drops the will; [`Link::next`] then soon ends.
    pub fn disconnect(&self) {
        let _ = match &self.client {
            Client::V311(c) => c.try_disconnect().is_ok(),
            Client::V5(c) => c.try_disconnect().is_ok(),
        };
    }
}

type Opened = (Client, JoinHandle<()>);
type Events = mpsc::Sender<Result<LinkEvent, AlertError>>;

fn open_v311(options: &LinkOptions, transport: Transport, broker: String, events: Events) -> Opened {
    let remote = &options.remote;
    let mut o = rumqttc::MqttOptions::new(options.client_id.clone(), remote.host.clone(), remote.port);
    o.set_transport(transport)
        .set_keep_alive(keep_alive(remote))
        .set_clean_session(!options.persistent)
        .set_max_packet_size(MAX_PACKET as usize, MAX_PACKET as usize)
        .set_request_channel_capacity(REQUESTS)
        .set_inflight(INFLIGHT)
        .set_manual_acks(true);
    if let Some((user, password)) = &remote.credentials {
        o.set_credentials(user.clone(), password.reveal());
    }
    if let Some(will) = &options.will {
        let qos = rumqttc::QoS::AtLeastOnce;
        o.set_last_will(rumqttc::LastWill::new(&will.topic, will.payload.clone(), qos, true));
    }
    let (client, mut eventloop) = rumqttc::AsyncClient::new(o, REQUESTS);
    eventloop.network_options.set_tcp_nodelay(true);
    let task = tokio::spawn(async move {
        loop {
            let told = match eventloop.poll().await {
                Ok(event) => match event_v311(event) {
                    Some(event) => Ok(event),
                    None => continue,
                },
                Err(e) => Err(failure_v311(&broker, &e)),
            };
            let last = told.is_err();
            if events.send(told).await.is_err() || last {
                return;
            }
        }
    });
    (Client::V311(client), task)
}

fn event_v311(event: rumqttc::Event) -> Option<LinkEvent> {
    use rumqttc::{Event, Outgoing, Packet, SubscribeReasonCode};
    Some(match event {
        Event::Incoming(Packet::ConnAck(_)) => LinkEvent::Connected { max_packet: MAX_PACKET },
        Event::Incoming(Packet::PubAck(ack)) => LinkEvent::Acked(ack.pkid),
        Event::Incoming(Packet::Publish(p)) => LinkEvent::Message {
            topic: p.topic.clone(),
            payload: p.payload.to_vec(),
            retained: p.retain,
            receipt: Box::new(Receipt::V311(p)),
        },
        Event::Incoming(Packet::SubAck(ack)) => LinkEvent::Subscribed(
            match ack.return_codes.iter().find(|c| matches!(c, SubscribeReasonCode::Failure)) {
                None => Ok(()),
                Some(code) => Err(format!("{code:?}")),
            },
        ),
        Event::Outgoing(Outgoing::Publish(id)) => LinkEvent::Sent(id),
        _ => return None,
    })
}

fn failure_v311(broker: &str, error: &rumqttc::ConnectionError) -> AlertError {
    use rumqttc::{ConnectReturnCode as Code, ConnectionError as E, StateError, mqttbytes};
    let (why, protocol) = match error {
        E::ConnectionRefused(Code::BadUserNamePassword | Code::NotAuthorized) => (REFUSED_USER.into(), false),
        E::ConnectionRefused(code) => (format!("refused the connection: {code:?}"), false),
        E::Tls(e) => (tls_failure(e), false),
        E::Io(e) => (e.to_string(), false),
        E::NetworkTimeout | E::FlushTimeout => (NO_ANSWER.into(), false),
        E::MqttState(StateError::ConnectionAborted) => (CLOSED.into(), false),
        E::MqttState(StateError::Io(e) | StateError::Deserialization(mqttbytes::Error::Io(e))) => {
            (e.to_string(), false)
        }
        E::MqttState(StateError::AwaitPingResp) => (NO_ANSWER.into(), false),
        E::MqttState(e) => (e.to_string(), true),
        e => (e.to_string(), false),
    };
    AlertError::Link { broker: broker.into(), why, protocol }
}

fn open_v5(options: &LinkOptions, transport: Transport, broker: String, events: Events) -> Opened {
    let remote = &options.remote;
    let mut o = v5::MqttOptions::new(options.client_id.clone(), remote.host.clone(), remote.port);
    let mut network = rumqttc::NetworkOptions::new();
    network.set_tcp_nodelay(true);
    o.set_transport(transport)
        .set_keep_alive(keep_alive(remote))
        .set_clean_start(!options.persistent)
        .set_session_expiry_interval(options.persistent.then_some(SESSION_EXPIRY_S))
        .set_max_packet_size(Some(MAX_PACKET))
        .set_request_channel_capacity(REQUESTS)
        .set_outgoing_inflight_upper_limit(INFLIGHT)
        .set_manual_acks(true)
        .set_network_options(network);
    if let Some((user, password)) = &remote.credentials {
        o.set_credentials(user.clone(), password.reveal());
    }
    if let Some(will) = &options.will {
        let properties = v5::mqttbytes::v5::LastWillProperties {
            delay_interval: None,
            payload_format_indicator: Some(1),
            message_expiry_interval: None,
            content_type: Some(CONTENT_TYPE.into()),
            response_topic: None,
            correlation_data: None,
            user_properties: Vec::new(),
        };
        o.set_last_will(v5::mqttbytes::v5::LastWill::new(
            &will.topic,
            will.payload.clone(),
            v5::mqttbytes::QoS::AtLeastOnce,
            true,
            Some(properties),
        ));
    }
    let (client, mut eventloop) = v5::AsyncClient::new(o, REQUESTS);
    let task = tokio::spawn(async move {
        loop {
            let told = match eventloop.poll().await {
                Ok(event) => match event_v5(event) {
                    Some(event) => Ok(event),
                    None => continue,
                },
                Err(e) => Err(failure_v5(&broker, &e)),
            };
            let last = told.is_err();
            if events.send(told).await.is_err() || last {
                return;
            }
        }
    });
    (Client::V5(client), task)
}

fn event_v5(event: v5::Event) -> Option<LinkEvent> {
    use rumqttc::Outgoing;
    use v5::Event;
    use v5::mqttbytes::v5::{Packet, PubAckReason as Reason, SubscribeReasonCode};
    Some(match event {
        Event::Incoming(Packet::ConnAck(ack)) => {
            let broker = ack.properties.and_then(|p| p.max_packet_size).unwrap_or(MAX_PACKET);
            LinkEvent::Connected { max_packet: broker.min(MAX_PACKET) }
        }
        Event::Incoming(Packet::PubAck(ack)) => match ack.reason {
            Reason::Success | Reason::NoMatchingSubscribers => LinkEvent::Acked(ack.pkid),
            reason => LinkEvent::Refused {
                id: ack.pkid,
                why: match ack.properties.and_then(|p| p.reason_string) {
                    Some(text) => format!("{reason:?}: {text}"),
                    None => format!("{reason:?}"),
                },
                later: matches!(reason, Reason::QuotaExceeded | Reason::PacketIdentifierInUse),
            },
        },
        Event::Incoming(Packet::Publish(p)) => LinkEvent::Message {
            topic: String::from_utf8_lossy(&p.topic).into_owned(),
            payload: p.payload.to_vec(),
            retained: p.retain,
            receipt: Box::new(Receipt::V5(p)),
        },
        Event::Incoming(Packet::SubAck(ack)) => LinkEvent::Subscribed(
            match ack.return_codes.iter().find(|c| !matches!(c, SubscribeReasonCode::Success(_))) {
                None => Ok(()),
                Some(code) => Err(format!("{code:?}")),
            },
        ),
        Event::Outgoing(Outgoing::Publish(id)) => LinkEvent::Sent(id),
        _ => return None,
    })
}

fn failure_v5(broker: &str, error: &v5::ConnectionError) -> AlertError {
    use v5::mqttbytes::Error as Codec;
    use v5::mqttbytes::v5::ConnectReturnCode as Code;
    use v5::{ConnectionError as E, StateError};
    let (why, protocol) = match error {
        E::ConnectionRefused(Code::BadUserNamePassword | Code::NotAuthorized) => (REFUSED_USER.into(), false),
        E::ConnectionRefused(code) => (format!("refused the connection: {code:?}"), false),
        E::Tls(e) => (tls_failure(e), false),
        E::Io(e) => (e.to_string(), false),
        E::Timeout(_) => (NO_ANSWER.into(), false),
        E::MqttState(StateError::ConnectionAborted) => (CLOSED.into(), false),
        E::MqttState(StateError::Io(e) | StateError::Deserialization(Codec::Io(e))) => (e.to_string(), false),
        E::MqttState(StateError::AwaitPingResp) => (NO_ANSWER.into(), false),
        E::MqttState(e) => (e.to_string(), true),
        e => (e.to_string(), false),
    };
    AlertError::Link { broker: broker.into(), why, protocol }
}

const REFUSED_USER: &str = "refused the user, password or client certificate";
const NO_ANSWER: &str = "no answer in time";
const CLOSED: &str = "closed the connection";

fn ended(broker: &str) -> AlertError {
    AlertError::Link { broker: broker.into(), why: "the connection has ended".into(), protocol: false }
}

/// `rumqttc` asserts at least 5 s for v5; the same for both keeps the documentation short.
fn keep_alive(remote: &Remote) -> Duration {
    Duration::from_secs(remote.keep_alive_s.max(5).into())
}

fn tls_failure(error: &rumqttc::TlsError) -> String {
    format!("TLS: {error}; check the CA file, the host name and the client certificate")
}
