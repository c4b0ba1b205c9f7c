//! Layer 0: the nouns of platewatch as plain data.
//!
//! Everything here is what one stage hands to the next; no input or output, no serde, no import from
//! any other room. The wire and table twins of these types live at the edges (`alert`, `store`).

mod country;
mod detection;
mod evidence;
mod frame;
mod hit;
mod ids;
mod listed;
mod outcome;
mod passage;
mod plate_text;
mod reading;
mod time;
mod zone;

pub use country::Country;
pub use detection::{Corners, Detection, Point, iou};
pub use evidence::EvidenceFrame;
pub use frame::{Frame, FrameStamp, Image, ImageError, Position};
pub use hit::{Entry, Hit, HitState, ListVersion, MatchKind};
pub use ids::{CameraId, EventId, HitId, PassageId};
pub use listed::{Listed, PatternError, PlatePattern};
pub use outcome::{Outcome, Verdict};
pub use passage::{Passage, PassageState};
pub use plate_text::{PlateText, PlateTextError};
pub use reading::{ALPHABET, CharDistribution, Reading};
pub use time::{ClockQuality, ClockSource, ParseUtcError, Utc};
pub use zone::{ParseZoneError, WallTime, Zone};
