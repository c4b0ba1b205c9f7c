//! Layer 4: the operator's web screen: latest hits, state of the box, metrics and health over HTTP.
//!
//! Read-only. May import `domain`, `telemetry`, `runtime` and `store`; the only door to axum.
//!
//! * [`view`] is what the page shows and where it comes from ([`HitSource`], [`StatusSource`]).
//! * `page` turns views into HTML, `json` into what the page's script polls; everything is escaped.
//! * `guard` holds the rules every answer keeps (Host, CSP); `connection` bounds the connections.
//! * `server` has the routes and the thread; `from_store` reads hits out of the store.

mod connection;
mod from_store;
mod guard;
mod json;
mod page;
mod server;
mod settings;
pub mod view;

pub use from_store::StoreHits;
pub use server::{ConsoleError, ConsoleThread, Sources, start};
pub use settings::Settings;
pub use view::{HitSource, HitView, PictureRef, Status, StatusSource, problems};
