//! Proof that some rows stand in the chain, without telling what the others say.
//!
//! The chain between two seals is given row by row. Rows that are to be shown are there in full; of the others
//! number, time and the hash of what they say are, which is enough to compute each row's hash from the one before,
//! up to the row that the box has signed. A row changed, removed, moved or put in gives another hash there.

use super::{AuditRow, GENESIS, audit_row, content_hash, linked_hash, seal_text};
use crate::domain::Utc;
use crate::runtime::{PublicKey, Signature};
use crate::store::convert;
use rusqlite::{Connection, OptionalExtension};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

/// Pieces of the chain, each up to a seal.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChainProof {
    segments: Vec<Segment>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Segment {
    /// The row before the first; number 0 at the beginning of the chain.
    after_seq: u64,
    after_hash: String,
    /// What the box signed of that row; `None` at the beginning of the chain, or where the rows before are of an
    /// older platewatch.
    after_seal: Option<ProofSeal>,
    rows: Vec<ProofRow>,
    /// What it signed of the last of `rows`.
    seal: ProofSeal,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProofSeal {
    at_ms: i64,
    signature: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProofRow {
    seq: u64,
    at_ms: i64,
    content_sha256: String,
    sha256: String,
    /// `None`: withheld.
    content: Option<Content>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    salt: String,
    actor: String,
    action: String,
    /// JSON object, as it was hashed.
    detail: String,
}

/// A row that is shown and proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvenRow {
    /// Its number.
    pub seq: u64,
    /// When, by the box's clock.
    pub at: Utc,
    /// Who.
    pub actor: String,
    /// What, in the words of [`super::AuditAction`].
    pub action: String,
    /// Names and values.
    pub detail: std::collections::BTreeMap<String, String>,
    /// When the box signed it at the latest, by its clock.
    pub sealed_at: Utc,
}

/// Why a proof proves nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProofFault {
    /// It shows nothing.
    Empty,
    /// A row is not there, or another stands in its place.
    Order {
        /// Its number.
        seq: u64,
    },
    /// A row does not give its hash.
    Changed {
        /// Its number.
        seq: u64,
    },
    /// A seal is not of the row before it by this key.
    Seal {
        /// The row's number.
        seq: u64,
    },
    /// What a row says cannot be read.
    Unreadable {
        /// Its number.
        seq: u64,
    },
}

impl fmt::Display for ProofFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the proof of the audit chain holds no rows"),
            Self::Order { seq } => {
                write!(f, "row {seq} of the audit chain is missing, or not in its place")
            }
            Self::Changed { seq } => write!(f, "row {seq} of the audit chain was changed"),
            Self::Seal { seq } => {
                write!(f, "the signature on row {seq} of the audit chain is not the box's")
            }
            Self::Unreadable { seq } => {
                write!(f, "row {seq} of the audit chain holds what platewatch never writes")
            }
        }
    }
}

impl ChainProof {
    /// Holds every row against its hash and every seal against `key`; the rows shown, in the order of the chain.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(&self, key: &PublicKey) -> Result<Vec<ProvenRow>, ProofFault> {
        let mut shown = Vec::new();
        let mut reached = 0;
        for segment in &self.segments {
            // Segments neither overlap nor go back.
            if segment.after_seq < reached || segment.rows.is_empty() {
                return Err(ProofFault::Order { seq: segment.after_seq + 1 });
            }
            if let Some(seal) = &segment.after_seal
                && !seal.holds(key, segment.after_seq, &segment.after_hash)
            {
                return Err(ProofFault::Seal { seq: segment.after_seq });
            }
            if segment.after_seq == 0 && segment.after_hash != GENESIS {
                return Err(ProofFault::Changed { seq: 1 });
            }
            let (mut seq, mut previous) = (segment.after_seq, segment.after_hash.as_str());
            for row in &segment.rows {
                seq = seq.saturating_add(1);
                row.check(seq, previous)?;
                previous = &row.sha256;
            }
            if !segment.seal.holds(key, seq, previous) {
                return Err(ProofFault::Seal { seq });
            }
            for row in &segment.rows {
                shown.extend(row.proven(Utc::from_unix_ms(segment.seal.at_ms))?);
            }
            reached = seq;
        }
        if shown.is_empty() { Err(ProofFault::Empty) } else { Ok(shown) }
    }

    /// Rows in it, shown and withheld.
    pub fn len(&self) -> usize {
        self.segments.iter().map(|s| s.rows.len()).sum()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl ProofRow {
    fn check(&self, seq: u64, previous: &str) -> Result<(), ProofFault> {
        if self.seq != seq {
            return Err(ProofFault::Order { seq });
        }
        let told = self.content.as_ref().map(|c| content_hash(&c.salt, &c.actor, &c.action, &c.detail));
        if told.is_some_and(|told| told != self.content_sha256) {
            return Err(ProofFault::Changed { seq });
        }
        match linked_hash(seq, Utc::from_unix_ms(self.at_ms), previous, &self.content_sha256) == self.sha256 {
            true => Ok(()),
            false => Err(ProofFault::Changed { seq }),
        }
    }

    fn proven(&self, sealed_at: Utc) -> Result<Option<ProvenRow>, ProofFault> {
        let Some(content) = &self.content else { return Ok(None) };
        let detail =
            serde_json::from_str(&content.detail).map_err(|_| ProofFault::Unreadable { seq: self.seq })?;
        Ok(Some(ProvenRow {
            seq: self.seq,
            at: Utc::from_unix_ms(self.at_ms),
            actor: content.actor.clone(),
            action: content.action.clone(),
            detail,
            sealed_at,
        }))
    }
}

impl ProofSeal {
    fn holds(&self, key: &PublicKey, seq: u64, hash: &str) -> bool {
        let text = seal_text(seq, hash, Utc::from_unix_ms(self.at_ms));
        self.signature
            .parse::<Signature>()
            // Its one spelling is the one the box writes: another would be another file.
            .is_ok_and(|s| s.to_string() == self.signature && key.verifies(text.as_bytes(), &s))
    }
}

/// Numbers of the rows of `action` whose detail `name` is `value`, along the chain.
pub(in crate::store) fn about(
    connection: &Connection,
    action: super::AuditAction,
    name: &str,
    value: &str,
) -> rusqlite::Result<Vec<(u64, std::collections::BTreeMap<String, String>)>> {
    let mut statement = connection.prepare_cached(
        "SELECT seq, detail FROM audit
         WHERE action = ?1 AND json_extract(detail, '$.' || ?2) = ?3 ORDER BY seq",
    )?;
    let mut rows = statement.query((action.as_str(), name, value))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let detail: String = row.get(1)?;
        found.push((row.get::<_, i64>(0)?.unsigned_abs(), serde_json::from_str(&detail).unwrap_or_default()));
    }
    Ok(found)
}

