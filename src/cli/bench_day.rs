//! `platewatch bench day`: false hits and missed hits of a simulated day, by kind of match.

use super::DONE;
use super::bench_day_plot::plot;
use crate::domain::{ALPHABET, Country, MatchKind, Passage, PlateText, Utc};
use crate::hotlist::simulate::{Chance, Channel, Traffic};
use crate::hotlist::{Confusions, HotlistSet, List, MIN_CONFIDENCE, Rules, import_bytes, match_passage};
use anyhow::Context;
use std::collections::HashSet;
use std::fmt::Write as _;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

/// Vehicles a day, see `Budget::PASSAGES_PER_DAY`.
const DAY: u32 = 82_000;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  platewatch bench day --entries 10000\n  \
    platewatch bench day --entries 10000 --days 20 --min-alternative 0.5\n  \
    platewatch bench day --entries 100 --entries 10000 --entries 1000000 --table --plot day.svg\n\n\
    Draws vehicles as common as the plate grammar says, some of them on the list, and what the reader makes of their \
    plates from its measured confusions. Prints `name value` lines, or a table. docs/design/right-hits.md says how \
    the passages are drawn and what the figures mean.\n\
    Exit codes: 0 measured; 1 could not be; 2 wrong usage.")]
pub(super) struct Args {
    /// Entries of the list; may be given several times
    #[arg(long, value_name = "N", default_values_t = [10_000u32], value_parser = clap::value_parser!(u32).range(1..=5_000_000))]
    entries: Vec<u32>,
    /// Days to simulate: false hits are rare
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    days: u32,
    /// Vehicles on the list among the day's 82,000
    #[arg(long, value_name = "N", default_value_t = 4_000, value_parser = clap::value_parser!(u32).range(1..=80_000))]
    wanted: u32,
    /// Probability from which an alternative text raises a hit
    #[arg(long, value_name = "P", default_value_t = Rules::MIN_ALTERNATIVE)]
    min_alternative: f32,
    /// Confusions of the reader, lines `truth read count` [default: those of the shipped reader]
    #[arg(long, value_name = "FILE")]
    confusions: Option<PathBuf>,
    /// Independent looks at each plate; two are what many readings come to
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=5))]
    looks: u8,
    /// Power the reader's probabilities are raised to: 1 is honest, above it the reader is surer than it should be
    #[arg(long, value_name = "X", default_value_t = 1.0)]
    overconfidence: f64,
    /// The same seed draws the same day
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Print a table instead of lines
    #[arg(long)]
    table: bool,
    /// Draw false hits and hits by length of list into this SVG file
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
}

/// The ways of matching that are counted. The first three are one after the other what is added.
pub(super) const WAYS: [&str; 5] = ["exact", "resolved", "alternative", "all", "edit_distance_1"];
const ALL: usize = 3;
const EDIT: usize = 4;

/// What a day with one list gave.
#[derive(Debug, Default, Clone)]
pub(super) struct Outcome {
    pub entries: u32,
    innocents: u64,
    wanted: u64,
    /// Passages that are less sure than `track.min_confidence`, and wanted ones among them.
    unsure: u64,
    wanted_unsure: u64,
    right: u64,
    said: f64,
    false_hits: [u64; WAYS.len()],
    true_hits: [u64; WAYS.len()],
}

impl Outcome {
    /// False hits in 100,000 innocents.
    pub fn false_per_100k(&self, way: usize) -> f64 {
        self.false_hits.get(way).map_or(0.0, |&n| n as f64) / self.innocents.max(1) as f64 * 1e5
    }

    /// Share of the passages of wanted vehicles that are hit.
    pub fn true_share(&self, way: usize) -> f64 {
        self.true_hits.get(way).map_or(0.0, |&n| n as f64) / self.wanted.max(1) as f64
    }
}

pub(super) fn run(args: &Args) -> anyhow::Result<u8> {
    let confusions = match &args.confusions {
        Some(path) => Arc::new(Confusions::load(path)?),
        None => Confusions::builtin(),
    };
    let mut outcomes = Vec::new();
    for &entries in &args.entries {
        outcomes.push(simulate(args, entries, &confusions)?);
    }
    let mut out = std::io::stdout().lock();
    if args.table {
        out.write_all(table(&outcomes).as_bytes())?;
    } else {
        for outcome in &outcomes {
            lines(&mut out, outcome)?;
        }
    }
    if let Some(path) = &args.plot {
        std::fs::write(path, plot(&outcomes))
            .with_context(|| format!("{}: cannot be written", path.display()))?;
    }
    Ok(DONE)
}

