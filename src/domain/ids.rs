//! Names and numbers of things: cameras by their configured name, passages and hits by UUIDv7 (RFC 9562).

use std::fmt;
use std::sync::Arc;

/// A camera's name as configured; cheap to clone, shown in logs, topics and tables.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CameraId(Arc<str>);

impl CameraId {
    /// Takes the name as it is; `config` has checked it (1 to 64 of `a-z 0-9 - _`).
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CameraId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(uuid::Uuid);

        impl $name {
            /// A new id, ordered by creation time (UUIDv7).
            pub fn generate() -> Self {
                Self(uuid::Uuid::now_v7())
            }

            /// Reads the hyphenated form back; `None` where it is no UUID.
            pub fn parse(text: &str) -> Option<Self> {
                uuid::Uuid::try_parse(text).ok().map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }
    };
}

uuid_id!(
    /// Identifies one passage, from the moment its track is opened.
    PassageId
);
uuid_id!(
    /// Identifies one hit through `new`, `updated` and `final`; consumers drop repeats by it.
    HitId
);
uuid_id!(
    /// Identifies one published message (CloudEvents `id`); a repeat of the message carries the same.
    EventId
);
