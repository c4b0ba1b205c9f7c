//! `platewatch log`: recent hits and passages.

use super::DONE;
use super::common::StoreArgs;
use super::read::round;
use crate::domain::{CameraId, Direction, PassageState, PlateText, Utc};
use crate::plate::normalise;
use crate::store::{EvidenceRow, HitQuery, HitRow, PassageQuery, PassageRow, Reader, Settings};
use anyhow::Context;
use serde_json::{Value, json};
use std::io::Write;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  platewatch log --data demo-data\n  \
    platewatch log --data /var/lib/platewatch --since 2026-11-23T00:00:00Z --list stolen\n  \
    platewatch log --data demo-data --passages --plate 1-ABC-123 --json\n  \
    platewatch log outcomes --data /var/lib/platewatch --by camera\n\n\
    Exit codes: 0 done (also where nothing was found); 1 the store cannot be read; 2 wrong usage.")]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Args {
    #[command(subcommand)]
    what: Option<What>,
    #[command(flatten)]
    store: StoreArgs,
    /// Show passages, with or without a hit, instead of hits
    #[arg(long)]
    passages: bool,
    /// Only from this time on
    #[arg(long, value_name = "TIME")]
    since: Option<Utc>,
    /// Only before this time
    #[arg(long, value_name = "TIME")]
    until: Option<Utc>,
    /// Only this camera
    #[arg(long, value_name = "NAME")]
    camera: Option<String>,
    /// Only this plate, in any way of writing it
    #[arg(long, value_name = "PLATE", value_parser = plate)]
    plate: Option<PlateText>,
    /// Only hits on this list
    #[arg(long, value_name = "NAME", conflicts_with = "passages")]
    list: Option<String>,
    /// Only late hits: found afterwards in what had passed
    #[arg(long, conflicts_with = "passages")]
    late: bool,
    /// At most so many, the latest first
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
    /// One JSON object a line instead of a table
    #[arg(long)]
    json: bool,
    /// Who looks [default: the user of this system]; it is put on record in the audit chain with what was asked
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Count what operators answered, by list, camera or kind of match
    Outcomes(super::log_outcomes::Args),
}

fn plate(text: &str) -> Result<PlateText, String> {
    normalise(text).map_err(|e| e.to_string())
}

pub(super) fn run(args: &Args) -> anyhow::Result<u8> {
    if let Some(What::Outcomes(args)) = &args.what {
        return super::log_outcomes::run(args);
    }
    let settings = args.store.settings()?;
    let reader = Reader::open(&settings)?;
    let camera = args.camera.as_deref().map(CameraId::new);
    let mut out = std::io::stdout().lock();
    if args.passages {
        let query = PassageQuery {
            since: args.since,
            until: args.until,
            camera,
            plate: args.plate.clone(),
            limit: args.limit,
        };
        let rows = reader.recent_passages(&query)?;
        note(args, &settings, "passages", rows.len())?;
        passages(&mut out, &rows, args.json)?;
    } else {
        let query = HitQuery {
            since: args.since,
            until: args.until,
            camera,
            plate: args.plate.clone(),
            list: args.list.clone(),
            late: args.late.then_some(true),
            limit: args.limit,
        };
        let rows = reader.recent_hits(&query)?;
        note(args, &settings, "hits", rows.len())?;
        hits(&mut out, &rows, args.json)?;
    }
    Ok(DONE)
}

/// Puts on record who looks at what, before it is shown.
fn note(args: &Args, settings: &Settings, what: &str, found: usize) -> anyhow::Result<()> {
    let asked = [
        ("since", args.since.map(|t| t.to_string())),
        ("until", args.until.map(|t| t.to_string())),
        ("camera", args.camera.clone()),
        ("plate", args.plate.as_ref().map(|p| p.as_str().to_owned())),
        ("list", args.list.clone()),
        ("late", args.late.then(|| "true".to_owned())),
        ("found", Some(found.to_string())),
    ];
    super::common::note_look(settings, args.by.as_deref(), what, &asked)
        .context("who looks must be put on record first, and cannot be; nothing is shown")
}

