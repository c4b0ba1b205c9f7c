//! platewatch: number-plate recognition for the police zone's own hardware.
//!
//! Modules in reading order, lower layers first; `tests/it/architecture.rs` holds the table of
//! who may import whom. Read `domain` for the nouns and `pipeline` for how they flow.

pub mod domain;

pub mod plate;
pub mod telemetry;

pub mod runtime;

pub mod capture;
pub mod hotlist;
pub mod law;
pub mod store;
pub mod track;
pub mod vision;

pub mod alert;
pub mod console;
pub mod evidence;

pub mod pipeline;

pub mod config;

pub mod cli;

#[cfg(any(test, fuzzing))]
pub mod fuzzing;
