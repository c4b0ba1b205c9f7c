//! When the certificates of the connection end: said weeks before, because a box whose certificate has ended is let in
//! no more, and nobody may be near to see it.
//!
//! Only `notAfter` (RFC 5280, section 4.1.2.5) is looked at. The broker's own certificate is not in our files.

use super::{AlertError, Tls, tls};
use crate::domain::Utc;
use rustls::pki_types::CertificateDer;
use std::path::{Path, PathBuf};
use x509_parser::parse_x509_certificate;

/// Warned of from so many days before the end on.
const DAYS_BEFORE: i64 = 30;
const DAY_MS: i64 = 86_400_000;

/// When a certificate ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expiry {
    /// Which: `CA certificate` or `client certificate`.
    pub what: &'static str,
    /// Its file.
    pub path: PathBuf,
    /// The last instant at which it counts.
    pub ends_at: Utc,
}

impl Expiry {
    /// Whole days from `now` to the end; negative once it has ended.
    pub fn days_left(&self, now: Utc) -> i64 {
        self.ends_at.since_ms(now).div_euclid(DAY_MS)
    }

    /// Whether it has ended.
    pub fn is_over(&self, now: Utc) -> bool {
        self.ends_at < now
    }

    /// What is to be said of it where the end is near or past.
    pub fn warning(&self, now: Utc) -> Option<String> {
        let (what, path, at) = (self.what, self.path.display(), self.ends_at);
        match self.days_left(now) {
            _ if self.is_over(now) => Some(format!("{what} {path}: has ended ({at}); put a new one there")),
            days @ ..=DAYS_BEFORE => {
                let s = if days == 1 { "" } else { "s" };
                Some(format!("{what} {path}: ends in {days} day{s} ({at}); put a new one there before"))
            }
            _ => None,
        }
    }
}

/// When the certificates in the files of `tls` end. Of a client certificate with its chain the first end counts. Of
/// several authorities in one file it is the first that is still to come at `now`: those that have ended beside others
/// are left over from an exchange.
///
/// # Errors
/// A file cannot be read, or holds no certificate or a broken one.
pub fn expiries(tls: &Tls, now: Utc) -> Result<Vec<Expiry>, AlertError> {
    let mut found = Vec::new();
    let ends = |what: &'static str, path: &Path| -> Result<Vec<Utc>, AlertError> {
        let end = |certificate: &CertificateDer<'_>| {
            let (_, parsed) = parse_x509_certificate(certificate)
                .map_err(|e| tls::unusable(what, path, format!("cannot be read: {e}")))?;
            Ok(Utc::from_unix_ms(parsed.validity().not_after.timestamp().saturating_mul(1000)))
        };
        tls::certificates(what, path)?.iter().map(end).collect()
    };
    let authorities = ends("CA certificate", &tls.ca)?;
    let to_come = authorities.iter().filter(|t| **t >= now).min();
    if let Some(&ends_at) = to_come.or_else(|| authorities.iter().max()) {
        found.push(Expiry { what: "CA certificate", path: tls.ca.clone(), ends_at });
    }
    if let Some((path, _)) = &tls.client
        && let Some(&ends_at) = ends("client certificate", path)?.iter().min()
    {
        found.push(Expiry { what: "client certificate", path: path.clone(), ends_at });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A certificate that ends at `at`, made as an administrator's tool makes it.
    fn ending(at: Utc) -> String {
        let mut params = rcgen::CertificateParams::new(vec!["box".to_owned()]).unwrap();
        let seconds = at.unix_ms() / 1000;
        params.not_before = rcgen::date_time_ymd(1990, 1, 1);
        params.not_after =
            rcgen::date_time_ymd(1970, 1, 1) + std::time::Duration::from_secs(seconds.unsigned_abs());
        params.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap().pem()
    }

    fn at(text: &str) -> Utc {
        text.parse().unwrap()
    }

    #[test]
    fn the_end_is_read_and_warned_of_before_it_comes() {
        let dir = tempfile::tempdir().unwrap();
        let now = at("2026-11-25T12:00:00Z");
        let path = dir.path().join("box.pem");
        let tls =
            Tls { ca: dir.path().join("ca.pem"), client: Some((path.clone(), dir.path().join("box.key"))) };
        std::fs::write(&tls.ca, ending(at("2061-03-04T05:06:07Z"))).unwrap();
        // (end, days left, what is said)
        for (end, days, said) in [
            ("2026-11-30T13:00:00Z", 5, Some("client certificate")),
            ("2026-11-26T12:00:01Z", 1, Some("ends in 1 day (2026-11-26T12:00:01")),
            ("2026-11-25T12:00:01Z", 0, Some("ends in 0 days")),
            ("2026-11-25T11:59:59Z", -1, Some("has ended (2026-11-25T11:59:59")),
            ("2027-03-01T00:00:00Z", 95, None),
        ] {
            std::fs::write(&path, ending(at(end))).unwrap();
            let [ca, client] = expiries(&tls, now).unwrap().try_into().unwrap();
            assert_eq!(ca.ends_at, at("2061-03-04T05:06:07Z"), "GeneralizedTime, after 2049");
            assert_eq!(ca.warning(now), None);
            assert_eq!((client.ends_at, client.days_left(now)), (at(end), days), "{end}");
            let warning = client.warning(now);
            match said {
                None => assert_eq!(warning, None, "{end}"),
                Some(part) => {
                    let warning = warning.unwrap();
                    assert!(warning.contains(part) && warning.contains("box.pem"), "{warning}");
                }
            }
        }
    }

    #[test]
    fn of_a_chain_the_first_end_counts_and_of_authorities_the_next() {
        let dir = tempfile::tempdir().unwrap();
        let now = at("2026-11-25T12:00:00Z");
        let [gone, soon, late] = ["2026-01-01T00:00:00Z", "2026-12-01T00:00:00Z", "2030-01-01T00:00:00Z"];
        let path = dir.path().join("all.pem");
        let tls = Tls { ca: path.clone(), client: Some((path.clone(), path.clone())) };
        let ends = |all: &[&str]| {
            std::fs::write(&path, all.iter().map(|end| ending(at(end))).collect::<String>()).unwrap();
            expiries(&tls, now).unwrap().iter().map(|e| e.ends_at.to_string()).collect::<Vec<_>>()
        };
        let told = |text: &str| at(text).to_string();
        assert_eq!(ends(&[late, gone, soon]), [told(soon), told(gone)]);
        assert_eq!(ends(&[gone]), [told(gone), told(gone)]);
    }

    #[test]
    fn what_is_no_certificate_is_refused_with_its_file() {
        let dir = tempfile::tempdir().unwrap();
        let tls = Tls { ca: dir.path().join("ca.pem"), client: None };
        // Base64 of a sequence that holds nothing.
        std::fs::write(&tls.ca, "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n").unwrap();
        let error = expiries(&tls, Utc::now()).unwrap_err().to_string();
        assert!(error.contains("ca.pem") && error.contains("cannot be read"), "{error}");
    }
}
