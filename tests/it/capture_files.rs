//! Video files and folders, whole and broken.

use crate::capture_rtsp::{Watcher, assert_has, camera, video};
use platewatch::capture::{self, CaptureError, ClipReader, Pace, Source, probe};
use platewatch::domain::{CameraId, ClockSource, Utc};
use std::path::{Path, PathBuf};

const START: i64 = 1_800_000_000_000;

/// 50 frames at 25 per second with B-frames, its index at the front.
fn clip(dir: &Path) -> Option<PathBuf> {
    let arguments =
        ["-c:v", "libx264", "-preset", "medium", "-bf", "3", "-g", "25", "-movflags", "+faststart"];
    video(dir, "clip.mp4", "320x240", &arguments)
}

fn file(path: &Path, repeat: bool) -> Source {
    let start_at = Some(Utc::from_unix_ms(START));
    Source::File { path: path.to_owned(), pace: Pace::Fast, start_at, repeat }
}

#[test]
fn every_frame_of_a_clip_with_b_frames_comes_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let Some(path) = clip(dir.path()) else { return };
    let seen = Watcher::new(usize::MAX).run(&camera(file(&path, false)));
    assert_eq!(seen.frames.len(), 50);
    let expected: Vec<i64> = (0..50).map(|i| START + i * 40).collect();
    assert_eq!(seen.times, expected);
    assert_has(&seen, "Ended { frames: 50 }");
    assert!(
        !seen.events.iter().any(|e| e.contains("Truncated") || e.contains("BadFrame")),
        "{:?}",
        seen.events
    );

    let mut reader = ClipReader::open(&path, CameraId::new("c"), None).unwrap();
    assert_eq!((reader.frame_count(), reader.fps(), reader.size()), (Some(50), Some(25.0), (320, 240)));
    let first = reader.next().unwrap().unwrap();
    assert_eq!(first.stamp.clock.source, ClockSource::Media);
    // testsrc2 is a colourful picture; a frame of zeros would mean that nothing was written to our memory.
    assert!(first.image.bgr().iter().any(|b| *b > 200));
    assert_eq!(probe(&camera(file(&path, false))).unwrap().fps, Some(25.0));
}

#[test]
fn a_repeated_clip_goes_on_in_time() {
    let dir = tempfile::tempdir().unwrap();
    let Some(path) = clip(dir.path()) else { return };
    let seen = Watcher::new(120).run(&camera(file(&path, true)));
    assert_eq!(seen.times, (0..120).map(|i| START + i * 40).collect::<Vec<_>>());
    assert!(seen.frames.iter().enumerate().all(|(i, f)| f.0 == i as u64));
}

#[test]
fn a_truncated_clip_keeps_its_beginning_and_says_where_it_ended() {
    let dir = tempfile::tempdir().unwrap();
    let Some(path) = clip(dir.path()) else { return };
    let bytes = std::fs::read(&path).unwrap();
    let cut = dir.path().join("cut.mp4");
    std::fs::write(&cut, &bytes[..bytes.len() * 6 / 10]).unwrap();
    let seen = Watcher::new(usize::MAX).run(&camera(file(&cut, false)));
    let n = seen.frames.len();
    assert!(n > 10 && n < 48, "{n}");
    assert_has(&seen, &format!("Truncated {{ frames: {n}, expected: 50 }}"));
}

#[test]
fn what_is_no_clip_is_refused_with_its_name() {
    let dir = tempfile::tempdir().unwrap();
    for (name, bytes) in [("empty.mp4", &b""[..]), ("text.mp4", b"no video at all, only words")] {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let error = ClipReader::open(&path, CameraId::new("c"), None).err().unwrap();
        assert!(matches!(error, CaptureError::Open { .. }) && error.to_string().contains(name), "{error}");
    }
    let missing = ClipReader::open(&dir.path().join("gone.mp4"), CameraId::new("c"), None).err().unwrap();
    assert!(matches!(missing, CaptureError::Io { .. }), "{missing}");
}

