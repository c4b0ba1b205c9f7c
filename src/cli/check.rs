//! `platewatch check`: everything wrong with a configuration at once, then what would run.

use super::{DONE, FAILED};
use crate::alert::{Broker, Remote, Version};
use crate::capture::{self, Pace, ProbeReport, Source, Transport};
use crate::config::{self, ConfigError};
use crate::domain::Utc;
use crate::hotlist::Confusions;
use crate::pipeline::{CameraSettings, Settings};
use crate::vision::{self, Vision};
use crate::{alert, hotlist, store};
use anyhow::Context;
use std::fmt::Write as _;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Bad rows of a list that are printed; `hotlist check` prints them all.
const ROWS_SHOWN: usize = 10;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  platewatch check --config platewatch.toml\n  \
    platewatch check --config platewatch.toml --cameras\n  \
    platewatch check store --data /var/lib/platewatch\n\n\
    Errors and warnings go to stderr as FILE:LINE:COLUMN: KEY: what was found, what is allowed.\n\
    Exit codes: 0 it would run (there may be warnings); 1 something is wrong; 2 wrong usage.")]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(super) struct Args {
    #[command(subcommand)]
    what: Option<What>,
    /// The configuration
    #[arg(long, value_name = "FILE", required = true)]
    config: Option<PathBuf>,
    /// Open every camera too and take one picture from each
    #[arg(long)]
    cameras: bool,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Look at a store instead: schema, rows, pictures, outbox, audit chain
    Store(super::check_store::Args),
}

pub(super) fn run(args: &Args) -> anyhow::Result<u8> {
    match (&args.what, &args.config) {
        (Some(What::Store(store)), _) => super::check_store::run(store),
        (None, Some(config)) => configuration(config, args.cameras),
        (None, None) => anyhow::bail!("--config FILE is missing"),
    }
}

fn configuration(config: &Path, cameras: bool) -> anyhow::Result<u8> {
    let mut err = std::io::stderr().lock();
    let loaded = match config::load(config) {
        Ok(loaded) => loaded,
        Err(ConfigError::Invalid { problems, warnings }) => {
            problems.iter().try_for_each(|p| writeln!(err, "error: {p}"))?;
            warnings.iter().try_for_each(|w| writeln!(err, "warning: {w}"))?;
            let s = if problems.len() == 1 { "" } else { "s" };
            writeln!(
                err,
                "{}: {} problem{s}; every key: docs/ref/config.md",
                config.display(),
                problems.len()
            )?;
            return Ok(FAILED);
        }
        Err(unreadable) => return Err(unreadable.into()),
    };
    loaded.warnings.iter().try_for_each(|w| writeln!(err, "warning: {w}"))?;
    let settings = &loaded.settings;
    let (models, model_errors) = models(&settings.vision);
    let (lists, list_errors) = lists(settings);
    let (law, law_errors) = super::check_law::law(settings);
    let (ending, certificate_errors) = certificates(&settings.alert.broker);
    ending.iter().try_for_each(|w| writeln!(err, "warning: {w}"))?;
    let probes = if cameras { probe(&settings.cameras) } else { Vec::new() };
    let camera_errors = probes.iter().filter_map(|p| p.as_ref().err().cloned());
    let errors: Vec<String> = model_errors
        .into_iter()
        .chain(list_errors)
        .chain(camera_errors)
        .chain(law_errors)
        .chain(certificate_errors)
        .chain(store_error(&settings.store.dir))
        .collect();
    errors.iter().try_for_each(|e| writeln!(err, "error: {e}"))?;
    drop(err);

    let mut out = std::io::stdout().lock();
    out.write_all(summary(settings, &models, &lists, &probes).as_bytes())?;
    out.write_all(law.as_bytes())?;
    Ok(if errors.is_empty() { DONE } else { FAILED })
}

/// What is to be said of the certificates towards the broker: of those that end soon, and of those that cannot be used
/// or have ended.
fn certificates(broker: &Broker) -> (Vec<String>, Vec<String>) {
    let Broker::Remote(Remote { tls: Some(tls), .. }) = broker else { return (Vec::new(), Vec::new()) };
    let now = Utc::now();
    match alert::expiries(tls, now) {
        Ok(found) => {
            let (over, soon): (Vec<_>, Vec<_>) = found.iter().partition(|e| e.is_over(now));
            let told = |all: Vec<&alert::Expiry>| {
                all.iter().filter_map(|e| Some(format!("mqtt: {}", e.warning(now)?))).collect()
            };
            (told(soon), told(over))
        }
        Err(error) => (Vec::new(), vec![super::common::told(&error.into())]),
    }
}

/// Opens both models as `run` will, ONNX Runtime included: one line for each, and what is wrong.
fn models(settings: &vision::Settings) -> (Vec<String>, Option<String>) {
    let opened = Vision::load(settings).and_then(|vision| vision.worker().map(|_| vision));
    match opened.context("models") {
        Ok(vision) => {
            let line = |m: &vision::ModelId| {
                format!("{} {}, sha256 {}", m.name, m.version.as_deref().unwrap_or("-"), m.sha256)
            };
            (vision.models().map(line).to_vec(), None)
        }
        Err(error) => (Vec::new(), Some(super::common::told(&error))),
    }
}

