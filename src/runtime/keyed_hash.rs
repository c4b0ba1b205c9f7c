//! Hashes under a key of the box: the same text gives the same hash here and nowhere else.
//!
//! HMAC-SHA-256 (RFC 2104). Number plates are few enough to be tried one by one, so whoever holds the key can find
//! the text of a hash; without it nobody can. The key is therefore worth as much as the texts.

use super::KeyError;
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// Bytes of a key.
const LENGTH: usize = 32;

/// The key. Never shown.
#[derive(Clone)]
pub struct HashKey(hmac::Key);

impl std::fmt::Debug for HashKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HashKey(***)")
    }
}

impl HashKey {
    /// Reads the key in `path`, 32 bytes that nobody but its owner may read.
    ///
    /// # Errors
    /// It cannot be read, is open to others, or has another length.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let fail = |source| KeyError::File { doing: "reading", path: path.to_path_buf(), source };
        let mode = std::fs::metadata(path).map_err(fail)?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(KeyError::Open { path: path.to_path_buf() });
        }
        let bytes = std::fs::read(path).map_err(fail)?;
        if bytes.len() != LENGTH {
            return Err(fail(io::Error::new(io::ErrorKind::InvalidData, "a key of 32 bytes was expected")));
        }
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
    }

    /// Reads the key in `path`, or makes it where there is none.
    ///
    /// # Errors
    /// As [`Self::read`]; or it cannot be written.
    pub fn read_or_create(path: &Path) -> Result<Self, KeyError> {
        match Self::read(path) {
            Err(KeyError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
            other => return other,
        }
        let fail = |source| KeyError::File { doing: "writing", path: path.to_path_buf(), source };
        let bytes: [u8; LENGTH] = random()?;
        let mut file =
            std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(fail)?;
        file.write_all(&bytes).and_then(|()| file.sync_all()).map_err(fail)?;
        if let Some(dir) = path.parent().filter(|d| !d.as_os_str().is_empty()) {
            std::fs::File::open(dir).and_then(|d| d.sync_all()).map_err(fail)?;
        }
        Self::read(path)
    }

    /// The hash of `text` for one use (`domain`), 64 lower-case hexadecimal digits.
    pub fn hash(&self, domain: &str, text: &str) -> String {
        let tag = hmac::sign(&self.0, format!("{domain}\n{text}").as_bytes());
        hex(tag.as_ref())
    }
}

/// Random bytes of the system.
///
/// # Errors
/// It has none to give.
pub fn random<const N: usize>() -> Result<[u8; N], KeyError> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| KeyError::NoRandom)?;
    Ok(bytes)
}

/// Lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_text_gives_the_same_hash_under_one_key_only() {
        let dir = tempfile::tempdir().unwrap();
        let one = HashKey::read_or_create(&dir.path().join("a")).unwrap();
        let again = HashKey::read(&dir.path().join("a")).unwrap();
        let other = HashKey::read_or_create(&dir.path().join("b")).unwrap();
        assert_eq!(one.hash("plate", "1ABC123"), again.hash("plate", "1ABC123"));
        assert_ne!(one.hash("plate", "1ABC123"), other.hash("plate", "1ABC123"));
        assert_ne!(one.hash("plate", "1ABC123"), one.hash("subject", "1ABC123"));
        assert_eq!(one.hash("plate", "1ABC123").len(), 64);
        std::fs::set_permissions(dir.path().join("a"), PermissionsExt::from_mode(0o644)).unwrap();
        assert!(matches!(HashKey::read(&dir.path().join("a")), Err(KeyError::Open { .. })));
        std::fs::write(dir.path().join("b"), b"short").unwrap();
        assert!(HashKey::read(&dir.path().join("b")).unwrap_err().to_string().contains("32 bytes"));
    }
}
