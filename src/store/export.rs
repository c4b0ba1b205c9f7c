//! Takes everything there is of one hit out of the store, with the proof that it was kept then and as it is.

use super::audit::{self, AuditAction, AuditEntry, AuditWriter, ChainProof};
use super::pictures::Cabinet;
use super::{EvidenceRole, OutcomeRow, StoreError, convert, dossier, outcomes};
use crate::domain::{HitId, Utc};
use crate::runtime::PublicKey;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior};
use std::collections::BTreeSet;
use std::path::Path;

/// A hit with all that belongs to it.
#[derive(Debug, Clone)]
pub struct Dossier {
    /// The hit.
    pub hit: HitId,
    /// The hit as it is kept, the bytes whose hash stands in the audit chain ([`super::HitRecord`] as JSON).
    pub record: String,
    /// Its pictures, the latest frame first.
    pub pictures: Vec<DossierPicture>,
    /// All answers to it, the first first.
    pub outcomes: Vec<OutcomeRow>,
    /// Topic its messages went to, which names zone and box; `None` where no message is kept.
    pub topic: Option<String>,
    /// The rows of the chain about it and about what it was found with, and that they stand there.
    pub proof: ChainProof,
    /// Public half of the key that the chain is signed with.
    pub key: PublicKey,
    /// Whether the chain holds its hash from when it was kept; else only from this export.
    pub bound: bool,
    /// When it was taken out.
    pub exported_at: Utc,
}

/// A picture of a hit.
#[derive(Clone)]
pub struct DossierPicture {
    /// What it shows.
    pub role: EvidenceRole,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// Width in px.
    pub width: u32,
    /// Height in px.
    pub height: u32,
    /// Sequence number of the frame it was cut from.
    pub frame_seq: u64,
    /// When that frame was taken.
    pub captured_at: Utc,
    /// The picture.
    pub jpeg: Vec<u8>,
}

impl std::fmt::Debug for DossierPicture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DossierPicture({} {}, {} bytes)", self.role.as_str(), self.sha256, self.jpeg.len())
    }
}

impl AuditWriter {
    /// The hit that `id` names: whole, or by its last characters (6 and more), where only one ends so.
    ///
    /// # Errors
    /// No hit or more than one is named so, or the database cannot be read.
    pub fn find_hit(&self, id: &str) -> Result<HitId, StoreError> {
        outcomes::find_hit(&self.db, id)
    }

    /// When the vehicle of `hit` was first read.
    ///
    /// # Errors
    /// There is no such hit, or the database cannot be read.
    pub fn first_seen(&self, hit: HitId) -> Result<Utc, StoreError> {
        self.db
            .connection
            .query_row(
                "SELECT p.first_seen FROM hit h JOIN passage p ON p.id = h.passage WHERE h.id = ?1",
                [hit.to_string()],
                |r| r.get(0).map(Utc::from_unix_ms),
            )
            .optional()
            .map_err(self.db.fail("looking for a hit"))?
            .ok_or_else(|| StoreError::UnknownHit { found: hit.to_string() })
    }

    /// Everything there is of `hit`. That it was taken out (`entry`) stands in the chain, signed, before this returns.
    ///
    /// # Errors
    /// There is no such hit; a picture is missing or changed; what is kept is not what the chain says was kept; or
    /// the database cannot be written. Then nothing is given out and nothing is said in the chain.
    pub fn take_out(&mut self, hit: HitId, entry: AuditEntry) -> Result<Dossier, StoreError> {
        let id = hit.to_string();
        let outcomes = outcomes::of_hit(&self.db, hit)?;
        let now = Utc::now();
        let fail = self.db.fail("taking out a hit");
        let cabinet = self.db.pictures.clone();
        let tx =
            self.db.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(&fail)?;
        let record = dossier::text(&tx, &id).map_err(&fail)?;
        let record = record.ok_or_else(|| StoreError::UnknownHit { found: id.clone() })?;
        let names = dossier::picture_names(&tx, &id).map_err(&fail)?;
        let sha256 = dossier::sha256(record.as_bytes());
        let bound = audit::about(&tx, AuditAction::HitRecorded, "hit", &id).map_err(&fail)?;
        if let Some((seq, detail)) = bound.last()
            && detail.get("record") != Some(&sha256)
        {
            return Err(StoreError::Altered { hit: id, seq: *seq });
        }
        let pictures = pictures_of(&tx, &cabinet, &id)?;
        let entry = entry.with("hit", &id).with("record", &sha256).with("pictures", &names);
        let head = audit::append(&tx, &entry, now).map_err(&fail)?;
        audit::seal(&tx, &self.key, now, true).map_err(&fail)?;
        let shown = shown(&tx, &id, &bound, head.seq).map_err(&fail)?;
        let proof = audit::prove(&tx, &shown).map_err(&fail)?;
        let topic = tx
            .query_row("SELECT topic FROM outbox WHERE hit = ?1 ORDER BY id LIMIT 1", [&id], |r| r.get(0))
            .optional()
            .map_err(&fail)?;
        tx.commit().map_err(&fail)?;
        Ok(Dossier {
            hit,
            record,
            pictures,
            outcomes,
            topic,
            proof,
            key: self.key.public(),
            bound: !bound.is_empty(),
            exported_at: now,
        })
    }
}

