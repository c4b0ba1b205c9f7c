//! Ed25519 (RFC 8032): who signs, and how a signature is checked. The only door to `ring`'s signatures.
//!
//! A private key is a PKCS #8 file (RFC 8410, DER) that nobody but its owner may read; a public key is one
//! line of 64 hexadecimal digits, fit to be read out over the telephone.

use ring::rand::SystemRandom;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use std::fmt;
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Why a key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read or written.
    #[error("{doing} the key {}: {source}", path.display())]
    File {
        /// What was being done.
        doing: &'static str,
        /// The key's file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Others than its owner may read the file.
    #[error("the key {} can be read by others than its owner; chmod 600 it, and make a new key if it may have been seen", path.display())]
    Open {
        /// The key's file.
        path: PathBuf,
    },
    /// The file holds no Ed25519 key in PKCS #8.
    #[error("{} is no Ed25519 key in PKCS #8 (DER)", path.display())]
    NoKey {
        /// The key's file.
        path: PathBuf,
    },
    /// The system gave no random bytes.
    #[error("no key could be made: the system gave no random bytes")]
    NoRandom,
    /// Not 64 hexadecimal digits.
    #[error("{found:?} is no public key: 64 hexadecimal digits")]
    NoPublicKey {
        /// What stood there.
        found: String,
    },
}

/// A private key. Shows as its public half only.
pub struct SigningKey(Ed25519KeyPair);

impl SigningKey {
    /// Reads the key in `path`.
    ///
    /// # Errors
    /// It cannot be read, is open to others, or is no key.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let fail = |source| KeyError::File { doing: "reading", path: path.to_path_buf(), source };
        let mode = std::fs::metadata(path).map_err(fail)?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(KeyError::Open { path: path.to_path_buf() });
        }
        let bytes = std::fs::read(path).map_err(fail)?;
        Ed25519KeyPair::from_pkcs8_maybe_unchecked(&bytes)
            .map(Self)
            .map_err(|_| KeyError::NoKey { path: path.to_path_buf() })
    }

    /// Makes a new key in `path`, on disk when this returns; an existing file is never replaced.
    ///
    /// # Errors
    /// The file exists or cannot be written.
    pub fn create(path: &Path) -> Result<Self, KeyError> {
        let fail = |source| KeyError::File { doing: "writing", path: path.to_path_buf(), source };
        let bytes = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(|_| KeyError::NoRandom)?;
        let mut file =
            std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(fail)?;
        file.write_all(bytes.as_ref()).and_then(|()| file.sync_all()).map_err(fail)?;
        if let Some(dir) = path.parent().filter(|d| !d.as_os_str().is_empty()) {
            std::fs::File::open(dir).and_then(|d| d.sync_all()).map_err(fail)?;
        }
        Self::read(path)
    }

    /// Reads the key in `path`, or makes it where there is none.
    ///
    /// # Errors
    /// As [`Self::read`] and [`Self::create`].
    pub fn read_or_create(path: &Path) -> Result<Self, KeyError> {
        match Self::read(path) {
            Err(KeyError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                Self::create(path)
            }
            other => other,
        }
    }

    /// The signature of `message`.
    pub fn sign(&self, message: &[u8]) -> Signature {
        let mut bytes = [0; 64];
        // An Ed25519 signature is 64 bytes by definition (RFC 8032 section 5.1.6).
        for (to, from) in bytes.iter_mut().zip(self.0.sign(message).as_ref()) {
            *to = *from;
        }
        Signature(bytes)
    }

    /// The half that everyone may know.
    pub fn public(&self) -> PublicKey {
        let mut bytes = [0; 32];
        for (to, from) in bytes.iter_mut().zip(self.0.public_key().as_ref()) {
            *to = *from;
        }
        PublicKey(bytes)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.public())
    }
}

/// The half of a key that checks signatures; written as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// Whether `signature` is of `message` by the other half of this key.
    pub fn verifies(&self, message: &[u8], signature: &Signature) -> bool {
        UnparsedPublicKey::new(&ED25519, self.0).verify(message, &signature.0).is_ok()
    }
}

/// An Ed25519 signature; written as 128 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature([u8; 64]);

impl FromStr for PublicKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        from_hex(text.trim())
            .map(Self)
            .ok_or_else(|| KeyError::NoPublicKey { found: text.chars().take(80).collect() })
    }
}

impl FromStr for Signature {
    type Err = NoSignature;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        from_hex(text.trim()).map(Self).ok_or(NoSignature)
    }
}

/// Not 128 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a signature: 128 hexadecimal digits")]
pub struct NoSignature;

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature({self})")
    }
}

fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != 2 * N || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; N];
    for (i, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * i..2 * i + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_holds_for_its_message_and_key_alone() {
        let dir = tempfile::tempdir().unwrap();
        let key = SigningKey::create(&dir.path().join("a.key")).unwrap();
        let other = SigningKey::create(&dir.path().join("b.key")).unwrap();
        let signature = key.sign(b"1ABC123");
        assert!(key.public().verifies(b"1ABC123", &signature));
        assert!(!key.public().verifies(b"1ABC124", &signature));
        assert!(!other.public().verifies(b"1ABC123", &signature));
        let public: PublicKey = key.public().to_string().parse().unwrap();
        let again: Signature = signature.to_string().parse().unwrap();
        assert!(public.verifies(b"1ABC123", &again));
    }

    #[test]
    fn the_same_file_gives_the_same_key_and_is_never_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("box.key");
        let made = SigningKey::read_or_create(&path).unwrap();
        assert_eq!(SigningKey::read_or_create(&path).unwrap().public(), made.public());
        assert!(matches!(SigningKey::create(&path), Err(KeyError::File { .. })));
    }

    #[test]
    fn a_key_that_others_can_read_or_that_is_none_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("box.key");
        let key = SigningKey::create(&path).unwrap();
        assert!(!format!("{key:?}").is_empty());
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o640)).unwrap();
        assert!(matches!(SigningKey::read(&path), Err(KeyError::Open { .. })));
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        std::fs::write(&path, b"no key").unwrap();
        assert!(matches!(SigningKey::read_or_create(&path), Err(KeyError::NoKey { .. })));
    }

    #[test]
    fn what_is_not_hexadecimal_is_no_key_and_no_signature() {
        for text in ["", "zz", &"g".repeat(64), &"é".repeat(32), &"a".repeat(63)] {
            assert!(text.parse::<PublicKey>().is_err(), "{text}");
            assert!(text.parse::<Signature>().is_err(), "{text}");
        }
    }
}