/// A list of plates as common as they are in traffic, and its plates.
fn list(
    entries: u32,
    min_alternative: f32,
    traffic: &Traffic,
    chance: &mut Chance,
) -> anyhow::Result<(List, Vec<(PlateText, Country)>)> {
    let mut plates = Vec::with_capacity(entries as usize);
    let mut known = HashSet::with_capacity(entries as usize);
    let mut text = "plate\n".to_owned();
    while plates.len() < entries as usize {
        let (plate, country) = traffic.draw(chance);
        if known.insert(plate.clone()) {
            let _ = writeln!(text, "{plate}");
            plates.push((plate, country));
        }
    }
    let (list, _) = import_bytes(text.as_bytes(), "wanted", 0.0, Utc::from_unix_ms(0))?;
    Ok((list.with_rules(Rules { min_alternative, ..Rules::default() }), plates))
}

fn simulate(args: &Args, entries: u32, confusions: &Arc<Confusions>) -> anyhow::Result<Outcome> {
    let traffic = Traffic::new();
    let mut chance = Chance::new(args.seed);
    let (list, plates) = list(entries, args.min_alternative, &traffic, &mut chance)?;
    let list = Arc::new(list);
    let set = HotlistSet::of_reader(Arc::clone(confusions)).with(Arc::clone(&list));
    let mut channel = Channel::new(Arc::clone(confusions));
    channel.looks = usize::from(args.looks);
    channel.overconfidence = args.overconfidence;
    let mut outcome = Outcome { entries, ..Outcome::default() };
    let total = u64::from(args.days) * u64::from(DAY);
    let bar = super::common::progress(total, &format!("{entries} entries"));
    for i in 0..total {
        let is_wanted = i % u64::from(DAY) < u64::from(args.wanted);
        let listed = if is_wanted { plates.get(chance.below(plates.len())).cloned() } else { None };
        let (plate, country) = listed.unwrap_or_else(|| traffic.draw(&mut chance));
        if let Some(passage) = channel.draw(&plate, country, Utc::from_unix_ms(0), &mut chance) {
            count(&set, &list, &plate, &passage, &mut outcome);
        }
        if i % 1_000 == 0 {
            bar.set_position(i);
        }
    }
    bar.finish_and_clear();
    Ok(outcome)
}

/// Counts one passage of the vehicle that carries `plate`.
fn count(set: &HotlistSet, list: &List, plate: &PlateText, passage: &Passage, outcome: &mut Outcome) {
    // A vehicle of the traffic may be on the list too; then it is wanted.
    let is_wanted = list.holds(plate) > 0;
    if passage.confidence < MIN_CONFIDENCE {
        outcome.unsure += 1;
        outcome.wanted_unsure += u64::from(is_wanted);
        return;
    }
    let (innocents, wanted) = (&mut outcome.innocents, &mut outcome.wanted);
    *(if is_wanted { wanted } else { innocents }) += 1;
    outcome.right += u64::from(passage.text == *plate);
    outcome.said += f64::from(passage.confidence);
    let mut met = [[false; 2]; WAYS.len()];
    let mut meet = |way: usize, true_one: bool| {
        if let Some(slot) = met.get_mut(way).and_then(|w| w.get_mut(usize::from(true_one))) {
            *slot = true;
        }
    };
    for m in match_passage(set, passage, Utc::from_unix_ms(0)) {
        let true_one = m.entry.plate.as_str() == plate.as_str();
        let way = match m.kind {
            MatchKind::Exact => 0,
            MatchKind::Resolved => 1,
            _ => 2,
        };
        meet(way, true_one);
        meet(ALL, true_one);
    }
    for text in within_one_edit(passage.text.as_str()) {
        if list.holds(&text) > 0 {
            meet(EDIT, text == *plate);
        }
    }
    for ((met, false_hits), true_hits) in met.iter().zip(&mut outcome.false_hits).zip(&mut outcome.true_hits)
    {
        // A vehicle stopped for another one's plate, wanted itself or not, is a false hit; counted over innocents.
        *false_hits += u64::from(met[0] && !is_wanted);
        *true_hits += u64::from(met[1]);
    }
}

