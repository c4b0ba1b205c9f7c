//! Who made a list: a manifest beside the file, signed with Ed25519 (RFC 8032).
//!
//! The manifest is text, a line a field, and ends with the signature over every byte before that last line
//! (docs/ref/hotlist-manifest.md). The signature is checked before anything else in it is believed. The
//! list itself is bound by its SHA-256.

use super::import::hex;
use crate::domain::Utc;
use crate::runtime::{Signature, Signers, SigningKey};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

/// First line of a manifest; part of what is signed, so that a signature made for something else never fits.
const HEADER: &str = "platewatch-hotlist-manifest 1";
const MAX_BYTES: usize = 16 << 10;

/// What a signer says of a list file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The list's configured name: a signed list cannot be passed off as another.
    pub name: String,
    /// Grows with every version.
    pub version: u64,
    /// SHA-256 of the file, lower-case hexadecimal.
    pub sha256: String,
    /// When it was made.
    pub created: Utc,
    /// First instant at which it is out of date.
    pub expires: Option<Utc>,
    /// Whose key signed it.
    pub signer: String,
}

/// Why a signed list is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// It cannot be read.
    #[error("its manifest {} cannot be read ({why}); signed lists need one, see docs/ref/hotlist-manifest.md", path.display())]
    Unreadable {
        /// The manifest.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// It is no manifest.
    #[error("its manifest is none: {0}")]
    Malformed(String),
    /// Nobody of that name may sign.
    #[error("its manifest is by {0:?}, who is not among the signers")]
    UnknownSigner(String),
    /// The signature is not that signer's over this text.
    #[error(
        "the signature of its manifest is wrong: it was changed, or signed with another key than {0:?}'s"
    )]
    BadSignature(String),
    /// It is for another list.
    #[error("its manifest is for the list {found:?}, not for {wanted:?}")]
    OtherList {
        /// What it says.
        found: String,
        /// What was wanted.
        wanted: String,
    },
    /// The file is not the one that was signed.
    #[error("the file is not the one that was signed: its SHA-256 is {found}, the manifest says {signed}")]
    OtherContent {
        /// Of the file.
        found: String,
        /// In the manifest.
        signed: String,
    },
    /// An older version, brought again.
    #[error(
        "version {found} is not newer than version {latest}, which was in use; allow_older = true takes it all the same"
    )]
    Replayed {
        /// What it says.
        found: u64,
        /// The latest accepted.
        latest: u64,
    },
    /// It says it was made later than now.
    #[error("it was made at {0}, which is still to come; is this box's clock right?")]
    FromTheFuture(Utc),
}

/// Where the manifest of a list file is looked for: `NAME.csv.manifest`.
pub fn manifest_path(list: &Path) -> PathBuf {
    let mut name = list.as_os_str().to_owned();
    name.push(".manifest");
    name.into()
}

