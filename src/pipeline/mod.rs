//! Layer 5: the wiring, and nothing else. The only room that knows all stages.
//!
//! ```text
//! cam-NAME ──frames──► vision-N ──judged──► recorder ──one transaction──► store ──outbox──► alert ─► broker
//!  capture     box     detect, read,  queue   encode,                       │
//!            a camera  track, judge           put into words                └─► console, log
//! ```
//!
//! * The only place that sheds load is the box of a live camera: the newest frame wins, the older one is
//!   counted. Everywhere else the bringer waits, so pressure runs back to that box.
//! * Start, bottom up: store, alert, console, recorder, vision, cameras. Stop in reverse: cameras end, open
//!   tracks close, the recorder empties, the outbox drains until the deadline, the store ends.
//! * `camera.rs` is a camera's thread, `worker.rs` a vision thread, `judge.rs` the hits, `ignoring.rs` the
//!   ignore list, `recorder.rs` what is
//!   kept, `keeper.rs` and `backlog.rs` how, whatever the disk does, `guard.rs` what a defect may take with it,
//!   `clock.rs` and `condition.rs` how clock, disk and the program itself are, `past_search.rs` late hits,
//!   `lawful.rs` and `law_thread.rs` whether a camera may look, `ledger.rs` what the audit chain is told, `orders.rs` and
//!   `pausing.rs` what operators ask over MQTT, `watching.rs` what logs, metrics
//!   and status topics are told, `screen.rs` what the web page is fed.
//!
//! May import everything below; knows no TOML and no command line.

mod backlog;
mod camera;
mod clock;
mod condition;
mod guard;
mod health;
mod ignoring;
mod judge;
mod keeper;
mod law_thread;
mod lawful;
mod lawful_tell;
mod ledger;
mod orders;
pub mod past_search;
mod pausing;
mod recorder;
mod running;
mod screen;
mod settings;
mod starting;
#[cfg(test)]
mod testing;
mod watching;
mod worker;

pub use guard::Faults;
pub use keeper::{Keeper, KeeperEvents};
pub use recorder::evidence_files;
pub use running::{PipelineError, Running, Summary, start, start_faulty};
pub use settings::{CameraSettings, Settings};
