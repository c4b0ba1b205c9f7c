//! Defects and clocks: what one camera's trouble takes with it.

use super::*;
use crate::capture::{self, Source};
use crate::domain::{CharDistribution, ClockQuality, ClockSource, Corners, FrameStamp, Image};
use crate::pipeline::guard::Eye;
use crate::pipeline::ledger::Ledger;
use crate::store;
use crate::vision::{StageTimes, VisionError};
use crossbeam_channel::{Receiver, unbounded};
use std::sync::atomic::{AtomicU64, Ordering};

type PanicsAt = dyn Fn(&CameraId, u64) -> bool + Send;

/// Reads one plate in every frame of the camera its text is written for, and panics where told to.
struct Scripted {
    panics_at: Box<PanicsAt>,
}

impl Eye for Scripted {
    fn look(
        &mut self,
        frame: &Frame,
        _: &[[f32; 4]],
        _: &mut dyn FnMut(&Detection) -> Treatment,
    ) -> Result<(Vec<Reading>, StageTimes), VisionError> {
        assert!(!(self.panics_at)(&frame.stamp.camera, frame.stamp.seq), "a defect, on purpose");
        let text = if frame.stamp.camera.as_str() == "a" { "1ABC123" } else { "2XYZ987" };
        Ok((vec![reading(frame, text)], StageTimes::default()))
    }
}

fn reading(frame: &Frame, text: &str) -> Reading {
    let sure = |c: char| {
        let mut d = CharDistribution { p: [0.000_1; 36], none: 0.0 };
        let at = crate::domain::ALPHABET.iter().position(|&a| char::from(a) == c).unwrap();
        d.p[at] = 0.996;
        d
    };
    let corners = Corners::from_box(400.0, 300.0, 520.0, 330.0);
    Reading {
        stamp: frame.stamp.clone(),
        detection: Detection { corners, bounds: corners.bounds(), score: 0.9 },
        positions: text.chars().map(sure).collect(),
        countries: Vec::new(),
        lines: 1,
        readable: 0.99,
        quality: 0.9,
    }
}

struct Bench {
    thread: VisionThread,
    out: Receiver<Judged>,
    opened: Arc<AtomicU64>,
    condition: Condition,
    metrics: Metrics,
    _store: (tempfile::TempDir, store::StoreThread),
}

/// A vision thread over the cameras `a` (live) and `b` (a file).
fn bench(panics_at: impl Fn(&CameraId, u64) -> bool + Clone + Send + 'static) -> Bench {
    let dir = tempfile::tempdir().unwrap();
    let (handle, thread) = store::start(&store::Settings::new(dir.path().join("store"))).unwrap();
    let metrics = Metrics::new();
    let condition = Condition::new(metrics.clone(), Ledger::new(handle), None);
    let camera = |name: &str, source: Source| CameraSettings {
        capture: capture::Settings {
            camera: CameraId::new(name),
            source,
            open_timeout: Duration::from_secs(1),
            read_timeout: Duration::from_secs(1),
            reconnect: (Duration::from_secs(1), Duration::from_secs(1)),
            position: None,
        },
        track: track::Settings::default(),
        min_plate_width_px: None,
        people: false,
        max_passages_per_min: None,
        lawful: crate::law::CameraUse::default(),
    };
    let cameras = [
        camera("a", Source::Mjpeg { url: "http://127.0.0.1/".into(), credentials: None }),
        camera("b", Source::Folder { path: "/".into(), fps: 10.0, pace: capture::Pace::Fast }),
    ];
    let opened = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&opened);
    let make: MakeEye = Box::new(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        Ok(Box::new(Scripted { panics_at: Box::new(panics_at.clone()) }))
    });
    let (send, out) = unbounded();
    let work = Arc::new(Mailboxes::new(2, 2));
    let thread_of = VisionThread::new(
        make,
        work,
        &[&cameras[0], &cameras[1]],
        Hotlists::new(),
        Ignoring::default(),
        Lawful::new(&crate::law::Settings::off(), &cameras),
        metrics.clone(),
        condition.clone(),
        send,
    );
    Bench { thread: thread_of.unwrap(), out, opened, condition, metrics, _store: (dir, thread) }
}

