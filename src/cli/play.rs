//! Clips through the whole chain with the embedded broker, for `demo` and `bench speed`.

use crate::alert::message::HitState;
use crate::alert::{self, BoxIdentity, Broker, Received, Subscriber};
use crate::capture::{self, Pace, Source};
use crate::domain::{CameraId, Utc};
use crate::pipeline::{self, CameraSettings, Summary};
use crate::runtime::Stop;
use crate::telemetry::Metrics;
use crate::{console, hotlist, law, store, telemetry, track, vision};
use anyhow::Context;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// What to play, and how.
pub(super) struct Play {
    pub clips: Vec<PathBuf>,
    pub hotlist: PathBuf,
    pub data: PathBuf,
    pub pace: Pace,
    pub vision: vision::Settings,
    pub console: Option<console::Settings>,
}

/// What came of it.
pub(super) struct Played {
    pub summary: Summary,
    pub frames: u64,
    pub took: Duration,
    /// Hits as they came back from the broker, in that order, every state of them.
    pub received: Vec<Received>,
}

impl Played {
    /// Milliseconds from a frame in memory to its hit at the subscriber, `new` hits only, sorted.
    pub fn latencies_ms(&self) -> Vec<i64> {
        let new = self.received.iter().filter(|r| r.event.data.state == HitState::New);
        let mut ms: Vec<i64> =
            new.map(|r| r.received_at.since_ms(r.event.data.timing.received_at.0)).collect();
        ms.sort_unstable();
        ms
    }
}

/// The value below which `share` of the sorted values lie (nearest rank); `None` without values.
pub(super) fn percentile(sorted: &[i64], share: f64) -> Option<i64> {
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1).min(sorted.len().saturating_sub(1))).copied()
}

/// Settings of a box that plays `play.clips`, one camera each, all beginning now.
fn settings(play: &Play) -> pipeline::Settings {
    let started = Utc::now();
    let camera = |clip: &PathBuf| CameraSettings {
        capture: capture::Settings {
            camera: CameraId::new(&camera_name(clip)),
            source: Source::File {
                path: clip.clone(),
                pace: play.pace,
                start_at: Some(started),
                repeat: false,
            },
            open_timeout: Duration::from_secs(5),
            read_timeout: Duration::from_secs(10),
            reconnect: (Duration::from_secs(1), Duration::from_secs(30)),
            position: None,
        },
        lawful: law::CameraUse::default(),
        track: track::Settings::default(),
        min_plate_width_px: None,
        people: false,
        max_passages_per_min: None,
    };
    pipeline::Settings {
        configuration: None,
        officer: None,
        cameras: play.clips.iter().map(camera).collect(),
        vision: play.vision.clone(),
        hotlists: vec![hotlist::Settings::plain("demo", &play.hotlist)],
        confusions: None,
        ignore: None,
        // Sample footage is nobody's register.
        law: law::Settings::off(),
        store: store::Settings::new(&play.data),
        alert: alert::Settings {
            zone: "demo".into(),
            box_id: "box-1".into(),
            broker: Broker::Embedded { port: 0 },
            publish_passages: false,
            health_every_s: 10,
            catch_up_per_s: 100,
            inbound: None,
        },
        console: play.console.clone(),
        telemetry: telemetry::Settings { level: "warn".into(), json: false, plates: false },
        stop_deadline: Duration::from_secs(20),
    }
}

/// A camera's name after its clip: lower case, what cannot stand in a name as a hyphen.
pub(super) fn camera_name(clip: &Path) -> String {
    let stem = clip.file_stem().map_or_else(|| "clip".into(), |s| s.to_string_lossy().to_lowercase());
    stem.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(64).collect()
}

/// Plays to the end or until `stop`; `each` sees every hit as it arrives.
pub(super) fn play(
    play: &Play,
    stop: Stop,
    mut ready: impl FnMut(&pipeline::Running),
    mut each: impl FnMut(&Received) + Send + 'static,
) -> anyhow::Result<Played> {
    let settings = settings(play);
    let identity = BoxIdentity::new(&settings.alert.zone, &settings.alert.box_id)?;
    let (sender, receiver) = mpsc::channel();
    let mut subscriber = None;
    let metrics = Metrics::new();
    let started = Instant::now();
    let running = pipeline::start(&settings, metrics.clone(), stop, |broker| {
        let subscribed = Subscriber::start(broker, &identity, move |hit| {
            each(&hit);
            let _ = sender.send(hit); // the other end lives as long as this verb
        });
        if let Ok(s) = &subscribed {
            s.wait_ready(Duration::from_secs(5));
        }
        subscriber = Some(subscribed);
    })?;
    ready(&running);
    running.wait();
    let took = started.elapsed();
    let summary = running.finish()?;
    let subscriber = subscriber.context("the subscriber was never started")??;
    // What the broker has acknowledged may still be on its way to the subscriber.
    let mut received: Vec<Received> = Vec::new();
    let new = |r: &[Received]| r.iter().filter(|r| r.event.data.state == HitState::New).count() as u64;
    let until = Instant::now() + Duration::from_secs(2);
    received.extend(receiver.try_iter());
    while new(&received) + summary.undelivered < summary.totals.hits && Instant::now() < until {
        received.extend(receiver.recv_timeout(Duration::from_millis(100)));
    }
    received.extend(receiver.try_iter());
    drop(subscriber);
    let frames = metrics.snapshot().cameras.iter().map(|c| c.received).sum();
    Ok(Played { summary, frames, took, received })
}
