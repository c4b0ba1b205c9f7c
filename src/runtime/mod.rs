//! Layer 2: what every thread needs: how to stop, how to wait, how to be named.
//!
//! May import `domain` and `telemetry`.

pub mod backoff;
pub mod secret;
pub mod stop;

pub use backoff::Backoff;
pub use secret::Secret;
pub use stop::Stop;
