//! `platewatch hotlist check`: what a list file holds, what is wrong with it, what it would change.

use super::common::complain;
use super::{DONE, FAILED, PARTLY};
use crate::config;
use crate::hotlist::{
    Difference, Duplicate, ImportReport, List, Mapping, Named, Problem, Settings, difference, load_file,
    read_file,
};
use anyhow::{Context, bail};
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  platewatch hotlist check wanted.csv\n  \
    platewatch hotlist check --max-bad-share 0 wanted.csv\n  \
    platewatch hotlist check export.txt --mapping genetec --against running.txt\n  \
    platewatch hotlist check new.csv --config /etc/platewatch.toml --list stolen --json\n\n\
    Exit codes: 0 every row can be used; 1 the list is refused, or there is nothing to compare it with; \
    2 wrong usage; 3 some rows cannot be used.")]
pub(super) struct Args {
    /// The list file
    file: PathBuf,
    /// How it is laid out: a ready mapping's name or a mapping file [default: platewatch]
    #[arg(long, value_name = "MAPPING", conflicts_with = "config")]
    mapping: Option<String>,
    /// Share of bad rows above which the whole list is refused [default: 0.1]
    #[arg(long, value_name = "SHARE", value_parser = share, conflicts_with = "config")]
    max_bad_share: Option<f64>,
    /// Say what would change against this list
    #[arg(long, value_name = "RUNNING", conflicts_with = "config")]
    against: Option<PathBuf>,
    /// How that one is laid out [default: as FILE]
    #[arg(long, value_name = "MAPPING", requires = "against")]
    against_mapping: Option<String>,
    /// Take mapping and limits from this configuration, and say what would change against its list
    #[arg(long, value_name = "CONFIG")]
    config: Option<PathBuf>,
    /// Which of its lists [default: the only one, or the one whose file has the same name]
    #[arg(long, value_name = "NAME", requires = "config")]
    list: Option<String>,
    /// How many added, removed and changed entries to show
    #[arg(long, value_name = "N", default_value_t = 10)]
    examples: usize,
    /// One JSON object instead of text
    #[arg(long)]
    json: bool,
}

fn share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(n) if (0.0..=1.0).contains(&n) => Ok(n),
        _ => Err("a number from 0 to 1".into()),
    }
}

/// The list that is in use, and how to name it.
struct Running {
    name: String,
    list: List,
}

pub(super) fn run(args: &Args) -> anyhow::Result<u8> {
    let (settings, running) = match &args.config {
        Some(config) => configured(args, config)?,
        None => plain(args)?,
    };
    match load_file(&settings) {
        Ok((list, report)) => {
            let running = running.map(|r| (difference(&r.list, &list, args.examples), r.name));
            if args.json {
                let mut out = object(&args.file, &settings, &report);
                if let Value::Object(out) = &mut out {
                    out.insert("refused".into(), Value::Null);
                    out.insert("version".into(), json!(list.version().sha256));
                    out.insert(
                        "changes".into(),
                        running.as_ref().map_or(Value::Null, |(d, name)| changes(d, name)),
                    );
                }
                print(&out)?;
            } else {
                let mut out = std::io::stdout().lock();
                write!(out, "{report}")?;
                writeln!(
                    out,
                    "\n{}: {} entries, version {}",
                    args.file.display(),
                    list.len(),
                    list.version().sha256
                )?;
                if let Some((difference, name)) = &running {
                    tell(&mut out, difference, name)?;
                }
            }
            Ok(if report.bad_rows == 0 { DONE } else { PARTLY })
        }
        Err(error) => {
            let nothing = ImportReport::default();
            let report = error.report().unwrap_or(&nothing);
            if args.json {
                let mut out = object(&args.file, &settings, report);
                if let Value::Object(out) = &mut out {
                    out.insert("refused".into(), json!(super::common::told(&error.into())));
                }
                print(&out)?;
            } else {
                if let Some(report) = error.report() {
                    let mut out = std::io::stdout().lock();
                    write!(out, "{report}")?;
                    writeln!(out)?;
                }
                complain(&super::common::told(&error.into()));
            }
            Ok(FAILED)
        }
    }
}

fn print(out: &Value) -> anyhow::Result<()> {
    let mut to = std::io::stdout().lock();
    serde_json::to_writer_pretty(&mut to, out).map_err(std::io::Error::from)?;
    writeln!(to)?;
    Ok(())
}

fn plain(args: &Args) -> anyhow::Result<(Settings, Option<Running>)> {
    let name = args.file.file_stem().map_or_else(|| "list".into(), |s| s.to_string_lossy().into_owned());
    let load = |said: &Option<String>| said.as_deref().map(Mapping::load).transpose();
    let mapping = load(&args.mapping)?.unwrap_or_else(Mapping::own);
    let settings = Settings {
        mapping,
        max_bad_share: args.max_bad_share.unwrap_or(0.1),
        ..Settings::plain(name, &args.file)
    };
    let running = match &args.against {
        None => None,
        Some(path) => {
            let mapping = load(&args.against_mapping)?.unwrap_or_else(|| settings.mapping.clone());
            Some(in_use(path, &mapping, path.display().to_string())?)
        }
    };
    Ok((settings, running))
}

