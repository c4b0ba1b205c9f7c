//! `[[cameras]]`: where frames come from and how each camera's vehicles are followed.

use super::file::{Table, Value};
use super::keys::quoted;
use super::secret;
use super::show::carries_credentials;
use crate::capture::{self, Pace, Source, Transport};
use crate::domain::{CameraId, Point, Position, Utc};
use crate::pipeline::CameraSettings;
use crate::track::{self, Areas, Polygon};
use std::collections::BTreeMap;
use std::net::Ipv6Addr;
use std::sync::Arc;
use std::time::Duration;

const SOURCES: [&str; 5] = ["rtsp", "mjpeg", "v4l2", "file", "folder"];

/// Keys that only go with some sources.
const ONLY_WITH: &[(&str, &[&str])] = &[
    ("transport", &["rtsp"]),
    ("username", &["rtsp", "mjpeg"]),
    ("password_file", &["rtsp", "mjpeg"]),
    ("password_env", &["rtsp", "mjpeg"]),
    ("pace", &["file", "folder"]),
    ("start_at", &["file"]),
    ("repeat", &["file"]),
    ("fps", &["v4l2", "folder"]),
    ("size", &["v4l2"]),
];

/// All cameras.
pub(super) fn cameras(root: &Table<'_>, track: &track::Settings) -> Vec<CameraSettings> {
    let blocks = root.blocks("cameras");
    if blocks.is_empty() && !root.file.broken {
        root.file.wrong(0, "cameras", "nothing", "at least one block [[cameras]]", None);
    }
    unique_names(&blocks);
    blocks.iter().filter_map(|block| camera(block, track)).collect()
}

/// No two blocks may share a name.
pub(super) fn unique_names(blocks: &[Table<'_>]) {
    let mut seen = BTreeMap::new();
    for block in blocks {
        let Some(value) = block.get("name") else { continue };
        let Some(name) = value.plain() else { continue };
        match seen.get(name) {
            None => _ = seen.insert(name, value.file.line(value.at)),
            Some(line) => {
                let found = format!("{name:?}, the name of the one on line {line} too");
                let _: Option<()> = value.wrong_as(&found, Some("each needs its own name".into()));
            }
        }
    }
}

fn camera(t: &Table<'_>, track: &track::Settings) -> Option<CameraSettings> {
    let name = t.need("name").and_then(|v| v.name(64, true));
    // Everything is read before the first `?`, so that one problem hides no other.
    let source = source(t);
    let mut track = tracking(&t.table("track", "cameras.track"), track);
    track.areas = Arc::new(Areas { masks: masks(t), lanes: lanes(t) });
    let min_plate_width_px = t.get("min_plate_width_px").and_then(|v| v.number()).map(|n| n as f32);
    let max_passages_per_min =
        t.get("max_passages_per_min").and_then(|v| v.whole()).and_then(|n| u32::try_from(n).ok());
    let lawful = super::law::camera_use(t);
    let people = t.or("people", false, |v| v.yes());
    let capture = capture::Settings {
        camera: CameraId::new(name.unwrap_or_default()),
        open_timeout: t.or("open_timeout_s", Duration::from_secs(5), |v| v.seconds()),
        read_timeout: t.or("read_timeout_s", Duration::from_secs(10), |v| v.seconds()),
        reconnect: t.or("reconnect_s", (Duration::from_secs(1), Duration::from_secs(30)), reconnect),
        position: position(t),
        source: source?,
    };
    Some(CameraSettings { capture, lawful, track, min_plate_width_px, people, max_passages_per_min })
}

/// Parts of the picture that are not looked at.
fn masks(t: &Table<'_>) -> Vec<Polygon> {
    let Some(value) = t.get("masks") else { return Vec::new() };
    let lists = value.lists_of_points().unwrap_or_default();
    let number = |i: usize| if lists.len() > 1 { format!("mask {}: ", i + 1) } else { String::new() };
    lists.iter().enumerate().filter_map(|(i, points)| polygon(&value, points, &number(i))).collect()
}

/// The named lanes or zones of the picture.
fn lanes(t: &Table<'_>) -> Vec<(Arc<str>, Polygon)> {
    let blocks = t.blocks_of("lanes", "cameras.lanes");
    unique_names(&blocks);
    let lane = |block: &Table<'_>| {
        let name = block.need("name").and_then(|v| v.name(64, true));
        let value = block.need("polygon");
        let polygon = value.and_then(|v| polygon(&v, &v.points()?, ""));
        Some((Arc::from(name?), polygon?))
    };
    blocks.iter().filter_map(lane).collect()
}

