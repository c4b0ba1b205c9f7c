//! Where the web page and the metrics are served.

use std::net::SocketAddr;

/// The HTTP server.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Address and port, loopback unless the operator says otherwise.
    pub listen: SocketAddr,
    /// Whether the page with hits and pictures is served, or only metrics and health.
    pub page: bool,
    /// Whether operators may answer hits on the page. Off unless the operator says otherwise: the page has no
    /// login, so a name is what who answers types.
    pub answers: bool,
}
