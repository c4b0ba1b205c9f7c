//! `platewatch mandate`: authorisations from the first draft to the box.

use super::{DONE, FAILED};
use crate::config;
use crate::domain::Utc;
use crate::law::{Mandate, Mandates, Moment, Permit, Preset, decide, mandate};
use crate::runtime::{PublicKey, Signers, SigningKey};
use anyhow::{Context, anyhow, bail};
use std::io::Write;
use std::path::{Path, PathBuf};

/// The examples that `new` prints: kind of camera, what it is, text.
const DRAFTS: &[(&str, &str)] = &[
    ("fixed-network", include_str!("../../deploy/mandates/fixed-network.toml")),
    ("temporary-fixed", include_str!("../../deploy/mandates/temporary-fixed.toml")),
    ("fixed-anpr", include_str!("../../deploy/mandates/fixed-anpr.toml")),
    ("van-roof", include_str!("../../deploy/mandates/van-roof.toml")),
    ("car-anpr", include_str!("../../deploy/mandates/car-anpr.toml")),
    ("third-party", include_str!("../../deploy/mandates/third-party.toml")),
    ("oral", include_str!("../../deploy/mandates/oral.toml")),
];

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  platewatch mandate key --id zone --secret mandates.key --public mandate-signers\n  \
    platewatch mandate new fixed-anpr > GR-2026-103.toml\n  \
    platewatch mandate sign GR-2026-103.toml --key mandates.key --signer zone\n  \
    platewatch mandate check GR-2026-103.toml --signers mandate-signers\n  \
    platewatch mandate list --config /etc/platewatch.toml\n\n\
    docs/guide/mandates.md walks through it."
)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Make the key with which mandates are signed
    #[command(
        after_help = "Examples:\n  platewatch mandate key --id zone --secret mandates.key --public mandate-signers\n\n\
        The secret key stays with the office that signs; the public one goes to the boxes (law.signers).\n\
        Exit codes: 0; 1 a file is there already or cannot be written; 2 wrong usage."
    )]
    Key {
        /// Who signs: 1 to 64 of a-z, 0-9, . - _
        #[arg(long)]
        id: String,
        /// Where the secret key goes; must not be there yet
        #[arg(long, value_name = "FILE")]
        secret: PathBuf,
        /// Where the public key goes; a line is added where the file is there
        #[arg(long, value_name = "FILE")]
        public: PathBuf,
    },
    /// Print a mandate to fill in
    #[command(after_help = "Examples:\n  platewatch mandate new temporary-fixed > GR-2026-102.toml\n  \
        platewatch mandate new oral > ORAL-2026-7.toml\n\n\
        Exit codes: 0; 2 wrong usage.")]
    New {
        /// For which camera
        #[arg(value_name = "KIND", value_parser = kinds())]
        kind: String,
    },
    /// Sign a mandate: its signature becomes the last line of the file
    #[command(
        after_help = "Examples:\n  platewatch mandate sign GR-2026-103.toml --key mandates.key --signer zone\n\n\
        A mandate that the rules would not take is not signed.\n\
        Exit codes: 0 signed; 1 it is no mandate, or something cannot be read or written; 2 wrong usage."
    )]
    Sign {
        /// The mandate
        file: PathBuf,
        /// The secret key
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// Whose key it is, as in the boxes' file of signers
        #[arg(long, value_name = "ID")]
        signer: String,
        /// Rules to hold it against: be-wpa, or a preset file
        #[arg(long, value_name = "PRESET", default_value = "be-wpa")]
        preset: String,
    },
    /// Say everything that is wrong with a mandate
    #[command(after_help = "Examples:\n  platewatch mandate check GR-2026-103.toml\n  \
        platewatch mandate check GR-2026-103.toml --signers mandate-signers\n\n\
        Without --signers the signature is not looked at, and that is said.\n\
        Exit codes: 0 nothing is wrong; 1 something is; 2 wrong usage.")]
    Check {
        /// The mandate
        file: PathBuf,
        /// File with the public keys of who may sign
        #[arg(long, value_name = "FILE")]
        signers: Option<PathBuf>,
        /// Rules to hold it against: be-wpa, or a preset file
        #[arg(long, value_name = "PRESET", default_value = "be-wpa")]
        preset: String,
    },
    /// List a box's mandates, and what each of its cameras may do now
    #[command(after_help = "Examples:\n  platewatch mandate list --config /etc/platewatch.toml\n\n\
        Exit codes: 0 every mandate is taken and every camera may look; 1 not so; 2 wrong usage.")]
    List {
        /// The configuration of the box
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Show one mandate of a box in words
    #[command(
        after_help = "Examples:\n  platewatch mandate show GR-2026-103 --config /etc/platewatch.toml\n\n\
        Exit codes: 0; 1 there is none of this reference; 2 wrong usage."
    )]
    Show {
        /// Its reference
        reference: String,
        /// The configuration of the box
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Print the rules of a ready preset, to read or to change for another zone
    #[command(after_help = "Examples:\n  platewatch mandate preset be-wpa > our-zone.toml\n\n\
        Exit codes: 0; 2 wrong usage.")]
    Preset {
        /// Which
        #[arg(value_parser = clap::builder::PossibleValuesParser::new(["be-wpa", "off"]))]
        name: String,
    },
}

