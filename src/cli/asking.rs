//! Who asks: arguments, passwords and the gate, for every verb that reads back what a box has kept.
//!
//! Passwords come from a file, an environment variable or the terminal, never from the command line, where every
//! user of the system could read them.

use crate::domain::{PlateText, Utc};
use crate::law::access::{Answer, Asker, Gate, Look, Right, Users};
use crate::law::{Policy, Preset};
use crate::runtime::Secret;
pub(super) use crate::runtime::who::system_user;
use crate::store::{AuditAction, AuditEntry, Clerk, LawInForce, NewLook, Reader, Settings, StoreError};
use anyhow::{Context, bail};
use std::io::{BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};

/// Environment variable with the password of `--as`.
const PASSWORD: &str = "PLATEWATCH_PASSWORD";
/// And with that of `--second`.
const SECOND_PASSWORD: &str = "PLATEWATCH_SECOND_PASSWORD";

/// Who asks.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct AskingArgs {
    /// Who looks, as known on this box (`platewatch access user list`); their password is asked for
    #[arg(long = "as", value_name = "NAME")]
    pub who: Option<String>,
    /// File with the password [default: the variable PLATEWATCH_PASSWORD, or the terminal]
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// The second person, where two are needed; their password is asked for too
    #[arg(long, value_name = "NAME")]
    pub second: Option<String>,
    /// File with the second person's password [default: the variable PLATEWATCH_SECOND_PASSWORD, or the terminal]
    #[arg(long, value_name = "FILE")]
    pub second_password_file: Option<PathBuf>,
    /// Reference of the prosecutor's decision, for what is older than the first month
    #[arg(long, value_name = "REFERENCE")]
    pub decision: Option<String>,
}

/// What is asked, for the gate and the record.
pub(super) struct Asked {
    pub right: Right,
    /// With what: `log`, `search-past`, ...
    pub what: &'static str,
    pub bulk: bool,
    pub plate: Option<PlateText>,
    pub since: Option<Utc>,
    pub before: Option<Utc>,
    pub purpose: Option<String>,
    pub case: Option<String>,
}

/// A look that was allowed and is on record.
pub(super) struct Permit {
    pub who: String,
    pub second: String,
    /// What was first seen before is left out.
    pub not_before: Option<Utc>,
    pub left_out: Option<String>,
    pub max_rows: Option<usize>,
    pub reason: String,
    /// Whether people must log in here.
    pub strict: bool,
    /// Its number; `None` where it could not be put on record and need not be.
    look: Option<i64>,
}

/// The gate of this store: the law it was last started with.
pub(super) fn gate(law: Option<&LawInForce>) -> anyhow::Result<Gate> {
    let Some(law) = law else {
        return Ok(Gate { policy: Policy::Off, preset: "off".into(), rules: None });
    };
    let policy = law.policy.parse::<Policy>().unwrap_or(Policy::Enforce);
    let preset = Preset::parse(&law.rules, &law.preset).context("the law on record of this store")?;
    Ok(Gate { policy, preset: preset.name, rules: preset.rules.map(|r| r.access) })
}

/// Lets in who asks, asks the gate, and puts the look on record before anything is read.
pub(super) fn permit(settings: &Settings, args: &AskingArgs, asked: &Asked) -> anyhow::Result<Permit> {
    let reader = Reader::open(settings)?;
    let gate = gate(reader.law_in_force()?.as_ref())?;
    let asker = asker(settings, &gate, args)?;
    let second = second(settings, &gate, args)?;
    let now = Utc::now();
    let day_ago = now.plus_ms(-86_400_000);
    let look = Look {
        right: asked.right,
        bulk: asked.bulk,
        purpose: asked.purpose.clone(),
        case: asked.case.clone(),
        decision: args.decision.clone(),
        second: second.clone(),
        bulk_today: reader.bulk_looks(&asker.name, day_ago)?,
        now,
    };
    drop(reader);
    let answer = gate.decide(&asker, &look);
    let text = |t: &Option<String>| t.as_deref().unwrap_or_default().trim().to_owned();
    let mut record = NewLook {
        who: asker.name.clone(),
        role: asker.role.map_or("", |r| r.word()).to_owned(),
        what: asked.what.to_owned(),
        bulk: asked.bulk,
        plate: asked.plate.clone(),
        since: asked.since,
        before: asked.before,
        purpose: text(&asked.purpose),
        case: text(&asked.case),
        decision: text(&args.decision),
        second: second.map_or_else(String::new, |s| s.name),
        allowed: false,
        reason: String::new(),
        shown: 0,
    };
    match answer {
        Answer::Refused(why) => {
            record.reason = why.clone();
            Clerk::open(settings)?.begin_look(settings, &record, now)?;
            bail!("refused: {why}")
        }
        Answer::Allowed { not_before, left_out, max_rows, reason, warning } => {
            if let Some(warning) = warning {
                let _ = writeln!(std::io::stderr(), "note: {warning}");
            }
            record.allowed = true;
            record.reason.clone_from(&reason);
            let kept = Clerk::open(settings).and_then(|mut c| c.begin_look(settings, &record, now));
            let look = match kept {
                Ok(look) => Some(look),
                // A copy on a read-only medium can be read where nobody has to log in; elsewhere a look that is not
                // on record is not made.
                Err(StoreError::ReadOnly { .. }) if !gate.asks() => None,
                Err(error) => return Err(error.into()),
            };
            let strict = gate.asks();
            Ok(Permit {
                who: record.who,
                second: record.second,
                not_before,
                left_out,
                max_rows,
                reason,
                strict,
                look,
            })
        }
    }
}

