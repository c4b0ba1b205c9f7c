//! `platewatch hotlist keygen`, `sign`, `verify`: who vouches for a list.

use super::{DONE, FAILED};
use crate::domain::Utc;
use crate::hotlist::{Manifest, Signers, hash_file, manifest_path};
use crate::runtime::{PublicKey, SigningKey};
use anyhow::{Context, anyhow, bail};
use std::io::Write;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  platewatch hotlist keygen --id zone-antwerp --secret zone.key --public signers\n\n\
    The secret key stays with who signs; the public one goes to the boxes (`signers` of a list).\n\
    Exit codes: 0; 1 a file is there already or cannot be written; 2 wrong usage."
)]
pub(super) struct KeygenArgs {
    /// Who signs: 1 to 64 of a-z, 0-9, . - _
    #[arg(long)]
    id: String,
    /// Where the secret key goes; must not be there yet
    #[arg(long, value_name = "FILE")]
    secret: PathBuf,
    /// Where the public key goes; a line is added where the file is there
    #[arg(long, value_name = "FILE")]
    public: PathBuf,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    platewatch hotlist sign stolen.csv --key zone.key --signer zone-antwerp --name stolen --version 42 --expires-h 48\n\n\
    Writes stolen.csv.manifest. Exit codes: 0; 1 something could not be read or written; 2 wrong usage.")]
pub(super) struct SignArgs {
    /// The list file
    file: PathBuf,
    /// The secret key
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Whose key it is, as in the boxes' file of signers
    #[arg(long, value_name = "ID")]
    signer: String,
    /// The list's name in the configuration of the boxes
    #[arg(long)]
    name: String,
    /// Number of this version, greater than that of the one before [default: seconds since 1970]
    #[arg(long, value_name = "N")]
    version: Option<u64>,
    /// Hours after which the list is out of date [default: never]
    #[arg(long, value_name = "HOURS", value_parser = clap::value_parser!(u32).range(1..))]
    expires_h: Option<u32>,
    /// Where the manifest goes [default: FILE.manifest]
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  platewatch hotlist verify stolen.csv --signers /etc/platewatch/signers --name stolen\n\n\
    Exit codes: 0 the list is the one that was signed; 1 it is not, or something cannot be read; 2 wrong usage."
)]
pub(super) struct VerifyArgs {
    /// The list file
    file: PathBuf,
    /// File with the public keys of who may sign
    #[arg(long, value_name = "FILE")]
    signers: PathBuf,
    /// The list's name in the configuration [default: whatever the manifest says]
    #[arg(long)]
    name: Option<String>,
    /// The manifest [default: FILE.manifest]
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,
}

pub(super) fn keygen(args: &KeygenArgs) -> anyhow::Result<u8> {
    let line = |key: &PublicKey| Signers::line(&args.id, key).map_err(|e| anyhow!(e));
    // A wrong id is said before a key is made.
    line(&"00".repeat(32).parse()?)?;
    let key = SigningKey::create(&args.secret)?;
    let mut public = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(&args.public)
        .with_context(|| format!("{}: cannot write the public key", args.public.display()))?;
    public.write_all(line(&key.public())?.as_bytes())?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "secret key of {}: {}; keep it off the boxes", args.id, args.secret.display())?;
    writeln!(out, "public key: {}; name it as signers of a list", args.public.display())?;
    Ok(DONE)
}

pub(super) fn sign(args: &SignArgs) -> anyhow::Result<u8> {
    let key = SigningKey::read(&args.key)?;
    Signers::line(&args.signer, &key.public()).map_err(|e| anyhow!("--signer: {e}"))?;
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b);
    if !(1..=64).contains(&args.name.len()) || !args.name.bytes().all(fits) {
        bail!("--name {:?} is no list's name: 1 to 64 of a-z, 0-9, - and _", args.name);
    }
    let created = Utc::now();
    let manifest = Manifest {
        name: args.name.clone(),
        version: args.version.unwrap_or_else(|| u64::try_from(created.unix_ms() / 1_000).unwrap_or_default()),
        sha256: hash_file(&args.file).with_context(|| format!("{}: cannot be read", args.file.display()))?,
        created,
        expires: args.expires_h.map(|h| created.plus_ms(i64::from(h) * 3_600_000)),
        signer: args.signer.clone(),
    };
    let path = args.manifest.clone().unwrap_or_else(|| manifest_path(&args.file));
    // Renamed into place: a box may be looking.
    let mut beside = path.clone().into_os_string();
    beside.push(".new");
    std::fs::write(&beside, manifest.sign(&key))
        .and_then(|()| std::fs::rename(&beside, &path))
        .with_context(|| format!("{}: cannot write the manifest", path.display()))?;
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{}: version {} of {} by {}",
        path.display(),
        manifest.version,
        manifest.name,
        args.signer
    )?;
    Ok(DONE)
}

pub(super) fn verify(args: &VerifyArgs) -> anyhow::Result<u8> {
    let text = std::fs::read_to_string(&args.signers)
        .with_context(|| format!("{}: cannot read the public keys", args.signers.display()))?;
    let signers = Signers::parse(&text).map_err(|e| anyhow!("{}: {e}", args.signers.display()))?;
    let path = args.manifest.clone().unwrap_or_else(|| manifest_path(&args.file));
    let now = Utc::now();
    let checked = match &args.name {
        Some(name) => Manifest::read(&path, name, &signers, now),
        None => {
            let text = std::fs::read(&path)
                .with_context(|| format!("{}: cannot read the manifest", path.display()))?;
            Manifest::verify(&text, &signers)
        }
    };
    let sha256 = hash_file(&args.file).with_context(|| format!("{}: cannot be read", args.file.display()))?;
    match checked.and_then(|m| m.is_of(&sha256).map(|()| m)) {
        Ok(manifest) => {
            let mut out = std::io::stdout().lock();
            let Manifest { name, version, created, signer, .. } = &manifest;
            write!(out, "{}: version {version} of {name} by {signer}, made {created}", args.file.display())?;
            match manifest.expires {
                Some(expires) if expires <= now => writeln!(out, ", OUT OF DATE since {expires}")?,
                Some(expires) => writeln!(out, ", until {expires}")?,
                None => writeln!(out)?,
            }
            Ok(DONE)
        }
        Err(error) => {
            super::common::complain(&format!("{}: {error}", args.file.display()));
            Ok(FAILED)
        }
    }
}
