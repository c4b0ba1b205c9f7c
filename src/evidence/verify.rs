//! Whether a file is what a box wrote, and what that proves.

use super::archive::{self, File};
use super::manifest::{self, cut, sha256};
use super::package::{About, OutcomeAbout};
use super::{EvidenceError, name};
use crate::runtime::PublicKey;
use crate::store::{AuditAction, ChainProof, HIT_RECORD, HitRecord, ProvenRow};
use serde::de::DeserializeOwned;

/// A file that holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Verified {
    /// The hit.
    pub record: HitRecord,
    /// The key it is signed with.
    pub key: PublicKey,
    /// What is proven, a sentence each.
    pub proven: Vec<String>,
    /// What is not, a sentence each.
    pub not_proven: Vec<String>,
}

/// Holds the bytes of a file against themselves and `keys`: one of them must have signed it. Without keys, the one it names is
/// taken, which proves less; that is said.
///
/// # Errors
/// The first thing that is wrong.
pub fn verify(bytes: &[u8], keys: &[PublicKey]) -> Result<Verified, EvidenceError> {
    let files = archive::read(bytes)?;
    let (listed, key) = manifest::check(&files, keys)?;
    let record_bytes = find(&files, name::RECORD)?;
    let record: HitRecord = json(&files, name::RECORD)?;
    if record.format != HIT_RECORD {
        let said = format!("{}: the format is {:?}", name::RECORD, cut(&record.format));
        return Err(EvidenceError::Malformed(said));
    }
    let about: About = json(&files, name::EXPORT)?;
    let outcomes: Vec<OutcomeAbout> = json(&files, name::OUTCOMES)?;
    let proof: ChainProof = json(&files, name::CHAIN)?;
    let rows = proof.check(&key).map_err(|fault| EvidenceError::Chain { fault })?;
    let id = record.hit.id.as_str();
    if about.hit != id {
        return Err(contradiction(format!("{} is of the hit {:?}", name::EXPORT, cut(&about.hit))));
    }
    let hash = sha256(record_bytes);
    let of_hit = |action: AuditAction| rows.iter().filter(move |r| is(r, action, id));

    let mut found = Verified { record: record.clone(), key, proven: Vec::new(), not_proven: Vec::new() };
    found.proves(format!(
        "all {} files in it are as the box with the key {key} wrote them at {} (by its clock)",
        listed.files.len(),
        listed.created_at
    ));
    pictures(&files, &about, &rows, id)?;
    let export = of_hit(AuditAction::Export).next_back().ok_or_else(|| {
        contradiction(format!("no row of the audit chain in {} tells of this export", name::CHAIN))
    })?;
    let last = of_hit(AuditAction::HitRecorded).next_back();
    for row in last.into_iter().chain([export]) {
        if row.detail.get("record") != Some(&hash) {
            let said = format!("row {} of the audit chain is of another {}", row.seq, name::RECORD);
            return Err(contradiction(said));
        }
    }
    match (of_hit(AuditAction::HitRecorded).next(), last) {
        (Some(first), Some(last)) => {
            found.proves(format!(
                "the hit was first kept at {} (row {} of the box's audit chain, signed by the box at {})",
                first.at, first.seq, first.sealed_at
            ));
            found.proves(format!(
                "what {} says, and the {} pictures, are what the box kept at {} (row {}, signed at {})",
                name::RECORD,
                about.pictures.len(),
                last.at,
                last.seq,
                last.sealed_at
            ));
        }
        _ => found.leaves(format!(
            "when the hit was kept: its hash stands in the audit chain only since this export at {}",
            export.at
        )),
    }
    found.proves(format!(
        "it was taken out at {} by {:?}, purpose {:?}, case {:?}, which the box has on record (row {})",
        export.at, about.by, about.purpose, about.case, export.seq
    ));
    let said = |name: &str| export.detail.get(name).map(String::as_str).unwrap_or_default();
    if export.actor != about.by || said("purpose") != about.purpose || said("case") != about.case {
        return Err(contradiction(format!("{} and row {} of the audit chain", name::EXPORT, export.seq)));
    }
    answers(&outcomes, &rows, id, &mut found)?;
    in_use(&record, &rows, &mut found);
    found.leaves_open(keys.is_empty());
    Ok(found)
}

