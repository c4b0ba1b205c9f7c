//! Layer 4: a hit as one file that can be proven on another machine.
//!
//! [`package()`] makes it of what the store took out ([`crate::store::Dossier`]); [`verify()`] holds it against itself and a
//! box's key, without configuration or store. What the file holds and what it proves: docs/ref/evidence.md. May
//! import `domain`, `runtime` and `store`; does no input or output.

mod archive;
mod manifest;
mod package;
mod page;
mod verify;

pub use package::{Export, package};
#[cfg(any(test, fuzzing))]
pub(crate) use verify::fuzz;
pub use verify::{Verified, verify};

use crate::store::ProofFault;

/// Names in the archive.
mod name {
    pub const README: &str = "README.txt";
    pub const PAGE: &str = "index.html";
    pub const RECORD: &str = "record.json";
    pub const EXPORT: &str = "export.json";
    pub const OUTCOMES: &str = "outcomes.json";
    pub const CHAIN: &str = "chain.json";
    pub const MANIFEST: &str = "manifest.json";
    pub const SIGNATURE: &str = "manifest.sig";
}

/// Why a file proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvidenceError {
    /// It is no file of ours.
    #[error("this is no file of evidence, or not a whole one: {0}")]
    Malformed(String),
    /// A byte is not as it was written.
    #[error("the file was changed: {name} is not as it was written (first at byte {at} of the archive)")]
    Changed {
        /// In which file of the archive.
        name: String,
        /// Where.
        at: usize,
    },
    /// The signature is not by this key.
    #[error("the file is signed with the key {found}, which is not {expected}")]
    OtherKey {
        /// The key it names.
        found: String,
        /// What was asked for.
        expected: String,
    },
    /// The signature is of something else.
    #[error("the signature on {MANIFEST} is not by the box's key: the list of contents was changed", MANIFEST = name::MANIFEST)]
    Signature,
    /// A file is missing, or is one more than was signed.
    #[error("{name} {what}")]
    File {
        /// Its name.
        name: String,
        /// What is wrong.
        what: &'static str,
    },
    /// The audit chain in it does not hold.
    #[error("{}: {fault}", name::CHAIN)]
    Chain {
        /// What is wrong.
        fault: ProofFault,
    },
    /// Parts contradict each other.
    #[error("the parts of the file contradict each other: {0}")]
    Contradiction(String),
}

#[cfg(test)]
mod tests;
