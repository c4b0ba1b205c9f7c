//! A passage, a hit, an outbox in memory and a recorder of events.

use crate::alert::message::{CameraHealth, CameraState, Health, OutboxHealth};
use crate::alert::{
    AlertEvents, BoxIdentity, Outbox, Publisher, Remote, Settings, Version, hit_message, start,
};
use crate::domain::*;
use crate::store::{
    EvidenceFile, EvidenceRole, ModelVersions, OutboxMessage, OutboxRow, OutboxStats, StoreError,
};
use crossbeam_channel::{Receiver, Sender, bounded};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Waits until `done`, for at most half a minute.
pub fn eventually(what: &str, mut done: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(30);
    while !done() {
        assert!(Instant::now() < until, "still waiting until {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

pub fn identity() -> BoxIdentity {
    BoxIdentity::new("zone", "box1").unwrap()
}

fn distribution(c: char, p: f32) -> CharDistribution {
    let mut d = CharDistribution { p: [(1.0 - p) / 36.0; 36], none: (1.0 - p) / 36.0 };
    let i = ALPHABET.iter().position(|&a| char::from(a) == c).unwrap();
    d.p[i] = p;
    d
}

pub fn passage(text: &str) -> Passage {
    let at = Utc::from_unix_ms(1_795_424_100_040);
    Passage {
        id: PassageId::generate(),
        camera: CameraId::new("north-1"),
        state: PassageState::Open,
        first_seen: at,
        last_seen: at.plus_ms(400),
        clock: ClockQuality { source: ClockSource::Ntp, error_ms: Some(3) },
        position: Some(Position { longitude: 4.4, latitude: 51.2, heading: Some(90.0), accuracy_m: None }),
        text: PlateText::new(text).unwrap(),
        confidence: 0.934_567_8,
        positions: text.chars().map(|c| distribution(c, 0.99)).collect(),
        country: Some((Country::BE, 0.8)),
        lines: 1,
        readings: 7,
        agreement: 0.857,
        contradictory: false,
        direction: Some(Direction::Towards),
        lane: Some("left".into()),
        mandate: Some("GR-2026-114".into()),
        best_frame: 42,
        best_frame_at: at.plus_ms(200),
        best_frame_received_at: at.plus_ms(230),
        best_corners: Corners::from_box(100.0, 200.0, 220.0, 226.5),
    }
}

pub fn hit(passage: &Passage, listed: &str) -> Hit {
    Hit {
        id: HitId::generate(),
        passage: passage.id,
        state: HitState::New,
        kind: MatchKind::Resolved,
        probability: 0.97,
        entry: Arc::new(Entry {
            plate: PlateText::new(listed).unwrap().into(),
            line: 17,
            category: "stolen-vehicle".into(),
            priority: 10,
            country: None,
            valid_from: None,
            valid_until: None,
            case: "AN.11.L1.1234/26".into(),
            instruction: "stop, two officers".into(),
        }),
        list: Arc::new(ListVersion {
            name: "federal".into(),
            sha256: "ab".repeat(32),
            loaded_at: passage.first_seen.plus_ms(-60_000),
        }),
        decided_at: passage.last_seen,
    }
}

pub fn evidence() -> EvidenceFile {
    EvidenceFile {
        role: EvidenceRole::Plate,
        sha256: "0c".repeat(32),
        jpeg: vec![1, 2, 3],
        width: 120,
        height: 27,
        frame_seq: 42,
        captured_at: Utc::from_unix_ms(1_795_424_100_240),
    }
}

pub fn models() -> ModelVersions {
    ModelVersions { detector_sha256: "d0".repeat(32), reader_sha256: "e0".repeat(32) }
}

/// A new hit's message, made now.
pub fn message() -> OutboxMessage {
    let passage = passage("1ABC123");
    let hit = hit(&passage, "1ABC123");
    hit_message(&identity(), &passage, &hit, &[evidence()], Some(&models()), Utc::now()).unwrap()
}

pub fn health() -> Health {
    Health {
        version: "0.1.0".into(),
        uptime_s: 5,
        cameras: vec![CameraHealth {
            camera: "north-1".into(),
            state: CameraState::Running,
            frames: 100,
            dropped: 1,
            last_frame_at: None,
        }],
        outbox: OutboxHealth::default(),
        lists: Vec::new(),
        models: None,
        disk_free_bytes: Some(1 << 30),
        audit_head: Some(format!("7:{}", "ab".repeat(32))),
        box_key: Some("cd".repeat(32)),
        store: None,
        clock: None,
        alarms: Vec::new(),
        restarts: 0,
        law: Some(crate::alert::message::LawHealth {
            preset: "be-wpa".into(),
            policy: "enforce".into(),
            configured: true,
            mandates: vec![crate::alert::message::MandateHealth {
                reference: "GR-2026-114".into(),
                ends_at: None,
                oral: false,
                over: false,
                ending: false,
            }],
            ..Default::default()
        }),
        inbound: None,
        broker_tls: None,
    }
}

#[derive(Default)]
struct Rows {
    next: i64,
    waiting: BTreeMap<i64, OutboxRow>,
    done: Vec<i64>,
    dead: Vec<(i64, String)>,
}

/// An outbox that forgets when the test ends, and otherwise keeps the store's rules.
#[derive(Clone)]
pub struct MemoryOutbox {
    rows: Arc<Mutex<Rows>>,
    wake: Sender<()>,
    wakes: Receiver<()>,
}

impl MemoryOutbox {
    pub fn new() -> Self {
        let (wake, wakes) = bounded(1);
        Self { rows: Arc::default(), wake, wakes }
    }

    /// Records `message`; gives its row.
    pub fn put(&self, m: OutboxMessage) -> i64 {
        let mut rows = self.rows.lock().unwrap();
        rows.next += 1;
        let id = rows.next;
        let OutboxMessage { event_id, topic, payload, kind, hit, created_at } = m;
        rows.waiting
            .insert(id, OutboxRow { id, event_id, topic, payload, kind, hit, created_at, waited: None });
        let _ = self.wake.try_send(());
        id
    }

    pub fn done(&self) -> Vec<i64> {
        self.rows.lock().unwrap().done.clone()
    }

    pub fn dead(&self) -> Vec<(i64, String)> {
        self.rows.lock().unwrap().dead.clone()
    }
}

impl Outbox for MemoryOutbox {
    fn next(&self, limit: usize) -> Result<Vec<OutboxRow>, StoreError> {
        Ok(self.rows.lock().unwrap().waiting.values().take(limit).cloned().collect())
    }

    fn done(&self, id: i64) -> Result<(), StoreError> {
        let mut rows = self.rows.lock().unwrap();
        rows.waiting.remove(&id).ok_or(StoreError::NotPending { id })?;
        rows.done.push(id);
        Ok(())
    }

    fn failed(&self, id: i64, reason: &str) -> Result<(), StoreError> {
        let mut rows = self.rows.lock().unwrap();
        rows.waiting.remove(&id).ok_or(StoreError::NotPending { id })?;
        rows.dead.push((id, reason.to_owned()));
        Ok(())
    }

    fn stats(&self) -> Result<OutboxStats, StoreError> {
        let rows = self.rows.lock().unwrap();
        Ok(OutboxStats {
            pending: rows.waiting.len() as u64,
            oldest: rows.waiting.values().map(|r| r.created_at).min(),
            dead: rows.dead.len() as u64,
            dropped: 0,
        })
    }

    fn wakes(&self) -> Receiver<()> {
        self.wakes.clone()
    }
}

/// What the publisher told.
#[derive(Debug, Clone, PartialEq)]
pub enum Told {
    Connected,
    Disconnected(String),
    Delivered(i64),
    Refused(i64, String),
}

#[derive(Clone, Default)]
pub struct Recorder(Arc<Mutex<Vec<Told>>>);

impl Recorder {
    pub fn all(&self) -> Vec<Told> {
        self.0.lock().unwrap().clone()
    }

    pub fn connected(&self) -> usize {
        self.all().iter().filter(|t| **t == Told::Connected).count()
    }

    /// The first reason given for not being connected.
    pub fn reason(&self) -> Option<String> {
        self.all().into_iter().find_map(|t| match t {
            Told::Disconnected(reason) => Some(reason),
            _ => None,
        })
    }
}

impl AlertEvents for Recorder {
    fn connected(&self, _: &str) {
        self.0.lock().unwrap().push(Told::Connected);
    }
    fn disconnected(&self, reason: &str) {
        self.0.lock().unwrap().push(Told::Disconnected(reason.into()));
    }
    fn delivered(&self, row: i64, _: Duration, _: Option<Duration>) {
        self.0.lock().unwrap().push(Told::Delivered(row));
    }
    fn refused(&self, row: i64, reason: &str) {
        self.0.lock().unwrap().push(Told::Refused(row, reason.into()));
    }
}

/// A remote broker on loopback without TLS.
pub fn plain(port: u16, version: Version) -> Remote {
    Remote { host: "127.0.0.1".into(), port, version, tls: None, credentials: None, keep_alive_s: 5 }
}

/// A publisher with everything needed to watch it.
pub fn publisher(remote: Remote) -> (MemoryOutbox, Recorder, Publisher) {
    let settings = Settings {
        zone: "zone".into(),
        box_id: "box1".into(),
        broker: crate::alert::Broker::Remote(remote),
        publish_passages: false,
        health_every_s: 1,
        catch_up_per_s: 1_000,
        inbound: None,
    };
    let (outbox, events) = (MemoryOutbox::new(), Recorder::default());
    let publisher = start(&settings, outbox.clone(), health, events.clone()).unwrap();
    (outbox, events, publisher)
}
