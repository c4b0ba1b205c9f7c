//! `[mqtt.inbound]`: what operators may ask of the box, and how it knows that they are operators.

use super::file::{Table, Value, is_name};
use super::keys::quoted;
use crate::alert::{Inbound, MessageSigner, Right, Trust};
use std::collections::BTreeSet;
use std::time::Duration;

/// What is taken from outside; `None` where nothing is, or after a problem.
pub(super) fn inbound(t: &Table<'_>, embedded: bool) -> Option<Inbound> {
    if !t.is_there() {
        return None;
    }
    let accept = t.get("accept");
    let by_broker = accept.as_ref().and_then(|v| v.word()) == Some("broker");
    let blocks = t.blocks_of("signers", "mqtt.inbound.signers");
    let may = t.get("may");
    let trust = if by_broker {
        if let (Some(v), true) = (&accept, embedded) {
            return v.wrong(Some("the embedded broker knows nobody: \"signed\" only".into()));
        }
        if let Some(v) = &accept {
            let why = "whoever the broker lets write to the topics commands and outcomes of this box is obeyed: its access list decides alone";
            t.file.warn(v.at, &v.key, "\"broker\"", why);
        }
        if let Some(first) = blocks.first() {
            let allowed = "signers only with accept = \"signed\"";
            t.file.wrong(first.at, &first.key, "a signer with accept = \"broker\"", allowed, None);
        }
        if may.is_none() {
            t.missing("may", Some("what the broker's users may ask".into()));
        }
        Trust::Broker(may.and_then(|v| rights(&v))?)
    } else {
        if let Some(v) = may {
            let _: Option<()> = v.wrong(Some("with accept = \"signed\" each signer has its own".into()));
        }
        if blocks.is_empty() {
            let found = "no [[mqtt.inbound.signers]]";
            let allowed = "at least one block, or accept = \"broker\"";
            t.file.wrong(t.at, &t.key, found, allowed, None);
        }
        let signers: Vec<MessageSigner> = blocks.iter().filter_map(signer).collect();
        let mut seen = BTreeSet::new();
        for (block, s) in blocks.iter().zip(&signers) {
            if !seen.insert(s.id.clone()) {
                t.file.wrong(
                    block.at,
                    &block.path_of("id"),
                    &format!("{:?} again", s.id),
                    "each id once",
                    None,
                );
            }
        }
        Trust::Signed(signers)
    };
    Some(Inbound {
        trust,
        max_age: t.or("max_age_s", Duration::from_secs(120), |v| v.seconds()),
        clock_skew: t.or("clock_skew_s", Duration::from_secs(60), |v| v.seconds()),
    })
}

fn signer(t: &Table<'_>) -> Option<MessageSigner> {
    let id = t.need("id").and_then(|v| match v.text() {
        Some(id) if is_name(id) => Some(id.to_owned()),
        Some(_) => v.wrong(None),
        None => None,
    });
    let key = t.need("key").and_then(|v| match v.text()?.parse() {
        Ok(key) => Some(key),
        Err(_) => v.wrong_as("what is no public key", Some("`platewatch message keygen` prints it".into())),
    });
    let may = t.need("may").and_then(|v| rights(&v));
    Some(MessageSigner { id: id?, key: key?, may: may? })
}

fn rights(v: &Value<'_>) -> Option<BTreeSet<Right>> {
    let words = v.texts()?;
    let rights: Option<BTreeSet<Right>> = words.iter().map(|word| Right::parse(word)).collect();
    rights.or_else(|| v.wrong(Some(format!("any of {}", quoted(Right::ALL.iter().map(|r| r.as_str()))))))
}
