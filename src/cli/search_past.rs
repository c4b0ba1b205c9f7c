//! `platewatch hotlist search-past`: late hits.

use super::asking::{Asked, AskingArgs, gate, permit};
use super::common::{complain, progress};
use super::run::stop_on_signals;
use super::{DONE, FAILED};
use crate::alert::BoxIdentity;
use crate::config;
use crate::domain::Utc;
use crate::hotlist::{HotlistSet, Settings, load_file};
use crate::law::access::Right;
use crate::pipeline::past_search::{self, Late, Request};
use crate::store::{Clerk, Reader};
use anyhow::Context;
use serde_json::json;
use std::io::Write;
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    platewatch hotlist search-past --config platewatch.toml --list stolen --purpose theft --case AN.11.L9.1/2026\n  \
    platewatch hotlist search-past --config platewatch.toml --list new.csv --since 2026-11-20T00:00:00Z \
    --purpose \"missing person\" --case AN.43.L5.2/2026 --dry-run\n\n\
    Under law.policy = enforce it needs who asks (--as), a purpose of the preset and, for what is older than the first month, \
    --decision. Works beside a running box, which sends the late hits; without one they wait in the outbox. The search itself\n\
    is put on record with its purpose and case. No passage gets two hits for the same entry, however often it is\n\
    searched. Entries count that are valid now. Under enforce no passage is searched for a list whose purposes\n\
    the mandate it was seen under does not allow; a file that the configuration does not name has the search's purpose.\n\
    Exit codes: 0 done (also where nothing was found); 1 refused, stopped or failed; 2 wrong usage.")]
