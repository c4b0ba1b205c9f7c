//! `platewatch bench matching`: how long a list takes to load and a passage to be matched, by kind.

use super::DONE;
use crate::domain::{MatchKind, Passage, PlateText, Utc};
use crate::hotlist::simulate::{Chance, Channel, Traffic};
use crate::hotlist::{Confusions, HotlistSet, Hotlists, Rules, Settings, load_file, match_passage};
use anyhow::Context;
use std::collections::HashSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  platewatch bench matching --entries 10000\n  \
    platewatch bench matching --entries 10000000 --reload\n\n\
    Writes a list of so many plates, drawn as common as they are in traffic, loads it and matches passages drawn \
    through the reader's confusions, one in ten of them on the list. Prints `name value` lines: seconds, megabytes, \
    nanoseconds.\n\
    Exit codes: 0 measured; 1 could not be; 2 wrong usage.")]
pub(super) struct Args {
    /// Entries of the list
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=20_000_000))]
    entries: u32,
    /// Patterns in it besides
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(0..=10_000))]
    patterns: u32,
    /// Passages to match
    #[arg(long, value_name = "N", default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(100..=10_000_000))]
    passages: u32,
    /// Also load the list a second time while matching goes on, as a renewed list is
    #[arg(long)]
    reload: bool,
    /// Where the list is written [default: the system's temporary folder]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// The same seed draws the same list and passages
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
}

pub(super) fn run(args: &Args) -> anyhow::Result<u8> {
    let dir = args.dir.clone().unwrap_or_else(std::env::temp_dir);
    let path = dir.join(format!("platewatch-bench-{}.csv", std::process::id()));
    let outcome = measure(args, &path);
    let _ = std::fs::remove_file(&path); // nothing depends on it
    outcome?;
    Ok(DONE)
}

fn measure(args: &Args, path: &Path) -> anyhow::Result<()> {
    let traffic = Traffic::new();
    let mut chance = Chance::new(args.seed);
    let wanted = write_list(args, path, &traffic, &mut chance)
        .with_context(|| format!("{}: cannot be written", path.display()))?;
    let settings = |kinds: Vec<MatchKind>| Settings {
        max_bad_share: 0.0,
        rules: Rules { kinds, ..Rules::default() },
        ..Settings::plain("bench", path)
    };
    let passages = passages(args, &traffic, &wanted, &mut chance);
    drop(wanted);
    let mut out = std::io::stdout().lock();
    let before = memory("VmRSS");
    let (start, cpu) = (Instant::now(), cpu_seconds());
    let (list, report) = load_file(&settings(Rules::ALL.to_vec()))?;
    let load = start.elapsed();
    writeln!(out, "entries {}", report.loaded)?;
    writeln!(out, "load_seconds {:.2}", load.as_secs_f64())?;
    writeln!(out, "load_cpu_seconds {:.2}", cpu_seconds() - cpu)?;
    writeln!(out, "list_megabytes {:.0}", list.bytes() as f64 / 1e6)?;
    writeln!(out, "resident_megabytes {:.0}", memory("VmRSS") - before)?;
    writeln!(out, "peak_megabytes {:.0}", memory("VmHWM"))?;

    let mut list = list;
    for (name, kinds) in [
        ("exact", vec![MatchKind::Exact]),
        ("resolved", vec![MatchKind::Exact, MatchKind::Resolved]),
        ("alternative", vec![MatchKind::Exact, MatchKind::Resolved, MatchKind::Alternative]),
        ("wildcard", vec![MatchKind::Wildcard]),
        ("all", Rules::ALL.to_vec()),
    ] {
        // A lookup alone for `exact`: the kinds after it are what a passage costs under such rules.
        list = list.with_rules(Rules { kinds, ..Rules::default() });
        if name == "exact" {
            let times = timed(&passages, |p| list.holds(&p.text));
            print_times(&mut out, name, times)?;
            continue;
        }
        let set = HotlistSet::default().with(Arc::new(list));
        let now = Utc::now();
        let times = timed(&passages, |p| match_passage(&set, p, now).len());
        print_times(&mut out, name, times)?;
        let only = set.lists().first().map(Arc::clone).context("a set without its list")?;
        drop(set);
        list = Arc::into_inner(only).context("a list still in use")?;
    }
    if args.reload {
        reload(&mut out, list, &settings(Rules::ALL.to_vec()), &passages)?;
    }
    Ok(())
}

