//! Passwords: kept as PBKDF2-HMAC-SHA-256 (RFC 8018) with a salt of their own.

use super::{KeyError, Secret, keyed_hash};
use ring::pbkdf2;
use std::num::NonZeroU32;

/// Rounds for a new password (OWASP Password Storage Cheat Sheet, 2023, for HMAC-SHA-256).
const ROUNDS: u32 = 600_000;
const SCHEME: &str = "pbkdf2-sha256";

/// Fewest characters of a password.
pub const SHORTEST_PASSWORD: usize = 10;

/// `pbkdf2-sha256$ROUNDS$SALT$HASH` of a password, salt and hash in hexadecimal. Costs about a quarter of a second.
///
/// # Errors
/// The system gives no random bytes.
pub fn hash_password(password: &Secret) -> Result<String, KeyError> {
    let salt: [u8; 16] = keyed_hash::random()?;
    let rounds = NonZeroU32::new(ROUNDS).unwrap_or(NonZeroU32::MIN);
    let mut out = [0; 32];
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, rounds, &salt, password.reveal().as_bytes(), &mut out);
    Ok(format!("{SCHEME}${ROUNDS}${}${}", keyed_hash::hex(&salt), keyed_hash::hex(&out)))
}

/// Whether `password` is the one that `kept` was made of; `false` too where `kept` is no such text.
pub fn is_password(password: &Secret, kept: &str) -> bool {
    let mut parts = kept.split('$');
    let (Some(SCHEME), Some(rounds), Some(salt), Some(hash), None) =
        (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    let (Ok(rounds), Some(salt), Some(hash)) = (rounds.parse::<NonZeroU32>(), unhex(salt), unhex(hash))
    else {
        return false;
    };
    // Bounded: a file that says a billion rounds must not hold up the page.
    rounds.get() <= 10 * ROUNDS
        && pbkdf2::verify(pbkdf2::PBKDF2_HMAC_SHA256, rounds, &salt, password.reveal().as_bytes(), &hash)
            .is_ok()
}

/// Takes as long as [`is_password`] for a user that exists, so that names cannot be tried by the clock.
pub fn waste_a_password(password: &Secret) {
    let rounds = NonZeroU32::new(ROUNDS).unwrap_or(NonZeroU32::MIN);
    let mut out = [0; 32];
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, rounds, b"nobody", password.reveal().as_bytes(), &mut out);
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if text.is_empty() || !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(text.get(i..i + 2)?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_password_itself_fits() {
        let secret = |t: &str| Secret::new(t.to_owned());
        let kept = hash_password(&secret("correct horse")).unwrap();
        assert!(is_password(&secret("correct horse"), &kept));
        assert!(!is_password(&secret("correct horsf"), &kept));
        assert_ne!(kept, hash_password(&secret("correct horse")).unwrap(), "each has its own salt");
        assert!(!kept.contains("correct"));
        for bad in [
            "",
            "plain",
            "pbkdf2-sha256$0$00$00",
            "pbkdf2-sha256$4000000000$00$00",
            "pbkdf2-sha256$1$0g$00",
            "md5$1$00$00",
        ] {
            assert!(!is_password(&secret("correct horse"), bad), "{bad}");
        }
    }
}