pub(super) struct Args {
    /// The configuration of the box
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// A list of the configuration by its name, or a list's file
    #[arg(long, value_name = "NAME|FILE")]
    list: String,
    /// Only vehicles first seen from this time on [default: all that are kept]
    #[arg(long, value_name = "TIME")]
    since: Option<Utc>,
    /// Why the past is searched
    #[arg(long, value_name = "TEXT")]
    purpose: String,
    /// Reference of the case it is done for
    #[arg(long, value_name = "REFERENCE")]
    case: String,
    /// Who asks, where nobody has to log in [default: the user of this system]
    #[arg(long, value_name = "NAME", conflicts_with = "who")]
    by: Option<String>,
    #[command(flatten)]
    asking: AskingArgs,
    /// Show what would be found; keep and send nothing
    #[arg(long)]
    dry_run: bool,
    /// One JSON object a line instead of text
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> anyhow::Result<u8> {
    let loaded = config::load(&args.config).with_context(|| format!("{}", args.config.display()))?;
    let settings = loaded.settings;
    let source = match settings.hotlists.iter().find(|l| l.name == args.list) {
        Some(configured) => configured.clone(),
        None => from_file(&args.list, &args.purpose, &settings.hotlists)?,
    };
    let (list, report) = load_file(&source)?;
    if report.bad_rows > 0 {
        complain(&format!(
            "{}: {} rows cannot be used and are not searched for; `platewatch hotlist check` names them",
            source.path.display(),
            report.bad_rows
        ));
    }
    let asking = match (&args.by, &args.asking.who) {
        (Some(by), None) => AskingArgs { who: Some(by.clone()), ..args.asking.clone() },
        _ => args.asking.clone(),
    };
    let gate = gate(Reader::open(&settings.store)?.law_in_force()?.as_ref())?;
    let by_mandate = gate.asks();
    let rules = gate.rules;
    let few = rules.map_or(u64::MAX, |r| u64::from(r.bulk_entries.value));
    let asked = Asked {
        right: Right::Search,
        what: "search-past",
        bulk: list.len() as u64 > few || list.patterns() > 0,
        plate: None,
        since: args.since,
        before: None,
        purpose: Some(args.purpose.clone()),
        case: Some(args.case.clone()),
    };
    let permit = permit(&settings.store, &asking, &asked)?;
    let since = permit.since(args.since);
    let request = Request {
        since,
        purpose: args.purpose.clone(),
        case: args.case.clone(),
        asked_by: permit.who.clone(),
        allowed_by: permit.reason.clone(),
        dry_run: args.dry_run,
        by_mandate,
    };
    // The same confusions as the box matches with: an alternative is as likely then as now.
    let confusions = super::hotlist_budget::confusions(&settings)?;
    let lists = HotlistSet::of_reader(confusions).with(std::sync::Arc::new(list));
    let identity = BoxIdentity::new(&settings.alert.zone, &settings.alert.box_id)?;
    let stop = stop_on_signals()?;
    let mut clerk = Clerk::open(&settings.store)?;
    let now = Utc::now();
    let left_out = clerk.count_past(args.since, now)?.saturating_sub(clerk.count_past(since, now)?);
    let bar = progress(clerk.count_past(since, now)?, "passages");
    let mut lines = Vec::new();
    let told = |late: Late<'_>| lines.push(line(&late, args.json));
    let found = past_search::search(&mut clerk, &identity, &lists, &request, &stop, told, |n| {
        bar.set_position(n);
    });
    bar.finish_and_clear();
    // Also where it was stopped: what had been found until then is kept.
    let mut out = std::io::stdout().lock();
    lines.iter().try_for_each(|l| writeln!(out, "{l}"))?;
    let found = match found {
        Ok(found) => found,
        Err(error) => {
            complain(&error.to_string());
            return Ok(FAILED);
        }
    };
    let refused: u64 = found.left_out.values().sum();
    permit.done(&settings.store, found.hits + found.known, left_out + refused)?;
    if args.json {
        let summary = json!({
            "left_out": left_out, "why": permit.left_out.as_deref().filter(|_| left_out > 0),
            "left_out_by_mandate": found.left_out, "passages": found.passages, "late_hits": found.hits, "known": found.known, "dry_run": args.dry_run,
        });
        writeln!(out, "{summary}")?;
    } else {
        let would = if args.dry_run { " (dry run: nothing kept)" } else { "" };
        writeln!(
            out,
            "{} passages searched: {} late hits{would}, {} matches known before",
            found.passages, found.hits, found.known
        )?;
        if let (true, Some(why)) = (left_out > 0, &permit.left_out) {
            writeln!(out, "left out: {left_out} passages: {why}")?;
        }
        for (why, passages) in &found.left_out {
            writeln!(out, "left out: {passages} passages: {why}")?;
        }
    }
    Ok(DONE)
}

/// A list that the configuration does not name, under the name of its file.
fn from_file(path: &str, purpose: &str, configured: &[Settings]) -> anyhow::Result<Settings> {
    let file = Path::new(path);
    if !file.is_file() {
        let names: Vec<&str> = configured.iter().map(|l| l.name.as_str()).collect();
        anyhow::bail!(
            "--list {path:?} is neither a file nor a list of the configuration ({})",
            names.join(", ")
        );
    }
    let name = file.file_stem().map_or_else(|| "list".into(), |s| s.to_string_lossy().into_owned());
    let mut settings = Settings::plain(name, file);
    // It says no purposes of its own: it is searched for what the search is for.
    settings.policy.purposes = vec![purpose.to_owned()];
    Ok(settings)
}

fn line(late: &Late<'_>, as_json: bool) -> String {
    let (p, h) = (late.passage, late.hit);
    if as_json {
        return json!({
            "hit": h.id.to_string(),
            "passage": p.id.to_string(),
            "camera": p.camera.as_str(),
            "first_seen": p.first_seen.to_string(),
            "found_at": h.decided_at.to_string(),
            "observed": p.text.as_str(),
            "matched": h.entry.plate.as_str(),
            "kind": h.kind.as_str(),
            "probability": super::read::round(h.probability, 10_000.0),
            "category": h.entry.category,
            "case": h.entry.case,
        })
        .to_string();
    }
    format!(
        "{} {:<20} {:<10} read {:<10} {:<11} {:>3.0}%  {}  {}",
        p.first_seen,
        p.camera.as_str(),
        h.entry.plate.as_str(),
        p.text.as_str(),
        h.kind.as_str(),
        (h.probability * 100.0).floor().min(99.0),
        h.entry.category,
        h.entry.case,
    )
}
