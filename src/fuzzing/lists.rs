//! Everything about lists: hotlists in any layout, mappings, manifests, ignore lists, confusions, plates.

use crate::domain::{PlateText, Utc};
use crate::hotlist::simulate::{Chance, Channel, Traffic};
use crate::hotlist::{
    Confusions, HotlistSet, IgnoreList, Manifest, Mapping, import, import_bytes, listed, match_passage, ready,
};
use crate::plate::{classify, normalise, resolve};
use crate::runtime::Signers;
use std::sync::{Arc, OnceLock};

fn now() -> Utc {
    Utc::from_unix_ms(1_764_000_000_000)
}

/// What is loaded is counted whole, and can be matched against.
pub(super) fn list(bytes: &[u8]) {
    static CHANNEL: OnceLock<(Channel, Traffic)> = OnceLock::new();
    let Ok((list, report)) = import_bytes(bytes, "fuzz", 0.9, now()) else { return };
    assert_eq!(list.len() as u64, report.loaded);
    assert_eq!(report.rows, report.loaded + report.bad_rows + report.duplicate_rows);
    let plates: Vec<PlateText> = list.entries().take(2).filter_map(|e| e.plate.plate().cloned()).collect();
    let set = HotlistSet::default().with(Arc::new(list));
    let (channel, traffic) = CHANNEL.get_or_init(|| (Channel::new(Confusions::builtin()), Traffic::new()));
    let mut chance = Chance::new(bytes.len() as u64);
    let (other, country) = traffic.draw(&mut chance);
    for plate in plates.iter().chain([&other]) {
        for passage in channel.draw(plate, country, now(), &mut chance).iter() {
            for found in match_passage(&set, passage, now()) {
                assert!((0.0..=1.0).contains(&found.probability));
            }
        }
    }
}

/// The first byte chooses a ready mapping; the rest is a file to it, and a mapping itself.
pub(super) fn mapping(bytes: &[u8]) {
    let Some((pick, file)) = bytes.split_first() else { return };
    if let Ok(mapping) = Mapping::parse("fuzz", &String::from_utf8_lossy(file)) {
        let _ = import(&b"plate,category\n1-ABC-123,stolen\n"[..], &mapping, "fuzz", 0.9, now());
    }
    let all = ready();
    let Some((name, text)) = all.get(usize::from(*pick) % all.len()) else { return };
    let Ok(mapping) = Mapping::parse(name, text) else { panic!("{name} is no mapping") };
    if let Ok((list, report)) = import(file, &mapping, "fuzz", 0.9, now()) {
        assert_eq!(list.len() as u64, report.loaded);
        assert_eq!(report.rows, report.loaded + report.bad_rows + report.duplicate_rows);
    }
}

/// Nobody has the other half of the key: no manifest may pass.
pub(super) fn manifest(bytes: &[u8]) {
    let key = format!("platewatch-ed25519 zone {}\n", "5b".repeat(32));
    let Ok(signers) = Signers::parse(&key) else { panic!("{key} names no signer") };
    let _ = Signers::parse(&String::from_utf8_lossy(bytes)).map(|s| s.ids().count());
    assert!(Manifest::verify(bytes, &signers).is_err());
}

/// Plates left alone.
pub(super) fn ignore_list(bytes: &[u8]) {
    if let Err(wrong) = IgnoreList::parse(bytes) {
        assert!(!wrong.is_empty());
    }
}

/// A reader's confusions.
pub(super) fn confusions(bytes: &[u8]) {
    let _ = Confusions::parse(&String::from_utf8_lossy(bytes), "fuzz");
}

/// A plate as written by anyone.
pub(super) fn grammar(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(pattern) = listed(&text) {
        assert_eq!(listed(pattern.as_str()), Ok(pattern));
    }
    let Ok(plate) = normalise(&text) else { return };
    assert_eq!(normalise(plate.as_str()).as_ref(), Ok(&plate));
    if let Some(resolved) = resolve(&plate, None) {
        assert_ne!(resolved.text, plate);
        assert_eq!(resolved.text.as_str().len(), plate.as_str().len());
    }
    let _ = classify(&plate, None).map(|f| f.rule.series);
}
