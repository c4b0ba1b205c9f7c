//! Layer 7: the command line, one file a verb.
//!
//! Each verb is an `Args` and a `run`; nothing is decided here. Exit codes: 0 done, 1 something was wrong
//! (said on stderr), 2 wrong usage, 3 done but some inputs could not be used. May import everything.

mod access;
mod access_subject;
mod alarms;
mod asking;
mod audit;
mod bench;
mod bench_accuracy;
mod bench_day;
mod bench_day_plot;
mod bench_faults;
mod bench_load;
mod bench_matching;
mod bench_passages;
mod bench_readings;
mod bench_speed;
mod check;
mod check_law;
mod check_store;
mod common;
mod dataset;
mod demo;
mod duty;
mod evidence;
mod hold;
mod hotlist;
mod hotlist_budget;
mod hotlist_check;
mod hotlist_sign;
mod log;
mod log_outcomes;
mod mandate;
mod message;
mod outbox;
mod outcome;
mod play;
mod print_config;
mod read;
mod register;
mod replay;
mod run;
mod search_past;
mod store;
mod subject_page;
mod version;

use crate::runtime::own_memory;
use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Everything went well.
const DONE: u8 = 0;
/// Something was wrong; stderr says what.
const FAILED: u8 = 1;
/// Done, but some inputs could not be used; stderr names them.
const PARTLY: u8 = 3;

/// Number-plate recognition for the police zone's own hardware.
#[derive(Debug, Parser)]
#[command(
    name = "platewatch",
    version,
    about,
    after_help = "Examples:\n  platewatch demo\n  platewatch read photo.jpg\n  platewatch run --config /etc/platewatch.toml\n\n\
        Exit codes: 0 done; 1 something was wrong (said on stderr); 2 wrong usage; 3 done, but some inputs \
        could not be used."
)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Run a box: all cameras of a configuration, until told to stop
    Run(run::Args),
    /// Play the sample clips through the whole chain and print the hits
    Demo(demo::Args),
    /// Read the plates in pictures
    Read(read::Args),
    /// Play a clip as fast as possible and print its passages
    Replay(replay::Args),
    /// Say everything that is wrong with a configuration, or with a store
    Check(check::Args),
    /// Print a commented example configuration
    PrintConfig(print_config::Args),
    /// Look at hotlists
    Hotlist(hotlist::Args),
    /// Show recent hits and passages
    Log(log::Args),
    /// Answer a hit: was it right, a misread, no longer wanted?
    Outcome(outcome::Args),
    /// Make signed commands and answers for the topics of a box
    Message(message::Args),
    /// Look at messages that could not be delivered, and send them again
    Outbox(outbox::Args),
    /// Look at alarms, and acknowledge them
    Alarms(alarms::Args),
    /// Manage people, read who looked for what, answer citizens
    Access(access::Args),
    /// Keep what a case needs from being deleted
    Hold(hold::Args),
    /// Read and verify the audit chain
    Audit(audit::Args),
    /// Take a hit out as one signed file, and prove such a file
    Evidence(evidence::Args),
    /// Copy the store; make a key for it, encrypt it, decrypt it, change its key
    Store(store::Args),
    /// Draft, sign, check and show the authorisations cameras work under
    Mandate(mandate::Args),
    /// Say which officer is in charge
    Duty(duty::Args),
    /// Write the register of use, and the public list of camera places
    Register(register::Args),
    /// Measure accuracy and speed
    Bench(bench::Args),
    /// Print the version and the hashes of the models
    Version(version::Args),
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    // Before anything secret is read. `run` says where the system refuses it.
    let _ = own_memory::close();
    let outcome = match Cli::parse().verb {
        Verb::Run(args) => run::run(&args),
        Verb::Demo(args) => demo::run(&args),
        Verb::Read(args) => read::run(&args),
        Verb::Replay(args) => replay::run(&args),
        Verb::Check(args) => check::run(&args),
        Verb::PrintConfig(args) => print_config::run(&args),
        Verb::Hotlist(args) => hotlist::run(&args),
        Verb::Log(args) => log::run(&args),
        Verb::Outcome(args) => outcome::run(&args),
        Verb::Message(args) => message::run(&args),
        Verb::Outbox(args) => outbox::run(&args),
        Verb::Alarms(args) => alarms::run(&args),
        Verb::Access(args) => access::run(&args),
        Verb::Hold(args) => hold::run(&args),
        Verb::Audit(args) => audit::run(&args),
        Verb::Evidence(args) => evidence::run(&args),
        Verb::Store(args) => store::run(&args),
        Verb::Mandate(args) => mandate::run(&args),
        Verb::Duty(args) => duty::run(&args),
        Verb::Register(args) => register::run(&args),
        Verb::Bench(args) => bench::run(&args),
        Verb::Version(args) => version::run(&args),
    };
    match outcome {
        Ok(code) => ExitCode::from(code),
        // `platewatch log | head` is not a failure.
        Err(e) if common::is_broken_pipe(&e) => ExitCode::SUCCESS,
        Err(error) => {
            common::complain(&common::told(&error));
            ExitCode::from(FAILED)
        }
    }
}

/// Door for the fuzz targets: the truth of a clip, and the index of labelled pictures.
#[cfg(any(test, fuzzing))]
pub(crate) fn fuzz_truth(bytes: &[u8]) {
    bench_passages::fuzz(bytes);
    String::from_utf8_lossy(bytes).lines().for_each(dataset::fuzz);
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_verb_has_examples() {
        for verb in Cli::command().get_subcommands() {
            let help = verb.get_after_help().map(ToString::to_string).unwrap_or_default();
            let nested: Vec<_> = verb.get_subcommands().collect();
            assert!(help.contains("platewatch ") || !nested.is_empty(), "{} has no example", verb.get_name());
        }
    }
}
