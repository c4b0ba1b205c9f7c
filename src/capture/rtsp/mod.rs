//! The door through which OpenCV meets an RTSP camera: a relay on the loopback interface.
//!
//! OpenCV opens `rtsp://127.0.0.1:PORT/…`; the relay speaks with the camera. What that is for:
//! * user and password never reach OpenCV and FFmpeg, which print addresses on the error output;
//! * TCP or UDP is chosen for each camera: OpenCV knows only one environment variable for the whole
//!   process. FFmpeg always speaks TCP with the relay, which speaks either with the camera;
//! * OpenCV opens one source at a time under a lock of the whole process. A camera that accepts and says
//!   nothing is noticed here, before that lock, and cannot keep others from being opened;
//! * errors say what the camera answered;
//! * a change of the picture's format is seen, see [`parameter_sets`];
//! * cutting the relay's connections frees a read that hangs in FFmpeg.

#[cfg(any(test, fuzzing))]
pub(super) mod fuzzing;
mod message;
mod parameter_sets;
mod relay;
mod udp;

use super::address::Address;
use super::http_auth::Challenge;
use super::net::{Attempt, Cut};
use super::{CaptureError, Transport};
use crate::runtime::Secret;
use message::{Message, Unit, first_unit};
use parameter_sets::ParameterSets;
use relay::{Relay, Session, Udp};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

/// An RTSP camera that answered, ready to be opened by OpenCV. Dropping it cuts the connection.
pub(super) struct Door {
    url: String,
    trouble: Arc<Mutex<Option<Trouble>>>,
    cut: Cut,
}

/// Why the relay ended a stream, or what the camera refused last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The camera's answer to a request, such as `SETUP: 454 Session Not Found`.
    Refused(String),
    /// The camera sends another picture format now.
    FormatChanged,
}

impl Door {
    /// Connects to the camera, asks it to describe its stream, and sets up the relay.
    pub fn open(
        url: &str,
        transport: Transport,
        credentials: Option<&(String, Secret)>,
        attempt: &Attempt,
    ) -> Result<Self, CaptureError> {
        let address = Address::parse(url, "rtsp", 554)?;
        let mut camera = attempt.connect(&address)?;
        camera.set_write_timeout(Some(attempt.timeout)).map_err(|e| attempt.io(&e))?;
        let mut session = Session::new(camera.try_clone().map_err(|e| attempt.io(&e))?, credentials.cloned());
        let (description, left_over) = describe(&address, &mut camera, &mut session, attempt)?;
        camera.set_read_timeout(None).map_err(|e| attempt.io(&e))?;

        let camera_ip = camera.peer_addr().map_err(|e| attempt.io(&e))?.ip();
        let loopback = "127.0.0.1";
        let listener = TcpListener::bind((loopback, 0)).map_err(|e| attempt.io(&e))?;
        let port = listener.local_addr().map_err(|e| attempt.io(&e))?.port();
        let local_origin = format!("rtsp://{loopback}:{port}");
        let trouble = Arc::new(Mutex::new(None));
        let relay = Relay {
            session: Mutex::new(session),
            camera_origin: address.origin.clone(),
            local_origin: local_origin.clone(),
            transport,
            trouble: Arc::clone(&trouble),
            cut: attempt.cut.clone(),
            camera_ip,
            udp: Mutex::new(Udp::default()),
            playing: AtomicBool::new(false),
            sets: ParameterSets::from_description(&description),
        };
        relay
            .start(listener, camera, left_over)
            .map_err(|cause| CaptureError::Thread { source_name: attempt.source_name.clone(), cause })?;
        Ok(Self { url: format!("{local_origin}{}", address.path), trouble, cut: attempt.cut.clone() })
    }

    /// What OpenCV is to open.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What went wrong between the relay and the camera.
    pub fn trouble(&self) -> Option<Trouble> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.cut.cut();
    }
}

/// Asks for the session description, proving who we are where asked to; also gives bytes read too many.
fn describe(
    address: &Address,
    camera: &mut TcpStream,
    session: &mut Session,
    attempt: &Attempt,
) -> Result<(String, Vec<u8>), CaptureError> {
    let request = Message {
        start: format!("DESCRIBE {} RTSP/1.0", address.url()),
        headers: vec![("Accept".into(), "application/sdp".into())],
        body: Vec::new(),
    };
    session.send(request, None).map_err(|e| attempt.io(&e))?;
    let mut buffer = Vec::new();
    loop {
        let unit = first_unit(&buffer).map_err(|cause| attempt.refused(cause, "see the url's port"))?;
        let Some((unit, used)) = unit else {
            attempt.read_more(camera, &mut buffer)?;
            continue;
        };
        let reply = match unit {
            Unit::Message(message) if message.status().is_some() => Some(message),
            _ => None,
        };
        buffer.drain(..used);
        let Some(reply) = reply else { continue };
        let Some(reply) = session.take_reply(reply).map_err(|e| attempt.io(&e))? else { continue };
        return match reply.status() {
            Some(200) => Ok((String::from_utf8_lossy(&reply.body).into_owned(), buffer)),
            Some(401) => Err(unauthorized(&reply, session, attempt)),
            _ => Err(attempt.refused(
                format!("it answered {:?}", reply.status_text()),
                "see the path in its url and how many viewers it allows",
            )),
        };
    }
}

/// What it means when the camera does not let us in.
fn unauthorized(reply: &Message, session: &Session, attempt: &Attempt) -> CaptureError {
    let known = Challenge::strongest(reply.headers_named("WWW-Authenticate")).is_some();
    if !session.has_credentials() {
        attempt.refused("it wants a user and password", "set them in the camera's configuration")
    } else if known {
        attempt
            .refused("it does not accept the user and password", "correct them in the camera's configuration")
    } else {
        attempt.refused(
            "it wants a kind of authentication that is not known here",
            "allow digest or basic on it",
        )
    }
}
