//! Layer 3: the readings of one camera become passages.
//!
//! * `motion.rs`: where a plate was and should be; `association.rs`: how well a detection continues a track, and
//!   what the camera itself moved by (`shift.rs`: seen in the pixels); `assign.rs`: the assignment that is best as a whole.
//! * `align.rs`, `fusion.rs`: one text of many readings; `contradiction.rs`: readings that cannot be of one plate.
//! * `following.rs`: one track; `tracker.rs`: the tracks of a camera, when a passage opens, improves and closes.
//! * `areas.rs`: masks and lanes.
//! * [`score`]: passages against the truth; [`simulation`], [`simulated`]: traffic with known truth, to measure all
//!   this without models.
//!
//! Pure: no input or output, time comes with the frames. May import `domain` and `plate`.

mod align;
mod areas;
mod assign;
mod association;
mod contradiction;
mod following;
mod fusion;
mod motion;
pub mod score;
mod settings;
mod shift;
pub mod simulated;
pub mod simulation;
mod tracker;

pub use areas::{Areas, Polygon, PolygonError};
pub use fusion::{Fused, alone, fuse};
pub use settings::Settings;
pub use tracker::{Discarded, Moved, TrackEvent, Tracker};
