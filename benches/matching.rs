//! `cargo bench --bench matching`: a passage against lists, and loading one.
//!
//! For lists of ten million entries and for percentiles there is `platewatch bench matching`.

#![allow(missing_docs, clippy::unwrap_used)] // criterion's macros, and a bench may stop at the first thing wrong

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use platewatch::domain::{Passage, Utc};
use platewatch::hotlist::simulate::{Chance, Channel, Traffic};
use platewatch::hotlist::{Confusions, HotlistSet, Rules, expect, import_bytes, match_passage};
use std::fmt::Write as _;
use std::hint::black_box;
use std::sync::Arc;

const ENTRIES: usize = 100_000;

fn text(traffic: &Traffic, chance: &mut Chance) -> String {
    let mut text = "plate,category\n".to_owned();
    for _ in 0..ENTRIES {
        writeln!(text, "{},stolen-vehicle", traffic.draw(chance).0).unwrap();
    }
    text
}

fn matching(c: &mut Criterion) {
    let (traffic, mut chance, now) = (Traffic::new(), Chance::new(1), Utc::from_unix_ms(0));
    let csv = text(&traffic, &mut chance);
    let load = || import_bytes(csv.as_bytes(), "bench", 0.0, now).unwrap().0;
    let channel = Channel::new(Confusions::builtin());
    let passages: Vec<Passage> = std::iter::repeat_with(|| {
        let (plate, country) = traffic.draw(&mut chance);
        channel.draw(&plate, country, now, &mut chance)
    })
    .flatten()
    .take(1_000)
    .collect();
    let mut each = passages.iter().cycle();
    for (name, kinds) in [("exact and resolved", Rules::ALL.get(..2)), ("all kinds", Some(&Rules::ALL[..]))] {
        let rules = Rules { kinds: kinds.unwrap_or_default().to_vec(), ..Rules::default() };
        let set = HotlistSet::default().with(Arc::new(load().with_rules(rules)));
        c.bench_function(&format!("match a passage, 100,000 entries, {name}"), |b| {
            b.iter_batched(
                || each.next().unwrap(),
                |p| black_box(match_passage(&set, p, now)),
                BatchSize::SmallInput,
            );
        });
    }
    let mut slow = c.benchmark_group("lists");
    slow.sample_size(10);
    slow.bench_function("load 100,000 entries", |b| b.iter(|| black_box(load())));
    let list = Arc::new(load());
    slow.bench_function("reckon the budget of 100,000 entries", |b| {
        b.iter(|| black_box(expect(&list, &Confusions::builtin(), 82_000.0, now)));
    });
}

criterion_group!(benches, matching);
criterion_main!(benches);
