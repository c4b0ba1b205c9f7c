//! `platewatch register`: the register of use, and the public list of places.

use super::DONE;
use super::asking::{Asked, AskingArgs, permit};
use crate::config;
use crate::domain::Utc;
use crate::law::access::Right;
use crate::law::register::{Entry, Month, csv, html, json};
use crate::law::{Mandates, public};
use crate::store::{AuditAction, AuditEntry, AuditWriter, Reader, UsePeriod};
use anyhow::{Context, bail};
use std::io::Write;
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  platewatch register export --config /etc/platewatch.toml --month 2026-11 --format html > 2026-11.html\n  \
    platewatch register places --config /etc/platewatch.toml --out public/"
)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Write one month of the register of use
    #[command(after_help = "Examples:\n  \
        platewatch register export --config platewatch.toml --month 2026-11 --format csv > 2026-11.csv\n  \
        platewatch register export --config platewatch.toml --month 2026-11 --format html --as m.claes > 2026-11.html\n\n\
        Months begin and end at midnight UTC. Every camera's time stands in it without a hole: in use, or not and \
        why. The HTML page prints on A4. Under law.policy = enforce it\n\
        needs who asks, with the right \"report\" of the preset. The export is in the audit chain and in `access report`.\n\
        Exit codes: 0; 1 refused, or the store cannot be read or written; 2 wrong usage.")]
    Export {
        /// The configuration of the box
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// The month
        #[arg(long, value_name = "YYYY-MM", value_parser = month)]
        month: (i32, u8),
        /// csv, json or html
        #[arg(long, default_value = "csv", value_parser = clap::builder::PossibleValuesParser::new(["csv", "json", "html"]))]
        format: String,
        /// Leave covert uses out, for a copy that others than the supervisor may see
        #[arg(long)]
        without_covert: bool,
        /// Who asks, where nobody has to log in [default: the user of this system]
        #[arg(long, value_name = "NAME", conflicts_with = "who")]
        by: Option<String>,
        #[command(flatten)]
        asking: AskingArgs,
    },
    /// Write the public list of camera places: places.geojson and index.html
    #[command(
        after_help = "Examples:\n  platewatch register places --config platewatch.toml --out public/\n\n\
        Covert cameras and such as move are left out. The page needs nothing from outside.\n\
        Exit codes: 0; 1 something cannot be read or written; 2 wrong usage."
    )]
    Places {
        /// The configuration of the box
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// Folder to write to; made where it is not there
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
}

fn month(text: &str) -> Result<(i32, u8), String> {
    let wrong = || format!("{text:?} is no month such as 2026-11");
    let (year, month) = text.split_once('-').ok_or_else(wrong)?;
    let fits = year.len() == 4 && month.len() == 2;
    let (year, month) = (year.parse().map_err(|_| wrong())?, month.parse().map_err(|_| wrong())?);
    if fits && (1970..=9998).contains(&year) && (1..=12).contains(&month) {
        Ok((year, month))
    } else {
        Err(wrong())
    }
}

pub(super) fn run(args: &Args) -> anyhow::Result<u8> {
    match &args.verb {
        Verb::Export { config, month, format, without_covert, by, asking } => {
            let asking = match (by, &asking.who) {
                (Some(by), None) => AskingArgs { who: Some(by.clone()), ..asking.clone() },
                _ => asking.clone(),
            };
            export(config, *month, format, *without_covert, &asking)
        }
        Verb::Places { config, out } => places(config, out),
    }
}

fn bounds((year, month): (i32, u8)) -> anyhow::Result<(Utc, Utc)> {
    let (next_year, next) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    let first = |y: i32, m: u8| format!("{y:04}-{m:02}-01T00:00:00Z").parse::<Utc>();
    Ok((first(year, month)?, first(next_year, next)?))
}

