//! What can go wrong between the outbox and the broker, in words an operator can act on.

use std::path::PathBuf;
use std::time::Duration;

/// A failure of publishing. The texts name host and port and the cause; never a password, never a plate.
#[derive(Debug, thiserror::Error)]
pub enum AlertError {
    /// A name that would change the topic it stands in.
    #[error("{what} name {name:?} cannot stand in an MQTT topic: use 1 to 64 of a-z A-Z 0-9 '-' '_' '.'")]
    Name {
        /// What the name is of.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// A message that could not be written as JSON.
    #[error("a {what} message cannot be written as JSON: {source}")]
    Json {
        /// Which message.
        what: &'static str,
        /// Why not.
        source: serde_json::Error,
    },
    /// A certificate or key cannot be used.
    #[error("{what} {}: {why}", path.display())]
    Certificate {
        /// What the file is for.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The connection could not be made or was lost.
    #[error("MQTT broker {broker}: {why}")]
    Link {
        /// `host:port`.
        broker: String,
        /// The cause.
        why: String,
        /// Whether the broker was reached and answered with something that ends the connection, as
        /// opposed to a network that failed.
        protocol: bool,
    },
    /// The embedded broker does not run.
    #[error("the embedded MQTT broker cannot listen on 127.0.0.1:{port}: {why}; set another port, or 0")]
    Embedded {
        /// The port.
        port: u16,
        /// Why not.
        why: String,
    },
    /// A thread could not be started.
    #[error("the thread {name} cannot be started: {source}")]
    Thread {
        /// Its name.
        name: &'static str,
        /// Why not.
        source: std::io::Error,
    },
    /// Publishing did not end in time.
    #[error("publishing did not end within {deadline:?}; what was not sent stays in the outbox")]
    Late {
        /// How long was waited.
        deadline: Duration,
    },
    /// Publishing had ended by itself.
    #[error("publishing had ended before it was asked to; the log says why")]
    Died,
}
