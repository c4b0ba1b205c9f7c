//! What is recorded of looking: every look, every request of a citizen, and the law the box started with.
//!
//! A look is on disk, in its table and in the audit chain, before anything is shown. The chain is kept long and never
//! changed, so it names a plate by its keyed hash; the text stands in the table as long as plate texts may.

mod counts;
mod looks;
mod subjects;

pub use looks::{LawInForce, LookDone, LookFilter, NewLook};
pub use subjects::{SubjectDone, SubjectRequest};

pub(super) use looks::{expire, keep, set_law};
