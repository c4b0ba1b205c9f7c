//! Seeded mutation testing on the stable compiler; see README.md.

use platewatch::domain::{PlateText, Utc};
use platewatch::hotlist::simulate::{Chance, Channel, Traffic};
use platewatch::hotlist::{
    Confusions, HotlistSet, Manifest, Mapping, Signers, import, import_bytes, listed, match_passage, ready,
};
use platewatch::plate::{classify, normalise, resolve};
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::panic::catch_unwind;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Takes an input, gives what became of it in few words: an input with new words is kept.
type Target = fn(&[u8]) -> String;

const TARGETS: &[(&str, Target)] =
    &[("list", list), ("grammar", grammar), ("mapping", mapping), ("manifest", manifest)];

fn list(bytes: &[u8]) -> String {
    let now = Utc::from_unix_ms(1_764_000_000_000);
    match import_bytes(bytes, "fuzz", 0.9, now) {
        Ok((list, report)) => {
            assert_eq!(list.len() as u64, report.loaded);
            assert_eq!(report.rows, report.loaded + report.bad_rows + report.duplicate_rows);
            let plates: Vec<PlateText> =
                list.entries().take(4).filter_map(|e| e.plate.plate().cloned()).collect();
            let set = HotlistSet::default().with(Arc::new(list));
            let (mut chance, channel) =
                (Chance::new(bytes.len() as u64), Channel::new(Confusions::builtin()));
            let (other, country) = Traffic::new().draw(&mut chance);
            let mut kinds = HashSet::new();
            for plate in plates.iter().chain([&other]) {
                for m in channel
                    .draw(plate, country, now, &mut chance)
                    .iter()
                    .flat_map(|p| match_passage(&set, p, now))
                {
                    assert!((0.0..=1.0).contains(&m.probability));
                    kinds.insert(m.kind.as_str());
                }
            }
            let fields: HashSet<String> = report.bad.iter().map(|p| p.field.clone()).collect();
            let mut words: Vec<String> =
                fields.into_iter().chain(kinds.into_iter().map(str::to_owned)).collect();
            words.sort();
            format!("{} {} {words:?}", report.duplicate_rows.min(2), report.warnings.len())
        }
        Err(error) => error.without_content().chars().filter(|c| !c.is_ascii_digit()).take(60).collect(),
    }
}

/// The first byte chooses the ready mapping; the rest is the file, and a mapping itself.
fn mapping(bytes: &[u8]) -> String {
    let now = Utc::from_unix_ms(1_764_000_000_000);
    let Some((pick, file)) = bytes.split_first() else { return "nothing".into() };
    let _ = Mapping::parse("fuzz", &String::from_utf8_lossy(file));
    let all = ready();
    let (name, text) = all[usize::from(*pick) % all.len()];
    let mapping = Mapping::parse(name, text).unwrap();
    match import(file, &mapping, "fuzz", 0.9, now) {
        Ok((list, report)) => {
            assert_eq!(list.len() as u64, report.loaded);
            assert_eq!(report.rows, report.loaded + report.bad_rows + report.duplicate_rows);
            let mut fields: Vec<String> = report.bad.iter().map(|p| p.field.clone()).collect();
            fields.sort();
            fields.dedup();
            format!("{name} {} {} {fields:?}", report.skipped.min(2), report.warnings.len())
        }
        Err(error) => {
            let told = error.without_content();
            format!("{name} {}", told.chars().filter(|c| !c.is_ascii_digit()).take(60).collect::<String>())
        }
    }
}

fn manifest(bytes: &[u8]) -> String {
    let key = format!("platewatch-ed25519 zone {}\n", "5b".repeat(32));
    let signers = Signers::parse(&key).unwrap();
    let _ = Signers::parse(&String::from_utf8_lossy(bytes)).map(|s| s.ids().count());
    // Nobody has that key's other half.
    Manifest::verify(bytes, &signers).unwrap_err().to_string().chars().take(40).collect()
}

