//! Makes the file.

use super::archive::{self, File};
use super::manifest::{self, sha256};
use super::{EvidenceError, name, page};
use crate::runtime::SigningKey;
use crate::store::{Dossier, DossierPicture, HitRecord};
use serde::{Deserialize, Serialize};

/// Who takes a hit out, and what goes with it.
#[derive(Debug, Clone)]
pub struct Export {
    /// Who.
    pub by: String,
    /// Why.
    pub purpose: String,
    /// Reference of the case it is for.
    pub case: String,
    /// Cards of models at hand; those that are not of the models that read the plate stay out.
    pub cards: Vec<(String, String)>,
}

/// What `export.json` holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct About {
    pub hit: String,
    pub exported_at: String,
    pub by: String,
    pub purpose: String,
    pub case: String,
    /// From the topic of its messages; `None` where none is kept.
    pub zone: Option<String>,
    #[serde(rename = "box")]
    pub box_id: Option<String>,
    pub pictures: Vec<PictureAbout>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PictureAbout {
    pub file: String,
    pub role: String,
    pub sha256: String,
    pub width: u32,
    pub height: u32,
    pub frame: u64,
    pub captured_at: String,
}

/// One of `outcomes.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OutcomeAbout {
    pub outcome: String,
    pub by: String,
    pub at: String,
    pub note: String,
    pub source: String,
}

/// The bytes of the file, signed with `key`, which must be the one the chain is signed with.
///
/// # Errors
/// It would be too large, or what the store gave cannot be written.
pub fn package(dossier: &Dossier, export: &Export, key: &SigningKey) -> Result<Vec<u8>, EvidenceError> {
    let record: HitRecord = serde_json::from_str(&dossier.record)
        .map_err(|e| EvidenceError::Malformed(format!("{}: {e}", name::RECORD)))?;
    let about = about(dossier, export);
    let outcomes: Vec<OutcomeAbout> = dossier
        .outcomes
        .iter()
        .map(|o| OutcomeAbout {
            outcome: o.outcome.as_str().to_owned(),
            by: o.by.clone(),
            at: o.at.to_string(),
            note: o.note.clone(),
            source: o.source.as_str().to_owned(),
        })
        .collect();
    let mut files = vec![
        File { name: name::README.into(), bytes: include_bytes!("readme.txt").to_vec() },
        File {
            name: name::PAGE.into(),
            bytes: page::page(&record, &about, &outcomes, &dossier.pictures, &key.public()).into_bytes(),
        },
        File { name: name::RECORD.into(), bytes: dossier.record.clone().into_bytes() },
        File { name: name::EXPORT.into(), bytes: json(&about)? },
        File { name: name::OUTCOMES.into(), bytes: json(&outcomes)? },
        File { name: name::CHAIN.into(), bytes: json(&dossier.proof)? },
    ];
    for (picture, about) in dossier.pictures.iter().zip(&about.pictures) {
        files.push(File { name: about.file.clone(), bytes: picture.jpeg.clone() });
    }
    let hashes = record.models.as_ref().map(|m| [m.detector_sha256.as_str(), m.reader_sha256.as_str()]);
    for (name, text) in &export.cards {
        let is_theirs = hashes.is_some_and(|hashes| hashes.iter().any(|hash| text.contains(hash)));
        if is_theirs {
            files.push(File { name: format!("models/{name}"), bytes: text.clone().into_bytes() });
        }
    }
    let signed = manifest::sign(&files, key, dossier.exported_at)?;
    files.extend(signed);
    archive::write(&files)
}

fn about(dossier: &Dossier, export: &Export) -> About {
    // platewatch/v1/<zone>/<box>/hits
    let mut levels = dossier.topic.as_deref().unwrap_or_default().split('/').skip(2).map(str::to_owned);
    About {
        hit: dossier.hit.to_string(),
        exported_at: dossier.exported_at.to_string(),
        by: export.by.clone(),
        purpose: export.purpose.clone(),
        case: export.case.clone(),
        zone: levels.next(),
        box_id: levels.next(),
        pictures: dossier.pictures.iter().map(picture).collect(),
    }
}

fn picture(picture: &DossierPicture) -> PictureAbout {
    let short: String = picture.sha256.chars().take(12).collect();
    PictureAbout {
        file: format!("pictures/{}-{}-{short}.jpg", picture.frame_seq, picture.role.as_str()),
        role: picture.role.as_str().to_owned(),
        sha256: sha256(&picture.jpeg),
        width: picture.width,
        height: picture.height,
        frame: picture.frame_seq,
        captured_at: picture.captured_at.to_string(),
    }
}

fn json(value: &impl Serialize) -> Result<Vec<u8>, EvidenceError> {
    serde_json::to_vec_pretty(value).map_err(|e| EvidenceError::Malformed(e.to_string()))
}