fn kinds() -> clap::builder::PossibleValuesParser {
    clap::builder::PossibleValuesParser::new(DRAFTS.iter().map(|(name, _)| *name))
}

pub(super) fn run(args: &Args) -> anyhow::Result<u8> {
    let mut out = std::io::stdout().lock();
    match &args.verb {
        Verb::Key { id, secret, public } => key(id, secret, public),
        Verb::New { kind } => {
            let draft = DRAFTS.iter().find(|(name, _)| name == kind).map_or("", |d| d.1);
            out.write_all(draft.as_bytes())?;
            Ok(DONE)
        }
        Verb::Sign { file, key, signer, preset } => sign(file, key, signer, preset),
        Verb::Check { file, signers, preset } => check(file, signers.as_deref(), preset),
        Verb::List { config } => list(config),
        Verb::Show { reference, config } => show(reference, config),
        Verb::Preset { name } => {
            out.write_all(Preset::text_of(name).unwrap_or_default().as_bytes())?;
            Ok(DONE)
        }
    }
}

fn key(id: &str, secret: &Path, public: &Path) -> anyhow::Result<u8> {
    let line = |key: &PublicKey| Signers::line(id, key).map_err(|e| anyhow!(e));
    // A wrong id is said before a key is made.
    line(&"00".repeat(32).parse()?)?;
    let key = SigningKey::create(secret)?;
    let mut file = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(public)
        .with_context(|| format!("{}: cannot write the public key", public.display()))?;
    file.write_all(line(&key.public())?.as_bytes())?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "secret key of {id}: {}; keep it off the boxes", secret.display())?;
    writeln!(out, "public key: {}; name it as law.signers", public.display())?;
    Ok(DONE)
}

/// What the rules say against the mandate.
fn problems(mandate: &Mandate, preset: &str) -> anyhow::Result<Vec<String>> {
    let preset = Preset::load(preset, Path::new(""))?;
    match &preset.rules {
        Some(rules) => Ok(mandate.problems(rules)),
        None => {
            bail!("the preset {} has no rules, so there is nothing to hold a mandate against", preset.name)
        }
    }
}

fn sign(file: &Path, key: &Path, signer: &str, preset: &str) -> anyhow::Result<u8> {
    let key = SigningKey::read(key)?;
    Signers::line(signer, &key.public()).map_err(|e| anyhow!("--signer: {e}"))?;
    let text = mandate::read_text(file)?;
    let read = Mandate::parse(mandate::unsigned(&text)).with_context(|| file.display().to_string())?;
    let wrong = problems(&read, preset)?;
    if !wrong.is_empty() {
        wrong.iter().for_each(|w| super::common::complain(&format!("{}: {w}", file.display())));
        bail!("{}: not signed", file.display());
    }
    // Renamed into place: a box may be looking.
    let mut beside = file.as_os_str().to_owned();
    beside.push(".new");
    std::fs::write(&beside, Mandate::sign(&text, signer, &key))
        .and_then(|()| std::fs::rename(&beside, file))
        .with_context(|| format!("{}: cannot write the signature", file.display()))?;
    writeln!(std::io::stdout().lock(), "{}: {} signed by {signer}", file.display(), read.reference)?;
    Ok(DONE)
}

