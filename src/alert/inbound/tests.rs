//! Everything hostile a broker can deliver, and that every refusal is the one it should be.

use super::*;
use crate::runtime::SigningKey;
use proptest::prelude::*;
use serde_json::{Value, json};

fn key() -> SigningKey {
    SigningKey::create(&tempfile::tempdir().unwrap().path().join("key")).unwrap()
}

fn identity() -> BoxIdentity {
    BoxIdentity::new("antwerp", "box-1").unwrap()
}

fn rules(key: &SigningKey, may: &[Right]) -> Inbound {
    let signer =
        MessageSigner { id: "dispatch".into(), key: key.public(), may: may.iter().copied().collect() };
    Inbound {
        trust: Trust::Signed(vec![signer]),
        max_age: Duration::from_secs(120),
        clock_skew: Duration::from_secs(30),
    }
}

fn message(request: &Request) -> Message {
    Message::new("antwerp", "box-1", "Peeters", request).unwrap()
}

fn pause() -> Request {
    Request::Pause { camera: "gate".into(), reason: "works".into() }
}

fn outcome() -> Request {
    Request::Outcome { hit: HitId::generate(), outcome: Outcome::Misread, note: "8, not B — hé".into() }
}

fn on_commands(rules: &Inbound, payload: &[u8], now: Utc) -> Result<Accepted, Refusal> {
    judge(rules, &identity(), InboundTopic::Commands, payload, false, now)
}

#[test]
fn what_is_signed_counts_and_says_who_and_what() {
    let key = key();
    let rules = rules(&key, &Right::ALL);
    for request in [
        pause(),
        Request::Resume { camera: "gate".into() },
        Request::ReloadLists,
        Request::RetryOutbox,
        Request::HealthNow,
        outcome(),
    ] {
        let topic =
            if request.right() == Right::Outcome { InboundTopic::Outcomes } else { InboundTopic::Commands };
        let other =
            if topic == InboundTopic::Outcomes { InboundTopic::Commands } else { InboundTopic::Outcomes };
        let message = message(&request).sign("dispatch", &key);
        let json = message.to_json().unwrap();
        let judged = |topic| judge(&rules, &identity(), topic, json.as_bytes(), false, Utc::now());
        let accepted = judged(topic).unwrap();
        assert_eq!((accepted.signer.as_str(), accepted.by.as_str()), ("dispatch", "Peeters"));
        assert_eq!((&accepted.request, accepted.id), (&request, message.id.clone()));
        assert_eq!(judged(other), Err(Refusal::Malformed), "on the other topic");
        assert_eq!(
            judge(&rules, &identity(), topic, json.as_bytes(), true, Utc::now()),
            Err(Refusal::Retained)
        );
        // Written otherwise, it says the same.
        let pretty = serde_json::to_string_pretty(&serde_json::from_str::<Value>(&json).unwrap()).unwrap();
        judge(&rules, &identity(), topic, pretty.as_bytes(), false, Utc::now()).unwrap();
    }
}

#[test]
fn every_field_that_counts_is_signed() {
    let key = key();
    let rules = rules(&key, &Right::ALL);
    let signed: Value =
        serde_json::from_str(&message(&pause()).sign("dispatch", &key).to_json().unwrap()).unwrap();
    let later = Utc::now().plus_ms(1).to_string();
    for (pointer, value, refusal) in [
        ("/id", json!("another"), Refusal::BadSignature),
        ("/time", json!(later), Refusal::BadSignature),
        ("/signer", json!("someone"), Refusal::UnknownSigner),
        ("/signature", json!("00".repeat(64)), Refusal::BadSignature),
        ("/signature", json!("xyz"), Refusal::Malformed),
        ("/data/by", json!("Janssens"), Refusal::BadSignature),
        ("/data/camera", json!("quay"), Refusal::BadSignature),
        ("/data/command", json!("resume"), Refusal::BadSignature),
        ("/data/reason", json!("works\ndata.x: y"), Refusal::Malformed),
        ("/data/zone", json!("ghent"), Refusal::WrongBox),
        ("/data/box", json!("box-2"), Refusal::WrongBox),
        ("/type", json!(OUTCOME_TYPE), Refusal::Malformed),
        ("/specversion", json!("0.3"), Refusal::Malformed),
    ] {
        let mut changed = signed.clone();
        *changed.pointer_mut(pointer).unwrap() = value;
        assert_eq!(
            on_commands(&rules, changed.to_string().as_bytes(), Utc::now()),
            Err(refusal),
            "{pointer}"
        );
    }
    let mut more = signed.clone();
    more["data"]["and"] = json!("more");
    assert_eq!(on_commands(&rules, more.to_string().as_bytes(), Utc::now()), Err(Refusal::BadSignature));
    // What is not signed is not looked at.
    let mut extra = signed;
    extra["source"] = json!("/elsewhere");
    extra["traceparent"] = json!("00-x");
    on_commands(&rules, extra.to_string().as_bytes(), Utc::now()).unwrap();
}