fn frame(camera: &str, seq: u64, at: Utc) -> Frame {
    Frame {
        stamp: FrameStamp {
            camera: CameraId::new(camera),
            seq,
            captured_at: at,
            received_at: at,
            clock: ClockQuality { source: ClockSource::FreeRunning, error_ms: None },
            position: None,
        },
        image: Arc::new(Image::new(960, 540, vec![0; 960 * 540 * 3]).unwrap()),
    }
}

fn texts(out: &Receiver<Judged>) -> Vec<String> {
    let closed = out.try_iter().filter(|j| j.event.passage.state == PassageState::Closed);
    closed.map(|j| j.event.passage.text.to_string()).collect()
}

#[test]
fn a_panic_in_the_models_costs_its_frame_and_no_vehicle() {
    let mut b = bench(|camera, seq| camera.as_str() == "b" && seq % 3 == 2);
    let start = Utc::now();
    for seq in 0..12 {
        let at = start.plus_ms(seq as i64 * 40);
        b.thread.frame(0, frame("a", seq, at));
        b.thread.frame(1, frame("b", seq, at));
    }
    b.thread.ended(0);
    b.thread.ended(1);
    assert_eq!(texts(&b.out), ["1ABC123", "2XYZ987"], "both vehicles, each once");
    assert_eq!(b.opened.load(Ordering::Relaxed), 1 + 4, "the models are opened anew after each panic");
    assert_eq!(b.condition.restarts(), 4);
    let dropped: Vec<u64> = b.metrics.snapshot().cameras.iter().map(|c| c.dropped).collect();
    assert_eq!(dropped, [0, 4], "the frames that panicked; the other camera dropped none");
}

#[test]
fn a_live_camera_that_panics_at_every_frame_is_held_back() {
    let mut b = bench(|camera, _| camera.as_str() == "a");
    let start = Utc::now();
    for seq in 0..50 {
        b.thread.frame(0, frame("a", seq, start.plus_ms(seq as i64 * 40)));
    }
    // Without a pause the models would have been opened fifty times.
    assert!(b.condition.restarts() < 50, "{}", b.condition.restarts());
    assert_eq!(b.metrics.snapshot().cameras[0].dropped, 50);
}

#[test]
fn setting_the_clock_neither_ends_nor_splits_what_is_in_view() {
    for by in [-86_400_000_i64, 1_700_000_000_000, -1_700_000_000_000] {
        let mut b = bench(|_, _| false);
        let start = Utc::now();
        for seq in 0..6 {
            b.thread.frame(0, frame("a", seq, start.plus_ms(seq as i64 * 40)));
        }
        // As `look_at_clock` does when it sees the jump.
        b.thread.jumped = Some((by, Instant::now()));
        b.thread.cameras[0].tracker.shift(by);
        for seq in 6..12 {
            b.thread.cameras[0].pause.well();
            let f = frame("a", seq, start.plus_ms(seq as i64 * 40 + by));
            let events = b.thread.cameras[0].tracker.step(&f, vec![reading(&f, "1ABC123")]);
            b.thread.take_events(0, events);
        }
        b.thread.ended(0);
        let all: Vec<Judged> = b.out.try_iter().collect();
        let closed: Vec<_> = all.iter().filter(|j| j.event.passage.state == PassageState::Closed).collect();
        assert_eq!(closed.len(), 1, "one vehicle, one passage");
        let p = &closed[0].event.passage;
        assert!(p.first_seen <= p.last_seen && p.last_seen == start.plus_ms(440 + by), "{p:?}");
        assert_eq!(p.readings, 12);
    }
}
