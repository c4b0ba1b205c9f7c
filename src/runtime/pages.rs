//! Single pages of an encrypted database, opened without SQLCipher.
//!
//! SQLCipher refuses every page of a file whose first page, and with it the salt of the authentication code, is gone.
//! The cipher's own key needs no salt, so the pages can still be opened; whether what comes out makes sense, the one
//! who asks must judge. Nothing is ever encrypted here.
//!
//! Layout of a page (<https://www.zetetic.net/sqlcipher/design/>): AES-256-CBC text, 16 bytes of initial vector, 64 bytes
//! of authentication code; the first 16 bytes of the first page are the salt.

use super::StoreKey;
use aes::Aes256;
use aes::cipher::{Array, BlockCipherDecrypt, KeyInit};
use zeroize::Zeroizing;

/// What SQLCipher keeps at the end of a page, in bytes.
pub const RESERVED: usize = 80;
const BLOCK: usize = 16;

/// Opens pages with one key.
pub struct PageOpener(Aes256);

impl PageOpener {
    /// With the database's key of `key`; `None` where that is no key of AES-256.
    pub fn of(key: &StoreKey) -> Option<Self> {
        let mut bytes = Zeroizing::new([0_u8; 32]);
        for (byte, pair) in bytes.iter_mut().zip(key.database().as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Aes256::new_from_slice(&*bytes).ok().map(Self)
    }

    /// What stands in `page`, without the bytes SQLCipher keeps for itself; the salt of a first page comes out as
    /// zeros. `None` where it is too short. A page of another key, or of noise, gives noise.
    pub fn open(&self, page: &[u8], is_first: bool) -> Option<Vec<u8>> {
        let skipped = if is_first { BLOCK } else { 0 };
        let end = page.len().checked_sub(RESERVED)?;
        let text = page.get(skipped..end)?;
        let mut before: [u8; BLOCK] = page.get(end..end + BLOCK)?.try_into().ok()?;
        let mut plain = vec![0; skipped];
        for block in text.chunks_exact(BLOCK) {
            let sealed: [u8; BLOCK] = block.try_into().ok()?;
            let mut opened = Array::from(sealed);
            self.0.decrypt_block(&mut opened);
            plain.extend(opened.iter().zip(before).map(|(a, b)| a ^ b));
            before = sealed;
        }
        Some(plain)
    }
}
