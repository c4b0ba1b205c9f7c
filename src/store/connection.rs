//! Opening.
#[derive(Debug)]
pub(super) struct Database;