impl Permit {
    /// The later of what was asked for and what may be seen.
    pub fn since(&self, asked: Option<Utc>) -> Option<Utc> {
        asked.max(self.not_before)
    }

    /// Notes what the look showed.
    pub fn done(&self, settings: &Settings, shown: u64, left_out: u64) -> anyhow::Result<()> {
        if let Some(look) = self.look {
            Clerk::open(settings)?.end_look(look, shown, left_out)?;
        }
        Ok(())
    }
}

/// Who asks, let in where people must log in.
pub(super) fn asker(settings: &Settings, gate: &Gate, args: &AskingArgs) -> anyhow::Result<Asker> {
    if !gate.asks() {
        return Ok(Asker { name: args.who.clone().unwrap_or_else(system_user), role: None });
    }
    let Some(name) = &args.who else {
        bail!("refused: nobody is logged in: say who you are with --as NAME; law.policy is enforce here");
    };
    let_in(settings, name, args.password_file.as_deref(), PASSWORD)
}

fn second(settings: &Settings, gate: &Gate, args: &AskingArgs) -> anyhow::Result<Option<Asker>> {
    match &args.second {
        Some(name) if gate.asks() => {
            let_in(settings, name, args.second_password_file.as_deref(), SECOND_PASSWORD).map(Some)
        }
        Some(name) => Ok(Some(Asker { name: name.clone(), role: None })),
        None => Ok(None),
    }
}

fn let_in(settings: &Settings, name: &str, file: Option<&Path>, variable: &str) -> anyhow::Result<Asker> {
    let users = Users::read(&settings.users())?;
    if users.all().is_empty() {
        bail!(
            "refused: nobody is known on this box yet; `platewatch access user add NAME --role supervisor --data {}`",
            settings.dir.display()
        );
    }
    let password = password(file, variable, &format!("Password of {name}: "))?;
    match users.let_in(name, &password) {
        Ok(user) => Ok(Asker { name: user.name.clone(), role: Some(user.role) }),
        Err(error) => {
            let entry = AuditEntry::by(name, AuditAction::LoginFailed).with("with", "command line");
            Clerk::open(settings)?.tell_audit(&entry, Utc::now())?;
            bail!("refused: {error}")
        }
    }
}

/// A password from a file, a variable or the terminal.
pub(super) fn password(file: Option<&Path>, variable: &str, prompt: &str) -> anyhow::Result<Secret> {
    if let Some(path) = file {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("the password file {} cannot be read", path.display()))?;
        return Ok(Secret::new(text.trim_end_matches(['\r', '\n']).to_owned()));
    }
    if let Ok(text) = std::env::var(variable) {
        return Ok(Secret::new(text));
    }
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        bail!("there is no terminal to ask for a password: give it with a file or in {variable}");
    }
    write!(std::io::stderr(), "{prompt}")?;
    std::io::stderr().flush()?;
    let hidden = Hidden::new();
    let mut line = String::new();
    let read = stdin.lock().read_line(&mut line);
    drop(hidden);
    writeln!(std::io::stderr())?;
    read.context("the password could not be read")?;
    Ok(Secret::new(line.trim_end_matches(['\r', '\n']).to_owned()))
}

/// The terminal shows nothing of what is typed, as long as this lives.
struct Hidden;

impl Hidden {
    fn new() -> Self {
        stty("-echo");
        Self
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        stty("echo");
    }
}

/// coreutils' own; where it is missing the password shows, which is said by the terminal itself.
fn stty(argument: &str) {
    let _ = std::process::Command::new("stty").arg(argument).status();
}
