//! Every row arrives: on a healthy broker once, after a killed one, late, and at the end.

use super::fixtures::*;
use super::mosquitto::*;
use crate::alert::message::{CameraState, CameraStatus, Time};
use crate::alert::{Broker, Settings, Version, hit_message, start};
use crate::domain::Utc;
use crate::store::{self, Record};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

const HITS: &str = "platewatch/v1/zone/box1/hits";
const STATUS: &str = "platewatch/v1/zone/box1/status";

fn exactly_once(version: Version) {
    let broker = Mosquitto::anonymous();
    let listener = broker.subscribe("platewatch/#", &[]);
    let (outbox, events, publisher) = publisher(plain(broker.port, version));
    let sent: Vec<String> = (0..120)
        .map(|_| {
            let m = message();
            let id = m.event_id.clone();
            outbox.put(m);
            id
        })
        .collect();
    eventually("every row is done", || outbox.done().len() == sent.len());
    let statuses = publisher.statuses();
    let since = Time(Utc::now());
    let status = CameraStatus { camera: "north-1".into(), state: CameraState::Running, since, reason: None };
    assert!(statuses.camera(status).unwrap());
    assert_eq!(publisher.join(Duration::from_secs(5)).unwrap(), 0);
    eventually("the farewell arrives", || {
        listener.states(STATUS).last().map(String::as_str) == Some("offline")
    });
    assert_eq!(listener.ids(HITS), sent, "each once and in order");
    assert_eq!(listener.states(STATUS), ["online", "stopping", "offline"]);
    assert!(!listener.ids("platewatch/v1/zone/box1/health").is_empty());
    assert_eq!(listener.states("platewatch/v1/zone/box1/cameras/north-1/status"), ["running"]);
    assert!(events.all().iter().filter(|t| matches!(t, Told::Delivered(_))).count() == sent.len());
    // Who comes later finds the last status retained, and no old hit.
    let late = broker.subscribe("platewatch/#", &[]);
    eventually("the retained status arrives", || late.states(STATUS) == ["offline"]);
    assert!(late.ids(HITS).is_empty());
}

#[test]
fn each_hit_arrives_once_v5() {
    exactly_once(Version::V5);
}

#[test]
fn each_hit_arrives_once_v311() {
    exactly_once(Version::V311);
}

fn killed_midway(version: Version) {
    let mut broker = Mosquitto::anonymous();
    let listener = broker.subscribe(HITS, &["-i", "operator", "-c"]);
    let (outbox, events, publisher) = publisher(plain(broker.port, version));
    let mut sent = BTreeSet::new();
    let mut put = |n: usize| {
        for _ in 0..n {
            let m = message();
            sent.insert(m.event_id.clone());
            outbox.put(m);
        }
    };
    put(400);
    eventually("some rows are done", || outbox.done().len() >= 30);
    broker.kill();
    put(50);
    eventually("the loss is noticed", || events.reason().is_some());
    let done_before = outbox.done().len();
    broker.start();
    eventually("every row is done", || outbox.done().len() == 450);
    assert!(done_before < 450, "the kill came too late to show anything");
    let done: BTreeSet<i64> = outbox.done().into_iter().collect();
    assert_eq!(done.len(), 450, "a row was done twice");
    assert_eq!(events.connected(), 2);
    eventually("every event arrives", || {
        listener.ids(HITS).into_iter().collect::<BTreeSet<_>>().len() == sent.len()
    });
    assert_eq!(listener.ids(HITS).into_iter().collect::<BTreeSet<_>>(), sent);
    assert!(outbox.dead().is_empty());
    assert_eq!(publisher.join(Duration::from_secs(5)).unwrap(), 0);
}

#[test]
fn nothing_is_lost_when_the_broker_is_killed_v5() {
    killed_midway(Version::V5);
}

#[test]
fn nothing_is_lost_when_the_broker_is_killed_v311() {
    killed_midway(Version::V311);
}

