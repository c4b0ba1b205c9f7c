//! `platewatch evidence`: a hit as one file, to be proven on another machine.

use super::asking::{Asked, AskingArgs, permit};
use super::common::{StoreArgs, by_person, find_folder};
use super::{DONE, FAILED};
use crate::evidence::{Export, package, verify};
use crate::law::access::Right;
use crate::runtime::{PublicKey, Signers, SigningKey};
use crate::store::{AuditAction, AuditWriter};
use anyhow::Context;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  platewatch evidence export 9b1f02c4d7aa --out hit.zip --purpose crimes-and-offences --case AN.11.L9.1/2026\n  \
    platewatch evidence verify hit.zip --key 4f1c..."
)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Write a hit with everything that belongs to it to one signed file
    #[command(after_help = "Examples:\n  \
        platewatch evidence export 9b1f02c4d7aa --out hit.zip --purpose crimes-and-offences --case AN.11.L9.1/2026 \
        --data /var/lib/platewatch\n  \
        platewatch evidence export 9b1f02c4d7aa --out hit.zip --as j.peeters --purpose crimes-and-offences --case AN.11.L9.1/2026\n\n\
        The file is a ZIP archive with a page to look at (index.html), the hit as it was kept, its pictures, answers,\n\
        hashes, the cards of the models, the piece of the audit chain that proves it and the box's signature\n\
        (docs/ref/evidence.md). That it was taken out, by whom and why, stands in the audit chain before anything is\n\
        written. Works beside a running box.\n\
        Exit codes: 0 written; 1 it is not; 2 wrong usage.")]
    Export {
        /// The hit: its id, or at least its last 6 characters (the first column of `platewatch log`)
        #[arg(value_name = "HIT")]
        hit: String,
        /// The file to write; it must not be there yet
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Why it is taken out
        #[arg(long, value_name = "TEXT", value_parser = said)]
        purpose: String,
        /// Reference of the case it is for
        #[arg(long, value_name = "REFERENCE", value_parser = said)]
        case: String,
        #[command(flatten)]
        store: StoreArgs,
        /// Folder with the models' cards, for those that read the plate [default: as `read` finds it]
        #[arg(long, value_name = "DIR")]
        models: Option<PathBuf>,
        #[command(flatten)]
        asking: Box<AskingArgs>,
    },
    /// Say whether such a file is genuine, and what it proves
    #[command(after_help = "Examples:\n  platewatch evidence verify hit.zip --key 4f1c...\n  \
        platewatch evidence verify hit.zip --keys boxes.keys\n\n\
        Needs nothing but the file: no store, no configuration, no network. Get the key from the police zone (it is\n\
        box_key of the box's `health`), not from the file. A file of keys has lines `platewatch-ed25519 NAME KEY`.\n\
        Exit codes: 0 genuine; 1 it is not, or cannot be read; 2 wrong usage.")]
    Verify {
        /// The file
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Public key of the box, 64 hexadecimal digits
        #[arg(long, value_name = "KEY", conflicts_with = "keys")]
        key: Option<PublicKey>,
        /// File with the public keys of the zone's boxes; one of them must have signed
        #[arg(long, value_name = "FILE")]
        keys: Option<PathBuf>,
        /// The result as one JSON object
        #[arg(long)]
        json: bool,
    },
}

fn said(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() || text.chars().any(char::is_control) || text.chars().count() > 200 {
        return Err("one line of 1 to 200 characters is needed".into());
    }
    Ok(text.to_owned())
}

