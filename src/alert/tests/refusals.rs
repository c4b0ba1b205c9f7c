//! What a broker may refuse: us, our certificate, a topic, a size. And what the texts say of it.

use super::fixtures::*;
use super::mosquitto::*;
use crate::alert::{Remote, Tls, Version};
use crate::runtime::Secret;
use std::process::Command;
use std::time::Duration;

const SECRET: &str = "s3cret-Passw0rd";

/// A mosquitto that wants TLS, a client certificate and a password.
fn strict() -> Mosquitto {
    let mut broker = Mosquitto::prepare(
        "allow_anonymous false\npassword_file {dir}/passwords\ncafile {dir}/ca.pem\n\
         certfile {dir}/server.pem\nkeyfile {dir}/server.key\nrequire_certificate true",
    );
    certificates(broker.dir.path());
    let made = Command::new("/usr/bin/mosquitto_passwd")
        .args(["-b", "-c"])
        .arg(broker.path("passwords"))
        .args(["box1", SECRET])
        .status();
    assert!(made.unwrap().success());
    broker.start();
    broker
}

fn secured(broker: &Mosquitto, version: Version) -> Remote {
    Remote {
        tls: Some(Tls {
            ca: broker.path("ca.pem"),
            client: Some((broker.path("client.pem"), broker.path("client.key"))),
        }),
        credentials: Some(("box1".into(), Secret::new(SECRET.into()))),
        ..plain(broker.port, version)
    }
}

fn over_tls(version: Version) {
    let broker = strict();
    let [ca, certificate, key] =
        ["ca.pem", "client.pem", "client.key"].map(|n| broker.path(n).display().to_string());
    let tls = ["--cafile", &ca, "--cert", &certificate, "--key", &key, "-u", "box1", "-P", SECRET];
    let listener = broker.subscribe("platewatch/v1/zone/box1/hits", &tls);
    let (outbox, _, publisher) = publisher(secured(&broker, version));
    outbox.put(message());
    eventually("the row is done", || outbox.done() == [1]);
    eventually("the hit arrives", || listener.messages().len() == 1);
    assert_eq!(publisher.join(Duration::from_secs(5)).unwrap(), 0);
}

#[test]
fn tls_client_certificate_and_password_v5() {
    over_tls(Version::V5);
}

#[test]
fn tls_client_certificate_and_password_v311() {
    over_tls(Version::V311);
}

/// Why the connection is refused; the row stays and the text keeps the secret.
fn reason(remote: Remote) -> String {
    let address = format!("127.0.0.1:{}", remote.port);
    let (outbox, events, publisher) = publisher(remote);
    outbox.put(message());
    eventually("the refusal is told", || events.reason().is_some());
    let reason = events.reason().unwrap();
    assert!(reason.contains(&address), "{reason}");
    for told in events.all() {
        assert!(!format!("{told:?}").contains(SECRET), "{told:?}");
    }
    assert_eq!(publisher.join(Duration::from_secs(2)).unwrap(), 1, "the row stays");
    reason
}

#[test]
fn a_wrong_password_is_told_without_it() {
    let broker = strict();
    for version in [Version::V5, Version::V311] {
        let mut remote = secured(&broker, version);
        remote.credentials = Some(("box1".into(), Secret::new(format!("{SECRET}-not"))));
        let reason = reason(remote);
        assert!(reason.contains("refused the user, password"), "{reason}");
    }
}

#[test]
fn an_untrusted_ca_and_a_missing_client_certificate_are_told() {
    let broker = strict();
    let elsewhere = tempfile::tempdir().unwrap();
    certificates(elsewhere.path());
    for version in [Version::V5, Version::V311] {
        let mut remote = secured(&broker, version);
        remote.tls = Some(Tls { ca: elsewhere.path().join("ca.pem"), client: None });
        let reason = reason(remote);
        assert!(reason.contains("TLS") && reason.contains("certificate"), "{reason}");
    }
    let mut remote = secured(&broker, Version::V5);
    remote.tls = Some(Tls { ca: broker.path("ca.pem"), client: None });
    let reason = reason(remote);
    assert!(reason.to_lowercase().contains("certificate"), "{reason}");
}

#[test]
fn what_is_too_large_is_kept_aside_and_the_rest_goes_on() {
    for (limit, version) in [("", Version::V5), ("", Version::V311), ("\nmax_packet_size 20000", Version::V5)]
    {
        let mut broker = Mosquitto::prepare(&format!("allow_anonymous true{limit}"));
        broker.start();
        let (outbox, events, publisher) = publisher(plain(broker.port, version));
        outbox.put(message());
        let mut large = message();
        let size = if limit.is_empty() { 300_000 } else { 20_000 };
        large.payload.push_str(&" ".repeat(size));
        outbox.put(large);
        outbox.put(message());
        eventually("the others are done", || outbox.done() == [1, 3]);
        eventually("the large one is kept aside", || outbox.dead().len() == 1);
        let (row, why) = outbox.dead().remove(0);
        assert!(row == 2 && why.contains("bytes, at most"), "{why}");
        assert!(events.all().iter().any(|t| matches!(t, Told::Refused(2, _))));
        assert_eq!(events.connected(), 1);
        publisher.join(Duration::from_secs(5)).unwrap();
    }
}

#[test]
fn what_the_broker_refuses_is_kept_aside_with_its_reason() {
    // v5 only: MQTT 3.1.1 has no way to say so, mosquitto then acknowledges and discards.
    let mut broker = Mosquitto::prepare("allow_anonymous true\nacl_file {dir}/acl");
    std::fs::write(broker.path("acl"), "topic write platewatch/v1/zone/box1/status\n").unwrap();
    broker.start();
    let (outbox, _, publisher) = publisher(plain(broker.port, Version::V5));
    outbox.put(message());
    eventually("the row is kept aside", || outbox.dead().len() == 1);
    assert!(outbox.dead()[0].1.contains("NotAuthorized"), "{:?}", outbox.dead());
    publisher.join(Duration::from_secs(5)).unwrap();
}

#[test]
fn a_row_the_broker_chokes_on_does_not_hold_up_the_others() {
    // mosquitto answers with reason code 0x95, which rumqttc 0.25 cannot read: the connection ends.
    let mut broker = Mosquitto::prepare("allow_anonymous true\nmessage_size_limit 6000");
    broker.start();
    let (outbox, _, publisher) = publisher(plain(broker.port, Version::V5));
    let mut large = message();
    large.payload.push_str(&" ".repeat(8_000));
    outbox.put(large);
    for _ in 0..5 {
        outbox.put(message());
    }
    eventually("the others are done", || outbox.done().len() == 5);
    eventually("the row is kept aside", || outbox.dead().len() == 1);
    assert_eq!(outbox.dead()[0].0, 1);
    publisher.join(Duration::from_secs(5)).unwrap();
}
