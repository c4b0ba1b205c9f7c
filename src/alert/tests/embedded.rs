//! The embedded broker and subscriber, as the demo uses them.

use super::fixtures::*;
use super::mosquitto::Listener;
use crate::alert::{Broker, Received, Settings, Subscriber, one_line, start};
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[test]
fn a_hit_goes_through_the_embedded_broker_and_back() {
    let settings = Settings {
        zone: "zone".into(),
        box_id: "box1".into(),
        broker: Broker::Embedded { port: 0 },
        publish_passages: false,
        health_every_s: 10,
        catch_up_per_s: 1_000,
        inbound: None,
    };
    let (outbox, events) = (MemoryOutbox::new(), Recorder::default());
    let publisher = start(&settings, outbox.clone(), health, events.clone()).unwrap();
    let received: Arc<Mutex<Vec<Received>>> = Arc::default();
    let into = received.clone();
    let subscriber =
        Subscriber::start(publisher.remote(), &identity(), move |r| into.lock().unwrap().push(r)).unwrap();
    assert!(subscriber.wait_ready(Duration::from_secs(10)));
    let broker = publisher.embedded().unwrap();
    let outside = [(broker.v311_port(), "mqttv311"), (broker.v5_port(), "mqttv5")]
        .map(|(port, version)| Listener::start(port, "platewatch/#", &["-V", version]));
    outside.iter().for_each(Listener::await_ready);
    let sent: Vec<String> = (0..40)
        .map(|_| {
            let m = message();
            let id = m.event_id.clone();
            outbox.put(m);
            id
        })
        .collect();
    eventually("every row is done", || outbox.done().len() == 40);
    eventually("every hit is back", || received.lock().unwrap().len() == 40);
    let ids: Vec<String> = received.lock().unwrap().iter().map(|r| r.event.id.clone()).collect();
    assert_eq!(ids, sent);
    for listener in &outside {
        eventually("another client sees them too", || listener.ids("platewatch/v1/zone/box1/hits") == sent);
    }
    let first = received.lock().unwrap()[0].clone();
    let line = one_line(&first.event);
    for part in ["1ABC123", "stolen-vehicle", "resolved", "97%", "north-1", "stop, two officers"] {
        assert!(line.contains(part), "{part} is not in {line}");
    }
    assert!(!line.contains("read ") && !line.contains('\n'));
    assert_eq!(events.connected(), 1);
    assert_eq!(publisher.join(Duration::from_secs(5)).unwrap(), 0);
}

#[test]
fn two_embedded_brokers_cannot_have_one_port() {
    let first = crate::alert::EmbeddedBroker::start(0).unwrap();
    let error = crate::alert::EmbeddedBroker::start(first.v311_port()).unwrap_err().to_string();
    assert!(error.contains(&first.v311_port().to_string()) && error.contains("or 0"), "{error}");
}

#[test]
fn a_line_for_people_tells_read_from_listed_and_moves_no_cursor() {
    let mut event: crate::alert::message::HitEvent = serde_json::from_str(&message().payload).unwrap();
    event.data.observed.text = "1ABC1Z3".into();
    event.data.matched.instruction = "\x1b[2Jstop\nnow".into();
    let line = one_line(&event);
    assert!(line.contains("1ABC123 (read 1ABC1Z3)"), "{line}");
    assert!(!line.chars().any(char::is_control));
}