#[test]
fn a_broker_absent_at_start_gets_the_rows_later_marked_delayed() {
    let mut broker = Mosquitto::prepare("allow_anonymous true");
    let (outbox, events, publisher) = publisher(plain(broker.port, Version::V5));
    let mut old = message();
    old.created_at = Utc::now().plus_ms(-60_000);
    outbox.put(old);
    let fresh_from = Utc::now();
    eventually("the absence is told", || events.reason().is_some());
    assert!(events.reason().unwrap().contains(&format!("127.0.0.1:{}", broker.port)));
    broker.start();
    let listener = broker.subscribe(HITS, &["-i", "operator", "-c"]);
    eventually("the row is done", || outbox.done().len() == 1);
    // It may have come before the subscription; a second one cannot.
    let mut late = message();
    late.created_at = fresh_from.plus_ms(-60_000);
    outbox.put(late);
    let mut fresh = message();
    fresh.created_at = Utc::now();
    outbox.put(fresh);
    eventually("all are done", || outbox.done().len() == 3);
    eventually("the messages arrive", || listener.messages().len() >= 2);
    let messages = listener.messages();
    let (fresh, late) = (&messages[messages.len() - 1].1, &messages[messages.len() - 2].1);
    assert_eq!(late["delayed"], true);
    assert_eq!(fresh.get("delayed"), None);
    publisher.join(Duration::from_secs(5)).unwrap();
}

#[test]
fn an_absent_broker_does_not_hold_up_the_end() {
    let (outbox, events, publisher) = publisher(plain(free_port(), Version::V5));
    outbox.put(message());
    eventually("the absence is told", || events.reason().is_some());
    assert_eq!(publisher.join(Duration::from_secs(20)).unwrap(), 1, "the row stays");
}

fn last_will(version: Version) {
    let broker = Mosquitto::anonymous();
    let listener = broker.subscribe(STATUS, &[]);
    let cable = Cable::to(broker.port);
    let (_, events, publisher) = publisher(plain(cable.port, version));
    eventually("online is said", || listener.states(STATUS) == ["online"]);
    cable.cut();
    eventually("the will is said", || listener.states(STATUS).contains(&"offline".to_owned()));
    eventually("it comes back", || listener.states(STATUS).last().unwrap() == "online");
    assert_eq!(events.connected(), 2);
    publisher.join(Duration::from_secs(5)).unwrap();
}

#[test]
fn a_lost_connection_makes_the_broker_say_the_will_v5() {
    last_will(Version::V5);
}

#[test]
fn a_lost_connection_makes_the_broker_say_the_will_v311() {
    last_will(Version::V311);
}

#[test]
fn what_is_recorded_in_the_store_is_delivered_and_marked() {
    let dir = tempfile::tempdir().unwrap();
    let settings = store::Settings::new(dir.path());
    let (handle, thread) = store::start(&settings).unwrap();
    let broker = Mosquitto::anonymous();
    let listener = broker.subscribe(HITS, &[]);
    let settings = Settings {
        zone: "zone".into(),
        box_id: "box1".into(),
        broker: Broker::Remote(plain(broker.port, Version::V5)),
        publish_passages: false,
        health_every_s: 1,
        catch_up_per_s: 1_000,
        inbound: None,
    };
    let publisher = start(&settings, handle.clone(), health, ()).unwrap();
    let mut sent = Vec::new();
    for _ in 0..5 {
        let passage = passage("1ABC123");
        let hit = hit(&passage, "1ABC123");
        let now = Utc::now();
        let m = hit_message(&identity(), &passage, &hit, &[], Some(&models()), now).unwrap();
        sent.push(m.event_id.clone());
        let (hits, messages, models) = (vec![hit], vec![m], Some(Arc::new(models())));
        handle.record(Record { passage, hits, evidence: Vec::new(), messages, models }).unwrap();
    }
    eventually("all arrive", || listener.ids(HITS) == sent);
    assert_eq!(publisher.join(Duration::from_secs(5)).unwrap(), 0);
    let stats = handle.outbox_stats().unwrap();
    assert_eq!((stats.pending, stats.dead), (0, 0));
    thread.join(Duration::from_secs(5)).unwrap();
}