fn polygon(value: &Value<'_>, points: &[(f64, f64)], which: &str) -> Option<Polygon> {
    let points = points.iter().map(|&(x, y)| Point { x: x as f32, y: y as f32 }).collect();
    match Polygon::new(points) {
        Ok(polygon) => Some(polygon),
        Err(error) => value.wrong_as(&format!("{which}{error}"), None),
    }
}

/// `[track]`, or a camera's own over it.
pub(super) fn tracking(t: &Table<'_>, base: &track::Settings) -> track::Settings {
    let share = |name: &str, default: f32| t.or(name, default, |v| v.number().map(|n| n as f32));
    let settings = track::Settings {
        lost_after_ms: t.or("lost_after_ms", base.lost_after_ms, |v| v.whole()),
        min_readings: t.or("min_readings", base.min_readings, |v| v.whole()?.try_into().ok()),
        announce_confidence: share("announce_confidence", base.announce_confidence),
        min_confidence: share("min_confidence", base.min_confidence),
        hidden_at_most_ms: t.or("hidden_at_most_ms", base.hidden_at_most_ms, |v| v.whole()),
        areas: base.areas.clone(),
    };
    if settings.min_confidence > settings.announce_confidence {
        let value = t.get("min_confidence").or_else(|| t.get("announce_confidence"));
        if let Some(value) = value {
            let (least, announce) = (settings.min_confidence, settings.announce_confidence);
            let hint = format!("min_confidence, {least}, is above announce_confidence, {announce}");
            let _: Option<()> = value.wrong(Some(hint));
        }
    }
    settings
}

fn reconnect(v: Value<'_>) -> Option<(Duration, Duration)> {
    let (first, most) = v.pair(0.1..=3600.0, 0.1..=3600.0)?;
    if first > most {
        return v.wrong(None);
    }
    Duration::try_from_secs_f64(first).ok().zip(Duration::try_from_secs_f64(most).ok())
}

fn position(t: &Table<'_>) -> Option<Position> {
    let place = t.get("position").and_then(|v| {
        let (longitude, latitude) = v.pair(-180.0..=180.0, -90.0..=90.0)?;
        // Only Belgium is guarded: there the two cannot be mistaken for one another.
        if (49.0..=52.0).contains(&longitude) && (2.0..=7.0).contains(&latitude) {
            v.file.warn(
                v.at,
                &v.key,
                &format!("[{longitude}, {latitude}]"),
                "longitude comes first; these look swapped",
            );
        }
        Some(Position { longitude, latitude, heading: None, accuracy_m: None })
    });
    let heading = t.get("heading");
    if let (Some(heading), None) = (&heading, t.get("position")) {
        let _: Option<()> = heading.wrong_as("a heading without a position", Some("add position".into()));
    }
    let heading = heading.and_then(|v| v.number()).map(|n| n as f32);
    place.map(|p| Position { heading, ..p })
}

fn source(t: &Table<'_>) -> Option<Source> {
    let there: Vec<&str> = SOURCES.into_iter().filter(|s| t.get(s).is_some()).collect();
    let kind = match there.as_slice() {
        [one] => *one,
        [] => {
            if !t.file.broken {
                let allowed = format!("exactly one of {}", quoted(SOURCES.into_iter()));
                t.file.wrong(t.at, &t.key, "no source of pictures", &allowed, None);
            }
            return None;
        }
        [_, rest @ ..] => {
            for extra in rest.iter().filter_map(|name| t.get(name)) {
                let allowed = format!("exactly one of {}", quoted(SOURCES.into_iter()));
                let found = format!("a second source besides {}", quoted(there.iter().copied().take(1)));
                t.file.wrong(extra.at, &extra.key, &found, &allowed, None);
            }
            // Values are checked all the same, so that one round of editing is enough.
            there.iter().for_each(|kind| _ = read_source(t, kind));
            return None;
        }
    };
    for (name, sources) in ONLY_WITH {
        if let (Some(v), false) = (t.get(name), sources.contains(&kind)) {
            let allowed = format!("{name} only with {}", quoted(sources.iter().copied()));
            t.file.wrong(v.at, &v.key, &format!("{name} with {kind:?}"), &allowed, None);
        }
    }
    read_source(t, kind)
}

