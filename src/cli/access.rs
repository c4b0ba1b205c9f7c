//! `platewatch access`: the people known on a box, who looked for what, and answers to citizens.

use super::asking::{Asked, AskingArgs, asker, gate, password, permit};
use super::common::StoreArgs;
use super::{DONE, access_subject};
use crate::domain::{PlateText, Utc};
use crate::law::access::{Right, Role, Users};
use crate::plate::normalise;
use crate::store::{AuditAction, AuditEntry, Clerk, LookDone, LookFilter, Reader, Settings};
use anyhow::bail;
use serde_json::json;
use std::io::Write;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    platewatch access user add m.claes --role supervisor --data /var/lib/platewatch\n  \
    platewatch access user list --data /var/lib/platewatch\n  \
    platewatch access report --since 2026-11-01T00:00:00Z --as m.claes --data /var/lib/platewatch\n  \
    platewatch access subject 1-ABC-123 --from 2026-10-01T00:00:00Z --to 2026-11-01T00:00:00Z \
    --reference COC/2026/114 --out answer --as l.maes --second m.claes --data /var/lib/platewatch")]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Add, list and disable people
    User(UserArgs),
    /// Show who looked for what, and why
    Report(Report),
    /// Make the answer to a citizen who asks what is held of a plate
    Subject(Box<access_subject::Args>),
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    platewatch access user add m.claes --role supervisor --data /var/lib/platewatch\n  \
    platewatch access user add j.peeters --role investigator --new-password-file pw --as m.claes \
    --data /var/lib/platewatch\n  \
    platewatch access user disable j.peeters --as m.claes --data /var/lib/platewatch\n\n\
    The first supervisor is added by whoever may write the store's folder; from then on people are added by who has \
    the right \"users\".\n\
    Roles: operator, investigator, data-protection-officer, supervisor, maintainer.\n\
    Exit codes: 0 done; 1 refused or failed; 2 wrong usage.")]
struct UserArgs {
    #[command(subcommand)]
    verb: UserVerb,
}

