//! Layer 3: lists of wanted plates, and passages against them.
//!
//! * [`import`]: bytes of a file → a [`List`] and an [`ImportReport`] that names every bad row.
//! * [`policy`]: where, when and until when a list counts.
//! * [`manifest`]: who made it: Ed25519 signatures; [`load`]: all of that for one file.
//! * [`lists`]: a list as an immutable snapshot, all lists as a [`HotlistSet`], swapped whole.
//! * [`matching`]: a passage against a snapshot; pure.
//! * [`watch()`]: one thread that reloads files that changed.
//!
//! May import `domain`, `plate`, `telemetry` and `runtime`. The only room that knows
//! `encoding_rs`; mappings are TOML.

mod import;
mod lists;
mod load;
mod manifest;
mod matching;
mod policy;
mod settings;
mod watch;

pub use import::{
    Changed, Difference, Duplicate, ImportError, ImportReport, Mapping, MappingError, Named, Problem,
    difference, import, import_bytes, read_file, ready,
};
pub use lists::{HotlistSet, Hotlists, List};
pub use load::load_file;
pub use manifest::{Manifest, ManifestError, Signers, hash_file, manifest_path};
pub use matching::{Match, match_passage};
pub use policy::{Hours, Origin, Policy, WhenStale};
pub use settings::{Settings, Signing};
pub use watch::{ListEvents, watch};
