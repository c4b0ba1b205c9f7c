//! `platewatch bench load`: the way from a decision to a delivered message under load, without cameras.

use super::DONE;
use super::run::stop_on_signals;
use crate::alert::{self, BoxIdentity, hit_message, passage_message};
use crate::config;
use crate::domain::{
    ALPHABET, CameraId, CharDistribution, ClockQuality, ClockSource, Corners, Country, Entry, EvidenceFrame,
    Frame, FrameStamp, Hit, HitId, HitState, Image, ListVersion, MatchKind, Passage, PassageId, PassageState,
    PlateText, Utc,
};
use crate::pipeline::{Keeper, KeeperEvents, evidence_files};
use crate::store::{self, EvidenceFile, Record, StoreError};
use crate::telemetry::logging;
use crate::vision::People;
use anyhow::{Context, bail};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  platewatch bench load --config box.toml --per-second 50 --seconds 60\n  \
    platewatch bench load --config box.toml --seconds 0\n\n\
    Records made-up passages through the store, outbox and broker of the configuration, every fourth a hit \
    with two pictures. Prints `decided KIND ID`, `unkept KIND ID` where a disk in trouble \
    makes it told of before it is kept, `recorded KIND ID` when it is on disk, then `name value` lines. --seconds 0 \
    only delivers what waits. Use a store and a topic of their own: the hits look real.\n\
    Exit codes: 0 done; 1 could not be; 2 wrong usage."
)]
pub(super) struct Args {
    /// The configuration: its store and broker are used, its cameras are not
    #[arg(long, short, value_name = "FILE")]
    config: PathBuf,
    /// Passages a second
    #[arg(long, value_name = "N", default_value_t = 50)]
    per_second: u32,
    /// For so long
    #[arg(long, value_name = "S", default_value_t = 10)]
    seconds: u64,
    /// Stop anyhow so long after the load, delivered or not
    #[arg(long, value_name = "S", default_value_t = 30)]
    drain_seconds: u64,
}

pub(super) fn run(args: &Args) -> anyhow::Result<u8> {
    let settings = config::load(&args.config)?.settings;
    logging::init(&settings.telemetry)?;
    let identity = BoxIdentity::new(&settings.alert.zone, &settings.alert.box_id)?;
    let stop = stop_on_signals()?;
    let (store, thread) = store::start(&settings.store)?;
    let publisher = alert::start(&settings.alert, store.clone(), health, ())?;
    let keeper = Keeper::new(store.clone(), publisher.unkept(), Said, false);
    let mut load = Load::new(keeper, identity);
    let until = Instant::now() + Duration::from_secs(args.seconds);
    let pause = Duration::from_secs(1) / args.per_second.max(1);
    let mut next = Instant::now();
    let mut n = 0_u64;
    while Instant::now() < until && !stop.requested() {
        load.passage(n)?;
        n += 1;
        next += pause;
        stop.wait(next.saturating_duration_since(Instant::now()));
    }
    // As the recorder at the end of a box: half of the time is for what waits in memory.
    let drained = Instant::now();
    let patience = Duration::from_secs(args.drain_seconds.max(1));
    load.settle(patience);
    let left = publisher.join(patience.saturating_sub(drained.elapsed()).max(Duration::from_secs(1)))?;
    let stats = store.outbox_stats()?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "passages {n}")?;
    writeln!(out, "drain_s {:.2}", drained.elapsed().as_secs_f64())?;
    writeln!(out, "undelivered {left}")?;
    writeln!(out, "dead {}", stats.dead)?;
    drop(out);
    drop((store, load));
    thread.join(Duration::from_secs(30))?;
    Ok(DONE)
}

fn health() -> alert::message::Health {
    alert::message::Health {
        version: env!("CARGO_PKG_VERSION").into(),
        uptime_s: 0,
        cameras: Vec::new(),
        outbox: alert::message::OutboxHealth::default(),
        lists: Vec::new(),
        models: None,
        disk_free_bytes: None,
        audit_head: None,
        law: None,
        box_key: None,
        inbound: None,
        broker_tls: None,
        store: None,
        clock: None,
        alarms: Vec::new(),
        restarts: 0,
    }
}

/// Says on standard output what became of every message. One write a line: whoever reads this through a pipe or a
/// file has it when we are killed after it.
struct Said;

impl Said {
    fn of(word: &str, record: &Record) {
        for m in &record.messages {
            let line = format!("{word} {} {}\n", m.kind.as_str(), m.event_id);
            if let Err(error) = std::io::stdout().lock().write_all(line.as_bytes()) {
                tracing::warn!(%error, "nobody hears what was recorded");
            }
        }
    }
}

impl KeeperEvents for Said {
    fn kept(&mut self, record: &Record, _took: Duration) {
        Self::of("recorded", record);
    }

    fn told_unkept(&mut self, record: &Record) {
        Self::of("unkept", record);
    }

    fn lost(&mut self, record: &Record, why: &str) {
        tracing::error!(why, "a record is lost");
        Self::of("given-up", record);
    }

    fn failed(&mut self, _kind: crate::telemetry::StoreErrorKind, error: &StoreError) {
        tracing::warn!(%error, "not recorded yet");
    }

    fn trouble(&mut self, error: &StoreError) {
        tracing::error!(%error, "the disk takes no records");
    }

    fn recovered(&mut self, lasted: Duration) {
        tracing::warn!(lasted_s = lasted.as_secs(), "the disk takes records again");
    }
}

