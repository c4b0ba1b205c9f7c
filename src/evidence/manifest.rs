//! The list of contents, which the box signs.

use super::archive::File;
use super::{EvidenceError, name};
use crate::domain::Utc;
use crate::runtime::{PublicKey, Signature, SigningKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Name of the format.
pub(super) const FORMAT: &str = "platewatch-evidence 1";

/// What is signed: everything else in the file by its hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    pub format: String,
    pub platewatch: String,
    pub created_at: String,
    /// Public half of the box's key.
    pub box_key: String,
    pub files: Vec<Item>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Item {
    pub name: String,
    pub sha256: String,
    pub bytes: u64,
}

/// A label before what is signed, so that no signature made for something else fits.
fn signed(manifest: &[u8]) -> Vec<u8> {
    [b"platewatch evidence manifest 1\n", manifest].concat()
}

/// The manifest of `files` and its signature, as the two last files of the archive.
pub(super) fn sign(files: &[File], key: &SigningKey, now: Utc) -> Result<[File; 2], EvidenceError> {
    let manifest = Manifest {
        format: FORMAT.to_owned(),
        platewatch: env!("CARGO_PKG_VERSION").to_owned(),
        created_at: now.to_string(),
        box_key: key.public().to_string(),
        files: files.iter().map(item).collect(),
    };
    let bytes = serde_json::to_vec_pretty(&manifest).map_err(|e| EvidenceError::Malformed(e.to_string()))?;
    let signature = format!("{}\n", key.sign(&signed(&bytes)));
    Ok([
        File { name: name::MANIFEST.into(), bytes },
        File { name: name::SIGNATURE.into(), bytes: signature.into_bytes() },
    ])
}

fn item(file: &File) -> Item {
    Item { name: file.name.clone(), sha256: sha256(&file.bytes), bytes: file.bytes.len() as u64 }
}

/// The manifest in `files`, its signature and every other file held against it; the key it is signed with.
pub(super) fn check(files: &[File], keys: &[PublicKey]) -> Result<(Manifest, PublicKey), EvidenceError> {
    let missing = |name: &str| EvidenceError::File { name: name.to_owned(), what: "is missing" };
    let [contents @ .., manifest, signature] = files else { return Err(missing(name::MANIFEST)) };
    if manifest.name != name::MANIFEST {
        return Err(missing(name::MANIFEST));
    }
    if signature.name != name::SIGNATURE {
        return Err(missing(name::SIGNATURE));
    }
    let unreadable = |why: String| EvidenceError::Malformed(format!("{}: {why}", name::MANIFEST));
    let read: Manifest = serde_json::from_slice(&manifest.bytes).map_err(|e| unreadable(e.to_string()))?;
    if read.format != FORMAT {
        return Err(unreadable(format!("the format is {:?}, not {FORMAT:?}", cut(&read.format))));
    }
    let key: PublicKey = read.box_key.parse().map_err(|_| unreadable("it names no key".into()))?;
    if !keys.is_empty() && !keys.contains(&key) {
        let expected = match keys {
            [one] => one.to_string(),
            many => format!("one of the {} given", many.len()),
        };
        return Err(EvidenceError::OtherKey { found: key.to_string(), expected });
    }
    let text = std::str::from_utf8(&signature.bytes).unwrap_or_default();
    let holds = text.strip_suffix('\n').and_then(|t| t.parse::<Signature>().ok()).is_some_and(|s| {
        format!("{s}\n").as_bytes() == signature.bytes && key.verifies(&signed(&manifest.bytes), &s)
    });
    if !holds {
        return Err(EvidenceError::Signature);
    }
    for listed in &read.files {
        let file = contents.iter().find(|f| f.name == listed.name).ok_or_else(|| missing(&listed.name))?;
        if item(file) != *listed {
            let what = "is not what the box signed";
            return Err(EvidenceError::File { name: listed.name.clone(), what });
        }
    }
    if let Some(more) = contents.iter().find(|f| read.files.iter().all(|l| l.name != f.name)) {
        return Err(EvidenceError::File { name: more.name.clone(), what: "was put in afterwards" });
    }
    // The order is signed too.
    if !contents.iter().map(|f| &f.name).eq(read.files.iter().map(|l| &l.name)) {
        return Err(EvidenceError::Malformed("its files are in another order than was signed".into()));
    }
    Ok((read, key))
}

/// Lower-case hexadecimal.
pub(super) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

/// A text of unknown length for a message.
pub(super) fn cut(text: &str) -> String {
    text.chars().take(80).collect()
}