#[derive(Debug, clap::Subcommand)]
enum UserVerb {
    /// Add somebody; the new password is asked for
    Add {
        /// Their name: letters, digits and . - _ @
        #[arg(value_name = "NAME")]
        name: String,
        /// What they are
        #[arg(long, value_name = "ROLE")]
        role: Role,
        /// File with the new password [default: the variable PLATEWATCH_NEW_PASSWORD, or the terminal]
        #[arg(long, value_name = "FILE")]
        new_password_file: Option<PathBuf>,
        #[command(flatten)]
        store: StoreArgs,
        #[command(flatten)]
        asking: AskingArgs,
    },
    /// Show everybody; no passwords
    List {
        #[command(flatten)]
        store: StoreArgs,
    },
    /// Let somebody in no more
    Disable {
        /// Their name
        #[arg(value_name = "NAME")]
        name: String,
        #[command(flatten)]
        store: StoreArgs,
        #[command(flatten)]
        asking: AskingArgs,
    },
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    platewatch access report --as m.claes --data /var/lib/platewatch\n  \
    platewatch access report --plate 1-ABC-123 --as m.claes --data /var/lib/platewatch\n\n\
    Reading the report is a look too and stands in the next one.\n\
    Exit codes: 0 done; 1 refused or failed; 2 wrong usage.")]
struct Report {
    /// Only from this time on
    #[arg(long, value_name = "TIME")]
    since: Option<Utc>,
    /// Only looks by this person
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// Only looks for this plate, those too whose text is gone
    #[arg(long, value_name = "PLATE", value_parser = plate)]
    plate: Option<PlateText>,
    /// At most so many, the latest first
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    limit: usize,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    asking: AskingArgs,
}

fn plate(text: &str) -> Result<PlateText, String> {
    normalise(text).map_err(|e| e.to_string())
}

pub(super) fn run(args: &Args) -> anyhow::Result<u8> {
    match &args.verb {
        Verb::User(user) => match &user.verb {
            UserVerb::Add { name, role, new_password_file, store, asking } => {
                add(&store.settings()?, name, *role, new_password_file.as_deref(), asking)
            }
            UserVerb::List { store } => list(&store.settings()?),
            UserVerb::Disable { name, store, asking } => disable(&store.settings()?, name, asking),
        },
        Verb::Report(report) => show(report),
        Verb::Subject(subject) => access_subject::run(subject),
    }
}

/// Who manages people: somebody with the right, or, before there is anybody with it, whoever can write the store.
fn manager(settings: &Settings, users: &Users, asking: &AskingArgs) -> anyhow::Result<String> {
    let mut gate = gate(Reader::open(settings)?.law_in_force()?.as_ref())?;
    // People are managed by people also where nothing is enforced yet, by the rules that will be.
    gate.policy = crate::law::Policy::Enforce;
    let can = |role: Role| gate.has(Some(role), Right::Users);
    if gate.rules.is_none() || !users.all().iter().any(|u| u.is_enabled() && can(u.role)) {
        return Ok(super::asking::system_user());
    }
    let who = asker(settings, &gate, asking)?;
    if !gate.has(who.role, Right::Users) {
        bail!(
            "refused: the role {} has not the right \"users\" (access.roles of the preset {})",
            who.role.map_or("-", Role::word),
            gate.preset
        );
    }
    Ok(who.name)
}

fn add(
    settings: &Settings,
    name: &str,
    role: Role,
    file: Option<&std::path::Path>,
    asking: &AskingArgs,
) -> anyhow::Result<u8> {
    let mut users = Users::read(&settings.users())?;
    let by = manager(settings, &users, asking)?;
    let new = password(file, "PLATEWATCH_NEW_PASSWORD", &format!("New password of {name}: "))?;
    let now = Utc::now();
    users.add(name, role, &new, &by, &now.to_string())?;
    let entry = AuditEntry::by(&by, AuditAction::UserAdded).with("name", name).with("role", role);
    Clerk::open(settings)?.tell_audit(&entry, now)?;
    writeln!(std::io::stdout().lock(), "{name} added as {role}")?;
    Ok(DONE)
}

fn disable(settings: &Settings, name: &str, asking: &AskingArgs) -> anyhow::Result<u8> {
    let mut users = Users::read(&settings.users())?;
    let by = manager(settings, &users, asking)?;
    let now = Utc::now();
    users.disable(name, &now.to_string())?;
    let entry = AuditEntry::by(&by, AuditAction::UserDisabled).with("name", name);
    Clerk::open(settings)?.tell_audit(&entry, now)?;
    writeln!(std::io::stdout().lock(), "{name} disabled")?;
    Ok(DONE)
}

fn list(settings: &Settings) -> anyhow::Result<u8> {
    let mut out = std::io::stdout().lock();
    for user in Users::read(&settings.users())?.all() {
        let state =
            if user.is_enabled() { String::new() } else { format!("  disabled {}", user.disabled_at) };
        let (name, role, at, by) = (&user.name, user.role.word(), &user.added_at, &user.added_by);
        writeln!(out, "{name:<24} {role:<24} added {at} by {by}{state}")?;
    }
    Ok(DONE)
}

fn show(args: &Report) -> anyhow::Result<u8> {
    let settings = args.store.settings()?;
    let asked = Asked {
        right: Right::Report,
        what: "report",
        bulk: false,
        plate: args.plate.clone(),
        since: args.since,
        before: None,
        purpose: None,
        case: None,
    };
    let permit = permit(&settings, &args.asking, &asked)?;
    let filter =
        LookFilter { since: args.since, who: args.by.clone(), plate: args.plate.clone(), limit: args.limit };
    let looks = Reader::open(&settings)?.looks(&settings, &filter)?;
    let mut out = std::io::stdout().lock();
    for look in &looks {
        writeln!(out, "{}", if args.json { json_line(look) } else { line(look) })?;
    }
    permit.done(&settings, looks.len() as u64, 0)?;
    Ok(DONE)
}

fn plate_words(look: &LookDone) -> &str {
    match &look.look.plate {
        Some(plate) => plate.as_str(),
        None if look.had_plate => "(plate, its term is over)",
        None => "-",
    }
}

fn line(done: &LookDone) -> String {
    let l = &done.look;
    let mut text = format!(
        "{} {:<20} {:<24} {:<12} {:<10} {}",
        done.at,
        l.who,
        if l.role.is_empty() { "-" } else { &l.role },
        l.what,
        plate_words(done),
        if l.allowed { format!("shown {}, left out {}", l.shown, done.left_out) } else { "REFUSED".into() },
    );
    for (name, value) in [
        ("purpose", &l.purpose),
        ("case", &l.case),
        ("decision", &l.decision),
        ("second", &l.second),
        ("why", &l.reason),
    ] {
        if !value.is_empty() {
            text.push_str(&format!("; {name} {value}"));
        }
    }
    text
}

fn json_line(done: &LookDone) -> String {
    let l = &done.look;
    json!({
        "look": done.id, "at": done.at.to_string(), "who": l.who, "role": l.role, "what": l.what, "bulk": l.bulk,
        "plate": l.plate.as_ref().map(PlateText::as_str), "plate_asked": done.had_plate,
        "since": l.since.map(|t| t.to_string()), "before": l.before.map(|t| t.to_string()),
        "purpose": l.purpose, "case": l.case, "decision": l.decision, "second": l.second, "allowed": l.allowed,
        "reason": l.reason, "shown": l.shown, "left_out": done.left_out,
    })
    .to_string()
}