/// The SHA-256 of a file, lower-case hexadecimal.
///
/// # Errors
/// Where it cannot be read.
pub fn hash_file(path: &Path) -> std::io::Result<String> {
    let (mut file, mut hash) = (std::fs::File::open(path)?, Sha256::new());
    let mut piece = vec![0; 1 << 18];
    loop {
        match file.read(&mut piece) {
            Ok(0) => return Ok(hex(&hash.finalize())),
            Ok(n) => hash.update(piece.get(..n).unwrap_or_default()),
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}

/// A fresh manifest may be this much ahead of the box's clock.
const CLOCKS_DIFFER_MS: i64 = 10 * 60 * 1000;

impl Manifest {
    fn body(&self) -> String {
        let expires = self.expires.map_or_else(|| "never".to_owned(), |t| t.to_string());
        format!(
            "{HEADER}\nname: {}\nversion: {}\nsha256: {}\ncreated: {}\nexpires: {expires}\nsigner: {}\n",
            self.name, self.version, self.sha256, self.created, self.signer
        )
    }

    /// The text of the manifest, signed with `key`, which is that of its signer.
    pub fn sign(&self, key: &SigningKey) -> String {
        let body = self.body();
        format!("{body}signature: {}\n", key.sign(body.as_bytes()))
    }

    /// The manifest that `text` holds, its signature checked.
    ///
    /// # Errors
    /// Where it is none, or none of `signers` signed it.
    pub fn verify(text: &[u8], signers: &Signers) -> Result<Self, ManifestError> {
        let malformed = |why: &str| ManifestError::Malformed(why.to_owned());
        if text.len() > MAX_BYTES {
            return Err(malformed("it is larger than 16 KiB"));
        }
        let text = std::str::from_utf8(text).map_err(|_| malformed("it is not UTF-8"))?;
        let (body, last) = text
            .trim_end_matches('\n')
            .rsplit_once('\n')
            .ok_or_else(|| malformed("it has no line \"signature: …\" at its end"))?;
        // With the line end before the signature: every byte but the last line.
        let body = text.get(..=body.len()).unwrap_or_default();
        let signature = last
            .strip_prefix("signature: ")
            .and_then(|s| s.parse::<Signature>().ok())
            .ok_or_else(|| malformed("its last line is no \"signature: …\" with 128 hexadecimal digits"))?;
        let mut lines = body.lines();
        if lines.next() != Some(HEADER) {
            return Err(malformed(&format!("its first line is not {HEADER:?}")));
        }
        // The signer is needed to choose the key; nothing else is looked at before the signature is right.
        let signer = body
            .lines()
            .find_map(|l| l.strip_prefix("signer: "))
            .ok_or_else(|| malformed("it has no line \"signer: …\""))?;
        let key = signers.key(signer).ok_or_else(|| ManifestError::UnknownSigner(cut(signer)))?;
        if !key.verifies(body.as_bytes(), &signature) {
            return Err(ManifestError::BadSignature(cut(signer)));
        }
        let mut fields: BTreeMap<&str, &str> = BTreeMap::new();
        for line in lines {
            let (key, value) = line
                .split_once(": ")
                .ok_or_else(|| malformed(&format!("line {:?} has no \": \"", cut(line))))?;
            if fields.insert(key, value).is_some() {
                return Err(malformed(&format!("{:?} stands in it twice", cut(key))));
            }
        }
        let field = |key: &str| {
            fields.get(key).copied().ok_or_else(|| malformed(&format!("it has no line \"{key}: …\"")))
        };
        let time = |key: &str, value: &str| {
            let found = cut(value);
            value.parse::<Utc>().map_err(|_| malformed(&format!("{key} is {found:?}, no time of RFC 3339")))
        };
        let version = field("version")?;
        Ok(Self {
            name: field("name")?.to_owned(),
            version: version
                .parse()
                .map_err(|_| malformed(&format!("version is {:?}, no whole number", cut(version))))?,
            sha256: field("sha256")?.to_lowercase(),
            created: time("created", field("created")?)?,
            expires: match field("expires")? {
                "never" => None,
                said => Some(time("expires", said)?),
            },
            signer: signer.to_owned(),
        })
    }

    /// Reads and checks the manifest at `path` for the list `name`, as far as that goes without the list.
    ///
    /// # Errors
    /// Where it cannot be read, is not signed by one of `signers`, is for another list or from the future.
    pub fn read(path: &Path, name: &str, signers: &Signers, now: Utc) -> Result<Self, ManifestError> {
        let text = std::fs::read(path)
            .map_err(|e| ManifestError::Unreadable { path: path.to_owned(), why: e.to_string() })?;
        let manifest = Self::verify(&text, signers)?;
        if manifest.name != name {
            return Err(ManifestError::OtherList { found: cut(&manifest.name), wanted: name.to_owned() });
        }
        if manifest.created.since_ms(now) > CLOCKS_DIFFER_MS {
            return Err(ManifestError::FromTheFuture(manifest.created));
        }
        Ok(manifest)
    }

    /// Whether the file with this SHA-256 is the one that was signed.
    ///
    /// # Errors
    /// Where it is not.
    pub fn is_of(&self, sha256: &str) -> Result<(), ManifestError> {
        if self.sha256 == sha256 {
            return Ok(());
        }
        Err(ManifestError::OtherContent { found: sha256.to_owned(), signed: cut(&self.sha256) })
    }

    /// Whether it may follow `latest`, the version last accepted: it must be newer, or the very same.
    ///
    /// # Errors
    /// Where it is older, or another file under the same version.
    pub fn may_follow(&self, latest: &Accepted) -> Result<(), ManifestError> {
        let same = self.version == latest.version && self.sha256 == latest.sha256;
        if self.version > latest.version || same {
            return Ok(());
        }
        Err(ManifestError::Replayed { found: self.version, latest: latest.version })
    }
}

/// The version of a list that was last accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// Its number.
    pub version: u64,
    /// Its file's SHA-256.
    pub sha256: String,
}

impl Accepted {
    /// The version that `manifest` is of.
    pub fn of(manifest: &Manifest) -> Self {
        Self { version: manifest.version, sha256: manifest.sha256.clone() }
    }

    /// What is remembered of the list `name` in the folder `memory`; `None` where nothing is.
    ///
    /// # Errors
    /// Where the file is there and cannot be read: then nothing may be taken for new.
    pub fn recall(memory: &Path, name: &str) -> std::io::Result<Option<Self>> {
        let path = memory.join(format!("{name}.accepted"));
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(e),
        };
        let mut words = text.split_whitespace();
        match (words.next().and_then(|v| v.parse().ok()), words.next()) {
            (Some(version), Some(sha256)) => Ok(Some(Self { version, sha256: sha256.to_owned() })),
            _ => Err(std::io::Error::other(format!("{} does not hold a version and a hash", path.display()))),
        }
    }

    /// Remembers it, on disk before this returns.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn remember(&self, memory: &Path, name: &str) -> std::io::Result<()> {
        std::fs::create_dir_all(memory)?;
        let (path, beside) =
            (memory.join(format!("{name}.accepted")), memory.join(format!("{name}.accepted.new")));
        std::fs::write(&beside, format!("{} {}\n", self.version, self.sha256))?;
        std::fs::File::open(&beside)?.sync_all()?;
        std::fs::rename(&beside, &path)?;
        std::fs::File::open(memory)?.sync_all()
    }
}

