//! `platewatch log`: recent hits and passages.

use super::DONE;
use super::asking::{Asked, AskingArgs, Permit, permit};
use super::common::StoreArgs;
use super::read::round;
use crate::domain::{CameraId, Direction, PassageState, PlateText, Utc};
use crate::law::access::Right;
use crate::plate::normalise;
use crate::store::{EvidenceRow, HitQuery, HitRow, PassageQuery, PassageRow, Reader, Settings, TraceRow};
use serde_json::{Value, json};
use std::io::Write;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  platewatch log --data demo-data\n  \
    platewatch log --data /var/lib/platewatch --since 2026-11-23T00:00:00Z --list stolen\n  \
    platewatch log --data demo-data --passages --plate 1-ABC-123 --json\n  \
    platewatch log outcomes --data /var/lib/platewatch --by camera\n\n\
    Under law.policy = enforce a look back needs who looks, a purpose and a case, and what is older than the first \
    month the prosecutor's decision:\n  \
    platewatch log --plate 1-ABC-123 --passages --as j.peeters --purpose crimes-and-offences --case AN.11.L9.1/2026 \
    --data /var/lib/platewatch\n\n\
    Exit codes: 0 done (also where nothing was found); 1 refused, or the store cannot be read; 2 wrong usage.")]
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
    /// What for, in the words of the preset
    #[arg(long, value_name = "PURPOSE")]
    purpose: Option<String>,
    /// Reference of the case it is done for
    #[arg(long, value_name = "REFERENCE")]
    case: Option<String>,
    #[command(flatten)]
    asking: AskingArgs,
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
    let asked = Asked {
        right: Right::Search,
        what: "log",
        bulk: args.plate.is_none(),
        plate: args.plate.clone(),
        since: args.since,
        before: args.until,
        purpose: args.purpose.clone(),
        case: args.case.clone(),
    };
    let permit = permit(&settings, &args.asking, &asked)?;
    let reader = Reader::open(&settings)?;
    let mut out = std::io::stdout().lock();
    if args.passages {
        look_at_passages(&mut out, args, &permit, &settings, &reader)
    } else {
        look_at_hits(&mut out, args, &permit, &settings, &reader)
    }
}

/// Rows before the time the gate set, and rows beyond its number: counted and said, not shown.
struct LeftOut {
    older: u64,
    more: u64,
}

fn look_at_passages(
    out: &mut impl Write,
    args: &Args,
    permit: &Permit,
    settings: &Settings,
    reader: &Reader,
) -> anyhow::Result<u8> {
    let query = PassageQuery {
        since: permit.since(args.since),
        until: args.until,
        camera: args.camera.as_deref().map(CameraId::new),
        plate: args.plate.clone(),
        limit: permit.max_rows.map_or(args.limit, |most| args.limit.min(most)),
    };
    let rows = reader.recent_passages(&query)?;
    let traces = match &args.plate {
        Some(plate) => reader.traces(settings, plate, query.since, args.until, query.limit)?,
        None => Vec::new(),
    };
    let older = match permit.not_before {
        Some(start) if permit.strict => {
            let until = Some(args.until.map_or(start, |u| u.min(start)));
            reader.count_passages(&PassageQuery { since: args.since, until, ..query.clone() })?
        }
        _ => 0,
    };
    let more = beyond(permit, args.limit, || reader.count_passages(&query), rows.len())?;
    passages(out, &rows, args.json)?;
    show_traces(out, &traces, args.json)?;
    end(out, args, permit, settings, rows.len() + traces.len(), &LeftOut { older, more })
}

fn look_at_hits(
    out: &mut impl Write,
    args: &Args,
    permit: &Permit,
    settings: &Settings,
    reader: &Reader,
) -> anyhow::Result<u8> {
    let query = HitQuery {
        since: args.since,
        until: args.until,
        camera: args.camera.as_deref().map(CameraId::new),
        plate: args.plate.clone(),
        list: args.list.clone(),
        late: args.late.then_some(true),
        open: false,
        // Of a late hit it is the passage's age that counts, not when it was found.
        seen_since: permit.not_before,
        limit: permit.max_rows.map_or(args.limit, |most| args.limit.min(most)),
    };
    let rows = reader.recent_hits(&query)?;
    let all = HitQuery { seen_since: None, ..query.clone() };
    let seen = if permit.strict { reader.count_hits(&query)? } else { 0 };
    let older = if permit.not_before.is_some() && permit.strict {
        reader.count_hits(&all)?.saturating_sub(seen)
    } else {
        0
    };
    let more = beyond(permit, args.limit, || Ok(seen), rows.len())?;
    hits(out, &rows, args.json)?;
    end(out, args, permit, settings, rows.len(), &LeftOut { older, more })
}

/// How many rows the gate's number cut off that were asked for.
fn beyond(
    permit: &Permit,
    limit: usize,
    count: impl FnOnce() -> Result<u64, crate::store::StoreError>,
    shown: usize,
) -> anyhow::Result<u64> {
    match permit.max_rows {
        Some(most) if permit.strict && most < limit => {
            Ok(count()?.min(limit as u64).saturating_sub(shown as u64))
        }
        _ => Ok(0),
    }
}

fn end(
    out: &mut impl Write,
    args: &Args,
    permit: &Permit,
    settings: &Settings,
    shown: usize,
    left_out: &LeftOut,
) -> anyhow::Result<u8> {
    permit.done(settings, shown as u64, left_out.older + left_out.more)?;
    let mut why: Vec<(u64, String)> = Vec::new();
    if let (true, Some(text)) = (left_out.older > 0, &permit.left_out) {
        why.push((left_out.older, text.clone()));
    }
    if left_out.more > 0 {
        let most = permit.max_rows.unwrap_or_default();
        why.push((
            left_out.more,
            format!("a look without a plate shows {most} rows at most (access.bulk_rows)"),
        ));
    }
    for (n, why) in why {
        if args.json {
            writeln!(out, "{}", json!({"left_out": n, "why": why}))?;
        } else {
            writeln!(out, "left out: {n}: {why}")?;
        }
    }
    Ok(DONE)
}

fn show_traces(out: &mut impl Write, rows: &[TraceRow], as_json: bool) -> std::io::Result<()> {
    for t in rows {
        if as_json {
            let line = json!({
                "trace": t.passage, "camera": t.camera, "first_seen": t.first_seen.to_string(),
                "last_seen": t.last_seen.to_string(), "hits": t.hits,
            });
            writeln!(out, "{line}")?;
        } else {
            writeln!(
                out,
                "{:<24} {:<20} known by its keyed hash only, the plate is kept no longer; it had {} hits",
                t.first_seen, t.camera, t.hits
            )?;
        }
    }
    Ok(())
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