#[test]
fn damage_in_the_middle_of_a_clip_loses_only_the_damaged_frames() {
    let dir = tempfile::tempdir().unwrap();
    let arguments = ["-c:v", "mjpeg", "-q:v", "5"];
    let Some(path) = video(dir.path(), "m.avi", "320x240", &arguments) else { return };
    let mut bytes = std::fs::read(&path).unwrap();
    // The 20th JPEG of the file loses its head.
    let at = bytes.windows(3).enumerate().filter(|(_, w)| *w == [0xff, 0xd8, 0xff]).nth(20).unwrap().0;
    bytes[at..at + 700].fill(0);
    std::fs::write(&path, bytes).unwrap();
    let seen = Watcher::new(usize::MAX).run(&camera(file(&path, false)));
    assert_eq!(seen.frames.len(), 49, "{:#?}", seen.events);
    assert_has(&seen, "BadFrame");
    assert!(!seen.events.iter().any(|e| e.contains("Truncated")));
}

#[test]
fn a_folder_goes_on_after_a_broken_picture() {
    let dir = tempfile::tempdir().unwrap();
    let Some(_) = video(dir.path(), "%d.jpg", "160x120", &["-frames:v", "11"]) else { return };
    std::fs::write(dir.path().join("5.jpg"), b"no picture").unwrap();
    let source = Source::Folder { path: dir.path().to_owned(), fps: 5.0, pace: Pace::Fast };
    let seen = Watcher::new(usize::MAX).run(&camera(source));
    assert_eq!(seen.frames.len(), 10);
    let steps: Vec<i64> = seen.times.windows(2).map(|w| w[1] - w[0]).collect();
    assert_eq!(steps, [200, 200, 200, 400, 200, 200, 200, 200, 200]);
    let named = seen.events.iter().filter(|e| e.contains("BadFrame") && e.contains("5.jpg")).count();
    assert_eq!(named, 1, "{:#?}", seen.events);
}

#[test]
fn a_device_that_is_not_there_is_named() {
    let source = Source::V4l2 { device: "/dev/video-none".into(), size: Some((640, 480)), fps: Some(25.0) };
    let error = probe(&camera(source)).unwrap_err().to_string();
    assert!(error.contains("/dev/video-none") && error.contains("plugged in"), "{error}");
    let source = Source::V4l2 { device: "/dev/null".into(), size: None, fps: None };
    let error = probe(&camera(source)).unwrap_err().to_string();
    assert!(error.contains("/dev/null") && error.contains("cannot be used as a camera"), "{error}");
}

#[test]
fn real_time_can_be_stopped() {
    let dir = tempfile::tempdir().unwrap();
    let Some(path) = clip(dir.path()) else { return };
    let source = Source::File { path, pace: Pace::RealTime, start_at: None, repeat: true };
    let watcher = Watcher::new(30);
    let seen = watcher.run(&camera(source));
    assert_eq!(seen.frames.len(), 30);
    watcher.stop.request();
    let source = Source::Folder { path: dir.path().to_owned(), fps: 0.001, pace: Pace::RealTime };
    assert!(matches!(
        capture::run(&camera(source), &watcher, &watcher, &watcher.stop),
        Err(CaptureError::NoPictures { .. })
    ));
}

#[test]
fn a_clip_that_changes_its_size_ends_there_with_an_error() {
    let dir = tempfile::tempdir().unwrap();
    for (first, second) in [("320x240", "640x480"), ("640x480", "320x240")] {
        let arguments = ["-c:v", "libx264", "-preset", "medium", "-bf", "2", "-g", "10"];
        let Some(one) = video(dir.path(), "a.ts", first, &arguments) else { return };
        let two = video(dir.path(), "b.ts", second, &arguments).unwrap();
        let both = dir.path().join("both.ts");
        std::fs::write(&both, [std::fs::read(one).unwrap(), std::fs::read(two).unwrap()].concat()).unwrap();
        let watcher = Watcher::new(usize::MAX);
        let error = capture::run(&camera(file(&both, false)), &watcher, &watcher, &watcher.stop).unwrap_err();
        assert!(matches!(error, CaptureError::ClipChanged { frames: 30..=50, .. }), "{error}");
    }
}
