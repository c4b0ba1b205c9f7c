//! Whether the chain is whole.

use super::{AuditHead, AuditRow, GENESIS, anchor, row_hash, seal_text};
use crate::domain::Utc;
use crate::runtime::{PublicKey, Signature};
use crate::store::connection::Database;
use crate::store::{StoreError, convert};
use std::fmt;

/// How many rows are looked at between two queries; bounds the memory for chains of years.
const BATCH: usize = 10_000;

/// Faults named one by one; more are counted.
const NAMED: usize = 100;

/// What is wrong with the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuditFault {
    /// The row's words do not give its hash.
    Changed {
        /// Its number.
        seq: u64,
    },
    /// The row does not name the hash of the one before: a row was removed, put elsewhere, or written anew.
    Unchained {
        /// Its number.
        seq: u64,
    },
    /// Numbers are missing.
    Missing {
        /// The first.
        from: u64,
        /// The last.
        to: u64,
    },
    /// A seal names another hash than the row has, or its signature is not by the box's key.
    Seal {
        /// The row it seals.
        seq: u64,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The head that was told earlier is not in the chain: rows were cut off its end, or it was written anew.
    Head {
        /// The head's number.
        seq: u64,
    },
}

impl fmt::Display for AuditFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changed { seq } => write!(f, "row {seq} was changed: its words do not give its hash"),
            Self::Unchained { seq } => {
                write!(
                    f,
                    "row {seq} does not follow the row before it: one was removed, moved or written anew"
                )
            }
            Self::Missing { from, to } if from == to => write!(f, "row {from} is missing"),
            Self::Missing { from, to } => write!(f, "rows {from} to {to} are missing"),
            Self::Seal { seq, why } => write!(f, "the seal on row {seq} does not hold: {why}"),
            Self::Head { seq } => {
                write!(
                    f,
                    "the head told earlier (row {seq}) is not in the chain: its end was cut off or written anew"
                )
            }
        }
    }
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditReport {
    /// Rows looked at.
    pub rows: u64,
    /// Seals that hold.
    pub seals: u64,
    /// The latest row.
    pub head: AuditHead,
    /// Up to this number rows had passed their term and were removed; 0: none.
    pub pruned_to: u64,
    /// The latest row that a seal holds for; rows after it are chained but not yet signed.
    pub sealed_to: u64,
    /// What is wrong, in the order of the chain; at most 100 are named.
    pub faults: Vec<AuditFault>,
    /// How many faults there are.
    pub fault_count: u64,
}

impl AuditReport {
    /// Whether nothing is wrong.
    pub fn is_whole(&self) -> bool {
        self.fault_count == 0
    }

    fn fault(&mut self, fault: AuditFault) {
        self.fault_count += 1;
        if self.faults.len() < NAMED {
            self.faults.push(fault);
        }
    }
}

/// Looks at every row and every seal.
///
/// `key`: seals by any other key are faults; without it each seal is checked with the key it names, which
/// proves less. `told`: a head from an earlier `health` message or report, which must still be there.
pub(in crate::store) fn verify(
    db: &Database,
    key: Option<&PublicKey>,
    told: Option<&AuditHead>,
) -> Result<AuditReport, StoreError> {
    let mut report = AuditReport {
        rows: 0,
        seals: 0,
        head: AuditHead { seq: 0, hash: GENESIS.to_owned() },
        pruned_to: 0,
        sealed_to: 0,
        faults: Vec::new(),
        fault_count: 0,
    };
    let (beginning, wrong) = anchor::beginning(db, key)?;
    if let Some(why) = wrong {
        report.fault(AuditFault::Seal { seq: beginning.seq, why });
    }
    // A head among the rows removed by term can no longer be held against them.
    let mut told_found = told.is_none_or(|t| t.seq == 0 || t.seq < beginning.seq || *t == beginning);
    report.pruned_to = beginning.seq;
    report.sealed_to = beginning.seq;
    report.head = beginning;
    let mut seals = read_seals(db)?.into_iter().peekable();
    loop {
        let batch = super::rows(db, report.head.seq + 1, BATCH)?;
        if batch.is_empty() {
            break;
        }
        for row in batch {
            check_row(&row, &mut report);
            if told.is_some_and(|t| t.seq == row.seq && t.hash == row.hash) {
                told_found = true;
            }
            while let Some(seal) = seals.next_if(|s| s.seq <= row.seq) {
                match seal.fault(&row, key) {
                    None => {
                        report.seals += 1;
                        report.sealed_to = row.seq;
                    }
                    Some(why) => report.fault(AuditFault::Seal { seq: seal.seq, why }),
                }
            }
            report.rows += 1;
            report.head = AuditHead { seq: row.seq, hash: row.hash };
        }
    }
    for seal in seals {
        report.fault(AuditFault::Seal { seq: seal.seq, why: "the row it seals is gone" });
    }
    if let (false, Some(told)) = (told_found, told) {
        report.fault(AuditFault::Head { seq: told.seq });
    }
    Ok(report)
}

fn check_row(row: &AuditRow, report: &mut AuditReport) {
    let before = &report.head;
    if row.seq > before.seq + 1 {
        let (from, to) = (before.seq + 1, row.seq - 1);
        report.fault(AuditFault::Missing { from, to });
    } else if row.previous != before.hash {
        report.fault(AuditFault::Unchained { seq: row.seq });
    }
    if row_hash(row) != row.hash {
        report.fault(AuditFault::Changed { seq: row.seq });
    }
}

/// A signature of the box over the chain as it stood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditSeal {
    /// The latest row then.
    pub seq: u64,
    /// When, by the box's clock.
    pub at: Utc,
    /// Public key, hexadecimal.
    pub key: String,
    /// Ed25519 (RFC 8032), hexadecimal.
    pub signature: String,
}

impl AuditSeal {
    /// Why it does not hold for `row`, the row of its number or the first after it.
    fn fault(&self, row: &AuditRow, key: Option<&PublicKey>) -> Option<&'static str> {
        if row.seq != self.seq {
            return Some("the row it seals is gone");
        }
        let (Ok(named), Ok(signature)) = (self.key.parse::<PublicKey>(), self.signature.parse::<Signature>())
        else {
            return Some("it holds no key and signature");
        };
        if key.is_some_and(|k| *k != named) {
            return Some("it is by another key than the box's");
        }
        let text = seal_text(self.seq, &row.hash, self.at);
        (!named.verifies(text.as_bytes(), &signature)).then_some("the signature is not of this row's hash")
    }
}

pub(in crate::store) fn read_seals(db: &Database) -> Result<Vec<AuditSeal>, StoreError> {
    let fail = db.fail("reading the seals of the audit chain");
    let mut statement = db
        .connection
        .prepare("SELECT seq, at, key, signature FROM audit_seal ORDER BY seq")
        .map_err(&fail)?;
    let found: Result<Vec<(i64, i64, String, String)>, _> = statement
        .query_map([], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?)))
        .map_err(&fail)?
        .collect();
    found
        .map_err(&fail)?
        .into_iter()
        .map(|(seq, at, key, signature)| {
            Ok(AuditSeal {
                seq: convert::uint(seq, "audit_seal.seq")?,
                at: Utc::from_unix_ms(at),
                key,
                signature,
            })
        })
        .collect()
}
