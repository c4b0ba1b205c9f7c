//! What following and fusing cost: a frame of a busy street, and the readings of one vehicle.

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use platewatch::domain::{
    ALPHABET, CameraId, CharDistribution, ClockQuality, ClockSource, Corners, Country, Detection, Frame,
    FrameStamp, Image, Reading, Utc,
};
use platewatch::track::{Settings, Tracker, fuse};
use std::hint::black_box;
use std::sync::Arc;

fn stamp(seq: u64) -> FrameStamp {
    let at = Utc::from_unix_ms(seq as i64 * 40);
    FrameStamp {
        camera: CameraId::new("bench"),
        seq,
        captured_at: at,
        received_at: at,
        clock: ClockQuality { source: ClockSource::Media, error_ms: None },
        position: None,
    }
}

fn reading(text: &str, seq: u64, x: f32, y: f32) -> Reading {
    let corners = Corners::from_box(x, y, x + 80.0, y + 18.0);
    let distribution = |c: char| {
        let mut d = CharDistribution { p: [0.03 / 36.0; 36], none: 0.03 / 36.0 };
        for (slot, &a) in d.p.iter_mut().zip(ALPHABET) {
            if char::from(a) == c {
                *slot = 0.97;
            }
        }
        d
    };
    Reading {
        stamp: stamp(seq),
        detection: Detection { corners, bounds: corners.bounds(), score: 0.9 },
        positions: text.chars().map(distribution).collect(),
        countries: vec![(Country::BE, 0.9)],
        lines: 1,
        readable: 0.99,
        quality: 0.7,
    }
}

/// 40 plates on a grid, all moving; in every frame every other one is found.
fn street(seq: u64, image: &Arc<Image>) -> (Frame, Vec<Reading>) {
    let found = (0..40_u64).filter(|i| (i + seq).is_multiple_of(2));
    let readings = found.map(|i| {
        let (x, y) = ((i % 8) as f32 * 220.0 + 40.0, (i / 8) as f32 * 180.0 + 60.0);
        reading(&format!("1ABC{i:03}"), seq, x + seq as f32 * 0.5, y)
    });
    let readings = readings.collect();
    (Frame { stamp: stamp(seq), image: image.clone() }, readings)
}

fn step(c: &mut Criterion) {
    let Ok(image) = Image::new(1920, 1080, vec![0; 1920 * 1080 * 3]) else { return };
    let image = Arc::new(image);
    let mut tracker = Tracker::new(CameraId::new("bench"), Settings::default());
    let mut seq = 0;
    while seq < 100 {
        let (frame, readings) = street(seq, &image);
        tracker.step(&frame, readings);
        seq += 1;
    }
    c.bench_function("tracker step, 40 tracks, 20 detections", |b| {
        b.iter_batched(
            || {
                seq += 1;
                street(seq, &image)
            },
            |(frame, readings)| black_box(tracker.step(&frame, readings)),
            BatchSize::SmallInput,
        );
    });
}

fn fusion(c: &mut Criterion) {
    let texts = ["1ABC123", "1ABC123", "1A8C123", "1ABC123", "ABC123"];
    let same: Vec<Reading> = (0..30).map(|i| reading("1ABC123", i, 0.0, 0.0)).collect();
    let mixed: Vec<Reading> =
        (0..30).zip(texts.iter().cycle()).map(|(i, t)| reading(t, i, 0.0, 0.0)).collect();
    for (name, readings) in
        [("fusion of 30 readings alike", same), ("fusion of 30 readings, a fifth cut off", mixed)]
    {
        let readings: Vec<&Reading> = readings.iter().collect();
        c.bench_function(name, |b| b.iter(|| black_box(fuse(black_box(&readings)))));
    }
}

criterion_group!(benches, step, fusion);
criterion_main!(benches);
