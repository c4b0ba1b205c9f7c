//! The one integration binary.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)] // all of it is tests

mod capture_files;
mod capture_rtsp;
mod rtsp_server;
