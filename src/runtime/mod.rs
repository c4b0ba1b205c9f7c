//! Layer 2: what every thread needs: how to stop, how to wait, how to be named, how to sign and seal, and to
//! keep one's memory to oneself.
//!
//! May import `domain` and `telemetry`.

pub mod at_rest;
pub mod backoff;
pub mod keyed_hash;
pub mod mailbox;
pub mod own_memory;
pub mod pages;
pub mod password;
pub mod secret;
pub mod signers;
pub mod signing;
pub mod stop;
pub mod systemd;
pub mod who;

pub use at_rest::{StoreKey, StoreKeyError, StoreKeySource};
pub use backoff::Backoff;
pub use keyed_hash::{HashKey, random};
pub use mailbox::{Mailboxes, Put, WhenFull};
pub use pages::PageOpener;
pub use password::{SHORTEST_PASSWORD, hash_password, is_password, waste_a_password};
pub use secret::Secret;
pub use signers::Signers;
pub use signing::{KeyError, PublicKey, Signature, SigningKey};
pub use stop::Stop;
