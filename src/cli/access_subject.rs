//! `platewatch access subject`: what is held of a plate, for the answer to a citizen.
//!
//! A folder with one page to read and the same as JSON, pictures in which nobody else is to be recognised, and, apart
//! from it, what the law withholds until the officer has decided.

use super::asking::{Asked, AskingArgs, gate, permit};
use super::common::{ModelArgs, StoreArgs};
use super::{DONE, subject_page};
use crate::domain::{PlateText, Utc};
use crate::law::Preset;
use crate::law::access::Right;
use crate::law::preset::{SubjectRules, Withheld};
use crate::plate::normalise;
use crate::store::{
    Clerk, EvidenceRole, HitQuery, HitRow, HoldTarget, LookFilter, PassageQuery, PassageRow, Reader,
    Settings, SubjectDone, SubjectRequest,
};
use crate::vision::{FaceFinder, Worker, for_subject};
use anyhow::{Context, bail};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    platewatch access subject 1-ABC-123 --from 2026-10-01T00:00:00Z --to 2026-11-01T00:00:00Z \
    --reference COC/2026/114 --out answer --as l.maes --second m.claes --data /var/lib/platewatch\n\n\
    Makes DIR/answer.html and DIR/answer.json with the pictures they show: what is held, what was done with it and \
    until when it is kept, others hidden. What the law withholds is in DIR/withheld.json, each item with its reason, \
    for the officer who decides; it is not part of the answer.\n\
    Request and answer are put on record, the plate as its keyed hash only.\n\
    Exit codes: 0 done; 1 refused or failed; 2 wrong usage.")]
pub(super) struct Args {
    /// The plate asked about, in any way of writing it
    #[arg(value_name = "PLATE", value_parser = plate)]
    plate: PlateText,
    /// From then on
    #[arg(long, value_name = "TIME")]
    from: Utc,
    /// And before then
    #[arg(long, value_name = "TIME")]
    to: Utc,
    /// Reference of the request
    #[arg(long, value_name = "REFERENCE")]
    reference: String,
    /// Folder to make; it must not exist
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    asking: AskingArgs,
    #[command(flatten)]
    models: ModelArgs,
}

fn plate(text: &str) -> Result<PlateText, String> {
    normalise(text).map_err(|e| e.to_string())
}

/// Most rows of a kind in one answer; more is a mistake in the period.
const MOST: usize = 100_000;

pub(super) fn run(args: &Args) -> anyhow::Result<u8> {
    if args.from >= args.to {
        bail!("--from must lie before --to");
    }
    let reference = args.reference.trim();
    if reference.is_empty() || reference.chars().count() > 200 {
        bail!("--reference must name the request in at most 200 characters");
    }
    if args.out.exists() {
        bail!("{} is there already; say another folder", args.out.display());
    }
    let settings = args.store.settings()?;
    let asked = Asked {
        right: Right::Subject,
        what: "subject",
        bulk: false,
        plate: Some(args.plate.clone()),
        since: Some(args.from),
        before: Some(args.to),
        purpose: None,
        case: Some(reference.to_owned()),
    };
    let permit = permit(&settings, &args.asking, &asked)?;
    let request = SubjectRequest {
        reference: reference.to_owned(),
        plate: args.plate.clone(),
        since: args.from,
        before: args.to,
        by: permit.who.clone(),
        second: permit.second.clone(),
    };
    let id = Clerk::open(&settings)?.begin_subject(&settings, &request, Utc::now())?;
    let mut masks = Masks::load(&args.models)?;
    std::fs::DirBuilder::new()
        .mode(0o700)
        .recursive(true)
        .create(&args.out)
        .with_context(|| format!("{} cannot be made", args.out.display()))?;
    let package = collect(&settings, args, id, &mut masks)?;
    let text = serde_json::to_string_pretty(&package.answer)? + "\n";
    write(&args.out.join("answer.json"), text.as_bytes())?;
    write(&args.out.join("answer.html"), subject_page::page(&package.answer).as_bytes())?;
    write(
        &args.out.join("withheld.json"),
        (serde_json::to_string_pretty(&package.withheld)? + "\n").as_bytes(),
    )?;
    let done = SubjectDone {
        given: package.given,
        withheld: package.withheld_count,
        sha256: Sha256::digest(text.as_bytes()).iter().map(|b| format!("{b:02x}")).collect(),
    };
    Clerk::open(&settings)?.end_subject(id, &permit.who, &done, Utc::now())?;
    permit.done(&settings, done.given, done.withheld)?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", args.out.join("answer.html").display())?;
    writeln!(
        out,
        "request {id}: {} items given, {} withheld for the officer to decide",
        done.given, done.withheld
    )?;
    Ok(DONE)
}

fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .with_context(|| format!("{} cannot be written", path.display()))
}

/// What hides others; both or the surroundings are left out.
struct Masks(Option<(Worker, FaceFinder)>);

impl Masks {
    fn load(models: &ModelArgs) -> anyhow::Result<Self> {
        let settings = models.settings(0.0)?;
        let Some(faces) = FaceFinder::beside(&settings.detector, settings.onnxruntime.as_deref())? else {
            return Ok(Self(None));
        };
        Ok(Self(Some((super::common::worker(&settings)?, faces))))
    }
}

struct Package {
    answer: Value,
    withheld: Value,
    given: u64,
    withheld_count: u64,
}

fn collect(settings: &Settings, args: &Args, id: i64, masks: &mut Masks) -> anyhow::Result<Package> {
    let reader = Reader::open(settings)?;
    let law = reader.law_in_force()?;
    let preset = match &law {
        Some(law) => Preset::parse(&law.rules, &law.preset).context("the law on record of this store")?,
        None => Preset::off(),
    };
    // Outside police law nothing is withheld.
    let rules: Option<&SubjectRules> = preset.rules.as_ref().map(|r| &r.subject);
    let withholds = |kind| rules.is_some_and(|r| r.withheld.value.contains(&kind));
    let reason = rules.map_or("", |r| r.withheld_reason.value.as_str());
    let terms: Value = law.as_ref().and_then(|l| serde_json::from_str(&l.terms).ok()).unwrap_or(Value::Null);
    let (plate, from, to) = (Some(args.plate.clone()), Some(args.from), Some(args.to));

    let passages = reader.recent_passages(&PassageQuery {
        since: from,
        until: to,
        camera: None,
        plate: plate.clone(),
        limit: MOST,
    })?;
    let hits = reader.recent_hits(&HitQuery { plate: plate.clone(), limit: MOST, ..HitQuery::default() })?;
    let hits: Vec<&HitRow> =
        hits.iter().filter(|h| h.first_seen >= args.from && h.first_seen < args.to).collect();
    let traces = reader.traces(settings, &args.plate, from, to, MOST)?;
    let looks =
        reader.looks(settings, &LookFilter { since: from, who: None, plate: plate.clone(), limit: MOST })?;
    let now = Utc::now();
    let holds = reader.holds()?;
    let held = |passage: &str, hits: &[String], at: Utc| {
        holds.iter().filter(|h| h.is_active(now)).any(|h| match &h.hold.target {
            HoldTarget::Passage(id) => id.to_string() == passage,
            HoldTarget::Hit(id) => hits.contains(&id.to_string()),
            HoldTarget::Plate { plate: held, since, before } => {
                held.as_ref() == plate.as_ref() && at >= *since && at < *before
            }
        })
    };

    let (mut given, mut kept_back): (Vec<Value>, Vec<Value>) = (Vec::new(), Vec::new());
    let withhold = |kept_back: &mut Vec<Value>, kind: &str, item: Value| {
        kept_back.push(json!({"kind": kind, "reason": reason, "decision": null, "item": item}));
    };
    for row in &passages {
        let own: Vec<&&HitRow> = hits.iter().filter(|h| h.passage == row.passage.id).collect();
        let open: Vec<&&&HitRow> = own.iter().filter(|h| !h.entry.case.is_empty()).collect();
        let ids: Vec<String> = own.iter().map(|h| h.id.to_string()).collect();
        let item = passage_item(row, &own, &terms, args, masks, &reader)?;
        if withholds(Withheld::OpenCase) && !open.is_empty() {
            withhold(&mut kept_back, "hit of a case", item);
        } else if withholds(Withheld::OnHold)
            && held(&row.passage.id.to_string(), &ids, row.passage.first_seen)
        {
            withhold(&mut kept_back, "on legal hold", item);
        } else {
            given.push(item);
        }
    }
    // Hits on an entry for this plate whose vehicle was read as another text: held of the plate all the same.
    for hit in hits.iter().filter(|h| !passages.iter().any(|p| p.passage.id == h.passage)) {
        let item = json!({"what": "hit", "seen": hit.first_seen.to_string(), "camera": hit.camera.as_str(),
            "hit": hit_item(hit)});
        if withholds(Withheld::OpenCase) && !hit.entry.case.is_empty() {
            withhold(&mut kept_back, "hit of a case", item);
        } else {
            given.push(item);
        }
    }
    for t in &traces {
        given.push(json!({
            "what": "trace", "seen": t.first_seen.to_string(), "camera": t.camera, "hits": t.hits,
            "kept_until": until(t.first_seen, &terms, if t.hits > 0 { "hits" } else { "non_hits" }),
            "note": "The plate itself is no longer kept; this box knows only a keyed hash of it.",
        }));
    }
    for look in looks.iter().filter(|l| l.at < args.to && l.look.what != "subject") {
        let item = json!({
            "what": "search", "at": look.at.to_string(), "by": look.look.role, "purpose": look.look.purpose,
            "case": look.look.case, "allowed": look.look.allowed,
            "kept_until": until(look.at, &terms, "register"),
        });
        if withholds(Withheld::Searches) {
            withhold(&mut kept_back, "search", item);
        } else {
            given.push(item);
        }
    }
    let (n, withheld_count) = (given.len() as u64, kept_back.len() as u64);
    let statement = law.as_ref().map_or(preset.statement.as_str(), |l| l.statement.as_str());
    let answer = json!({
        "title": "What this box holds of a number plate",
        "request": id, "reference": args.reference.trim(), "plate": args.plate.as_str(),
        "from": args.from.to_string(), "to": args.to.to_string(), "made_at": now.to_string(),
        "statement": statement,
        "verify": if preset.unchecked.iter().any(|u| u.rule.starts_with("subject.") || u.rule.starts_with("retention.")) { preset.verify.as_str() } else { "" },
        "channel": rules.map_or("", |r| r.channel.value.as_str()),
        "answer_days": rules.map(|r| r.answer_days.value),
        // That something is withheld is said only by the officer who decides; the number stands in withheld.json.
        "items": given,
    });
    let withheld = json!({
        "title": "Withheld until the officer has decided; not part of the answer",
        "request": id, "reference": args.reference.trim(),
        "article": rules.map_or("", |r| r.withheld_reason.article.as_str()),
        "items": kept_back,
    });
    let _ = gate(law.as_ref())?; // a law on record that cannot be read is no answer
    Ok(Package { answer, withheld, given: n, withheld_count })
}

