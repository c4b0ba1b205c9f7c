//! `platewatch store`: the store's key, and converting a store that is there.

use super::common::{StoreArgs, complain, progress};
use super::{DONE, PARTLY};
use crate::config;
use crate::runtime::{StoreKey, StoreKeySource};
use crate::store::{self, Settings};
use anyhow::bail;
use std::io::Write;
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  platewatch store keygen --out /etc/platewatch/secrets/store.key\n  \
    platewatch store encrypt --config /etc/platewatch/platewatch.toml\n\n\
    docs/guide/encryption.md says what is protected against whom, and how to keep the key.")]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Make a key for a store
    #[command(after_help = "Examples:\n  platewatch store keygen --out store.key\n\n\
        Keep a copy where the box is not: without the key nobody reads the store again.\n\
        Exit codes: 0; 1 the file is there already or cannot be written; 2 wrong usage.")]
    Keygen {
        /// Where the key goes (mode 600); must not be there yet
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Encrypt a store that is there, with the key that [store.encryption] names
    #[command(
        after_help = "Examples:\n  platewatch store encrypt --config platewatch.toml --by j.peeters\n\n\
        Stop the box before. Needs as much free space again as the store takes; the old files are removed when\n\
        the new ones are whole. May be cut off at any moment: run it again, or start the box.\n\
        Exit codes: 0 done; 1 not done, the store is as it was; 2 wrong usage; 3 done, and files are named that\n\
        still hold records in the clear."
    )]
    Encrypt(Convert),
    /// Copy a store while the box runs
    #[command(
        after_help = "Examples:\n  platewatch store backup --config platewatch.toml --to /srv/backup/2026-11-25 --by j.peeters\n\n\
        Database first, then every picture that it names. An encrypted store is copied encrypted, with the same\n\
        key, and read with it. The copy can be put in the store's place; box.key and hotlists/ are not in it.\n\
        Exit codes: 0 done; 1 not done; 2 wrong usage; 3 done, but pictures are missing that the store should have."
    )]
    Backup {
        #[command(flatten)]
        store: StoreArgs,
        /// Folder for the copy; must not be there yet
        #[arg(long, value_name = "DIR")]
        to: PathBuf,
        /// Who says so, for the audit chain
        #[arg(long, value_name = "NAME", env = "USER", default_value = "unknown")]
        by: String,
    },
    /// Keep a store without encryption from now on
    #[command(
        after_help = "Examples:\n  platewatch store decrypt --config platewatch.toml --by j.peeters\n\n\
        The configuration still names the key; take [store.encryption] out of it afterwards. As for encrypt."
    )]
    Decrypt(Convert),
    /// Encrypt a store with another key
    #[command(after_help = "Examples:\n  platewatch store keygen --out new.key\n  \
        platewatch store rekey --config platewatch.toml --new-key new.key --by j.peeters\n\n\
        The configuration names the key so far; put the new one in its place afterwards. As for encrypt.")]
    Rekey {
        #[command(flatten)]
        convert: Convert,
        /// The new key
        #[arg(long, value_name = "FILE")]
        new_key: PathBuf,
    },
}

#[derive(Debug, clap::Args)]
struct Convert {
    /// The configuration of the box
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Who says so, for the audit chain
    #[arg(long, value_name = "NAME", env = "USER", default_value = "unknown")]
    by: String,
}

pub(super) fn run(args: &Args) -> anyhow::Result<u8> {
    match &args.verb {
        Verb::Keygen { out } => {
            StoreKey::create(out)?;
            let mut to = std::io::stdout().lock();
            writeln!(to, "{}: a new key; keep a copy of it where the box is not", out.display())?;
            Ok(DONE)
        }
        Verb::Encrypt(c) => {
            let settings = keyed(&c.config)?;
            if settings.is_encrypted()? {
                bail!("the store in {} is encrypted already", settings.dir.display());
            }
            let key = settings.key.clone();
            convert(&Settings { key: None, ..settings }, key, c, "start the box")
        }
        Verb::Backup { store, to, by } => {
            let done = store::backup(&store.settings()?, to, by)?;
            let mut out = std::io::stdout().lock();
            writeln!(out, "pictures {}", done.pictures)?;
            writeln!(out, "missing {}", done.missing)?;
            Ok(if done.missing == 0 { DONE } else { PARTLY })
        }
        Verb::Decrypt(c) => {
            convert(&keyed(&c.config)?, None, c, "take [store.encryption] out of the configuration")
        }
        Verb::Rekey { convert: c, new_key } => {
            let key = StoreKey::load(&StoreKeySource::File(new_key.clone()))?;
            let settings = keyed(&c.config)?;
            if settings.key.as_ref() == Some(&key) {
                bail!("{} holds the key that the store has already", new_key.display());
            }
            convert(&settings, Some(key), c, "put the new key where the configuration looks for it")
        }
    }
}

/// The store of the configuration, which must name a key.
fn keyed(config: &Path) -> anyhow::Result<Settings> {
    let settings = config::load_store(config)?;
    if settings.key.is_none() {
        bail!("{} names no key: add [store.encryption] with key_file or credential", config.display());
    }
    Ok(settings)
}

fn convert(from: &Settings, to: Option<StoreKey>, c: &Convert, next: &str) -> anyhow::Result<u8> {
    let bar = progress(0, "pictures");
    let done = store::convert(from, to, &c.by, |n, of| {
        bar.set_length(of);
        bar.set_position(n);
    })?;
    bar.finish_and_clear();
    let mut out = std::io::stdout().lock();
    writeln!(out, "pictures {}", done.pictures)?;
    writeln!(out, "missing {}", done.missing)?;
    writeln!(out, "done: now {next}")?;
    for path in &done.left {
        complain(&format!("{} is as it was before; remove it when it is not needed", path.display()));
    }
    Ok(if done.left.is_empty() { DONE } else { PARTLY })
}
