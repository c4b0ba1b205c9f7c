//! `platewatch message`: commands and answers to a box, signed, to be handed to any MQTT client.

use super::DONE;
use crate::alert::{Message, Request, Right};
use crate::domain::{HitId, Outcome};
use crate::runtime::SigningKey;
use anyhow::{Context, bail};
use std::io::Write;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  platewatch message keygen --id dispatch --secret dispatch.key\n  \
    platewatch message sign pause --camera gate --reason works --zone antwerp --box box-1 --by Peeters \\\n    \
    --signer dispatch --key dispatch.key")]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Make a key to sign with, and print what goes into the configuration of the boxes
    #[command(after_help = "Examples:\n  platewatch message keygen --id dispatch --secret dispatch.key\n\n\
        Exit codes: 0; 1 the file is there already or cannot be written; 2 wrong usage.")]
    Keygen {
        /// Who signs: 1 to 64 of a-z, 0-9, - and _
        #[arg(long)]
        id: String,
        /// Where the secret key goes (mode 600); must not be there yet
        #[arg(long, value_name = "FILE")]
        secret: PathBuf,
    },
    /// Print a signed message for the topic `commands` or `outcomes` of a box
    #[command(after_help = "Examples:\n  \
        platewatch message sign health-now --zone antwerp --box box-1 --by Peeters --signer dispatch --key dispatch.key \\\n    \
        | mosquitto_pub -h broker.zone.example -p 8883 --cafile ca.pem -u dispatch -P ... -q 1 \\\n      \
        -t platewatch/v1/antwerp/box-1/commands -s\n  \
        platewatch message sign outcome --hit 019ab2c0-5d0f-7a41-8b52-3c1f5e9d2a60 --answer misread --note \"8, not B\" \\\n    \
        --zone antwerp --box box-1 --by Peeters --signer dispatch --key dispatch.key\n\n\
        The box takes it for two minutes unless configured otherwise, and once.\n\
        Exit codes: 0; 1 the key cannot be read or something does not fit; 2 wrong usage.")]
    Sign(Sign),
}

#[derive(Debug, clap::Args)]
struct Sign {
    /// outcome (for the topic outcomes), reload-lists, retry-outbox, pause, resume or health-now (commands)
    #[arg(value_name = "WHAT", value_parser = right)]
    what: Right,
    /// The zone of the box
    #[arg(long)]
    zone: String,
    /// The box
    #[arg(long = "box", value_name = "BOX")]
    box_id: String,
    /// Who asks: stands in the box's audit chain
    #[arg(long, value_name = "NAME")]
    by: String,
    /// With pause and resume: the camera
    #[arg(long, value_name = "NAME")]
    camera: Option<String>,
    /// With pause: why
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// With outcome: the hit's whole id
    #[arg(long, value_name = "ID")]
    hit: Option<String>,
    /// With outcome: confirmed, intercepted, misread, wrong-country, list-out-of-date, no-capacity or dismissed
    #[arg(long, value_name = "ANSWER", value_parser = super::outcome::outcome)]
    answer: Option<Outcome>,
    /// With outcome: what else there is to say, one line
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// Whose key it is, as in the configuration of the box; without it the message is not signed
    #[arg(long, value_name = "ID", requires = "key")]
    signer: Option<String>,
    /// The secret key
    #[arg(long, value_name = "FILE", requires = "signer")]
    key: Option<PathBuf>,
}

fn right(word: &str) -> Result<Right, String> {
    let words: Vec<&str> = Right::ALL.iter().map(|r| r.as_str()).collect();
    Right::parse(word).ok_or_else(|| format!("one of {}", words.join(", ")))
}

pub(super) fn run(args: &Args) -> anyhow::Result<u8> {
    let mut out = std::io::stdout().lock();
    match &args.verb {
        Verb::Keygen { id, secret } => {
            let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b);
            if !(1..=64).contains(&id.len()) || !id.bytes().all(fits) {
                bail!("--id {id:?} is no signer's name: 1 to 64 of a-z, 0-9, - and _");
            }
            let key = SigningKey::create(secret)?;
            writeln!(
                out,
                "# for the configuration of each box that shall listen; strike what {id} may not ask"
            )?;
            writeln!(out, "[[mqtt.inbound.signers]]\nid = \"{id}\"\nkey = \"{}\"", key.public())?;
            let all: Vec<String> = Right::ALL.iter().map(|r| format!("{:?}", r.as_str())).collect();
            writeln!(out, "may = [{}]", all.join(", "))?;
        }
        Verb::Sign(sign) => {
            let mut message = Message::new(&sign.zone, &sign.box_id, &sign.by, &sign.request()?)?;
            if let (Some(signer), Some(key)) = (&sign.signer, &sign.key) {
                message = message.sign(signer, &SigningKey::read(key)?);
            }
            writeln!(out, "{}", message.to_json()?)?;
        }
    }
    Ok(DONE)
}

impl Sign {
    fn request(&self) -> anyhow::Result<Request> {
        let camera = || self.camera.clone().context("--camera is missing");
        let needless = [
            (self.camera.is_some() && !matches!(self.what, Right::Pause | Right::Resume), "--camera"),
            (self.reason.is_some() && self.what != Right::Pause, "--reason"),
            (self.hit.is_some() && self.what != Right::Outcome, "--hit"),
            (self.answer.is_some() && self.what != Right::Outcome, "--answer"),
            (self.note.is_some() && self.what != Right::Outcome, "--note"),
        ];
        if let Some((_, option)) = needless.iter().find(|(there, _)| *there) {
            bail!("{option} does not go with {}", self.what.as_str());
        }
        Ok(match self.what {
            Right::Outcome => {
                let hit = self.hit.as_deref().context("--hit is missing")?;
                Request::Outcome {
                    hit: HitId::parse(hit)
                        .with_context(|| format!("--hit {hit:?} is no whole id of a hit (data.hit)"))?,
                    outcome: self.answer.context("--answer is missing")?,
                    note: self.note.clone().unwrap_or_default(),
                }
            }
            Right::ReloadLists => Request::ReloadLists,
            Right::RetryOutbox => Request::RetryOutbox,
            Right::Pause => {
                Request::Pause { camera: camera()?, reason: self.reason.clone().unwrap_or_default() }
            }
            Right::Resume => Request::Resume { camera: camera()? },
            Right::HealthNow => Request::HealthNow,
        })
    }
}