fn until(at: Utc, terms: &Value, kind: &str) -> Option<String> {
    let days = terms.get(kind)?.as_i64()?;
    Some(at.plus_ms(days.saturating_mul(86_400_000)).to_string())
}

fn hit_item(h: &HitRow) -> Value {
    json!({
        "list": h.list.name, "category": h.entry.category, "kind": h.kind.as_str(), "read_as": h.observed.as_str(),
        "told_at": h.decided_at.to_string(),
        "answer": h.outcome.as_ref().map(|o| o.outcome.as_str()),
    })
}

fn passage_item(
    row: &PassageRow,
    hits: &[&&HitRow],
    terms: &Value,
    args: &Args,
    masks: &mut Masks,
    reader: &Reader,
) -> anyhow::Result<Value> {
    let p = &row.passage;
    let kind = if hits.is_empty() { "non_hits" } else { "hits" };
    let mut pictures = Vec::new();
    let mut left_out = 0;
    for e in &row.evidence {
        let bytes = match reader.picture(&e.sha256) {
            Ok(bytes) => bytes,
            Err(_) => {
                left_out += 1;
                continue;
            }
        };
        let shown = match (e.role, &mut masks.0) {
            // The plate alone: nobody else fits into it.
            (EvidenceRole::Plate, _) => Some(bytes),
            (EvidenceRole::Context, Some((worker, faces))) => {
                for_subject(&bytes, worker, faces)?.map(|m| m.jpeg)
            }
            (EvidenceRole::Context, None) => None,
        };
        match shown {
            Some(jpeg) => {
                let name = format!("{}-{}.jpg", e.role.as_str(), e.sha256.get(..12).unwrap_or_default());
                let path = args.out.join(&name);
                if !path.exists() {
                    write(&path, &jpeg)?;
                }
                pictures.push(json!({"file": name, "shows": e.role.as_str()}));
            }
            None => left_out += 1,
        }
    }
    Ok(json!({
        "what": "passage", "seen": p.first_seen.to_string(), "until": p.last_seen.to_string(),
        "camera": p.camera.as_str(), "read_as": p.text.as_str(),
        "place": p.position.map(|at| json!([at.longitude, at.latitude])),
        "hits": hits.iter().map(|h| hit_item(h)).collect::<Vec<_>>(),
        "messages": hits.iter().map(|h| json!({"told": "operators of the zone", "at": h.decided_at.to_string()})).collect::<Vec<_>>(),
        "pictures": pictures, "pictures_left_out": left_out,
        "pictures_kept_until": until(p.first_seen, terms, "pictures"),
        "kept_until": until(p.first_seen, terms, kind),
    }))
}
