//! Doors for the fuzz targets (src/fuzzing) to what this room does with bytes from cameras; no part of the
//! shipped program.

use super::http_auth::Challenge;
use super::multipart::{Multipart, Step, take_head};
use super::size_guard::{Codec, parameter_sets};
use super::{pictures, rtsp};
use crate::runtime::Secret;
use std::path::Path;

/// Nothing that a server could say by chance.
const PASSWORD: &str = "pw-5b1fc0de";
/// A BMP of 4 x 2 px: file header, picture header, pixels.
const BEFORE: [&[u8]; 3] = [
    b"BM\x4e\0\0\0\0\0\0\0\x36\0\0\0",
    b"\x28\0\0\0\x04\0\0\0\x02\0\0\0\x01\0\x18\0\0\0\0\0\x18\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
    &[0x5b; 24],
];

/// Everything a camera sends on an RTSP connection: messages, interleaved frames, challenges, RTP within.
pub(crate) fn rtsp_stream(bytes: &[u8]) {
    rtsp::fuzzing::stream(bytes);
}

/// A session description, an empty line, and packets with two bytes of length before each.
pub(crate) fn rtp(bytes: &[u8]) {
    let at = bytes.windows(2).position(|w| w == b"\n\n").unwrap_or(bytes.len());
    let (sdp, packets) = bytes.split_at(at);
    rtsp::fuzzing::packets(&String::from_utf8_lossy(sdp), packets.get(2..).unwrap_or_default());
}

/// What an RTSP or HTTP server asks for in `WWW-Authenticate`, one value a line.
pub(crate) fn challenge(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Some(challenge) = Challenge::strongest(text.lines()) {
        let answer = challenge.answer("user", &Secret::new(PASSWORD.into()), "DESCRIBE", "rtsp://h/", 1);
        assert!(!answer.contains(PASSWORD));
    }
}

/// The first byte: whether chunked, and in pieces of which size the rest comes; the parts must not depend on
/// the pieces.
pub(crate) fn mjpeg(bytes: &[u8]) {
    let Some((how, rest)) = bytes.split_first() else { return };
    let parts = |piece: usize| {
        let mut stream = Multipart::new(how & 1 == 1);
        let (mut parts, mut end) = (Vec::new(), None);
        for piece in rest.chunks(piece) {
            if let Err(why) = stream.push(&mut piece.to_vec()) {
                end = Some(why);
                break;
            }
            loop {
                match stream.next() {
                    Step::More => break,
                    step => parts.push(step),
                }
            }
        }
        (parts, end)
    };
    let (mut one, end) = parts(usize::from(how >> 1) + 1);
    // At an end or a limit, what came before it in the same piece may already be out or not.
    if end.is_none() && rest.len() < super::multipart::MAX_HEAD {
        assert_eq!(one, parts(rest.len().max(1)).0);
    }
    for step in one.drain(..) {
        if let Step::Part(jpeg) = step {
            picture_header(&jpeg);
        }
    }
    let mut head = rest.to_vec();
    while take_head(&mut head).is_some() {}
}

/// Width and height as the header of a picture says.
pub(crate) fn picture_header(bytes: &[u8]) {
    let _ = pictures::claimed_size(bytes);
}

/// A whole picture, decoded by OpenCV.
pub(crate) fn picture(bytes: &[u8]) {
    // A small file may claim up to the limit; the fuzzer's time is for others.
    if pictures::claimed_size(bytes).is_some_and(|(w, h)| w.saturating_mul(h) > 1_000_000) {
        return;
    }
    let alone = pictures::decode(bytes.to_vec(), Path::new("fuzz")).ok();
    // In a stream it must be the same, whatever was shown before.
    let mut stream = pictures::Pictures::default();
    assert!(stream.decode(BEFORE.concat(), Path::new("before")).is_ok());
    assert_eq!(stream.decode(bytes.to_vec(), Path::new("fuzz")).ok().as_deref(), alone.as_ref());
}

/// A packet of a video file in the byte stream format.
pub(crate) fn video_packet(bytes: &[u8]) {
    for codec in [Codec::H264, Codec::H265] {
        for set in parameter_sets(bytes, codec) {
            assert!(!set.is_empty() && set.len() < bytes.len());
        }
    }
}
