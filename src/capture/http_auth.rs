//! Proving who we are to a camera: basic (RFC 7617) and digest (RFC 7616, and RFC 2617 without `qop`)
//! authentication, as RTSP and HTTP share them.

use crate::runtime::Secret;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

/// What a server asked for in `WWW-Authenticate`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Challenge {
    /// User and password in plain sight.
    Basic,
    /// A hash over them and the request.
    Digest {
        realm: String,
        nonce: String,
        opaque: Option<String>,
        algorithm: Algorithm,
        /// As the server spelt it, to be sent back; `None` where it named none.
        algorithm_name: Option<String>,
        /// Whether `qop="auth"` is on offer.
        qop_auth: bool,
    },
}

/// The hash of a digest challenge; the order is the order of strength.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Algorithm {
    Md5,
    Sha256,
}

impl Algorithm {
    fn hex(self, text: &str) -> String {
        match self {
            Self::Md5 => hex(&md5(text.as_bytes())),
            Self::Sha256 => hex(&Sha256::digest(text.as_bytes())),
        }
    }
}

impl Challenge {
    /// The strongest challenge we can meet among the values of `WWW-Authenticate` headers.
    pub fn strongest<'a>(values: impl Iterator<Item = &'a str>) -> Option<Self> {
        values.filter_map(Self::parse).max_by_key(|c| match c {
            Self::Basic => 0,
            Self::Digest { algorithm: Algorithm::Md5, .. } => 1,
            Self::Digest { algorithm: Algorithm::Sha256, .. } => 2,
        })
    }

    fn parse(value: &str) -> Option<Self> {
        let (scheme, rest) = value.trim().split_once(' ').unwrap_or((value.trim(), ""));
        if scheme.eq_ignore_ascii_case("basic") {
            return Some(Self::Basic);
        }
        if !scheme.eq_ignore_ascii_case("digest") {
            return None;
        }
        let fields = fields(rest);
        let get =
            |name: &str| fields.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.clone());
        let algorithm_name = get("algorithm");
        let algorithm = match algorithm_name.as_deref() {
            None => Algorithm::Md5,
            Some(a) if a.eq_ignore_ascii_case("MD5") => Algorithm::Md5,
            Some(a) if a.eq_ignore_ascii_case("SHA-256") => Algorithm::Sha256,
            Some(_) => return None,
        };
        let qop_auth =
            get("qop").is_some_and(|q| q.split(',').any(|q| q.trim().eq_ignore_ascii_case("auth")));
        Some(Self::Digest {
            realm: get("realm")?,
            nonce: get("nonce")?,
            opaque: get("opaque"),
            algorithm,
            algorithm_name,
            qop_auth,
        })
    }

    /// The value of `Authorization` for one request. `count` is how often this nonce was used before.
    pub fn answer(&self, user: &str, password: &Secret, method: &str, uri: &str, count: u32) -> String {
        match self {
            Self::Basic => basic(user, password),
            Self::Digest { realm, nonce, opaque, algorithm, algorithm_name, qop_auth } => {
                let ha1 = algorithm.hex(&format!("{user}:{realm}:{}", password.reveal()));
                let ha2 = algorithm.hex(&format!("{method}:{uri}"));
                let mut out = format!(
                    "Digest username=\"{}\", realm=\"{}\", nonce=\"{}\", uri=\"{}\"",
                    quoted(user),
                    quoted(realm),
                    quoted(nonce),
                    quoted(uri)
                );
                let response = if *qop_auth {
                    let nc = format!("{:08x}", count.wrapping_add(1));
                    let cnonce = uuid::Uuid::now_v7().simple().to_string();
                    let response = algorithm.hex(&format!("{ha1}:{nonce}:{nc}:{cnonce}:auth:{ha2}"));
                    let _ = write!(out, ", qop=auth, nc={nc}, cnonce=\"{cnonce}\"");
                    response
                } else {
                    algorithm.hex(&format!("{ha1}:{nonce}:{ha2}"))
                };
                let _ = write!(out, ", response=\"{response}\"");
                if let Some(name) = algorithm_name {
                    let _ = write!(out, ", algorithm={name}");
                }
                if let Some(opaque) = opaque {
                    let _ = write!(out, ", opaque=\"{}\"", quoted(opaque));
                }
                out
            }
        }
    }
}

/// The value of `Authorization` for basic authentication.
pub(super) fn basic(user: &str, password: &Secret) -> String {
    format!("Basic {}", base64(format!("{user}:{}", password.reveal()).as_bytes()))
}

/// `name=value` and `name="value"` fields parted by commas (RFC 9110 section 11.2).
fn fields(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut chars = text.chars().peekable();
    loop {
        while chars.next_if(|c| c.is_whitespace() || *c == ',').is_some() {}
        let mut name = String::new();
        while let Some(c) = chars.next_if(|c| *c != '=' && *c != ',') {
            name.push(c);
        }
        if chars.next_if_eq(&'=').is_none() {
            if chars.peek().is_none() {
                return found;
            }
            continue;
        }
        let mut value = String::new();
        if chars.next_if_eq(&'"').is_some() {
            while let Some(c) = chars.next() {
                match c {
                    '"' => break,
                    '\\' => value.extend(chars.next()),
                    c => value.push(c),
                }
            }
        } else {
            while let Some(c) = chars.next_if(|c| *c != ',') {
                value.push(c);
            }
        }
        found.push((name.trim().to_owned(), value.trim().to_owned()));
    }
}