/// Makes passages up and records them as the recorder does.
struct Load {
    keeper: Keeper<Said>,
    identity: BoxIdentity,
    list: Arc<ListVersion>,
    started: Utc,
}

impl Load {
    fn new(keeper: Keeper<Said>, identity: BoxIdentity) -> Self {
        let started = Utc::now();
        let list = ListVersion { name: "load".into(), sha256: "0".repeat(64), loaded_at: started };
        Self { keeper, identity, list: Arc::new(list), started }
    }

    /// Passage `n`, whole: every fourth is a hit, told as `new` and then as `final`.
    fn passage(&mut self, n: u64) -> anyhow::Result<()> {
        let mut passage = self.invented(n)?;
        let pictures = evidence_files(&picture(n, &passage)?, People::Hidden(None))?;
        if n.is_multiple_of(4) {
            let mut hit = self.hit(&passage);
            self.record(&passage, Some(&hit), &pictures)?;
            (passage.state, hit.state) = (PassageState::Closed, HitState::Final);
            self.record(&passage, Some(&hit), &pictures)
        } else {
            passage.state = PassageState::Closed;
            self.record(&passage, None, &pictures)
        }
    }

    fn record(
        &mut self,
        passage: &Passage,
        hit: Option<&Hit>,
        pictures: &[EvidenceFile],
    ) -> anyhow::Result<()> {
        let now = Utc::now();
        let message = match hit {
            Some(hit) => hit_message(&self.identity, passage, hit, pictures, None, now)?,
            None => passage_message(&self.identity, passage, pictures, None, now)?,
        };
        let record = Record {
            passage: passage.clone(),
            hits: hit.cloned().into_iter().collect(),
            evidence: pictures.to_vec(),
            messages: vec![message],
            models: None,
        };
        Said::of("decided", &record);
        self.keeper.put(record);
        while !self.keeper.takes() {
            self.wait();
        }
        Ok(())
    }

    fn wait(&mut self) {
        if let Ok(answer) = self.keeper.answer().recv_timeout(self.keeper.patience()) {
            self.keeper.answered(Ok(answer));
        }
        self.keeper.advance();
    }

    /// Waits until everything is kept, but not for longer than `patience`.
    fn settle(&mut self, patience: Duration) {
        let until = Instant::now() + patience;
        while !self.keeper.is_empty() && Instant::now() < until {
            self.wait();
        }
        self.keeper.give_up();
    }

    fn invented(&self, n: u64) -> anyhow::Result<Passage> {
        let text = format!("1{}{:03}", letters(n / 1000), n % 1000);
        let text = PlateText::new(&text).context("a made-up plate")?;
        let now = Utc::now();
        let sure = |c: char| {
            let mut d = CharDistribution { p: [0.000_1; 36], none: 0.000_1 };
            let at = ALPHABET.iter().position(|&a| char::from(a) == c);
            if let Some(p) = at.and_then(|i| d.p.get_mut(i)) {
                *p = 0.99;
            }
            d
        };
        Ok(Passage {
            id: PassageId::generate(),
            camera: CameraId::new("load"),
            state: PassageState::Open,
            first_seen: now,
            last_seen: now,
            clock: ClockQuality { source: ClockSource::FreeRunning, error_ms: None },
            position: None,
            positions: text.as_str().chars().map(sure).collect(),
            text,
            confidence: 0.93,
            country: Some((Country::BE, 0.95)),
            lines: 1,
            readings: 9,
            agreement: 1.0,
            contradictory: false,
            direction: None,
            lane: None,
            mandate: None,
            best_frame: n,
            best_frame_at: now,
            best_frame_received_at: now,
            best_corners: Corners::from_box(60.0, 40.0, 180.0, 66.0),
        })
    }

    fn hit(&self, passage: &Passage) -> Hit {
        Hit {
            id: HitId::generate(),
            passage: passage.id,
            state: HitState::New,
            kind: MatchKind::Exact,
            probability: passage.confidence,
            entry: Arc::new(Entry {
                plate: passage.text.clone().into(),
                line: 2,
                category: "load-test".into(),
                priority: 50,
                country: None,
                valid_from: Some(self.started),
                valid_until: None,
                case: "LOAD".into(),
                instruction: "made up, do nothing".into(),
            }),
            list: Arc::clone(&self.list),
            decided_at: Utc::now(),
        }
    }
}

/// Three letters for a number, as plates count.
fn letters(n: u64) -> String {
    [n / 676, n / 26, n].iter().map(|k| char::from(b'A' + (k % 26) as u8)).collect()
}

/// A small noisy frame, another one for every `n`, so that every passage has files of its own.
fn picture(n: u64, passage: &Passage) -> anyhow::Result<EvidenceFrame> {
    let (width, height) = (240_u32, 108_u32);
    let mut state = n.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let noise = (0..width * height * 3).map(|_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 56) as u8
    });
    let Ok(image) = Image::new(width, height, noise.collect()) else { bail!("a made-up picture") };
    let stamp = FrameStamp {
        camera: passage.camera.clone(),
        seq: n,
        captured_at: passage.best_frame_at,
        received_at: passage.best_frame_received_at,
        clock: passage.clock,
        position: None,
    };
    Ok(EvidenceFrame::cut(&Frame { stamp, image: Arc::new(image) }, passage.best_corners))
}
