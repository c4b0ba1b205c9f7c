//! Doors for the fuzz targets; no part of the shipped program.

use super::super::http_auth::Challenge;
use super::message::{Unit, first_unit};
use super::parameter_sets::ParameterSets;
use super::relay::interleaved_channel;
use super::udp::Reorder;

/// Units one after the other, as [`super::relay`] reads them; a message must come back as it was written.
pub(crate) fn stream(bytes: &[u8]) {
    let mut rest = bytes;
    let mut sets = None;
    while let Ok(Some((unit, used))) = first_unit(rest) {
        assert!(used > 0 && used <= rest.len());
        match unit {
            Unit::Interleaved(frame) => {
                let packet = frame.get(4..).unwrap_or_default();
                let sets: &mut Option<ParameterSets> = &mut sets;
                let _ = sets.as_mut().is_some_and(|s| s.changed_by(packet));
            }
            Unit::Message(message) => {
                let _ = (message.status(), message.status_text(), message.request());
                let _ = Challenge::strongest(message.headers_named("WWW-Authenticate"));
                let _ = message.header("Transport").map(interleaved_channel);
                sets = ParameterSets::from_description(&String::from_utf8_lossy(&message.body)).or(sets);
                let _ = message.to_bytes();
            }
        }
        rest = rest.get(used..).unwrap_or_default();
    }
}

/// RTP packets as they come over UDP, each with two bytes of length before it.
pub(crate) fn packets(sdp: &str, mut bytes: &[u8]) {
    let (mut order, mut sets) = (Reorder::default(), ParameterSets::from_description(sdp));
    while let [high, low, rest @ ..] = bytes {
        let length = usize::from(u16::from_be_bytes([*high, *low])).min(rest.len());
        let (packet, after) = rest.split_at(length);
        for packet in order.push(packet) {
            assert!(packet.len() >= 4);
            let _ = sets.as_mut().is_some_and(|s| s.changed_by(&packet));
        }
        bytes = after;
    }
}
