//! Certificates from files to what the MQTT client needs, with errors that name the file.
//!
//! Read anew for every connection, so that a renewed certificate needs no restart.

use super::{AlertError, Tls};
use rumqttc::TlsConfiguration;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use std::path::Path;
use std::sync::Arc;

/// What the files of `tls` say: whom to trust, and who we are. The provider (`ring`) is given here and not
/// installed for the whole process, so nobody else's choice can clash with ours.
pub(super) fn client_config(tls: &Tls) -> Result<TlsConfiguration, AlertError> {
    let what = "CA certificate";
    let mut roots = RootCertStore::empty();
    for certificate in certificates(what, &tls.ca)? {
        roots.add(certificate).map_err(|e| unusable(what, &tls.ca, e.to_string()))?;
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|e| unusable(what, &tls.ca, e.to_string()))?
        .with_root_certificates(roots);
    let config = match &tls.client {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => builder
            .with_client_auth_cert(certificates("client certificate", certificate)?, private_key(key)?)
            .map_err(|e| unusable("client certificate", certificate, e.to_string()))?,
    };
    Ok(TlsConfiguration::Rustls(Arc::new(config)))
}

pub(super) fn certificates(
    what: &'static str,
    path: &Path,
) -> Result<Vec<CertificateDer<'static>>, AlertError> {
    let pem = read(what, path)?;
    let found = rustls_pemfile::certs(&mut pem.as_slice())
        .collect::<Result<Vec<_>, _>>()
        .map_err(|e| unusable(what, path, format!("is not PEM: {e}")))?;
    if found.is_empty() {
        return Err(unusable(what, path, "holds no PEM certificate (-----BEGIN CERTIFICATE-----)".into()));
    }
    Ok(found)
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, AlertError> {
    let what = "client key";
    let pem = read(what, path)?;
    rustls_pemfile::private_key(&mut pem.as_slice())
        .map_err(|e| unusable(what, path, format!("is not PEM: {e}")))?
        .ok_or_else(|| unusable(what, path, "holds no PEM private key (-----BEGIN PRIVATE KEY-----)".into()))
}

fn read(what: &'static str, path: &Path) -> Result<Vec<u8>, AlertError> {
    std::fs::read(path).map_err(|e| unusable(what, path, format!("cannot be read: {e}")))
}

pub(super) fn unusable(what: &'static str, path: &Path, why: String) -> AlertError {
    AlertError::Certificate { what, path: path.to_path_buf(), why }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_the_file_and_what_is_wrong() {
        let dir = tempfile::tempdir().unwrap();
        let ca = dir.path().join("ca.pem");
        let tls = Tls { ca: ca.clone(), client: None };
        assert!(client_config(&tls).unwrap_err().to_string().contains("ca.pem: cannot be read"));
        std::fs::write(&ca, "no certificate").unwrap();
        assert!(client_config(&tls).unwrap_err().to_string().contains("ca.pem: holds no PEM certificate"));
        std::fs::write(&ca, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
        assert!(client_config(&tls).unwrap_err().to_string().contains("ca.pem"));
    }
}
