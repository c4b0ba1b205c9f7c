//! `platewatch demo`: the sample clips through the whole chain, without configuration.

use super::DONE;
use super::common::{ModelArgs, complain, find_folder};
use super::play::{Play, percentile, play};
use super::run::stop_on_signals;
use crate::alert::message::HitState;
use crate::alert::one_line;
use crate::capture::Pace;
use crate::console;
use crate::telemetry::{self, logging};
use anyhow::{Context, bail};
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  platewatch demo\n  platewatch demo --real-time --listen 127.0.0.1:8080\n  \
    platewatch demo --clip gate.mp4 --hotlist wanted.csv --data /tmp/gate\n\n\
    Exit codes: 0 all clips were played; 1 something was wrong; 2 wrong usage."
)]
pub(super) struct Args {
    /// Play this clip instead of the samples (may be given several times)
    #[arg(long, value_name = "FILE")]
    clip: Vec<PathBuf>,
    /// The hotlist [default: samples/hotlist.csv]
    #[arg(long, value_name = "FILE")]
    hotlist: Option<PathBuf>,
    /// Where the database and the pictures go
    #[arg(long, value_name = "DIR", default_value = "demo-data")]
    data: PathBuf,
    /// Play the clips as they were recorded instead of as fast as possible
    #[arg(long)]
    real_time: bool,
    /// Show the hits on a web page at this address meanwhile, and stay until Ctrl-C
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    #[command(flatten)]
    models: ModelArgs,
}

pub(super) fn run(args: &Args) -> anyhow::Result<u8> {
    // rumqttd logs every probe of its port as an error.
    logging::init(&telemetry::Settings { level: "warn,rumqttd=off".into(), json: false, plates: false })?;
    let samples = || {
        find_folder("samples", "hotlist.csv").context("no samples folder found; give --clip and --hotlist")
    };
    let clips = if args.clip.is_empty() { played(&samples()?)? } else { args.clip.clone() };
    let hotlist = match &args.hotlist {
        Some(path) => path.clone(),
        None => samples()?.join("hotlist.csv"),
    };
    let mut vision = args.models.settings(40.0)?;
    vision.workers = std::thread::available_parallelism().map_or(1, usize::from);
    let request = Play {
        clips,
        hotlist,
        data: args.data.clone(),
        pace: if args.real_time { Pace::RealTime } else { Pace::Fast },
        vision,
        console: args.listen.map(|listen| console::Settings {
            listen,
            page: true,
            // Nothing of a demo is worth protecting, but what others on the network press should not count.
            answers: listen.ip().is_loopback(),
        }),
    };
    let names: Vec<_> = request.clips.iter().map(|c| c.display().to_string()).collect();
    say(&format!("demo: playing {} against {}", names.join(", "), request.hotlist.display()))?;
    let stop = stop_on_signals()?;
    let staying = stop.clone();
    let stay = args.listen.is_some();
    let played = play(
        &request,
        stop,
        move |running| {
            if let Some(address) = running.console_address() {
                let _ = say(&format!("demo: hits are shown at http://{address}/ (Ctrl-C ends)"));
                running.wait();
                let _ = say("demo: all clips are played; Ctrl-C ends");
                while stay && !staying.wait(std::time::Duration::from_secs(60)) {}
            }
        },
        |hit| {
            // `final` and `updated` follow every `new`; one line a hit is what people want to read.
            if matches!(hit.event.data.state, HitState::New | HitState::Withdrawn)
                && let Err(error) = say(&one_line(&hit.event))
            {
                complain(&format!("a hit could not be printed: {error}"));
            }
        },
    )?;
    let latencies = played.latencies_ms();
    let ms = |share| percentile(&latencies, share).map_or_else(|| "-".into(), |v| format!("{v} ms"));
    say(&format!(
        "\ndemo: summary\n  frames            {}\n  passages          {}\n  hits              {}\n  \
         frames per second {:.1}\n  frame to message  {} median, {} p99\n  database          {}\n  pictures          {}",
        played.frames,
        played.summary.totals.passages,
        played.summary.totals.hits,
        played.frames as f64 / played.took.as_secs_f64(),
        ms(0.5),
        ms(0.99),
        args.data.join("platewatch.db").display(),
        args.data.join("pictures").display(),
    ))?;
    if played.summary.undelivered > 0 {
        complain(&format!(
            "{} messages could not be delivered yet; they wait in the outbox",
            played.summary.undelivered
        ));
    }
    Ok(DONE)
}

fn say(line: &str) -> std::io::Result<()> {
    writeln!(std::io::stdout().lock(), "{line}")
}

/// What the demo plays; the other samples are for measuring, and longer.
const PLAYED: [&str; 3] = ["patrol.mp4", "roadside-day.mp4", "roadside-night.mp4"];

/// The clips of the demo in the samples folder.
fn played(samples: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let clips: Vec<PathBuf> = PLAYED.iter().map(|name| samples.join(name)).collect();
    if let Some(missing) = clips.iter().find(|c| !c.is_file()) {
        bail!("the sample clip {} is not there; give --clip and --hotlist", missing.display());
    }
    Ok(clips)
}