/// Every picture is one that the chain names, and every one that the chain names is there.
fn pictures(files: &[File], about: &About, rows: &[ProvenRow], id: &str) -> Result<(), EvidenceError> {
    for picture in &about.pictures {
        if sha256(find(files, &picture.file)?) != picture.sha256 {
            return Err(EvidenceError::File { name: picture.file.clone(), what: "is another picture" });
        }
    }
    let mut names: Vec<String> = about.pictures.iter().map(|p| format!("{}:{}", p.role, p.sha256)).collect();
    names.sort();
    names.dedup();
    let export = rows.iter().rfind(|r| is(r, AuditAction::Export, id));
    if let Some(row) = export
        && row.detail.get("pictures").map(String::as_str) != Some(names.join(",").as_str())
    {
        return Err(contradiction(format!("row {} of the audit chain names other pictures", row.seq)));
    }
    // Pictures may have passed their term since; others than those kept may not be here.
    let kept = rows.iter().rfind(|r| is(r, AuditAction::HitRecorded, id));
    let kept = kept.and_then(|r| r.detail.get("pictures"));
    let strange = kept.and_then(|kept| names.iter().find(|n| !kept.split(',').any(|k| k == n.as_str())));
    match strange {
        Some(name) => Err(contradiction(format!("the picture {name} was not kept with the hit"))),
        None => Ok(()),
    }
}

/// Every answer has its row, in the same order.
fn answers(
    outcomes: &[OutcomeAbout],
    rows: &[ProvenRow],
    id: &str,
    found: &mut Verified,
) -> Result<(), EvidenceError> {
    let told: Vec<&ProvenRow> = rows.iter().filter(|r| is(r, AuditAction::Outcome, id)).collect();
    // Rows of before version 5 cannot be shown.
    let unproven = outcomes.len().checked_sub(told.len()).ok_or_else(|| {
        contradiction(format!("{} lacks an answer that the audit chain holds", name::OUTCOMES))
    })?;
    for (outcome, row) in outcomes.iter().skip(unproven).zip(&told) {
        let said = |name: &str| row.detail.get(name).map(String::as_str).unwrap_or_default();
        let note = if outcome.note.is_empty() { String::new() } else { sha256(outcome.note.as_bytes()) };
        let same = row.actor == outcome.by
            && said("outcome") == outcome.outcome
            && said("source") == outcome.source
            && said("at") == outcome.at
            && said("note_sha256") == note;
        if !same {
            return Err(contradiction(format!("{} and row {} of the audit chain", name::OUTCOMES, row.seq)));
        }
    }
    match (outcomes.len(), unproven) {
        (0, _) => {}
        (n, 0) => found.proves(format!("the {n} answers of operators are as given, and none is left out")),
        (_, unproven) => {
            found.leaves(format!("{unproven} answers of operators, older than this audit chain"))
        }
    }
    Ok(())
}

