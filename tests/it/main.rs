//! The one integration binary: the real program, and whole rooms, against real servers on loopback.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)] // all of it is tests

mod accountable;
mod architecture;
mod bad_input;
mod broker_access;
mod capture_files;
mod capture_rtsp;
mod certificates;
mod cli;
mod conversion;
mod docs;
mod end_to_end;
mod evidence;
mod inbound;
mod lawful;
mod outcomes;
mod restarts;
mod rtsp_server;
mod secrets;
mod service;
mod tpm;
mod upgrades;
mod world;