fn check(file: &Path, signers: Option<&Path>, preset: &str) -> anyhow::Result<u8> {
    let text = mandate::read_text(file)?;
    let (read, signature) = match signers {
        Some(path) => {
            let keys = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
            let signers = Signers::parse(&keys).map_err(|e| anyhow!("{}: {e}", path.display()))?;
            let read = Mandate::verify(&text, &signers);
            let words = read.as_ref().map(|m| format!("signed by {}", m.signer)).unwrap_or_default();
            (read, words)
        }
        None => (Mandate::parse(mandate::unsigned(&text)), "signature not looked at (no --signers)".into()),
    };
    let read = match read {
        Ok(read) => read,
        Err(error) => {
            super::common::complain(&format!("{}: {error}", file.display()));
            return Ok(FAILED);
        }
    };
    let wrong = problems(&read, preset)?;
    wrong.iter().for_each(|w| super::common::complain(&format!("{}: {w}", file.display())));
    if !wrong.is_empty() {
        return Ok(FAILED);
    }
    writeln!(
        std::io::stdout().lock(),
        "{}: {}: nothing is wrong; {signature}",
        file.display(),
        read.reference
    )?;
    Ok(DONE)
}

/// The configuration with its mandates; the rules must be there.
fn of_box(config: &Path) -> anyhow::Result<(crate::pipeline::Settings, Mandates)> {
    let settings = config::load(config)?.settings;
    let law = &settings.law;
    let (Some(rules), Some(folder)) = (&law.preset.rules, &law.mandates) else {
        bail!("{}: no mandates are configured ([law] mandates); {}", config.display(), law.preset.statement);
    };
    let mandates = Mandates::read(folder, &law.signers, rules)
        .with_context(|| format!("the folder of mandates {}", folder.display()))?;
    Ok((settings, mandates))
}

fn list(config: &Path) -> anyhow::Result<u8> {
    let (settings, mandates) = of_box(config)?;
    let Some(rules) = &settings.law.preset.rules else { return Ok(FAILED) };
    let (now, mut good) = (Utc::now(), true);
    let mut out = std::io::stdout().lock();
    for m in mandates.all() {
        let ends = m.ends(rules);
        let state = match ends {
            Some(end) if end <= now => "OVER".to_owned(),
            Some(end) => format!("until {end} ({} days)", end.since_ms(now) / 86_400_000),
            None => "no end".to_owned(),
        };
        let kind = if m.oral.is_some() { "oral" } else { "written" };
        let types = m.types.iter().map(|t| t.word()).collect::<Vec<_>>().join(", ");
        writeln!(out, "{}: {kind}, {types}; {state}; signed by {}", m.reference, m.signer)?;
    }
    for refused in mandates.refused() {
        good = false;
        writeln!(out, "{}: NOT TAKEN: {}", refused.path.display(), refused.why)?;
    }
    writeln!(out)?;
    for camera in &settings.cameras {
        // A verb knows neither the vehicle's position nor who is on duty: that is asked while the box runs.
        let moves = camera.lawful.kind.is_some_and(|k| k.moves());
        let at = Moment {
            now,
            position: camera.capture.position,
            vehicle: settings.law.vehicle.clone(),
            officer: Some("-".into()),
        };
        let name = &camera.capture.camera;
        match decide(rules, &mandates, &camera.lawful, &at) {
            Permit::Granted(grant) => {
                let mandate = grant.mandate.map_or_else(|| "none needed".into(), |m| m.reference.clone());
                writeln!(out, "camera {name}: may look under {mandate}")?;
            }
            Permit::Refused(refusal) if moves && refusal.code == "no-position" => {
                writeln!(
                    out,
                    "camera {name}: moves; whether it is inside its area is asked while it drives"
                )?;
            }
            Permit::Refused(refusal) => {
                good = false;
                writeln!(out, "camera {name}: may NOT look: {}", refusal.text)?;
            }
        }
    }
    Ok(if good { DONE } else { FAILED })
}

fn show(reference: &str, config: &Path) -> anyhow::Result<u8> {
    let (_, mandates) = of_box(config)?;
    let Some(m) = mandates.get(reference) else {
        bail!("there is no mandate {reference}; platewatch mandate list --config {}", config.display());
    };
    let mut out = std::io::stdout().lock();
    if m.reference != reference {
        writeln!(out, "# {reference} is confirmed by {}", m.reference)?;
    }
    writeln!(out, "# signed by {}", m.signer)?;
    out.write_all(toml_text(m)?.as_bytes())?;
    Ok(DONE)
}

fn toml_text(m: &Mandate) -> anyhow::Result<String> {
    m.to_text().context("the mandate cannot be written down")
}