/// Writes the list; gives every thousandth of its plates at least, and all of a short one.
fn write_list(
    args: &Args,
    path: &Path,
    traffic: &Traffic,
    chance: &mut Chance,
) -> std::io::Result<Vec<(PlateText, crate::domain::Country)>> {
    const CATEGORIES: [&str; 4] = ["stolen-vehicle", "wanted-person", "insurance", "inspection"];
    let mut out = std::io::BufWriter::new(std::fs::File::create(path)?);
    writeln!(out, "plate,category,priority,country,case")?;
    let mut kept = Vec::new();
    // The same plate twice would be one entry: enough of them are drawn that so many are left.
    let mut written: HashSet<u64> = HashSet::new();
    let mut n = 0u32;
    while n < args.entries {
        let (plate, country) = traffic.draw(chance);
        if !written.insert(packed(&plate)) {
            continue;
        }
        let category = CATEGORIES.get(chance.below(CATEGORIES.len())).copied().unwrap_or_default();
        writeln!(out, "{plate},{category},{},,", chance.below(10) * 10)?;
        if n.is_multiple_of(args.entries.div_ceil(10_000)) {
            kept.push((plate, country));
        }
        n += 1;
    }
    for _ in 0..args.patterns {
        let (plate, _) = traffic.draw(chance);
        let known = plate.as_str().get(..plate.as_str().len().min(5)).unwrap_or_default();
        if known.len() > 3 {
            writeln!(out, "{known}*,pattern,10,,")?;
        }
    }
    out.flush()?;
    Ok(kept)
}

/// A plate as a number; longer ones than twelve characters may share one.
fn packed(plate: &PlateText) -> u64 {
    plate.as_str().bytes().fold(0u64, |n, c| n.wrapping_mul(37).wrapping_add(u64::from(c - b'/')))
}

fn passages(
    args: &Args,
    traffic: &Traffic,
    wanted: &[(PlateText, crate::domain::Country)],
    chance: &mut Chance,
) -> Vec<Passage> {
    let channel = Channel::new(Confusions::builtin());
    let mut all = Vec::with_capacity(args.passages as usize);
    while all.len() < args.passages as usize {
        let listed = if all.len() % 10 == 0 { wanted.get(chance.below(wanted.len())).cloned() } else { None };
        let (plate, country) = listed.unwrap_or_else(|| traffic.draw(chance));
        all.extend(channel.draw(&plate, country, Utc::now(), chance));
    }
    all
}

/// Rounds over all passages; of each passage the fastest counts, so that what else the machine does does not.
const ROUNDS: usize = 3;

/// Nanoseconds of each call, sorted. What the calls give is looked at, so that none is left out.
fn timed<T>(passages: &[Passage], call: impl Fn(&Passage) -> T) -> Vec<u64> {
    let mut times = vec![u64::MAX; passages.len()];
    for _ in 0..ROUNDS {
        for (p, best) in passages.iter().zip(&mut times) {
            let start = Instant::now();
            std::hint::black_box(call(p));
            *best = (*best).min(start.elapsed().as_nanos() as u64);
        }
    }
    times.sort_unstable();
    times
}

fn print_times(out: &mut impl Write, name: &str, times: Vec<u64>) -> std::io::Result<()> {
    let at = |share: f64| times.get((times.len() as f64 * share) as usize).copied().unwrap_or(0);
    writeln!(out, "{name}.p50_ns {}", at(0.5))?;
    writeln!(out, "{name}.p99_ns {}", at(0.99))
}

/// Loads the list anew while another thread matches.
fn reload(
    out: &mut impl Write,
    list: crate::hotlist::List,
    settings: &Settings,
    passages: &[Passage],
) -> anyhow::Result<()> {
    let hotlists = Hotlists::new();
    hotlists.replace(list);
    let (done, started) = (AtomicBool::new(false), Instant::now());
    let (times, seconds) = std::thread::scope(|scope| {
        let matching = scope.spawn(|| {
            let mut times = Vec::new();
            while !done.load(Ordering::Relaxed) {
                for p in passages.iter().take(1_000) {
                    let start = Instant::now();
                    std::hint::black_box(match_passage(&hotlists.snapshot(), p, Utc::now()));
                    times.push(start.elapsed().as_nanos() as u64);
                }
            }
            times
        });
        let loaded = load_file(settings).map(|(list, _)| hotlists.replace(list));
        let seconds = started.elapsed().as_secs_f64();
        done.store(true, Ordering::Relaxed);
        let times = matching.join().unwrap_or_default();
        loaded.map(|()| (times, seconds))
    })?;
    let mut times = times;
    times.sort_unstable();
    writeln!(out, "reload.seconds {seconds:.2}")?;
    writeln!(out, "reload.matched {}", times.len())?;
    let longest = times.last().copied().unwrap_or(0);
    print_times(out, "reload.all", times)?;
    writeln!(out, "reload.all.max_ns {longest}")?;
    writeln!(out, "reload.peak_megabytes {:.0}", memory("VmHWM"))?;
    Ok(())
}

/// Megabytes that the system says of this process; 0 where it says nothing.
fn memory(what: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix(what)?.strip_prefix(':'));
    let kilobytes = line.and_then(|l| l.split_whitespace().next()).and_then(|n| n.parse::<f64>().ok());
    kilobytes.unwrap_or(0.0) * 1024.0 / 1e6
}

/// Processor time of this process in seconds, all threads together; 0 where the system does not say. On a machine
/// that does other things too it says more than the time on the wall.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // After the name in brackets, which may hold spaces: state is the first field, user and system time the 12th and
    // 13th, in hundredths on every Linux there is.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    fields.filter_map(|f| f.parse::<f64>().ok()).sum::<f64>() / 100.0
}