#[test]
fn clocks_may_differ_by_the_skew_and_no_more() {
    let key = key();
    let rules = rules(&key, &Right::ALL);
    let message = message(&pause()).sign("dispatch", &key);
    let json = message.to_json().unwrap();
    let judged = |ms: i64| on_commands(&rules, json.as_bytes(), message.at.plus_ms(ms));
    assert_eq!(judged(-30_001), Err(Refusal::FromTheFuture));
    assert!(judged(-30_000).is_ok() && judged(0).is_ok() && judged(150_000).is_ok());
    assert_eq!(judged(150_001), Err(Refusal::TooOld));
    assert_eq!(judged(150_000).unwrap().expires, message.at.plus_ms(150_000), "until then its id is kept");
    assert_eq!(judged(i64::MIN / 2), Err(Refusal::FromTheFuture));
}

#[test]
fn signatures_of_others_and_rights_that_are_not_given() {
    let (key, other) = (key(), key());
    let only_outcomes = rules(&key, &[Right::Outcome]);
    let now = Utc::now();
    let json = |m: Message| m.to_json().unwrap();
    let judged = |m: Message| on_commands(&only_outcomes, json(m).as_bytes(), now);
    assert_eq!(judged(message(&pause())), Err(Refusal::Unsigned));
    assert_eq!(judged(message(&pause()).sign("dispatch", &other)), Err(Refusal::BadSignature));
    assert_eq!(judged(message(&pause()).sign("nobody", &key)), Err(Refusal::UnknownSigner));
    assert_eq!(judged(message(&pause()).sign("dispatch", &key)), Err(Refusal::NotAllowed));

    let broker = Inbound { trust: Trust::Broker([Right::Pause].into()), ..only_outcomes };
    let accepted = on_commands(&broker, json(message(&pause())).as_bytes(), now).unwrap();
    assert_eq!(accepted.signer, "broker");
    let reload = message(&Request::ReloadLists);
    assert_eq!(on_commands(&broker, json(reload).as_bytes(), now), Err(Refusal::NotAllowed));
}

#[test]
fn hostile_payloads_are_refused_by_name() {
    let key = key();
    let rules = rules(&key, &Right::ALL);
    let good = message(&pause()).sign("dispatch", &key).to_json().unwrap();
    let deep = format!("{{\"x\":{}{}}}", "[".repeat(5_000), "]".repeat(5_000));
    let deep_inside = good.replacen(
        "\"data\":{",
        &format!("\"data\":{{\"x\":{}{},", "[".repeat(5_000), "]".repeat(5_000)),
        1,
    );
    assert_ne!(deep_inside, good);
    let twice = good.replacen("\"id\":", "\"id\":\"x\",\"id\":", 1);
    let numbers = good.replacen("\"gate\"", "17", 1);
    let long_id = good.replacen("\"id\":\"", &format!("\"id\":\"{}", "a".repeat(100)), 1);
    let mut wrong_utf8 = good.clone().into_bytes();
    let at = good.find("Peeters").unwrap();
    wrong_utf8[at] = 0xff;
    let large = format!("{good}{}", " ".repeat(LONGEST));
    for (payload, refusal) in [
        (&b""[..], Refusal::Malformed),
        (b"{", Refusal::Malformed),
        (b"null", Refusal::Malformed),
        (b"[]", Refusal::Malformed),
        (b"{}", Refusal::Malformed),
        (deep.as_bytes(), Refusal::Malformed),
        (deep_inside.as_bytes(), Refusal::Malformed),
        (twice.as_bytes(), Refusal::Malformed),
        (numbers.as_bytes(), Refusal::Malformed),
        (long_id.as_bytes(), Refusal::Malformed),
        (&good.as_bytes()[..good.len() - 1], Refusal::Malformed),
        (&wrong_utf8, Refusal::NotUtf8),
        (large.as_bytes(), Refusal::TooLarge),
    ] {
        let shown: String = String::from_utf8_lossy(payload).chars().take(80).collect();
        assert_eq!(on_commands(&rules, payload, Utc::now()), Err(refusal), "{shown}");
    }
}

#[test]
fn a_message_that_nobody_would_follow_is_not_made() {
    let bad =
        |by: &str, request: &Request| Message::new("antwerp", "box-1", by, request).unwrap_err().to_string();
    assert!(bad("", &pause()).contains("by"));
    assert!(bad("Peeters", &Request::Resume { camera: String::new() }).contains("camera"));
    assert!(bad("a\nb", &pause()).contains("one line"));
}

proptest! {
    #[test]
    fn nothing_that_was_not_signed_counts(payload in proptest::collection::vec(any::<u8>(), 0..300)) {
        let rules = rules(&key(), &Right::ALL);
        prop_assert!(on_commands(&rules, &payload, Utc::now()).is_err());
    }

    #[test]
    fn a_signed_message_with_a_flipped_bit_is_the_same_or_refused(at in 0usize..2_000, bit in 0u8..8) {
        let key = key();
        let rules = rules(&key, &Right::ALL);
        let message = message(&pause()).sign("dispatch", &key);
        let mut bytes = message.to_json().unwrap().into_bytes();
        let at = at % bytes.len();
        bytes[at] ^= 1 << bit;
        if let Ok(accepted) = on_commands(&rules, &bytes, message.at) {
            prop_assert_eq!((accepted.id, accepted.request), (message.id, pause()));
        }
    }
}