/// Loads every list as `run` will: one line for each, and what is wrong.
fn lists(settings: &Settings) -> (Vec<String>, Vec<String>) {
    let (mut lines, mut errors) = (Vec::new(), Vec::new());
    let of_card = || vision::Vision::load(&settings.vision).ok().and_then(|v| v.confusions());
    let confusions = match settings.confusions.clone().or_else(of_card) {
        None => Confusions::builtin(),
        Some(path) => match Confusions::load(&path) {
            Ok(confusions) => Arc::new(confusions),
            Err(error) => {
                errors.push(super::common::told(&error.into()));
                Confusions::builtin()
            }
        },
    };
    for list in &settings.hotlists {
        let loaded = hotlist::load_file(list).and_then(|(loaded, report)| {
            let expected = hotlist::admit(&Arc::new(loaded), list, &confusions, Utc::now())?;
            Ok((expected, report))
        });
        match loaded {
            Ok((expected, report)) => {
                let mut line = format!("{}: {}: {} entries", list.name, list.path.display(), report.loaded);
                for (n, what) in [
                    (report.bad_rows, "bad rows"),
                    (report.duplicate_rows, "repeated rows"),
                    (report.expired, "expired"),
                ] {
                    if n > 0 {
                        let _ = write!(line, ", {n} {what}");
                    }
                }
                if let Some(expected) = expected {
                    let allowed = list.budget.max_false_hits_per_day.unwrap_or_default();
                    let total = expected.false_hits_per_day();
                    let _ = write!(line, ", {total:.2} false hits a day expected, {allowed} allowed");
                }
                lines.push(line);
                lines.extend(report.bad.iter().take(ROWS_SHOWN).map(|bad| format!("  {bad}")));
                if report.bad.len() > ROWS_SHOWN {
                    lines.push(format!("  all of them: platewatch hotlist check {}", list.path.display()));
                }
            }
            Err(error) => {
                let error = anyhow::Error::from(error).context(format!("hotlists[{}]", list.name));
                errors.push(super::common::told(&error));
            }
        }
    }
    (lines, errors)
}

/// Tries all cameras at once, so that several dead ones take one time-out and not the sum.
fn probe(cameras: &[CameraSettings]) -> Vec<Result<ProbeReport, String>> {
    std::thread::scope(|scope| {
        let tries: Vec<_> =
            cameras.iter().map(|c| (&c.capture.camera, scope.spawn(|| capture::probe(&c.capture)))).collect();
        let join = |(camera, thread): (_, std::thread::ScopedJoinHandle<'_, _>)| match thread.join() {
            Ok(Ok(report)) => Ok(report),
            Ok(Err(error)) => {
                Err(format!("{:#}", anyhow::Error::from(error).context(format!("cameras[{camera}]"))))
            }
            Err(_) => Err(format!("cameras[{camera}]: trying it failed in a way that is our mistake")),
        };
        tries.into_iter().map(join).collect()
    })
}

/// Why nothing can be written where records go. A folder that is still to be made is tried above it.
fn store_error(dir: &Path) -> Option<String> {
    let there = dir.ancestors().find(|d| d.is_dir()).unwrap_or(Path::new("."));
    let witness = there.join(format!(".platewatch-check-{}", std::process::id()));
    let tried = std::fs::File::create_new(&witness).and_then(|_| std::fs::remove_file(&witness));
    tried.err().map(|e| {
        format!(
            "store.dir: cannot write into {}: {e}; change its owner or say another folder",
            there.display()
        )
    })
}

/// What would run, for people.
fn summary(
    settings: &Settings,
    models: &[String],
    lists: &[String],
    probes: &[Result<ProbeReport, String>],
) -> String {
    let mut out = String::new();
    let mut section = |title: &str, lines: Vec<String>| {
        for (i, line) in lines.iter().enumerate() {
            let _ = writeln!(out, "{:<9}{line}", if i == 0 { title } else { "" });
        }
    };
    let alert = &settings.alert;
    section("box", vec![format!("{} of zone {}", alert.box_id, alert.zone)]);
    let cameras = settings.cameras.iter().enumerate().map(|(i, c)| {
        let state = match probes.get(i) {
            Some(Ok(report)) => format!(": {}", seen(report)),
            Some(Err(_)) => ": gives no picture".into(),
            None => String::new(),
        };
        format!("{}: {}{state}", c.capture.camera, source(&c.capture.source))
    });
    section("cameras", cameras.collect());
    section("models", models.to_vec());
    section("lists", if settings.hotlists.is_empty() { vec!["none".into()] } else { lists.to_vec() });
    section("broker", vec![broker(&alert.broker)]);
    section("store", vec![kept(&settings.store)]);
    let console = settings.console.as_ref().map_or_else(
        || "not served".into(),
        |c| {
            let what = if c.page { "page, health and metrics" } else { "health and metrics" };
            format!("http://{}: {what}", c.listen)
        },
    );
    section("console", vec![console]);
    section("workers", vec![settings.vision.workers.to_string()]);
    out
}