fn grammar(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let pattern = listed(&text).map(|l| assert_eq!(listed(l.as_str()), Ok(l))).is_ok();
    let Ok(plate) = normalise(&text) else { return format!("no plate, {pattern}") };
    assert_eq!(normalise(plate.as_str()).as_ref(), Ok(&plate));
    let resolved = resolve(&plate, None);
    if let Some(r) = &resolved {
        assert_ne!(r.text, plate);
        assert_eq!(r.text.as_str().len(), plate.as_str().len());
    }
    let series = classify(&plate, None).map_or("", |f| f.rule.series);
    format!("{} {series} {}", plate.as_str().len(), resolved.map_or("", |r| r.format.rule.series))
}

fn mutate(chance: &mut Chance, from: &[u8], other: &[u8]) -> Vec<u8> {
    const PIECES: &[&str] = &[
        ",",
        ";",
        "\t",
        "\"",
        "\n",
        "\r\n",
        "\u{feff}",
        "plate",
        "valid_until",
        "2026-13-01",
        "BE",
        "*",
        "?",
        "А",
        "Ä",
        "-",
        "1ABC123",
        "O0I1",
        "\0",
        "é",
        "99999999999",
        "\u{202e}",
    ];
    let mut out = from.to_vec();
    for _ in 0..1 + chance.below(4) {
        let at = chance.below(out.len() + 1).min(out.len());
        match chance.below(6) {
            0 if !out.is_empty() => {
                let at = at.min(out.len() - 1);
                out[at] = chance.below(256) as u8;
            }
            1 => {
                let end = (at + chance.below(8)).min(out.len());
                out.drain(at..end);
            }
            2 => {
                let piece = PIECES[chance.below(PIECES.len())].bytes();
                out.splice(at..at, piece);
            }
            3 => {
                let end = (at + chance.below(40)).min(out.len());
                let part = out[at..end].to_vec();
                out.splice(at..at, part);
            }
            4 => {
                let start = chance.below(other.len() + 1).min(other.len());
                out.truncate(at);
                out.extend_from_slice(&other[start..]);
            }
            _ => out.truncate(at),
        }
    }
    out.truncate(1 << 14);
    out
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| {
        args.iter().position(|a| a == name).and_then(|i| args.get(i + 1)).and_then(|v| v.parse::<u64>().ok())
    };
    let target = TARGETS.iter().find(|t| args.first().is_some_and(|a| a == t.0));
    let Some((name, target)) = target else {
        let names: Vec<&str> = TARGETS.iter().map(|t| t.0).collect();
        eprintln!("usage: platewatch-fuzz {} [--minutes N] [--seed N]", names.join("|"));
        std::process::exit(2);
    };
    let (seed, until) = (
        value("--seed").unwrap_or(1),
        Instant::now() + Duration::from_secs(60 * value("--minutes").unwrap_or(1)),
    );
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
    let mut kept: Vec<Vec<u8>> = Vec::new();
    let mut files: Vec<_> =
        std::fs::read_dir(&corpus).expect("a folder of inputs").flatten().map(|f| f.path()).collect();
    files.sort();
    kept.extend(files.iter().filter_map(|f| std::fs::read(f).ok()));
    assert!(!kept.is_empty(), "{} holds no input", corpus.display());
    let mut seen = HashSet::new();
    let (mut chance, mut tried) = (Chance::new(seed), 0u64);
    while Instant::now() < until {
        let input = match kept.get(tried as usize) {
            Some(first) => first.clone(),
            None => {
                let (one, other) = (chance.below(kept.len()), chance.below(kept.len()));
                mutate(&mut chance, &kept[one], &kept[other])
            }
        };
        tried += 1;
        match catch_unwind(|| target(&input)) {
            Ok(outcome) => {
                let mut hash = DefaultHasher::new();
                outcome.hash(&mut hash);
                if seen.insert(hash.finish()) && kept.len() < 5_000 {
                    kept.push(input);
                }
            }
            Err(_) => {
                let file = corpus.join(format!("crash-{seed}-{tried}"));
                std::fs::write(&file, &input).expect("the folder of inputs can be written");
                eprintln!("{name}: input {tried} panics; kept as {}", file.display());
                std::process::exit(1);
            }
        }
    }
    println!(
        "{name}: {tried} inputs, {} with an outcome of their own, none panicked (seed {seed})",
        kept.len()
    );
}
