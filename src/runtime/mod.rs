//! Layer 2: what every thread needs: how to stop, how to wait, how to be named, how to sign.
//!
//! May import `domain` and `telemetry`.

pub mod backoff;
pub mod mailbox;
pub mod secret;
pub mod signing;
pub mod stop;
pub mod systemd;
pub mod who;

pub use backoff::Backoff;
pub use mailbox::{Mailboxes, Put, WhenFull};
pub use secret::Secret;
pub use signing::{KeyError, PublicKey, Signature, SigningKey};
pub use stop::Stop;