/// What runs, runs: its bad rows are no reason to refuse it here.
fn in_use(path: &Path, mapping: &Mapping, name: String) -> anyhow::Result<Running> {
    let loaded = read_file(path, mapping, "running", 1.0, crate::domain::Utc::now());
    let (list, _) = loaded.context("the running list cannot be compared with")?;
    Ok(Running { name, list })
}

fn configured(args: &Args, config: &Path) -> anyhow::Result<(Settings, Option<Running>)> {
    let lists = config::load(config)?.settings.hotlists;
    let same_file = |s: &&Settings| s.path.file_name() == args.file.file_name();
    let found = match (&args.list, lists.as_slice()) {
        (Some(name), lists) => lists.iter().find(|s| s.name == *name),
        (None, [only]) => Some(only),
        (None, lists) => lists.iter().find(same_file),
    };
    let Some(found) = found else {
        let names: Vec<&str> = lists.iter().map(|s| s.name.as_str()).collect();
        bail!(
            "{} has no such list; say which with --list NAME: {}",
            config.display(),
            if names.is_empty() { "it has none".into() } else { names.join(", ") }
        );
    };
    let running = in_use(&found.path, &found.mapping, format!("{} ({})", found.name, found.path.display()))?;
    let mut settings = Settings { path: args.file.clone(), ..found.clone() };
    if let Some(signing) = &mut settings.signing {
        signing.manifest = crate::hotlist::manifest_path(&args.file);
    }
    Ok((settings, Some(running)))
}

fn tell(out: &mut impl Write, d: &Difference, running: &str) -> std::io::Result<()> {
    writeln!(
        out,
        "\nagainst {running}: {} added, {} removed, {} changed, {} the same",
        d.added, d.removed, d.changed, d.same
    )?;
    let entry = |n: &Named| {
        let country = n.country.as_deref().map(|c| format!(" {c}")).unwrap_or_default();
        format!("{}{country} {}", n.plate, n.category)
    };
    for n in &d.added_examples {
        writeln!(out, "+ line {}: {}", n.line, entry(n))?;
    }
    for n in &d.removed_examples {
        writeln!(out, "- line {} of the running list: {}", n.line, entry(n))?;
    }
    for c in &d.changed_examples {
        let fields: Vec<String> =
            c.fields.iter().map(|(field, old, now)| format!("{field} {old:?} becomes {now:?}")).collect();
        writeln!(out, "~ line {}: {}: {}", c.entry.line, entry(&c.entry), fields.join(", "))?;
    }
    let shown = d.added_examples.len() + d.removed_examples.len() + d.changed_examples.len();
    let more = (d.added + d.removed + d.changed).saturating_sub(shown as u64);
    if more > 0 {
        writeln!(out, "and {more} more; --examples shows more of them")?;
    }
    Ok(())
}

fn object(file: &Path, settings: &Settings, report: &ImportReport) -> Value {
    let problem = |p: &Problem| json!({ "line": p.line, "column": p.column, "field": p.field, "found": p.found, "allowed": p.allowed });
    let double =
        |d: &Duplicate| json!({ "line": d.line, "first_line": d.first_line, "contradicts": d.contradicts });
    json!({
        "file": file.display().to_string(),
        "mapping": settings.mapping.name(),
        "rows": report.rows,
        "loaded": report.loaded,
        "bad_rows": report.bad_rows,
        "repeated_rows": report.duplicate_rows,
        "conflicting_entries": report.conflict_rows,
        "passed_over": report.skipped,
        "expired": report.expired,
        "not_yet_valid": report.not_yet_valid,
        "warnings": report.warnings,
        "problems": report.bad.iter().map(problem).collect::<Vec<_>>(),
        "repeated": report.duplicates.iter().map(double).collect::<Vec<_>>(),
        "conflicts": report.conflicts.iter().map(double).collect::<Vec<_>>(),
    })
}

fn changes(d: &Difference, running: &str) -> Value {
    let named =
        |n: &Named| json!({ "line": n.line, "plate": n.plate, "country": n.country, "category": n.category });
    let changed: Vec<Value> = d
        .changed_examples
        .iter()
        .map(|c| {
            let fields: Vec<Value> =
                c.fields.iter().map(|(f, old, now)| json!({ "field": f, "from": old, "to": now })).collect();
            json!({ "entry": named(&c.entry), "running_line": c.running_line, "fields": fields })
        })
        .collect();
    json!({
        "against": running,
        "added": d.added,
        "removed": d.removed,
        "changed": d.changed,
        "same": d.same,
        "added_examples": d.added_examples.iter().map(named).collect::<Vec<_>>(),
        "removed_examples": d.removed_examples.iter().map(named).collect::<Vec<_>>(),
        "changed_examples": changed,
    })
}
