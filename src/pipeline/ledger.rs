//! What the box does by itself, told to the audit chain.

use crate::domain::Utc;
use crate::store::{AuditAction, AuditEntry, AuditHead, PATIENCE, StoreError, StoreHandle};
use crossbeam_channel::{Receiver, RecvTimeoutError};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Rows that may wait for the disk; beyond it the oldest are lost, said in the log.
const MOST: usize = 1_000;

/// Tells the chain. A row that cannot be kept now waits in memory, in order, and is kept when the disk is well; it
/// then says in `happened_at` when it came about. Nothing is stopped by it: a box that cannot write must still find
/// wanted vehicles.
#[derive(Clone)]
pub(super) struct Ledger {
    store: StoreHandle,
    waiting: Arc<Mutex<VecDeque<Waiting>>>,
}

type Answer = Receiver<Result<AuditHead, StoreError>>;

struct Waiting {
    entry: AuditEntry,
    came: (Utc, Instant),
    /// The store has it and has not answered yet.
    asked: Option<Answer>,
}

impl Ledger {
    pub fn new(store: StoreHandle) -> Self {
        Self { store, waiting: Arc::default() }
    }

    /// Keeps `entry`.
    pub fn tell(&self, entry: AuditEntry) {
        let mut waiting = self.lock();
        waiting.push_back(Waiting { entry, came: (Utc::now(), Instant::now()), asked: None });
        while waiting.len() > MOST {
            if let Some(lost) = waiting.pop_front() {
                tracing::error!(
                    action = lost.entry.action.as_str(),
                    "too much waits for the audit chain; a row is lost"
                );
            }
        }
        self.work_off(waiting);
    }

    /// Keeps what the box did, on `name`.
    pub fn did(&self, action: AuditAction, what: &str, name: &str) {
        self.tell(AuditEntry::by_box(action).with(what, name));
    }

    /// Tries again to keep what waits.
    pub fn flush(&self) {
        let waiting = self.lock();
        if !waiting.is_empty() {
            self.work_off(waiting);
        }
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work_off(&self, mut waiting: MutexGuard<'_, VecDeque<Waiting>>) {
        while let Some(first) = waiting.front_mut() {
            let answer = match first.asked.take() {
                Some(answer) => Ok(answer),
                None => {
                    let late = first.came.1.elapsed() >= PATIENCE;
                    let entry = first.entry.clone();
                    let at = first.came.0;
                    self.store.begin_audit(&if late { entry.with("happened_at", at) } else { entry })
                }
            };
            // Not waited for once the store is known to hang: the look above has said so.
            let wait = if self.store.silent() >= PATIENCE { std::time::Duration::ZERO } else { PATIENCE };
            let outcome = match answer {
                Err(error) => Err(error),
                Ok(answer) => match answer.recv_timeout(wait) {
                    Ok(outcome) => outcome,
                    Err(RecvTimeoutError::Timeout) => {
                        first.asked = Some(answer);
                        return;
                    }
                    Err(RecvTimeoutError::Disconnected) => Err(StoreError::Stopped),
                },
            };
            match outcome {
                Ok(_) => drop(waiting.pop_front()),
                Err(error) => {
                    let action = first.entry.action.as_str();
                    tracing::warn!(action, %error, "the audit chain cannot be written now; the row waits");
                    return;
                }
            }
        }
    }
}
