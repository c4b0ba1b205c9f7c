//! `platewatch bench`: the figures in the README, by anyone, with the shipped binary.

use super::{
    bench_accuracy, bench_day, bench_faults, bench_load, bench_matching, bench_passages, bench_speed,
};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  platewatch bench speed\n  platewatch bench accuracy --dataset eval.jsonl"
)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Detection and reading against labelled pictures
    Accuracy(bench_accuracy::Args),
    /// False hits and hits missed of a simulated day, by kind of match and length of list
    Day(bench_day::Args),
    /// The whole box with threads that panic: what a defect takes with it
    Faults(bench_faults::Args),
    /// Time to load a list and to match against it, by kind of match
    Matching(bench_matching::Args),
    /// Store, outbox and broker under load, without cameras
    Load(bench_load::Args),
    /// Passages of a clip against its truth: identity, text, splits and joins
    Passages(bench_passages::Args),
    /// Frames per second, time per stage and time to a delivered message
    Speed(bench_speed::Args),
}

pub(super) fn run(args: &Args) -> anyhow::Result<u8> {
    match &args.what {
        What::Accuracy(args) => bench_accuracy::run(args),
        What::Day(args) => bench_day::run(args),
        What::Faults(args) => bench_faults::run(args),
        What::Matching(args) => bench_matching::run(args),
        What::Load(args) => bench_load::run(args),
        What::Passages(args) => bench_passages::run(args),
        What::Speed(args) => bench_speed::run(args),
    }
}
