//! Layer 4: the operator's web screen: latest hits, state of the box, metrics and health over HTTP.
//!
//! Read-only, but for answers to hits where they are switched on. May import `domain`, `telemetry`, `runtime`, `law` and `store`; the only door to axum.
//!
//! * [`view`] is what the page shows and where it comes from ([`HitSource`], [`StatusSource`]).
//! * `page` turns views into HTML, `json` into what the page's script polls; everything is escaped.
//! * `guard` holds the rules every request and answer keeps (Host, CSP, no writing from elsewhere);
//!   `connection` bounds the connections; `answers` takes what operators say of a hit.
//! * `door` knows who is logged in, `login` the page for it.
//! * `server` has the routes and the thread; `from_store` reads hits out of the store.

mod answers;
mod connection;
mod door;
mod from_store;
mod guard;
mod json;
mod login;
mod noted;
mod page;
mod server;
mod settings;
pub mod view;

pub use door::Door;
pub use from_store::{StoreAnswers, StoreHits};
pub use noted::Noted;
pub use server::{ConsoleError, ConsoleThread, Sources, start};
pub use settings::Settings;
pub use view::{
    AnswerError, AnswerSink, AnswerView, HitSource, HitView, NewAnswer, PictureRef, Status, StatusSource,
    problems,
};

#[cfg(any(test, fuzzing))]
pub(crate) use answers::fuzz as fuzz_answer;