/// The proof of `shown`; rows after the last seal, and rows of before version 5, are in none.
pub(in crate::store) fn prove(
    connection: &Connection,
    shown: &BTreeSet<u64>,
) -> rusqlite::Result<ChainProof> {
    let mut segments: Vec<Segment> = Vec::new();
    let mut reached = 0;
    for &seq in shown {
        if seq <= reached {
            continue;
        }
        let Some(segment) = segment(connection, seq, reached, shown)? else { continue };
        reached = segment.after_seq + segment.rows.len() as u64;
        segments.push(segment);
    }
    Ok(ChainProof { segments })
}

/// The piece of the chain around row `seq`, between the seals next to it.
fn segment(
    connection: &Connection,
    seq: u64,
    reached: u64,
    shown: &BTreeSet<u64>,
) -> rusqlite::Result<Option<Segment>> {
    let seal = |sql: &str| -> rusqlite::Result<Option<(u64, ProofSeal)>> {
        connection
            .prepare_cached(&format!("SELECT seq, at, signature FROM audit_seal WHERE {sql} LIMIT 1"))?
            .query_row([convert::int(seq)], |r| {
                Ok((r.get::<_, i64>(0)?.unsigned_abs(), ProofSeal { at_ms: r.get(1)?, signature: r.get(2)? }))
            })
            .optional()
    };
    let Some((last, closing)) = seal("seq >= ?1 ORDER BY seq")? else { return Ok(None) };
    let opening = seal("seq < ?1 ORDER BY seq DESC")?;
    let after = opening.as_ref().map_or(0, |(at, _)| *at).max(reached);
    let rows: Vec<AuditRow> = connection
        .prepare_cached(
            "SELECT seq, at, actor, action, detail, previous, hash, salt FROM audit
             WHERE seq > ?1 AND seq <= ?2 ORDER BY seq",
        )?
        .query_map([convert::int(after), convert::int(last)], audit_row)?
        .collect::<Result<_, _>>()?;
    // Rows of before version 5 cannot be withheld; the piece begins after the last of them.
    let old = rows.iter().rposition(|r| r.salt.is_none()).map_or(0, |at| at + 1);
    let Some((first, rest)) = rows.get(old..).and_then(|r| Some((r.first()?, r))) else { return Ok(None) };
    if first.seq > seq {
        return Ok(None);
    }
    Ok(Some(Segment {
        after_seq: first.seq - 1,
        after_hash: first.previous.clone(),
        after_seal: opening.filter(|(at, _)| *at == first.seq - 1).map(|(_, seal)| seal),
        rows: rest.iter().map(|row| proof_row(row, shown)).collect(),
        seal: closing,
    }))
}

fn proof_row(row: &AuditRow, shown: &BTreeSet<u64>) -> ProofRow {
    let salt = row.salt.clone().unwrap_or_default();
    ProofRow {
        seq: row.seq,
        at_ms: row.at.unix_ms(),
        content_sha256: content_hash(&salt, &row.actor, &row.action, &row.detail),
        sha256: row.hash.clone(),
        content: shown.contains(&row.seq).then(|| Content {
            salt,
            actor: row.actor.clone(),
            action: row.action.clone(),
            detail: row.detail.clone(),
        }),
    }
}
