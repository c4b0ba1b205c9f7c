//! The one integration binary.

mod capture_files;
mod capture_rtsp;
mod rtsp_server;
