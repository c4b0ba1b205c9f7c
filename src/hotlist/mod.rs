//! Layer 3: lists of wanted plates, and passages against them.
//!
//! * [`ignore`]: plates whose passages are not kept.
//! * [`mod@import`]: bytes of a file → a [`List`] and an [`ImportReport`] that names every bad row.
//! * [`policy`]: where, when and until when a list counts.
//! * [`manifest`]: who made it: Ed25519 signatures; [`load`]: all of that for one file.
//! * [`lists`]: a list as an immutable snapshot, all lists as a [`HotlistSet`], swapped whole; its texts as [`key`]s
//!   in an [`index`], its patterns in [`pattern`].
//! * [`confusions`]: how often the reader takes one character for another; [`prior`]: how common each text is in the
//!   traffic; [`evidence`]: what a passage makes of both.
//! * [`matching`]: a passage against a snapshot; pure.
//! * [`simulate`]: traffic and readings drawn from prior and confusions; [`budget`]: the false hits a list is
//!   expected to cause.
//! * [`watch()`]: one thread that reloads files that changed; [`kept`]: what it falls back on at the start.
//!
//! May import `domain`, `plate`, `telemetry` and `runtime`. The only room that knows
//! `encoding_rs`; mappings are TOML.

mod budget;
mod confusions;
mod evidence;
mod ignore;
mod import;
mod index;
mod kept;
mod key;
mod lists;
mod load;
mod manifest;
mod matching;
mod pattern;
mod policy;
mod prior;
mod settings;
pub mod simulate;
mod watch;

pub use crate::runtime::Signers;
pub use budget::{Expected, ExpectedKind, MIN_CONFIDENCE, admit, expect};
pub use confusions::{Confusions, ConfusionsError};
pub use ignore::{IgnoreError, IgnoreList, Ignored};
pub use import::{
    Changed, Difference, Duplicate, ImportError, ImportReport, Mapping, MappingError, Named, Problem,
    difference, import, import_bytes, read_file, ready,
};
pub use lists::{HotlistSet, Hotlists, List};
pub use load::load_file;
pub use manifest::{Manifest, ManifestError, hash_file, manifest_path};
pub use matching::{Match, match_passage, match_passage_on, match_past};
pub use pattern::{ListedError, listed};
pub use policy::{Hours, Origin, Policy, WhenStale};
pub use settings::{Budget, Rules, Settings, Signing};
pub use watch::{ListEvents, watch};
