//! What the box does by itself, told to the audit chain.

use crate::store::{AuditAction, AuditEntry, StoreHandle};

/// Tells the chain. A row that cannot be kept is said in the log and stops nothing: a box that cannot write
/// must still find wanted vehicles.
#[derive(Clone)]
pub(super) struct Ledger(pub StoreHandle);

impl Ledger {
    /// Keeps `entry`.
    pub fn tell(&self, entry: AuditEntry) {
        let action = entry.action.as_str();
        if let Err(error) = self.0.audit(entry) {
            tracing::error!(action, %error, "the audit chain cannot be written");
        }
    }

    /// Keeps what the box did, on `name`.
    pub fn did(&self, action: AuditAction, what: &str, name: &str) {
        self.tell(AuditEntry::by_box(action).with(what, name));
    }
}