fn cut(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key() -> SigningKey {
        SigningKey::create(&tempfile::tempdir().unwrap().path().join("key")).unwrap()
    }

    fn manifest() -> Manifest {
        Manifest {
            name: "stolen".into(),
            version: 42,
            sha256: "ab".repeat(32),
            created: "2026-11-24T22:00:00Z".parse().unwrap(),
            expires: Some("2026-11-26T22:00:00Z".parse().unwrap()),
            signer: "zone-antwerp".into(),
        }
    }

    fn signers(key: &SigningKey) -> Signers {
        Signers::parse(&Signers::line("zone-antwerp", &key.public()).unwrap()).unwrap()
    }

    #[test]
    fn what_is_signed_is_read_back() {
        let key = key();
        let text = manifest().sign(&key);
        assert!(text.starts_with("platewatch-hotlist-manifest 1\nname: stolen\nversion: 42\n"), "{text}");
        assert_eq!(Manifest::verify(text.as_bytes(), &signers(&key)).unwrap(), manifest());
        let never = Manifest { expires: None, ..manifest() };
        assert_eq!(Manifest::verify(never.sign(&key).as_bytes(), &signers(&key)).unwrap(), never);
    }

    #[test]
    fn every_changed_byte_is_found() {
        let key = key();
        let signers = signers(&key);
        let text = manifest().sign(&key).into_bytes();
        for i in 0..text.len() - 1 {
            let mut changed = text.clone();
            changed[i] ^= 1;
            // Capital and small hexadecimal digits are the same signature.
            assert!(Manifest::verify(&changed, &signers).is_err(), "byte {i}");
        }
    }

    #[test]
    fn who_may_not_sign_is_named() {
        let (ours, theirs) = (key(), key());
        let signers = signers(&ours);
        let refused =
            |m: Manifest, k: &SigningKey| Manifest::verify(m.sign(k).as_bytes(), &signers).unwrap_err();
        let ghent = Manifest { signer: "zone-ghent".into(), ..manifest() };
        assert_eq!(refused(ghent, &theirs), ManifestError::UnknownSigner("zone-ghent".into()));
        assert_eq!(refused(manifest(), &theirs), ManifestError::BadSignature("zone-antwerp".into()));
        for text in
            ["", "x", "signature: 00", "platewatch-hotlist-manifest 1\nsigner: zone-antwerp\nsignature: zz\n"]
        {
            assert!(
                matches!(Manifest::verify(text.as_bytes(), &signers), Err(ManifestError::Malformed(_))),
                "{text}"
            );
        }
    }

    #[test]
    fn other_lists_other_files_and_older_versions() {
        let key = key();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("stolen.csv.manifest");
        let now = "2026-11-24T22:05:00Z".parse().unwrap();
        let read = |name: &str, now: Utc| Manifest::read(&path, name, &signers(&key), now);
        assert!(read("stolen", now).unwrap_err().to_string().contains("stolen.csv.manifest cannot be read"));
        std::fs::write(&path, manifest().sign(&key)).unwrap();
        assert_eq!(read("stolen", now).unwrap(), manifest());
        assert!(matches!(read("uninsured", now), Err(ManifestError::OtherList { .. })));
        let before = "2026-11-24T20:00:00Z".parse().unwrap();
        assert!(matches!(read("stolen", before), Err(ManifestError::FromTheFuture(_))));
        assert!(manifest().is_of(&"ab".repeat(32)).is_ok() && manifest().is_of(&"cd".repeat(32)).is_err());

        let memory = dir.path().join("memory");
        assert_eq!(Accepted::recall(&memory, "stolen").unwrap(), None);
        let accepted = Accepted { version: 42, sha256: "ab".repeat(32) };
        accepted.remember(&memory, "stolen").unwrap();
        assert_eq!(Accepted::recall(&memory, "stolen").unwrap(), Some(accepted.clone()));
        assert!(manifest().may_follow(&accepted).is_ok(), "the same again, after a restart");
        assert!(Manifest { version: 43, ..manifest() }.may_follow(&accepted).is_ok());
        let older = Manifest { version: 41, ..manifest() }.may_follow(&accepted).unwrap_err();
        assert!(older.to_string().contains("version 41 is not newer than version 42"), "{older}");
        assert!(Manifest { sha256: "cd".repeat(32), ..manifest() }.may_follow(&accepted).is_err());
        std::fs::write(memory.join("stolen.accepted"), "?").unwrap();
        assert!(Accepted::recall(&memory, "stolen").is_err(), "never taken for nothing");
    }

    #[test]
    fn files_of_signers() {
        let key = key().public();
        let line = Signers::line("zone-antwerp", &key).unwrap();
        let two = format!("# who may sign\n\n{line}{line}");
        assert!(Signers::parse(&two).unwrap_err().contains("line 4: a second key"));
        assert!(Signers::parse("# none\n").is_err() && Signers::parse("platewatch-ed25519 x 00\n").is_err());
        assert!(Signers::line("Zone Antwerp", &key).is_err());
        assert_eq!(Signers::parse(&line).unwrap().ids().collect::<Vec<_>>(), ["zone-antwerp"]);
    }

    proptest! {
        #[test]
        fn no_bytes_panic_or_pass(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let key = key();
            prop_assert!(Manifest::verify(&bytes, &signers(&key)).is_err());
            let text = String::from_utf8_lossy(&bytes);
            let _ = Signers::parse(&text);
        }
    }
}
