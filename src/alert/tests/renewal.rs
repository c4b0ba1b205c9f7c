//! Certificates: exchanged while the box runs, for another name, of too old a TLS.

use super::fixtures::*;
use super::mosquitto::*;
use crate::alert::{Remote, Tls, Version};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

type Authority = (String, rcgen::Issuer<'static, rcgen::KeyPair>);

fn authority(name: &str) -> Authority {
    let mut params = rcgen::CertificateParams::new(vec![]).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    let key = rcgen::KeyPair::generate().unwrap();
    let pem = params.self_signed(&key).unwrap().pem();
    (pem, rcgen::Issuer::new(params, key))
}

/// Writes `name.pem` and `name.key`, each by renaming as an administrator should.
fn issue(dir: &Path, name: &str, hosts: &[&str], authority: &Authority) {
    let key = rcgen::KeyPair::generate().unwrap();
    let hosts: Vec<String> = hosts.iter().map(|h| (*h).to_owned()).collect();
    let certificate = rcgen::CertificateParams::new(hosts).unwrap().signed_by(&key, &authority.1).unwrap();
    put(dir, &format!("{name}.pem"), &certificate.pem());
    put(dir, &format!("{name}.key"), &key.serialize_pem());
}

fn put(dir: &Path, name: &str, text: &str) {
    std::fs::write(dir.join("new"), text).unwrap();
    std::fs::rename(dir.join("new"), dir.join(name)).unwrap();
}

/// A broker that wants client certificates of `authority`, known as `host`.
fn broker(authority: &Authority, host: &str) -> Mosquitto {
    let broker = Mosquitto::prepare(
        "allow_anonymous true\ncafile {dir}/clients.pem\ncertfile {dir}/server.pem\nkeyfile {dir}/server.key\n\
         require_certificate true",
    );
    put(broker.dir.path(), "clients.pem", &authority.0);
    issue(broker.dir.path(), "server", &[host], authority);
    broker
}

fn remote(broker: &Mosquitto, files: &Path) -> Remote {
    let client = Some((files.join("box.pem"), files.join("box.key")));
    Remote { tls: Some(Tls { ca: files.join("ca.pem"), client }), ..plain(broker.port, Version::V5) }
}

/// The last health that came: `(accepted certificates' time, problem)`.
fn told(listener: &Listener) -> (String, Option<String>) {
    let all = listener.messages();
    let last =
        all.iter().rfind(|(t, _)| t.ends_with("/health")).map(|(_, m)| m["data"]["broker_tls"].clone());
    let last = last.unwrap_or_default();
    (last["loaded_at"].as_str().unwrap_or_default().to_owned(), last["problem"].as_str().map(str::to_owned))
}

#[test]
fn certificates_are_exchanged_without_a_restart_and_bad_ones_change_nothing() {
    let (first, second) = (authority("first"), authority("second"));
    let files = tempfile::tempdir().unwrap();
    let files = files.path();
    let mut server = broker(&first, "127.0.0.1");
    put(files, "ca.pem", &first.0);
    issue(files, "box", &["box1"], &first);
    issue(files, "watcher", &["watcher"], &first);
    put(files, "watcher-ca.pem", &first.0);
    server.start();
    let path = |name: &str| files.join(name).display().to_string();
    let (ca, certificate, key) = (path("watcher-ca.pem"), path("watcher.pem"), path("watcher.key"));
    let arguments = ["--cafile", &ca, "--cert", &certificate, "--key", &key];
    let listener = server.subscribe("platewatch/v1/zone/box1/#", &arguments);
    let (outbox, events, publisher) = publisher(remote(&server, files));
    let delivered = |what: &str| {
        let row = outbox.put(message());
        eventually(what, || outbox.done().contains(&row));
    };
    delivered("the first certificates");
    eventually("health tells of them", || !told(&listener).0.is_empty());
    let (loaded, problem) = told(&listener);
    assert_eq!(problem, None);
    let days = |listener: &Listener| {
        let all = listener.messages();
        let last =
            all.iter().rfind(|(t, _)| t.ends_with("/health")).map(|(_, m)| m["data"]["broker_tls"].clone());
        last.and_then(|tls| tls["days_left"].as_i64())
    };
    assert!(days(&listener).is_some_and(|days| days > 365), "{:?}", days(&listener));

    // Half a file, then a key that belongs to another certificate: the connection goes on.
    put(files, "box.pem", "-----BEGIN CERTIFICATE-----\nAAAA");
    eventually("the bad file is told of", || told(&listener).1.is_some_and(|p| p.contains("box.pem")));
    delivered("still the first");
    issue(files, "other", &["box1"], &first);
    std::fs::rename(files.join("other.pem"), files.join("box.pem")).unwrap();
    eventually("the wrong key is told of", || {
        told(&listener).1.is_some_and(|p| p.contains("client certificate"))
    });
    delivered("still the first after a wrong key");
    // One that the broker does not know.
    issue(files, "box", &["box1"], &second);
    eventually("the refusal is told of", || told(&listener).1.is_some_and(|p| p.contains("does not accept")));
    delivered("still the first after a strange one");
    assert_eq!((events.connected(), told(&listener).0), (1, loaded.clone()), "never disconnected");

    // A renewed one: a new connection, without a word of the old one being lost.
    issue(files, "box", &["box1"], &first);
    eventually("a new connection", || events.connected() == 2);
    delivered("the renewed one");
    eventually("health tells of it", || told(&listener).0 > loaded && told(&listener).1.is_none());
    assert_eq!(events.reason(), None, "never lost");
    let status = "platewatch/v1/zone/box1/status";
    assert!(listener.states(status).iter().all(|s| s == "online"), "{:?}", listener.states(status));

    // Everything of the broker is exchanged: authority, certificate and whom it trusts; the box's files first.
    put(files, "ca.pem", &second.0);
    issue(files, "box", &["box1"], &second);
    eventually("not yet", || told(&listener).1.is_some_and(|p| p.contains("does not accept")));
    delivered("the old authority still");
    drop(listener);
    server.kill();
    put(server.dir.path(), "clients.pem", &second.0);
    issue(server.dir.path(), "server", &["127.0.0.1"], &second);
    server.start();
    delivered("the new authority");
    assert_eq!(publisher.join(Duration::from_secs(5)).unwrap(), 0);
}

/// Why there is no connection.
fn reason(remote: Remote) -> String {
    let (outbox, events, publisher) = publisher(remote);
    outbox.put(message());
    eventually("the refusal is told", || events.reason().is_some());
    assert_eq!(publisher.join(Duration::from_secs(2)).unwrap(), 1, "nothing was sent");
    assert_eq!(events.connected(), 0);
    events.reason().unwrap()
}

#[test]
fn a_certificate_for_another_name_is_refused_by_name() {
    let authority = authority("zone");
    let files = tempfile::tempdir().unwrap();
    put(files.path(), "ca.pem", &authority.0);
    issue(files.path(), "box", &["box1"], &authority);
    for version in [Version::V5, Version::V311] {
        let mut server = broker(&authority, "other.zone.example");
        server.start();
        let reason = reason(Remote { version, ..remote(&server, files.path()) });
        assert!(reason.contains("127.0.0.1") && reason.contains("host name"), "{reason}");
        assert!(reason.contains("not valid for name"), "{reason}");
    }
}

struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_broker_that_speaks_no_newer_tls_than_1_1_is_refused() {
    let authority = authority("zone");
    let files = tempfile::tempdir().unwrap();
    let files = files.path();
    put(files, "ca.pem", &authority.0);
    issue(files, "box", &["box1"], &authority);
    issue(files, "server", &["127.0.0.1"], &authority);
    for (version, refused) in [("-tls1_1", true), ("-tls1_2", false), ("-tls1_3", false)] {
        let port = free_port();
        let server = Command::new("openssl")
            .args(["s_server", version, "-accept", &port.to_string(), "-quiet", "-cipher", "ALL:@SECLEVEL=0"])
            .arg("-cert")
            .arg(files.join("server.pem"))
            .arg("-key")
            .arg(files.join("server.key"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("openssl is installed");
        let mut server = Server(server);
        eventually("openssl listens", || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
        let client = Some((files.join("box.pem"), files.join("box.key")));
        let remote =
            Remote { tls: Some(Tls { ca: files.join("ca.pem"), client }), ..plain(port, Version::V5) };
        if refused {
            let reason = reason(remote);
            assert!(reason.contains("TLS"), "{reason}");
        } else {
            // Past the handshake: the MQTT CONNECT arrives, which is no answer of a broker.
            let (_outbox, _events, publisher) = publisher(remote);
            let mut out = server.0.stdout.take().unwrap();
            let mut first = [0; 16];
            std::io::Read::read_exact(&mut out, &mut first).unwrap();
            assert!(first.windows(4).any(|w| w == b"MQTT"), "{first:?}");
            drop(publisher);
        }
    }
}
