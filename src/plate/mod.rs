//! Layer 1: the language of number plates, pure and without input or output.
//!
//! * [`mod@normalise`]: any way of writing a plate → the one form in which plates are compared.
//! * [`confusion`]: which characters a reader takes for each other.
//! * [`grammar`]: plate formats of each country and generation, as data with their sources.
//! * [`mod@resolve`]: what a grammar settles about look-alikes, for texts and for distributions.
//! * [`settle`]: what it says where the reader itself is in doubt between look-alikes.
//!
//! May import `domain` only.

pub mod confusion;
pub mod grammar;
pub mod normalise;
mod origin;
pub mod resolve;
pub mod settle;

pub use confusion::fold;
pub use grammar::{Format, VehicleClass, classify};
pub use normalise::{NormaliseError, normalise};
pub use origin::weigh_countries;
pub use resolve::{Guess, Resolved, resolve, resolve_distribution};
pub use settle::settle_distribution;