pub(super) fn run(args: &Args) -> anyhow::Result<u8> {
    match &args.verb {
        Verb::Export { hit, out, purpose, case, store, models, asking } => {
            let settings = store.settings()?;
            let asked = Asked {
                right: Right::Export,
                what: "evidence",
                bulk: false,
                plate: None,
                since: None,
                before: None,
                purpose: Some(purpose.clone()),
                case: Some(case.clone()),
            };
            let permit = permit(&settings, asking, &asked)?;
            let mut writer = AuditWriter::open(&settings)?;
            let hit = writer.find_hit(hit)?;
            if permit.not_before.is_some_and(|oldest| writer.first_seen(hit).is_ok_and(|at| at < oldest)) {
                anyhow::bail!("refused: {}", permit.left_out.as_deref().unwrap_or("the hit is too old"));
            }
            let entry = by_person(Some(&permit.who), AuditAction::Export)
                .with("what", "evidence")
                .with("purpose", purpose)
                .with("case", case)
                .with("allowed_by", &permit.reason);
            let export = Export {
                by: entry.actor.clone(),
                purpose: purpose.clone(),
                case: case.clone(),
                cards: cards(models.as_deref()),
            };
            // Before the chain says that it was taken out: a place that cannot be written is no export.
            let mut file = std::fs::OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(out)
                .with_context(|| format!("cannot write {}", out.display()))?;
            let written = (|| -> anyhow::Result<bool> {
                let dossier = writer.take_out(hit, entry)?;
                let bytes = package(&dossier, &export, &SigningKey::read(&settings.box_key())?)?;
                file.write_all(&bytes).and_then(|()| file.sync_all())?;
                Ok(dossier.bound)
            })();
            let bound = written.inspect_err(|_| {
                // The error is told; half a file helps nobody.
                let _ = std::fs::remove_file(out);
            })?;
            permit.done(&settings, 1, 0)?;
            let mut stdout = std::io::stdout().lock();
            writeln!(stdout, "{hit} {}", out.display())?;
            if !bound {
                writeln!(
                    stdout,
                    "note: the hit is older than the audit chain's hashes of hits; the file proves only how it was kept now"
                )?;
            }
            Ok(DONE)
        }
        Verb::Verify { file, key, keys, json } => {
            let mut known: Vec<PublicKey> = key.iter().copied().collect();
            if let Some(path) = keys {
                let text = std::fs::read_to_string(path)
                    .with_context(|| format!("cannot read {}", path.display()))?;
                let listed = Signers::parse(&text).map_err(|e| anyhow::anyhow!("{}: {e}", path.display()))?;
                known.extend(listed.keys());
            }
            check(file, &known, *json)
        }
    }
}

/// The cards at hand, by file name; none where there are none.
fn cards(models: Option<&Path>) -> Vec<(String, String)> {
    let folder = models.map(Path::to_path_buf).or_else(|| find_folder("models", "detector.toml"));
    let Some(entries) = folder.and_then(|f| std::fs::read_dir(f).ok()) else { return Vec::new() };
    let mut cards: Vec<(String, String)> = entries
        .filter_map(|e| e.ok().map(|e| e.path()))
        .filter(|p| p.extension().is_some_and(|e| e == "toml"))
        .filter_map(|p| Some((p.file_name()?.to_str()?.to_owned(), std::fs::read_to_string(&p).ok()?)))
        .collect();
    cards.sort();
    cards
}

fn check(file: &Path, keys: &[PublicKey], json: bool) -> anyhow::Result<u8> {
    let bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let mut out = std::io::stdout().lock();
    let found = match verify(&bytes, keys) {
        Ok(found) => found,
        Err(error) => {
            if json {
                writeln!(out, "{}", serde_json::json!({"genuine": false, "why": error.to_string()}))?;
            } else {
                writeln!(out, "NOT GENUINE: {error}")?;
            }
            super::common::complain(&format!("{} proves nothing", file.display()));
            return Ok(FAILED);
        }
    };
    let record = &found.record;
    if json {
        let line = serde_json::json!({
            "genuine": true, "hit": record.hit.id, "box_key": found.key.to_string(), "proven": found.proven,
            "not_proven": found.not_proven,
        });
        writeln!(out, "{line}")?;
        return Ok(DONE);
    }
    writeln!(out, "GENUINE{}", if keys.is_empty() { " by the key it names" } else { "" })?;
    writeln!(
        out,
        "hit {}: {} read as {} by {} at {}",
        record.hit.id,
        record.entry.plate,
        record.passage.text,
        record.passage.camera,
        record.passage.first_seen
    )?;
    for what in &found.proven {
        writeln!(out, "proven: {what}")?;
    }
    for what in &found.not_proven {
        writeln!(out, "not proven: {what}")?;
    }
    Ok(DONE)
}