fn hits(out: &mut impl Write, rows: &[HitRow], json: bool) -> std::io::Result<()> {
    if json {
        return rows.iter().try_for_each(|h| writeln!(out, "{}", hit_json(h)));
    }
    writeln!(
        out,
        "{:<12} {:<24} {:<20} {:<10} {:<10} {:<9} {:<16} {:>4} {:>6} {:<18} {:<16} case",
        "id ends",
        "decided",
        "camera",
        "listed",
        "observed",
        "state",
        "answer",
        "prio",
        "sure",
        "category",
        "list"
    )?;
    rows.iter().try_for_each(|h| {
        writeln!(
            out,
            "{:<12} {:<24} {:<20} {:<10} {:<10} {:<9} {:<16} {:>4} {:>5.0}% {:<18} {:<16} {}",
            tail(&h.id.to_string()),
            h.decided_at,
            h.camera.as_str(),
            h.entry.plate.as_str(),
            h.observed.as_str(),
            if h.late { "late" } else { h.state.as_str() },
            h.outcome.as_ref().map_or("-", |o| o.outcome.as_str()),
            h.entry.priority,
            h.probability * 100.0,
            h.entry.category,
            h.list.name,
            h.entry.case,
        )
    })
}

/// The end of an id, enough for `platewatch outcome`: its beginning is the time, which hits share.
fn tail(id: &str) -> &str {
    id.get(id.len().saturating_sub(12)..).unwrap_or(id)
}

fn hit_json(h: &HitRow) -> Value {
    json!({
        "hit": h.id.to_string(),
        "passage": h.passage.to_string(),
        "camera": h.camera.as_str(),
        "state": h.state.as_str(),
        "kind": h.kind.as_str(),
        "probability": round(h.probability, 10_000.0),
        "observed": h.observed.as_str(),
        "matched": h.entry.plate.as_str(),
        "category": h.entry.category,
        "priority": h.entry.priority,
        "country": h.entry.country.map(|c| c.to_string()),
        "case": h.entry.case,
        "instruction": h.entry.instruction,
        "list": {"name": h.list.name, "sha256": h.list.sha256, "line": h.entry.line},
        "first_seen": h.first_seen.to_string(),
        "decided_at": h.decided_at.to_string(),
        "late": h.late,
        "outcome": h.outcome.as_ref().map(|o| json!({
            "outcome": o.outcome.as_str(), "by": o.by, "at": o.at.to_string(), "note": o.note,
            "source": o.source.as_str(),
        })),
        "evidence": evidence(&h.evidence),
    })
}

fn evidence(rows: &[EvidenceRow]) -> Vec<Value> {
    rows.iter()
        .map(|e| json!({"role": e.role.as_str(), "sha256": e.sha256, "path": e.path, "frame": e.frame_seq}))
        .collect()
}

fn passages(out: &mut impl Write, rows: &[PassageRow], json: bool) -> std::io::Result<()> {
    if json {
        return rows.iter().try_for_each(|r| writeln!(out, "{}", passage_json(r)));
    }
    writeln!(
        out,
        "{:<24} {:<20} {:<10} {:>6} {:<7} {:>8} {:<8} {:<12} {:>4}",
        "first seen", "camera", "plate", "sure", "country", "readings", "goes", "lane", "hits"
    )?;
    rows.iter().try_for_each(|r| {
        let p = &r.passage;
        let country = p.country.map_or_else(|| "-".into(), |c| c.0.to_string());
        writeln!(
            out,
            "{:<24} {:<20} {:<10} {:>5.0}{} {country:<7} {:>8} {:<8} {:<12} {:>4}",
            p.first_seen,
            p.camera.as_str(),
            p.text.as_str(),
            p.confidence * 100.0,
            // Readings that contradict each other: not to be trusted like the others.
            if p.contradictory { '!' } else { '%' },
            p.readings,
            p.direction.map_or("-", Direction::as_str),
            p.lane.as_deref().unwrap_or("-"),
            r.hits,
        )
    })
}

fn passage_json(r: &PassageRow) -> Value {
    let p = &r.passage;
    json!({
        "passage": p.id.to_string(),
        "camera": p.camera.as_str(),
        "state": match p.state { PassageState::Open => "open", PassageState::Closed => "closed" },
        "first_seen": p.first_seen.to_string(),
        "last_seen": p.last_seen.to_string(),
        "text": p.text.as_str(),
        "confidence": round(p.confidence, 10_000.0),
        "country": p.country.map(|c| c.0.to_string()),
        "readings": p.readings,
        "agreement": round(p.agreement, 1_000.0),
        "contradictory": p.contradictory,
        "direction": p.direction.map(Direction::as_str),
        "lane": p.lane.as_deref(),
        "best_frame": p.best_frame,
        "hits": r.hits,
        "evidence": evidence(&r.evidence),
    })
}