/// `text` for between the quotes of a quoted-string.
fn quoted(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, b| {
        let _ = write!(out, "{b:02x}");
        out
    })
}

/// Base64 with padding (RFC 4648 section 4).
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0u32, |bits, b| bits << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
        for i in 0..4 {
            let letter = LETTERS.get((bits >> (18 - 6 * i) & 63) as usize).copied().unwrap_or(b'=');
            out.push(if i <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    out
}

/// MD5 (RFC 1321): broken as a hash, but what most cameras' digest authentication asks for.
fn md5(message: &[u8]) -> [u8; 16] {
    const SHIFTS: [[u32; 4]; 4] = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]];
    let mut padded = message.to_vec();
    padded.push(0x80);
    padded.resize(padded.len() + (120 - padded.len() % 64) % 64, 0);
    padded.extend((message.len() as u64).wrapping_mul(8).to_le_bytes());
    let mut state: [u32; 4] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];
    for block in padded.as_chunks::<64>().0 {
        let words: Vec<u32> = block.as_chunks::<4>().0.iter().map(|w| u32::from_le_bytes(*w)).collect();
        let [mut a, mut b, mut c, mut d] = state;
        for (round, shifts) in SHIFTS.iter().enumerate() {
            for (step, shift) in (0..16usize).zip(shifts.iter().cycle()) {
                let (mix, word) = match round {
                    0 => (b & c | !b & d, step),
                    1 => (d & b | !d & c, (5 * step + 1) % 16),
                    2 => (b ^ c ^ d, (3 * step + 5) % 16),
                    _ => (c ^ (b | !d), 7 * step % 16),
                };
                // RFC 1321 section 3.4: T[i] is the integer part of 2^32 * |sin(i)|, i in radians.
                let sine = ((((round * 16 + step + 1) as f64).sin().abs()) * 4_294_967_296.0) as u32;
                let sum = a
                    .wrapping_add(mix)
                    .wrapping_add(sine)
                    .wrapping_add(words.get(word).copied().unwrap_or(0));
                (a, d, c, b) = (d, c, b, b.wrapping_add(sum.rotate_left(*shift)));
            }
        }
        for (s, x) in state.iter_mut().zip([a, b, c, d]) {
            *s = s.wrapping_add(x);
        }
    }
    let mut out = [0; 16];
    for (to, from) in out.as_chunks_mut::<4>().0.iter_mut().zip(state) {
        *to = from.to_le_bytes();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn md5_as_in_rfc_1321() {
        for (text, sum) in [
            ("", "d41d8cd98f00b204e9800998ecf8427e"),
            ("abc", "900150983cd24fb0d6963f7d28e17f72"),
            (
                "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
                "57edf4a22be3c955ac49da2e2107b67a",
            ),
        ] {
            assert_eq!(hex(&md5(text.as_bytes())), sum);
        }
        // Every length around the padding's edge gives a whole number of blocks.
        for n in 50..70 {
            md5(&vec![b'x'; n]);
        }
    }

    #[test]
    fn base64_as_in_rfc_4648() {
        for (text, code) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(base64(text.as_bytes()), code);
        }
    }

    #[test]
    fn digest_as_in_rfc_2617_without_qop() {
        // RFC 2069's example as corrected in its errata, which is RFC 2617 without qop.
        let c = Challenge::strongest(
            ["Digest realm=\"testrealm@host.com\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", \
              opaque=\"5ccc069c403ebaf9f0171e9517f40e41\""]
            .into_iter(),
        )
        .unwrap();
        let answer = c.answer("Mufasa", &Secret::new("CircleOfLife".into()), "GET", "/dir/index.html", 0);
        assert!(answer.contains("response=\"1949323746fe6a43ef61f9606e7febea\""), "{answer}");
    }

    #[test]
    fn takes_the_strongest_it_can_meet() {
        let of = |v: &[&str]| Challenge::strongest(v.iter().copied());
        assert_eq!(of(&["Basic realm=\"x\"", "Negotiate"]), Some(Challenge::Basic));
        assert_eq!(of(&["Digest realm=x, nonce=y, algorithm=MD5-sess"]), None);
        let sha = of(&[
            "Digest realm=\"a, \\\"b\\\"\", nonce=\"1\", qop=\"auth-int, auth\"",
            "digest algorithm=SHA-256, realm=\"r\", nonce=\"2\"",
            "Basic realm=\"x\"",
        ]);
        assert!(matches!(sha, Some(Challenge::Digest { algorithm: Algorithm::Sha256, qop_auth: false, .. })));
        let md5 = of(&["Digest realm=\"a, \\\"b\\\"\", nonce=\"1\", qop=\"auth-int, auth\""]);
        assert!(matches!(md5, Some(Challenge::Digest { realm, qop_auth: true, .. }) if realm == "a, \"b\""));
    }

    proptest::proptest! {
        #[test]
        fn any_header_is_read_without_panic(value in "\\PC{0,80}") {
            let _ = Challenge::strongest([value.as_str(), &format!("Digest {value}")].into_iter());
        }
    }
}
