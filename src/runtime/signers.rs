//! Whose signatures are believed: public keys by name, one a line of a file.

use super::signing::PublicKey;
use std::collections::BTreeMap;

/// First word of a line that holds a public key.
const PUBLIC: &str = "platewatch-ed25519";

/// Public keys by the id of who holds the secret one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Signers(BTreeMap<String, PublicKey>);

impl Signers {
    /// Reads a file of lines `platewatch-ed25519 ID PUBLIC-KEY`; blank ones and those with `#` are left out.
    ///
    /// # Errors
    /// The line that is none, and why.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut signers = BTreeMap::new();
        for (i, line) in text.lines().enumerate() {
            let (line, number) = (line.trim(), i + 1);
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let wrong =
                |why: &str| format!("line {number}: {why}; a line is \"{PUBLIC} ID 64-HEXADECIMAL-DIGITS\"");
            let mut words = line.split_whitespace();
            match words.next() {
                Some(PUBLIC) => {}
                _ => return Err(wrong("no public key")),
            }
            let id = words
                .next()
                .filter(|id| is_id(id))
                .ok_or_else(|| wrong("the id is not 1 to 64 of a-z, 0-9, . - _"))?;
            let key = words
                .next()
                .and_then(|k| k.parse().ok())
                .ok_or_else(|| wrong("the key is not 64 hexadecimal digits"))?;
            if signers.insert(id.to_owned(), key).is_some() {
                return Err(wrong("a second key of the same id"));
            }
        }
        if signers.is_empty() { Err("no public key in it".to_owned()) } else { Ok(Self(signers)) }
    }

    /// The line of such a file for the key of `id`.
    ///
    /// # Errors
    /// Where `id` is not 1 to 64 of `a-z 0-9 . - _`.
    pub fn line(id: &str, key: &PublicKey) -> Result<String, String> {
        if !is_id(id) {
            return Err(format!("the id {:?} is not 1 to 64 of a-z, 0-9, . - _", cut(id)));
        }
        Ok(format!("{PUBLIC} {id} {key}\n"))
    }

    /// The key of `id`.
    pub fn key(&self, id: &str) -> Option<&PublicKey> {
        self.0.get(id)
    }

    /// Whether there is none: then nothing signed can be believed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Their keys.
    pub fn keys(&self) -> impl Iterator<Item = PublicKey> {
        self.0.values().copied()
    }

    /// Their ids.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-_".contains(&b))
}

fn cut(text: &str) -> String {
    text.chars().take(80).collect()
}