/// Rows of the chain that tell of the hit and of what was in use when it was kept.
fn shown(
    connection: &Connection,
    id: &str,
    bound: &[(u64, std::collections::BTreeMap<String, String>)],
    export: u64,
) -> rusqlite::Result<BTreeSet<u64>> {
    let mut shown: BTreeSet<u64> = bound.iter().map(|(seq, _)| *seq).chain([export]).collect();
    for action in [AuditAction::Outcome, AuditAction::Export] {
        shown.extend(audit::about(connection, action, "hit", id)?.into_iter().map(|(seq, _)| seq));
    }
    let Some((first, _)) = bound.first() else { return Ok(shown) };
    let (list, camera): (String, String) = connection.query_row(
        "SELECT l.sha256, p.camera FROM hit h JOIN list_version l ON l.id = h.list_version
             JOIN passage p ON p.id = h.passage WHERE h.id = ?1",
        [id],
        |r| Ok((r.get(0)?, r.get(1)?)),
    )?;
    // The last of each before the hit was kept; the bound keeps a chain of years from being walked through.
    let last = |action: AuditAction, name: &str, value: &str| -> rusqlite::Result<Option<u64>> {
        connection
            .prepare_cached(
                "SELECT seq FROM audit WHERE seq < ?1 AND action = ?2
                     AND CASE WHEN ?3 = '' THEN 1 ELSE json_extract(detail, '$.' || ?3) = ?4 END
                     ORDER BY seq DESC LIMIT 1",
            )?
            .query_row((convert::int(*first), action.as_str(), name, value), |r| r.get::<_, i64>(0))
            .optional()
            .map(|seq| seq.map(i64::unsigned_abs))
    };
    shown.extend(last(AuditAction::BoxStarted, "", "")?);
    shown.extend(last(AuditAction::ConfigurationUsed, "", "")?);
    shown.extend(last(AuditAction::ListActivated, "sha256", &list)?);
    shown.extend(last(AuditAction::CameraStarted, "camera", &camera)?);
    Ok(shown)
}

fn pictures_of(
    connection: &Connection,
    cabinet: &Cabinet,
    id: &str,
) -> Result<Vec<DossierPicture>, StoreError> {
    let fail = |e| StoreError::sql("reading pictures", Path::new("the database"), e);
    type Columns = (String, String, i64, i64, i64, i64);
    let rows: Vec<Columns> = connection
        .prepare_cached(
            "SELECT l.role, e.sha256, e.width, e.height, l.frame_seq, l.captured_at
             FROM hit h JOIN passage_evidence l ON l.passage = h.passage JOIN evidence e ON e.sha256 = l.sha256
             WHERE h.id = ?1 ORDER BY l.frame_seq DESC, l.role DESC",
        )
        .and_then(|mut s| {
            s.query_map([id], |r| {
                Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?, r.get(4)?, r.get(5)?))
            })?
            .collect()
        })
        .map_err(fail)?;
    rows.into_iter()
        .map(|(role, sha256, width, height, frame_seq, captured_at)| {
            Ok(DossierPicture {
                role: convert::role_from(&role)?,
                jpeg: cabinet.read(&sha256)?,
                sha256,
                width: convert::uint(width, "evidence.width")?,
                height: convert::uint(height, "evidence.height")?,
                frame_seq: convert::uint(frame_seq, "passage_evidence.frame_seq")?,
                captured_at: Utc::from_unix_ms(captured_at),
            })
        })
        .collect()
}
