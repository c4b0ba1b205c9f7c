//! Layer 8: the fuzz targets: one function for each parser of bytes from outside. Compiled for tests and by
//! `fuzz/run.sh` alone, no part of the shipped program. May import everything.
//!
//! A target takes any bytes; it fails by panicking. Beyond that a parser must not panic, targets hold what they
//! read against what must be true of it. `fuzz/corpus/TARGET` holds inputs that reach what there is to reach; a test
//! below sends all of them through in every test run, so what was once found stays found.

mod lists;

use crate::domain::{Country, Outcome, Utc};
use crate::runtime::{PublicKey, Signature};
use crate::{alert, capture, cli, config, console, evidence, law, vision};
use std::path::Path;

/// A target.
pub type Target = fn(&[u8]);

/// Every target by its name; the names are folders of `fuzz/corpus` too.
pub const TARGETS: &[(&str, Target)] = &[
    ("rtsp", capture::fuzzing::rtsp_stream),
    ("rtp", capture::fuzzing::rtp),
    ("challenge", capture::fuzzing::challenge),
    ("mjpeg", capture::fuzzing::mjpeg),
    ("picture-header", capture::fuzzing::picture_header),
    ("picture", capture::fuzzing::picture),
    ("video-packet", capture::fuzzing::video_packet),
    ("list", lists::list),
    ("mapping", lists::mapping),
    ("manifest", lists::manifest),
    ("ignore-list", lists::ignore_list),
    ("confusions", lists::confusions),
    ("grammar", lists::grammar),
    ("config", configuration),
    ("card", card),
    ("truth", cli::fuzz_truth),
    ("hit-message", hit_message),
    ("answer", console::fuzz_answer),
    ("evidence", evidence::fuzz),
    ("message", message),
    ("mandate", mandate),
    ("preset", preset),
    ("position", position),
    ("words", words),
];

/// A configuration; nothing it names is there.
fn configuration(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let nothing = |_: &str| None;
    if let Err(error) = config::parse(&text, Path::new("/nonexistent"), &nothing) {
        assert!(!error.to_string().is_empty());
    }
}

/// The card of a model.
fn card(bytes: &[u8]) {
    let (detector, reader) = vision::fuzz_card(&String::from_utf8_lossy(bytes));
    assert!(!(detector && reader), "no card is of both");
}

/// A message as a subscriber gets it; what was understood must be so again when written.
fn hit_message(bytes: &[u8]) {
    let Ok(event) = serde_json::from_slice::<alert::message::HitEvent>(bytes) else { return };
    let _ = alert::one_line(&event);
    let written = serde_json::to_vec(&event).unwrap_or_default();
    assert_eq!(serde_json::from_slice::<alert::message::HitEvent>(&written).ok(), Some(event));
}

/// A command or answer as it comes over MQTT, in every way it may come; what it asks for must be what it says.
fn message(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let Ok(read) = alert::Message::parse(&text) else { return };
    let _ = read.request();
    let Ok(written) = read.to_json() else { return };
    let Ok(again) = alert::Message::parse(&written) else {
        panic!("what was written cannot be read: {written}")
    };
    // What is signed must not depend on how it was spelled.
    assert_eq!(read.text_to_sign("zone"), again.text_to_sign("zone"));
    assert_eq!(read.signature().is_some(), again.signature().is_some());
}

/// A mandate, signed or not, and a list of officers.
fn mandate(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let key = format!("platewatch-ed25519 zone {}\n", "5b".repeat(32));
    let Ok(signers) = crate::runtime::Signers::parse(&key) else { panic!("{key} names no signer") };
    // Nobody has that key's other half.
    assert!(law::Mandate::verify(&text, &signers).is_err());
    if let (Ok(mandate), Some(rules)) = (law::Mandate::parse(&text), law::Preset::be_wpa().rules) {
        let _ = (mandate.problems(&rules), mandate.ends(&rules));
        let Ok(written) = mandate.to_text() else { panic!("a mandate that was read cannot be written") };
        assert_eq!(law::Mandate::parse(&written).ok(), Some(mandate));
    }
    let _ = law::Officers::parse(&text).map(|o| o.find("7"));
}

/// The rules of a country.
fn preset(bytes: &[u8]) {
    if let Err(error) = law::Preset::parse(&String::from_utf8_lossy(bytes), "fuzz") {
        assert!(!error.to_string().is_empty());
    }
}

/// A vehicle's position as another program writes it, and as gpsd tells it.
fn position(bytes: &[u8]) {
    let now = Utc::from_unix_ms(1_800_000_000_000);
    let (mut whole, mut cut) = (law::gpsd::Hearing::default(), law::gpsd::Hearing::default());
    whole.hear(bytes, now);
    bytes.chunks(7).for_each(|piece| cut.hear(piece, now));
    assert_eq!(whole, cut, "what is heard depends on how it was cut");
    if let Some(fix) = whole.fix() {
        assert!((-180.0..=180.0).contains(&fix.position.longitude));
        assert!((-90.0..=90.0).contains(&fix.position.latitude));
        assert!(fix.position.accuracy_m.is_none_or(|a| a >= 0.0));
    }
    let _ = law::GpsdAddress::parse(&String::from_utf8_lossy(bytes));
    if let Some(fix) = law::position::last_fix(&String::from_utf8_lossy(bytes)) {
        assert!((-180.0..=180.0).contains(&fix.position.longitude));
        assert!((-90.0..=90.0).contains(&fix.position.latitude));
    }
}

/// Times, countries, keys and other words of the command line, of files and of messages.
fn words(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(time) = text.parse::<Utc>() {
        assert_eq!(time.to_string().parse::<Utc>().ok(), Some(time));
    }
    if let Ok(key) = text.parse::<PublicKey>() {
        assert_eq!(key.to_string().parse::<PublicKey>().ok(), Some(key));
    }
    if let Ok(signature) = text.parse::<Signature>() {
        assert!(signature.to_string().eq_ignore_ascii_case(text.trim()));
    }
    let _ = Country::parse(&text).map(|c| assert_eq!(Country::parse(c.as_str()), Some(c)));
    let _ = Outcome::parse(&text);
    let _ = crate::domain::Zone::parse(&text);
    let _ = crate::domain::HitId::parse(&text).map(|id| assert_eq!(id.to_string().len(), 36));
    let lines: Vec<&str> = text.lines().collect();
    if let Ok(zone) = crate::domain::Zone::parse("Europe/Brussels") {
        let _ = crate::hotlist::Hours::parse(lines.iter().copied(), zone);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_corpus_goes_through_its_targets() {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
        for (name, target) in TARGETS {
            let folder = corpus.join(name);
            let inputs: Vec<_> = std::fs::read_dir(&folder)
                .unwrap_or_else(|e| panic!("{} has no corpus: {e}", folder.display()))
                .map(|entry| entry.unwrap().path())
                .collect();
            assert!(!inputs.is_empty(), "{} is empty", folder.display());
            for input in inputs {
                let bytes = std::fs::read(&input).unwrap();
                let went = std::panic::catch_unwind(|| target(&bytes));
                assert!(went.is_ok(), "{name}: {} panics", input.display());
            }
        }
    }

    #[test]
    fn no_corpus_is_without_a_target() {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
        for entry in std::fs::read_dir(corpus).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            assert!(TARGETS.iter().any(|(target, _)| *target == name), "{name}");
        }
    }
}
