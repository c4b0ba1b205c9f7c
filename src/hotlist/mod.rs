//! Layer 3: lists of wanted plates, and passages against them.
//!
//! * [`import`]: bytes of a CSV file → a [`List`] and an [`ImportReport`] that names every bad row.
//! * [`ignore`]: plates whose passages are not kept.
//! * [`lists`]: a list as an immutable snapshot, all lists as a [`HotlistSet`], swapped whole.
//! * [`matching`]: a passage against a snapshot; pure.
//! * [`watch()`]: one thread that reloads files that changed.
//!
//! May import `domain`, `plate`, `telemetry` and `runtime`. The only room that knows the `csv` crate.

mod ignore;
mod import;
mod lists;
mod matching;
mod settings;
mod watch;

pub use ignore::{IgnoreError, IgnoreList, Ignored};
pub use import::{Duplicate, ImportError, ImportReport, Problem, import_bytes, load_file};
pub use lists::{HotlistSet, Hotlists, List};
pub use matching::{Match, match_passage};
pub use settings::Settings;
pub use watch::{ListEvents, watch};
