//! The key that closes a store at rest: the only door to `ring`'s ciphers.
//!
//! One secret of 32 bytes gives, by HKDF-SHA256 (RFC 5869) with a label each, a key for the database (SQLCipher,
//! AES-256), one for pictures (ChaCha20-Poly1305, RFC 8439: as fast without AES instructions, which small boards
//! lack), one for the names of picture files (HMAC-SHA256) and a value by which a wrong key is known before
//! anything is read with it.

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use ring::{hkdf, hmac};
use std::fmt;
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zeroize::Zeroizing;

/// First bytes of a sealed file; the digit is the version of its layout.
const MAGIC: &[u8; 4] = b"PWS1";

/// Why there is no key. Never names a byte of it.
#[derive(Debug, thiserror::Error)]
pub enum StoreKeyError {
    /// The file cannot be read or written.
    #[error("{doing} the store's key {}: {source}", path.display())]
    File {
        /// What was being done.
        doing: &'static str,
        /// The key's file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Others than its owner may read it.
    #[error("the store's key {} can be read by others than its owner: chmod 600 it, and make a new one with `platewatch store rekey` if it may have been seen", path.display())]
    Open {
        /// The key's file.
        path: PathBuf,
    },
    /// It is no key.
    #[error("{} holds no store's key: 64 hexadecimal digits or 32 bytes; `platewatch store keygen` makes one", path.display())]
    NoKey {
        /// The key's file.
        path: PathBuf,
    },
    /// systemd has given the program no credentials.
    #[error(
        "the store's key is to be the systemd credential {name:?}, but $CREDENTIALS_DIRECTORY is not set: start platewatch as a unit with LoadCredential= or LoadCredentialEncrypted=, or use key_file"
    )]
    NoCredentials {
        /// The credential.
        name: String,
    },
    /// The system gave no random bytes, or the cipher failed.
    #[error("the store's key cannot be used: the system's cryptography failed")]
    Crypto,
}

/// Where the key comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreKeySource {
    /// A file that only its owner may read.
    File(PathBuf),
    /// A credential of the systemd unit (systemd.exec(5), `LoadCredential=`), by its name.
    Credential(String),
}

/// The keys of one store. Clones share them; shows as `***`; the bytes are wiped when the last one goes.
#[derive(Clone)]
pub struct StoreKey(Arc<Keys>);

struct Keys {
    database: Zeroizing<String>,
    pictures: LessSafeKey,
    names: hmac::Key,
    check: String,
}

impl fmt::Debug for StoreKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoreKey(***)")
    }
}

impl PartialEq for StoreKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.check == other.0.check
    }
}

impl StoreKey {
    /// Reads the key from where it is.
    ///
    /// # Errors
    /// It is not there, cannot be read, may be read by others, or is no key.
    pub fn load(source: &StoreKeySource) -> Result<Self, StoreKeyError> {
        match source {
            StoreKeySource::File(path) => {
                let fail = |source| StoreKeyError::File { doing: "reading", path: path.clone(), source };
                let mode = std::fs::metadata(path).map_err(fail)?.permissions().mode();
                if mode & 0o077 != 0 {
                    return Err(StoreKeyError::Open { path: path.clone() });
                }
                Self::read(path)
            }
            // systemd itself sees to who may read a credential.
            StoreKeySource::Credential(name) => match std::env::var_os("CREDENTIALS_DIRECTORY") {
                Some(dir) => Self::read(&Path::new(&dir).join(name)),
                None => Err(StoreKeyError::NoCredentials { name: name.clone() }),
            },
        }
    }

    fn read(path: &Path) -> Result<Self, StoreKeyError> {
        let fail = |source| StoreKeyError::File { doing: "reading", path: path.to_path_buf(), source };
        // Room for more than any key from the start, so that growing leaves no copy behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(256));
        let file = std::fs::File::open(path).map_err(fail)?;
        file.take(200).read_to_end(&mut bytes).map_err(fail)?;
        let secret = secret(&bytes).ok_or_else(|| StoreKeyError::NoKey { path: path.to_path_buf() })?;
        Self::of(&secret)
    }

    /// Makes a new key in `path` (64 hexadecimal digits), on disk when this returns; an existing file is never
    /// replaced.
    ///
    /// # Errors
    /// The file exists or cannot be written.
    pub fn create(path: &Path) -> Result<Self, StoreKeyError> {
        let fail = |source| StoreKeyError::File { doing: "writing", path: path.to_path_buf(), source };
        let mut bytes = Zeroizing::new([0; 32]);
        SystemRandom::new().fill(&mut *bytes).map_err(|_| StoreKeyError::Crypto)?;
        let text = Zeroizing::new(format!("{}\n", *hex(&*bytes)));
        let mut file =
            std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(fail)?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(fail)?;
        if let Some(dir) = path.parent().filter(|d| !d.as_os_str().is_empty()) {
            std::fs::File::open(dir).and_then(|d| d.sync_all()).map_err(fail)?;
        }
        Self::of(&bytes)
    }

    fn of(secret: &[u8; 32]) -> Result<Self, StoreKeyError> {
        let root = hkdf::Salt::new(hkdf::HKDF_SHA256, b"platewatch store 1").extract(secret);
        let derive = |label: &[u8]| -> Result<Zeroizing<[u8; 32]>, StoreKeyError> {
            let mut key = Zeroizing::new([0; 32]);
            root.expand(&[label], hkdf::HKDF_SHA256)
                .and_then(|okm| okm.fill(&mut *key))
                .map_err(|_| StoreKeyError::Crypto)?;
            Ok(key)
        };
        let pictures =
            UnboundKey::new(&CHACHA20_POLY1305, &*derive(b"pictures")?).map_err(|_| StoreKeyError::Crypto)?;
        Ok(Self(Arc::new(Keys {
            database: hex(&*derive(b"database")?),
            pictures: LessSafeKey::new(pictures),
            names: hmac::Key::new(hmac::HMAC_SHA256, &*derive(b"names of pictures")?),
            check: hex(&*derive(b"check")?).to_string(),
        })))
    }

