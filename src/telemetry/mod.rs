//! Layer 1: what the box says about itself: logs, numbers, and what took too long. It only receives.
//!
//! May import `domain`. The one door to `tracing-subscriber` and `prometheus-client`.
//!
//! * [`logging`] starts the log and keeps plate texts out of it ([`PlateField`]).
//! * [`metrics`] counts; [`labels`] holds the closed sets of words that may stand in a label.
//! * [`snapshot`] is the same numbers as plain data, for the health message and the page.
//! * [`slow`] logs an operation that ran over its budget.

mod families;
pub mod labels;
pub mod logging;
pub mod metrics;
mod settings;
pub mod slow;
pub mod snapshot;

pub use labels::{DiscardReason, DropReason, QueueName, RejectReason, Stage, StoreErrorKind, SuppressReason};
pub use logging::{LoggingError, PlateField};
pub use metrics::Metrics;
pub use settings::Settings;
pub use slow::SlowGuard;
pub use snapshot::{CameraCounts, ListCounts, MetricsSnapshot};