fn read_source(t: &Table<'_>, kind: &str) -> Option<Source> {
    let value = t.get(kind)?;
    let pace =
        || t.or("pace", Pace::Fast, |v| Some(if v.word()? == "fast" { Pace::Fast } else { Pace::RealTime }));
    let fps = || t.get("fps").and_then(|v| v.number());
    match kind {
        "rtsp" => {
            let transport = t.or("transport", Transport::Tcp, |v| {
                Some(if v.word()? == "udp" { Transport::Udp } else { Transport::Tcp })
            });
            let credentials = secret::credentials(t);
            Some(Source::Rtsp { url: url(&value, "rtsp")?, transport, credentials })
        }
        "mjpeg" => {
            let credentials = secret::credentials(t);
            Some(Source::Mjpeg { url: url(&value, "http")?, credentials })
        }
        "v4l2" => {
            let size = t
                .get("size")
                .and_then(|v| v.whole_pair(16, 16_384))
                .and_then(|(w, h)| u32::try_from(w).ok().zip(u32::try_from(h).ok()));
            let fps = fps();
            // No test for its existence: a USB camera may come after the start and go again.
            let device = value.path()?;
            if !device.starts_with("/dev") {
                return value.wrong(None);
            }
            Some(Source::V4l2 { device, size, fps })
        }
        "file" => {
            let start_at = t.get("start_at").and_then(|v| time(&v));
            let repeat = t.or("repeat", false, |v| v.yes());
            let pace = pace();
            Some(Source::File { path: value.existing_file()?, pace, start_at, repeat })
        }
        "folder" => {
            let (fps, pace) = (fps().unwrap_or(25.0), pace());
            Some(Source::Folder { path: value.existing_folder()?, fps, pace })
        }
        _ => None,
    }
}

fn time(v: &Value<'_>) -> Option<Utc> {
    v.time_text()?.parse().ok().or_else(|| v.wrong(None))
}

/// A URL of this scheme with a usable host and port, and nothing secret in it.
fn url(value: &Value<'_>, scheme: &str) -> Option<String> {
    let text = value.text()?;
    if text.contains('@') || carries_credentials(text) {
        let hint = "user and password stand in username and password_file or password_env; \
                    write an @ of the path as %40";
        return value.wrong_as("a URL with a user or password in it (not repeated here)", Some(hint.into()));
    }
    let Some((found, rest)) = text.split_once("://") else {
        return value.wrong(None);
    };
    if found != scheme {
        let known = SOURCES.into_iter().find(|s| match *s {
            "rtsp" => found == "rtsp",
            "mjpeg" => found == "http",
            _ => false,
        });
        return value.wrong(known.map(|key| format!("{found}:// belongs under {key:?}")));
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if !is_authority(authority) || text.contains(char::is_whitespace) {
        return value.wrong(Some("host or port cannot be right".into()));
    }
    Some(text.to_owned())
}

fn is_authority(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[').and_then(|t| t.split_once(']')) {
        Some((host, rest)) => {
            if host.parse::<Ipv6Addr>().is_err() {
                return false;
            }
            match rest.strip_prefix(':') {
                Some(port) => ("localhost", Some(port)),
                None if rest.is_empty() => ("localhost", None),
                None => return false,
            }
        }
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    is_host(host)
        && port.is_none_or(|p| p.bytes().all(|b| b.is_ascii_digit()) && p.parse::<u16>().is_ok_and(|p| p > 0))
}

/// Whether `text` may be a host name or an IPv4 address (RFC 1123 section 2.1, and the underscore that
/// cameras like).
pub(super) fn is_host(text: &str) -> bool {
    let label = |l: &str| {
        (1..=63).contains(&l.len())
            && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            && !l.starts_with('-')
            && !l.ends_with('-')
    };
    text.len() <= 253 && text.strip_suffix('.').unwrap_or(text).split('.').all(label)
}