/// What the chain says was in use when the hit was kept.
fn in_use(record: &HitRecord, rows: &[ProvenRow], found: &mut Verified) {
    let detail = |action: AuditAction, name: &str| {
        rows.iter()
            .rfind(|r| r.action == action.as_str())
            .and_then(|r| r.detail.get(name).map(|value| (r, value.clone())))
    };
    match detail(AuditAction::ListActivated, "sha256") {
        Some((row, sha256)) if sha256 == record.list.sha256 => found.proves(format!(
            "the list {:?} with the SHA-256 {sha256} came into use at {} (row {})",
            record.list.name, row.at, row.seq
        )),
        _ => found.leaves("when the list came into use on the box".into()),
    }
    match detail(AuditAction::ConfigurationUsed, "sha256") {
        Some((row, sha256)) => {
            found.proves(format!("the configuration in use had the SHA-256 {sha256} (row {})", row.seq));
        }
        None => found.leaves("which configuration was in use".into()),
    }
    let (detector, reader) =
        (detail(AuditAction::BoxStarted, "detector"), detail(AuditAction::BoxStarted, "reader"));
    match (detector, reader, &record.models) {
        (Some((row, detector)), Some((_, reader)), Some(models))
            if detector == models.detector_sha256 && reader == models.reader_sha256 =>
        {
            found.proves(format!(
                "the box had started with the models that {} names (row {})",
                name::RECORD,
                row.seq
            ));
        }
        _ => found.leaves("that the models named are those the box had started with".into()),
    }
}

impl Verified {
    fn proves(&mut self, what: String) {
        self.proven.push(what);
    }

    fn leaves(&mut self, what: String) {
        self.not_proven.push(what);
    }

    /// What no signature can say.
    fn leaves_open(&mut self, no_key: bool) {
        if no_key {
            self.leaves(format!(
                "whose box it was: no key was given. Ask the police zone whether {} is its box's, and give it with --key",
                self.key
            ));
        }
        let clock = &self.record.passage;
        self.leaves(match clock.clock_error_ms {
            Some(ms) => format!(
                "that the box's clock was right: it ran by {}, with an error of at most {ms} ms as it says itself",
                clock.clock_source
            ),
            None => format!("that the box's clock was right: it ran by {}, its error is not known", clock.clock_source),
        });
        self.leaves("that nobody but the box has its key: whoever has it can sign what he likes".into());
        self.leaves("that the plate was read right: look at the pictures".into());
        self.leaves("that the camera saw the road and not a picture of it".into());
    }
}

fn is(row: &ProvenRow, action: AuditAction, id: &str) -> bool {
    row.action == action.as_str() && row.detail.get("hit").map(String::as_str) == Some(id)
}

fn contradiction(what: String) -> EvidenceError {
    EvidenceError::Contradiction(what)
}

fn find<'a>(files: &'a [File], name: &str) -> Result<&'a [u8], EvidenceError> {
    files
        .iter()
        .find(|f| f.name == name)
        .map(|f| f.bytes.as_slice())
        .ok_or_else(|| EvidenceError::File { name: cut(name), what: "is missing" })
}

fn json<T: DeserializeOwned>(files: &[File], name: &str) -> Result<T, EvidenceError> {
    serde_json::from_slice(find(files, name)?).map_err(|e| EvidenceError::Malformed(format!("{name}: {e}")))
}

/// Door for the fuzz targets: a file, and each of the texts in one on its own, which signatures would keep them from.
#[cfg(any(test, fuzzing))]
pub(crate) fn fuzz(bytes: &[u8]) {
    if let Ok(found) = verify(bytes, &[]) {
        assert!(!found.proven.is_empty() && !found.not_proven.is_empty());
    }
    let file = |name: &str| vec![File { name: name.into(), bytes: bytes.to_vec() }];
    let _ = json::<HitRecord>(&file(name::RECORD), name::RECORD);
    let _ = json::<About>(&file(name::EXPORT), name::EXPORT);
    let _ = json::<Vec<OutcomeAbout>>(&file(name::OUTCOMES), name::OUTCOMES);
    let _ = json::<manifest::Manifest>(&file(name::MANIFEST), name::MANIFEST);
    let (Ok(proof), Ok(key)) =
        (json::<ChainProof>(&file(name::CHAIN), name::CHAIN), "5b".repeat(32).parse::<PublicKey>())
    else {
        return;
    };
    // Nobody has that key's other half.
    assert!(proof.check(&key).is_err());
}