fn export(
    config: &Path,
    month: (i32, u8),
    format: &str,
    without_covert: bool,
    asking: &AskingArgs,
) -> anyhow::Result<u8> {
    let settings = config::load(config)?.settings;
    let (from, until) = bounds(month)?;
    let name = format!("{:04}-{:02}", month.0, month.1);
    let asked = Asked {
        right: Right::Report,
        what: "register export",
        bulk: false,
        plate: None,
        since: Some(from),
        before: Some(until),
        purpose: None,
        case: None,
    };
    let permit = permit(&settings.store, asking, &asked)?;
    let reader = Reader::open(&settings.store)?;
    let periods = reader.use_periods(from, until)?;
    let (zone, box_id) = (&settings.alert.zone, &settings.alert.box_id);
    let mut written = Month::new(&name, zone, box_id, &settings.law.preset, Utc::now());
    let shown = |p: &UsePeriod| !(without_covert && p.mode == "covert");
    written.entries = periods.into_iter().filter(shown).filter_map(|p| entry(p, from, until)).collect();
    let text = match format {
        "json" => json(&written)? + "\n",
        "html" => html(&written, without_covert),
        _ => csv(&written),
    };
    // Before anything is handed out: what cannot be put on record does not leave.
    AuditWriter::open(&settings.store)?.append(
        &AuditEntry::by(&permit.who, AuditAction::Export)
            .with("what", "register of use")
            .with("month", &name)
            .with("format", format)
            .with("without_covert", without_covert),
    )?;
    permit.done(&settings.store, written.entries.len() as u64, 0)?;
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(DONE)
}

/// The part of a period within the month; `None` where nothing of it is.
fn entry(p: UsePeriod, from: Utc, until: Utc) -> Option<Entry> {
    let end = p.ended_at.unwrap_or(p.alive_at);
    let (begins, ends) = (p.began_at.max(from), end.min(until));
    // One that began and ended at the same instant (a clock set back) still shows what happened.
    if begins > ends || (begins == ends && p.began_at != end) {
        return None;
    }
    Some(Entry {
        camera: p.camera,
        state: if p.used { "use" } else { "pause" },
        kind: p.kind,
        mandate: p.mandate,
        mode: p.mode,
        ground: p.ground,
        officer: p.officer,
        purposes: p.purposes,
        place: p.place,
        track: p.track,
        from: begins,
        until: ends,
        goes_on: p.ended_at.is_none() || end > until,
        reason: p.reason,
        explanation: p.explanation,
        policy: p.policy,
        lists: p.lists,
        passages: p.passages,
        hits: p.hits,
    })
}

fn places(config: &Path, out: &Path) -> anyhow::Result<u8> {
    let settings = config::load(config)?.settings;
    let law = &settings.law;
    let (Some(rules), Some(folder)) = (&law.preset.rules, &law.mandates) else {
        bail!(
            "{}: no mandates are configured ([law] mandates), so there is no place to publish; {}",
            config.display(),
            law.preset.statement
        );
    };
    let mandates = Mandates::read(folder, &law.signers, rules)
        .with_context(|| format!("the folder of mandates {}", folder.display()))?;
    let cameras = settings.cameras.iter().map(|c| (&c.lawful, c.capture.position));
    let now = Utc::now();
    let found = public::public_cameras(rules, &mandates, cameras, now);
    std::fs::create_dir_all(out).with_context(|| format!("{}: cannot be made", out.display()))?;
    let zone = &settings.alert.zone;
    let statement = &law.preset.statement;
    for (name, text) in [
        ("places.geojson", public::geojson(&found, zone, statement, now)),
        ("index.html", public::page(&found, zone, statement, now)),
    ] {
        let path = out.join(name);
        std::fs::write(&path, text).with_context(|| format!("{}: cannot be written", path.display()))?;
    }
    let left_out = settings.cameras.len() - found.len();
    writeln!(
        std::io::stdout().lock(),
        "{}: {} places; {left_out} cameras of this box left out",
        out.display(),
        found.len()
    )?;
    Ok(DONE)
}