fn seen(report: &ProbeReport) -> String {
    let mut text = format!("{}x{}", report.width, report.height);
    if let Some(fps) = report.fps {
        let _ = write!(text, " at {fps:.1} frames per second");
    }
    if let Some(codec) = &report.codec {
        let _ = write!(text, ", {codec}");
    }
    text
}

fn source(source: &Source) -> String {
    let user = |credentials: &Option<(String, _)>| {
        credentials.as_ref().map_or_else(String::new, |(user, _)| format!(" as {user}"))
    };
    let pace = |pace: &Pace| match pace {
        Pace::Fast => "as fast as possible",
        Pace::RealTime => "as recorded",
    };
    match source {
        Source::Rtsp { url, transport, credentials } => {
            let over = if *transport == Transport::Tcp { "TCP" } else { "UDP" };
            format!("{url} over {over}{}", user(credentials))
        }
        Source::Mjpeg { url, credentials } => format!("{url}{}", user(credentials)),
        Source::V4l2 { device, .. } => device.display().to_string(),
        Source::File { path, pace: p, repeat, .. } => {
            format!("{}, {}{}", path.display(), pace(p), if *repeat { ", for ever" } else { "" })
        }
        Source::Folder { path, fps, pace: p } => format!("{} at {fps} a second, {}", path.display(), pace(p)),
    }
}

fn broker(broker: &Broker) -> String {
    match broker {
        Broker::Embedded { port: 0 } => "embedded, on any free port of 127.0.0.1".into(),
        Broker::Embedded { port } => format!("embedded, on 127.0.0.1:{port}"),
        Broker::Remote(Remote { host, port, version, tls, credentials, .. }) => {
            let version = if *version == Version::V5 { "5" } else { "3.1.1" };
            let tls = match tls {
                Some(tls) if tls.client.is_some() => "TLS with our certificate",
                Some(_) => "TLS",
                None => "no TLS",
            };
            let user = credentials.as_ref().map_or_else(String::new, |(user, _)| format!(", as {user}"));
            format!("{host} port {port}, MQTT {version}, {tls}{user} (not tried)")
        }
    }
}

fn kept(store: &store::Settings) -> String {
    let kept = match (store.keep_passages, store.keep_passage_pictures) {
        (false, _) => "hits only",
        (true, false) => "all passages, pictures of hits only",
        (true, true) => "all passages with pictures",
    };
    format!("{}: {kept}", store.dir.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_says_what_would_run_and_no_password() {
        let dir = tempfile::tempdir().unwrap();
        for (file, text) in
            [("d.toml", ""), ("r.toml", ""), ("pw", "hunter2\n"), ("l.csv", ""), ("ca.pem", "")]
        {
            std::fs::write(dir.path().join(file), text).unwrap();
        }
        let text = "zone = 'antwerp'\nbox = 'box-1'\n[store]\ndir = 'data'\n[vision]\ndetector = 'd.toml'\n\
            reader = 'r.toml'\nworkers = 2\n[[cameras]]\nname = 'gate'\nrtsp = 'rtsp://192.0.2.10/s'\n\
            username = 'viewer'\npassword_file = 'pw'\n[[cameras]]\nname = 'usb'\nv4l2 = '/dev/video0'\n\
            [[hotlists]]\nname = 'stolen'\npath = 'l.csv'\n[mqtt]\nhost = 'broker.example'\nusername = 'b'\n\
            password_file = 'pw'\n[mqtt.tls]\nca = 'ca.pem'\n[console]\n";
        let settings = config::parse(text, dir.path(), &|_| None).unwrap().settings;
        let report = ProbeReport { width: 1920, height: 1080, fps: Some(25.0), codec: Some("h264".into()) };
        let summary = summary(
            &settings,
            &["detector.onnx 1".into(), "reader.onnx 1".into()],
            &["stolen: l.csv: 3 entries".into()],
            &[Ok(report), Err("dead".into())],
        );
        let expected = format!(
            "box      box-1 of zone antwerp\n\
             cameras  gate: rtsp://192.0.2.10/s over TCP as viewer: 1920x1080 at 25.0 frames per second, h264\n         \
             usb: /dev/video0: gives no picture\n\
             models   detector.onnx 1\n         reader.onnx 1\n\
             lists    stolen: l.csv: 3 entries\n\
             broker   broker.example port 8883, MQTT 5, TLS, as b (not tried)\n\
             store    {}/data: all passages, pictures of hits only\n\
             console  http://127.0.0.1:8080: page, health and metrics\n\
             workers  2\n",
            dir.path().display()
        );
        assert_eq!(summary, expected);
    }

    #[test]
    fn a_folder_that_cannot_be_written_into_is_named() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(store_error(&dir.path().join("still/to/be/made")), None);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "leaves nothing behind");
        // Not even root may create files there.
        let error = store_error(Path::new("/proc/platewatch")).unwrap();
        assert!(error.starts_with("store.dir: cannot write into /proc: "), "{error}");
    }
}
