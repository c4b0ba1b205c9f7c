//! Layer 3: the readings of one camera become passages.
//!
//! `association.rs` says which detection belongs to which vehicle, `fusion.rs` makes one text of many
//! readings, `tracker.rs` keeps the tracks of a camera and says when a passage opens, improves and
//! closes. Pure: no input or output, time comes with the frames. May import `domain` and `plate`.

mod association;
mod fusion;
mod settings;
mod tracker;

pub use fusion::{Fused, fuse};
pub use settings::Settings;
pub use tracker::{Discarded, TrackEvent, Tracker};
