//! `[mqtt]`: which broker, and that plates do not travel in the clear unless someone says so.

use super::cameras::is_host;
use super::file::{Table, Value};
use super::secret;
use crate::alert::{Broker, Remote, Tls, Version};
use std::net::IpAddr;

/// Keys that say nothing about an embedded broker.
const REMOTE_ONLY: [&str; 7] =
    ["host", "version", "username", "password_file", "password_env", "keep_alive_s", "allow_plaintext"];

/// The broker; `None` after a problem.
pub(super) fn broker(t: &Table<'_>) -> Option<Broker> {
    let switch = t.get("embedded");
    let embedded = switch.as_ref().and_then(|v| v.yes()).unwrap_or(false);
    let tls = t.table("tls", "mqtt.tls");
    if let (true, Some(switch)) = (embedded, switch) {
        for value in REMOTE_ONLY.iter().filter_map(|name| t.get(name)) {
            let name = value.key.trim_start_matches("mqtt.").to_owned();
            let allowed = format!("{name} only with a broker elsewhere");
            t.file.wrong(value.at, &value.key, &format!("{name} with embedded = true"), &allowed, None);
        }
        if tls.is_there() {
            let allowed = "mqtt.tls only with a broker elsewhere";
            t.file.wrong(tls.at, &tls.key, "mqtt.tls with embedded = true", allowed, None);
        }
        let why =
            "the embedded broker is for demo and development: it has no TLS, no passwords and keeps nothing";
        t.file.warn(switch.at, &switch.key, "true", why);
        return Some(Broker::Embedded { port: t.or("port", 1883, |v| v.whole()?.try_into().ok()) });
    }
    remote(t, &tls).map(Broker::Remote)
}

fn remote(t: &Table<'_>, tls_table: &Table<'_>) -> Option<Remote> {
    let host_value = t.get("host");
    if host_value.is_none() {
        t.missing("host", Some("or embedded = true, for demo and development".into()));
    }
    let host = host_value.as_ref().and_then(host);
    let credentials = secret::credentials(t);
    let allow_plaintext = t.or("allow_plaintext", false, |v| v.yes());
    let tls = tls_table.is_there().then(|| tls(tls_table)).flatten();
    let version =
        t.or("version", Version::V5, |v| Some(if v.word()? == "5" { Version::V5 } else { Version::V311 }));
    let usual = if tls_table.is_there() { 8883 } else { 1883 };
    let port = t.or("port", usual, |v| {
        let port = v.whole()?;
        if port == 0 {
            v.wrong(Some("port 0 only goes with embedded = true".into()))
        } else {
            port.try_into().ok()
        }
    });
    let keep_alive_s = t.or("keep_alive_s", 30, |v| v.whole()?.try_into().ok());
    if let (Some(value), Some(host)) = (&host_value, &host)
        && !tls_table.is_there()
        && !is_loopback(host)
    {
        if allow_plaintext {
            let why = "plates and passwords go unencrypted to another machine";
            t.file.warn(value.at, &value.key, &format!("{host:?} without TLS"), why);
        } else {
            let found = format!("{host:?} without TLS");
            let allowed = "a broker elsewhere only with [mqtt.tls]";
            let hint = "or allow_plaintext = true, and plates and passwords go unencrypted";
            t.file.wrong(value.at, &value.key, &found, allowed, Some(hint.into()));
        }
    }
    Some(Remote { host: host?, port, version, tls, credentials, keep_alive_s })
}

fn host(value: &Value<'_>) -> Option<String> {
    let text = value.text()?;
    if text.contains('@') {
        return value.wrong_as("a text with a user or password in it (not repeated here)", None);
    }
    if is_host(text) || text.parse::<IpAddr>().is_ok() {
        return Some(text.to_owned());
    }
    let hint = if text.contains("://") {
        Some("without the scheme; TLS comes from [mqtt.tls]")
    } else if text.contains(':') {
        Some("the port stands in mqtt.port")
    } else {
        None
    };
    value.wrong(hint.map(str::to_owned))
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|a| a.is_loopback())
}

fn tls(t: &Table<'_>) -> Option<Tls> {
    let ca = t.need("ca").and_then(|v| v.existing_file());
    let (certificate, key) = (t.get("certificate"), t.get("key"));
    match (&certificate, &key) {
        (Some(_), None) => t.missing("key", Some("certificate stands without its key".into())),
        (None, Some(_)) => t.missing("certificate", Some("key stands without its certificate".into())),
        _ => {}
    }
    let certificate = certificate.and_then(|v| v.existing_file());
    let key = key.and_then(|v| secret::private_key(&v));
    Some(Tls { ca: ca?, client: certificate.zip(key) })
}