    /// The database's key, 64 hexadecimal digits; only for the call that needs it.
    pub fn database(&self) -> &str {
        &self.0.database
    }

    /// A value that tells this key from others and gives nothing of it away; 64 hexadecimal digits.
    pub fn check(&self) -> &str {
        &self.0.check
    }

    /// A name for what has this SHA-256, which only who has the key can make: a file's name shall not confirm
    /// whether somebody's picture is here. 64 hexadecimal digits.
    pub fn name_of(&self, sha256: &str) -> String {
        hex(hmac::sign(&self.0.names, sha256.as_bytes()).as_ref()).to_string()
    }

    /// `plain`, sealed: `PWS1`, a random nonce of 12 bytes, the cipher text, a tag of 16 bytes. `about` is bound to
    /// it and must be the same when it is opened. Random nonces are good for far more than 2^30 files a key.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub fn seal(&self, about: &[u8], plain: &[u8]) -> Result<Vec<u8>, StoreKeyError> {
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce).map_err(|_| StoreKeyError::Crypto)?;
        let mut body = Vec::with_capacity(plain.len() + CHACHA20_POLY1305.tag_len());
        body.extend_from_slice(plain);
        self.0
            .pictures
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(about), &mut body)
            .map_err(|_| StoreKeyError::Crypto)?;
        let mut sealed = Vec::with_capacity(MAGIC.len() + NONCE_LEN + body.len());
        sealed.extend_from_slice(MAGIC);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&body);
        Ok(sealed)
    }

    /// What was sealed with this key and `about`; `None` where it was not, or has been changed since.
    pub fn unseal(&self, about: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let rest = sealed.strip_prefix(MAGIC.as_slice())?;
        let (nonce, body) = rest.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut body = body.to_vec();
        let plain = self.0.pictures.open_in_place(nonce, Aad::from(about), &mut body).ok()?.len();
        body.truncate(plain);
        Some(body)
    }
}

/// 32 bytes as they are, or 64 hexadecimal digits and a line end.
fn secret(bytes: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
    if let Ok(raw) = <[u8; 32]>::try_from(bytes) {
        return Some(Zeroizing::new(raw));
    }
    let text = bytes.trim_ascii();
    if text.len() != 64 || !text.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let mut secret = Zeroizing::new([0; 32]);
    for (byte, pair) in secret.iter_mut().zip(text.chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(secret)
}

fn hex(bytes: &[u8]) -> Zeroizing<String> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |n: u8| DIGITS.get(usize::from(n)).map_or('0', |d| char::from(*d));
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(digit(byte >> 4));
        text.push(digit(byte & 15));
    }
    Zeroizing::new(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made() -> (tempfile::TempDir, PathBuf, StoreKey) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("store.key");
        let key = StoreKey::create(&path).unwrap();
        (dir, path, key)
    }

    #[test]
    fn what_is_sealed_opens_with_the_same_key_and_purpose_alone() {
        let (_dir, path, key) = made();
        let (_other_dir, _, other) = made();
        let sealed = key.seal(b"about", b"\xff\xd8\xff picture").unwrap();
        let again = StoreKey::load(&StoreKeySource::File(path)).unwrap();
        assert_eq!(again.unseal(b"about", &sealed).as_deref(), Some(b"\xff\xd8\xff picture".as_slice()));
        assert_eq!(key.unseal(b"another", &sealed), None);
        assert_eq!(other.unseal(b"about", &sealed), None);
        for i in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[i] ^= 1;
            assert_eq!(key.unseal(b"about", &changed), None, "byte {i}");
            assert_eq!(key.unseal(b"about", &sealed[..i]), None, "cut at {i}");
        }
        assert_ne!(key.seal(b"about", b"x").unwrap(), key.seal(b"about", b"x").unwrap(), "nonces differ");
        assert!(
            key != other
                && key.name_of("ab") != other.name_of("ab")
                && key.name_of("ab") == again.name_of("ab")
        );
        let parts = [key.database(), key.check(), &key.name_of("ab")].map(str::to_owned);
        assert!(parts.iter().all(|p| p.len() == 64) && parts[0] != parts[1], "{parts:?}");
    }

    #[test]
    fn a_key_is_digits_or_bytes_and_nothing_else_and_never_shows() {
        let (dir, path, key) = made();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(!format!("{key:?}").contains(text.trim()) && !format!("{key:?}").contains(key.database()));
        let raw: Vec<u8> =
            (0..64).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect();
        let load = |bytes: &[u8], mode: u32| {
            let path = dir.path().join("k");
            std::fs::write(&path, bytes).unwrap();
            std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
            StoreKey::load(&StoreKeySource::File(path))
        };
        assert_eq!(load(&raw, 0o600).unwrap(), key);
        assert!(matches!(load(&raw, 0o640), Err(StoreKeyError::Open { .. })));
        for wrong in [&b""[..], b"secret", &raw[..31], &text.as_bytes()[..63], &[b'g'; 64], &[0; 300]] {
            let error = load(wrong, 0o600).unwrap_err();
            assert!(matches!(error, StoreKeyError::NoKey { .. }), "{error}");
        }
        assert!(matches!(StoreKey::create(&path), Err(StoreKeyError::File { .. })), "never replaced");
    }
}
