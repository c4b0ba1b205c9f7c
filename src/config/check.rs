//! From the file as written to every room's settings, or to everything wrong with it.

use super::cameras::{cameras, tracking};
use super::file::{File, Table, Value, absence};
use super::hotlists::hotlists;
use super::keys;
use super::law::law;
use super::problem::{ConfigError, Problem};
use super::retention::retention;
use super::{Loaded, inbound, mqtt};
use crate::runtime::{StoreKey, StoreKeySource};
use crate::{alert, console, hotlist, pipeline, store, telemetry, track, vision};
use std::cell::RefCell;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use toml::de::DeTable;

/// Checks the whole text.
pub(super) fn check(
    path: &Path,
    text: &str,
    base: &Path,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Loaded, ConfigError> {
    let (document, errors) = DeTable::parse_recoverable(text);
    let file = File {
        path,
        text,
        base,
        env,
        broken: !errors.is_empty(),
        problems: RefCell::default(),
        warnings: RefCell::default(),
    };
    // What is no TOML is named first; the rest is checked as far as it can be understood.
    let mut broken_lines = Vec::new();
    for error in &errors {
        let at = error.span().map_or(text.len(), |span| span.start);
        broken_lines.push(file.line(at));
        let found = match error.message() {
            "duplicate key" => "a key that stands there already".to_owned(),
            message => format!("what is no TOML: {message}"),
        };
        file.wrong(at, "", &found, "", None);
    }
    let syntax = file.problems.take();
    let settings = settings(&Table::root(&file, document.get_ref()));
    let mut problems = file.problems.take();
    problems.retain(|p| !broken_lines.contains(&p.line));
    problems.extend(syntax);
    let warnings = in_order(file.warnings.take());
    match settings {
        Some(settings) if problems.is_empty() => Ok(Loaded { settings, warnings }),
        _ => Err(ConfigError::Invalid { problems: in_order(problems), warnings }),
    }
}

fn in_order(mut problems: Vec<Problem>) -> Vec<Problem> {
    problems.sort_by(|a, b| (a.line, a.column, &a.key).cmp(&(b.line, b.column, &b.key)));
    problems
}

/// Reads every table, so that every problem is noted; `None` (or a placeholder) only after one.
fn settings(root: &Table<'_>) -> Option<pipeline::Settings> {
    let topic = |name| root.need(name).and_then(|v| v.name(32, false)).map(str::to_owned);
    let (zone, box_id) = (topic("zone"), topic("box"));
    let mut store = store(&root.table("store", "store"));
    let vision = vision(&root.table("vision", "vision"));
    let track = tracking(&root.table("track", "track"), &track::Settings::default());
    let cameras = cameras(root, &track);
    let memory = store.dir.join("hotlists");
    let matching = root.table("matching", "matching");
    let confusions = matching.get("confusions").and_then(|v| v.existing_file());
    let passages_per_day = matching.or("passages_per_day", hotlist::Budget::PASSAGES_PER_DAY, |v| v.number());
    let hotlists = hotlists(root, &cameras, &memory, passages_per_day);
    let law = law(root);
    let (terms, non_hits_kept) = retention(root, &law);
    store.retention = terms;
    store.keep_passages &= non_hits_kept;
    let ignore = ignore(&root.table("ignore", "ignore"));
    let mqtt = root.table("mqtt", "mqtt");
    let broker = mqtt::broker(&mqtt);
    let embedded = matches!(broker, Some(alert::Broker::Embedded { .. }));
    let inbound = inbound::inbound(&mqtt.table("inbound", "mqtt.inbound"), embedded);
    let publish_passages = mqtt.or("publish_passages", false, |v| v.yes());
    let health_every_s = mqtt.or("health_every_s", 10, |v| v.whole()?.try_into().ok());
    let console = console(&root.table("console", "console"));
    let telemetry = telemetry(&root.table("log", "log"));
    let run = root.table("run", "run");
    let stop_deadline = run.or("stop_deadline_s", Duration::from_secs(20), |v| v.seconds());
    let catch_up_per_s = mqtt.or("catch_up_per_s", 100, |v| v.whole()?.try_into().ok());
    let alert = alert::Settings {
        zone: zone?,
        box_id: box_id?,
        broker: broker?,
        publish_passages,
        health_every_s,
        catch_up_per_s,
        inbound,
    };
    Some(pipeline::Settings {
        configuration: None,
        officer: None,
        cameras,
        vision: vision?,
        hotlists,
        ignore,
        confusions,
        law,
        store,
        alert,
        console,
        telemetry,
        stop_deadline,
    })
}

fn store(t: &Table<'_>) -> store::Settings {
    let dir = t.or("dir", PathBuf::from("/var/lib/platewatch"), |v| {
        let dir = v.path()?;
        if dir.exists() && !dir.is_dir() { v.wrong(Some("this is a file".into())) } else { Some(dir) }
    });
    let keep_passages = t.or("keep_passages", true, |v| v.yes());
    let pictures = t.get("keep_passage_pictures");
    let keep_passage_pictures = pictures.as_ref().and_then(|v| v.yes()).unwrap_or(false);
    if let (Some(v), true, false) = (pictures, keep_passage_pictures, keep_passages) {
        let _: Option<()> = v.wrong(Some("there are no pictures of passages that are not kept".into()));
    }
    let outbox_max_mb: u64 = t.or("outbox_max_mb", 512, |v| v.whole()?.try_into().ok());
    let key = encryption(&t.table("encryption", "store.encryption"), &dir);
    store::Settings {
        dir,
        keep_passages,
        keep_passage_pictures,
        outbox_max_bytes: outbox_max_mb << 20,
        retention: None,
        key,
    }
}

/// The store's key, read here so that a box without it is known not to start before it is tried.
fn encryption(t: &Table<'_>, dir: &Path) -> Option<StoreKey> {
    if !t.is_there() {
        return None;
    }
    let (file, credential) = (t.get("key_file"), t.get("credential"));
    let (value, source) = match (file, credential) {
        (Some(_), Some(second)) => {
            return second.wrong_as("a second key", Some("key_file is there too".into()));
        }
        (Some(file), None) => {
            let path = file.path()?;
            if !path.is_file() {
                let why = absence(&path, "which is no file");
                let found = format!("a file (not repeated, in case it is the key itself), {why}");
                return file.wrong_as(&found, None);
            }
            if path.starts_with(dir) {
                let why = "the key lies beside what it protects: who takes the disk has both";
                file.file.warn(file.at, &file.key, "a key in store.dir", why);
            }
            (file, StoreKeySource::File(path))
        }
        (None, Some(credential)) => {
            let name = credential.text()?;
            let fits = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
            if !name.bytes().all(fits) || name.starts_with('.') {
                return credential.wrong(Some("letters, digits, - _ and .".into()));
            }
            let source = StoreKeySource::Credential(name.to_owned());
            (credential, source)
        }
        (None, None) => {
            t.missing("key_file", Some("or credential".into()));
            return None;
        }
    };
    match StoreKey::load(&source) {
        Ok(key) => Some(key),
        Err(error) => value.wrong_as(&format!("a key that cannot be used: {error}"), None),
    }
}

/// `[store]` alone, for verbs that need nothing else: what is wrong elsewhere in the file does not keep anybody from
/// reading the store.
pub(super) fn check_store(
    path: &Path,
    text: &str,
    base: &Path,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<store::Settings, ConfigError> {
    let (document, errors) = DeTable::parse_recoverable(text);
    let file = File {
        path,
        text,
        base,
        env,
        broken: !errors.is_empty(),
        problems: RefCell::default(),
        warnings: RefCell::default(),
    };
    for error in &errors {
        let at = error.span().map_or(text.len(), |span| span.start);
        file.wrong(at, "", &format!("what is no TOML: {}", error.message()), "", None);
    }
    let root = Table::root(&file, document.get_ref());
    let syntax = errors.len();
    let settings = store(&root.table("store", "store"));
    let mut problems = file.problems.take();
    let mut n = 0;
    // A table whose name is a slip stands under another one: then nothing of it would be used.
    problems.retain(|p| {
        n += 1;
        n <= syntax || p.key.starts_with("store") || !p.key.contains('.')
    });
    if problems.is_empty() {
        return Ok(settings);
    }
    Err(ConfigError::Invalid { problems: in_order(problems), warnings: in_order(file.warnings.take()) })
}

fn vision(t: &Table<'_>) -> Option<vision::Settings> {
    let detector = t.need("detector").and_then(|v| v.existing_file());
    let reader = t.need("reader").and_then(|v| v.existing_file());
    let count = |name, default: usize| t.or(name, default, |v| v.whole()?.try_into().ok());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let workers = match count("workers", 0) {
        0 => cores,
        n => n,
    };
    let settings = vision::Settings {
        detector: detector.clone().unwrap_or_default(),
        reader: reader.clone().unwrap_or_default(),
        onnxruntime: t.get("onnxruntime").and_then(|v| v.existing_file()),
        workers,
        intra_threads: count("intra_threads", 1),
        min_score: t.get("min_score").and_then(|v| v.number()).map(|n| n as f32),
        min_plate_width_px: t.or("min_plate_width_px", 40.0, |v| v.number().map(|n| n as f32)),
    };
    detector.and(reader).map(|_| settings)
}

/// The ignore list, read once here so that what is wrong in it is known before the box starts.
fn ignore(t: &Table<'_>) -> Option<PathBuf> {
    if !t.is_there() {
        return None;
    }
    let value = t.need("path")?;
    let path = value.existing_file()?;
    match hotlist::IgnoreList::load(&path) {
        Ok(_) => Some(path),
        Err(hotlist::IgnoreError::Wrong { wrong, .. }) => {
            wrong
                .iter()
                .for_each(|w| _ = value.wrong_as::<()>(&format!("a file with a wrong row: {w}"), None));
            None
        }
        Err(error) => value.wrong_as(&error.to_string(), None),
    }
}

fn console(t: &Table<'_>) -> Option<console::Settings> {
    if !t.is_there() {
        return None;
    }
    let listen = t.or("listen", SocketAddr::from(([127, 0, 0, 1], 8080)), listen);
    Some(console::Settings {
        listen,
        page: t.or("page", true, |v| v.yes()),
        answers: t.or("answers", false, |v| v.yes()),
    })
}

fn listen(v: Value<'_>) -> Option<SocketAddr> {
    let text = v.text()?;
    let Ok(address) = text.parse::<SocketAddr>() else {
        let named = text.strip_prefix("localhost:").map(|port| format!("for example \"127.0.0.1:{port}\""));
        return v.wrong(named);
    };
    if !address.ip().is_loopback() {
        let why = "others on the network see hits and pictures without a login";
        v.file.warn(v.at, &v.key, &format!("{text:?}, beyond this box"), why);
    }
    Some(address)
}

fn telemetry(t: &Table<'_>) -> telemetry::Settings {
    let level = t.or("level", "info".to_owned(), level);
    let json = t.or("format", false, |v| Some(v.word()? == "json"));
    let plates = t.get("plates");
    let shown = plates.as_ref().and_then(|v| v.yes()).unwrap_or(false);
    if let (Some(v), true) = (plates, shown) {
        v.file.warn(v.at, &v.key, "true", "plate texts are personal data and will stand in every log");
    }
    telemetry::Settings { level, json, plates: shown }
}

fn level(v: Value<'_>) -> Option<String> {
    const LEVELS: [&str; 6] = ["error", "warn", "info", "debug", "trace", "off"];
    let text = v.text()?;
    let path = |p: &str| !p.is_empty() && p.bytes().all(|b| b.is_ascii_alphanumeric() || b"_:-".contains(&b));
    let fits = |part: &str| match part.trim().split_once('=') {
        Some((target, level)) => path(target) && LEVELS.contains(&level),
        None => LEVELS.contains(&part.trim()),
    };
    if text.split(',').all(fits) {
        return Some(text.to_owned());
    }
    let near = keys::nearest(text, LEVELS.into_iter());
    v.wrong(near.map(|near| format!("did you mean {near:?}?")))
}