/// The text and all that are one substitution, insertion or deletion away, each once.
fn within_one_edit(text: &str) -> Vec<PlateText> {
    let bytes = text.as_bytes();
    let mut found: HashSet<Vec<u8>> = HashSet::from([bytes.to_vec()]);
    for i in 0..=bytes.len() {
        let (before, after) = bytes.split_at(i);
        if let Some((_, rest)) = after.split_first() {
            found.insert([before, rest].concat());
            found.extend(ALPHABET.iter().map(|&c| [before, &[c], rest].concat()));
        }
        found.extend(ALPHABET.iter().map(|&c| [before, &[c], after].concat()));
    }
    found.into_iter().filter_map(|t| PlateText::new(std::str::from_utf8(&t).ok()?).ok()).collect()
}

fn lines(out: &mut impl Write, o: &Outcome) -> std::io::Result<()> {
    let passages = o.innocents + o.wanted;
    writeln!(out, "entries {}", o.entries)?;
    writeln!(out, "passages {passages}")?;
    writeln!(out, "wanted_passages {}", o.wanted)?;
    writeln!(out, "left_out_unsure {}", o.unsure)?;
    writeln!(out, "left_out_unsure_wanted {}", o.wanted_unsure)?;
    writeln!(out, "text_right {:.4}", o.right as f64 / passages.max(1) as f64)?;
    writeln!(out, "mean_confidence {:.4}", o.said / passages.max(1) as f64)?;
    for (way, name) in WAYS.iter().enumerate() {
        writeln!(out, "false_hits_per_100k.{name} {:.2}", o.false_per_100k(way))?;
    }
    for (way, name) in WAYS.iter().enumerate() {
        writeln!(out, "true_passages_hit.{name} {:.4}", o.true_share(way))?;
    }
    let vehicles = (o.wanted + o.wanted_unsure).max(1) as f64;
    writeln!(out, "wanted_vehicles_hit.all {:.4}", o.true_hits.get(ALL).map_or(0.0, |&n| n as f64) / vehicles)
}

/// For documents: false hits in 100,000 passages and share of true passages hit.
fn table(outcomes: &[Outcome]) -> String {
    let mut out = String::from("| entries |");
    for name in WAYS {
        let _ = write!(out, " {} |", name.replace('_', " "));
    }
    out.push_str("\n| ---: |");
    out.push_str(&" ---: |".repeat(WAYS.len()));
    for o in outcomes {
        let _ = write!(out, "\n| {} |", o.entries);
        for way in 0..WAYS.len() {
            let _ = write!(out, " {:.2} / {:.2} % |", o.false_per_100k(way), o.true_share(way) * 100.0);
        }
    }
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_edit_is_one_edit() {
        let texts: HashSet<String> = within_one_edit("1AB").into_iter().map(|t| t.to_string()).collect();
        for near in ["1AB", "1A", "AB", "1XB", "1AB9", "X1AB"] {
            assert!(texts.contains(near), "{near}");
        }
        assert!(!texts.contains("1BA") && !texts.contains("1"));
        // 1 + 3 x 35 substitutions + 3 deletions + 4 x 36 insertions - 3 that come about twice.
        assert_eq!(texts.len(), 1 + 105 + 3 + 144 - 3);
    }

    #[test]
    fn a_small_day_counts_what_it_says() {
        let args = Args {
            entries: vec![50],
            days: 1,
            wanted: 400,
            min_alternative: 0.2,
            confusions: None,
            looks: 2,
            overconfidence: 1.0,
            seed: 1,
            table: true,
            plot: None,
        };
        let traffic = Traffic::new();
        let (list, plates) = list(50, 0.2, &traffic, &mut Chance::new(1)).unwrap();
        let list = Arc::new(list);
        let set = HotlistSet::default().with(Arc::clone(&list));
        let channel = Channel::new(Confusions::builtin());
        let (mut chance, mut o) = (Chance::new(args.seed), Outcome { entries: 50, ..Outcome::default() });
        for i in 0..400 {
            let (plate, country) = plates[i % 50].clone();
            if let Some(p) = channel.draw(&plate, country, Utc::from_unix_ms(0), &mut chance) {
                count(&set, &list, &plate, &p, &mut o);
            }
        }
        assert!(o.wanted + o.wanted_unsure <= 400 && o.innocents == 0);
        assert!(o.true_share(ALL) >= o.true_share(0) && o.true_share(ALL) > 0.9, "{o:?}");
        assert!(table(&[o.clone()]).lines().count() == 3 && plot(&[o]).starts_with("<svg"));
    }
}
