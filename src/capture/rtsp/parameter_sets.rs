//! Notices when a camera begins to send another picture format.
//!
//! OpenCV 4.6 sets its scaler up once and does not look again: a stream that changes its size in flight
//! comes out wrong. So the sequence parameter sets, which hold the size, are watched on their way to it,
//! and the camera is opened anew when one changes.

use std::collections::HashMap;

/// How the video is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Codec {
    /// RFC 6184.
    H264,
    /// RFC 7798.
    H265,
}

/// Remembers the parameter sets of one stream.
#[derive(Debug, Clone)]
pub(super) struct ParameterSets {
    codec: Codec,
    payload_type: u8,
    seen: HashMap<u32, Vec<u8>>,
}

impl ParameterSets {
    /// For the first H.264 or H.265 stream that a session description (RFC 4566) offers.
    pub fn from_description(sdp: &str) -> Option<Self> {
        sdp.lines().filter_map(|line| line.trim().strip_prefix("a=rtpmap:")).find_map(|map| {
            let (payload_type, encoding) = map.split_once(' ')?;
            let codec = match encoding.split('/').next()?.to_ascii_uppercase().as_str() {
                "H264" => Codec::H264,
                "H265" => Codec::H265,
                _ => return None,
            };
            Some(Self { codec, payload_type: payload_type.trim().parse().ok()?, seen: HashMap::new() })
        })
    }

    /// Looks at an RTP packet (RFC 3550); true when it changes a parameter set seen before.
    pub fn changed_by(&mut self, packet: &[u8]) -> bool {
        let Some(payload) = payload(packet, self.payload_type) else { return false };
        let mut changed = false;
        for unit in self.units(payload) {
            let Some(id) = self.sequence_parameter_set_id(unit) else { continue };
            match self.seen.get(&id) {
                Some(before) if before.as_slice() == unit => {}
                Some(_) => changed = true,
                None => {
                    self.seen.insert(id, unit.to_vec());
                }
            }
        }
        changed
    }

    /// The NAL units of a payload: itself, or those in an aggregation packet. Parameter sets are small
    /// and never come in fragments.
    fn units<'a>(&self, payload: &'a [u8]) -> Vec<&'a [u8]> {
        let header = match (self.codec, payload) {
            (Codec::H264, [first, ..]) if first & 0x1f == 24 => 1,
            (Codec::H265, [first, ..]) if first >> 1 & 0x3f == 48 => 2,
            _ => return vec![payload],
        };
        let mut rest = payload.get(header..).unwrap_or_default();
        let mut units = Vec::new();
        while let [high, low, after @ ..] = rest {
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            let Some(unit) = after.get(..length) else { break };
            units.push(unit);
            rest = after.get(length..).unwrap_or_default();
        }
        units
    }

    /// The id of a sequence parameter set; `None` for every other unit.
    fn sequence_parameter_set_id(&self, unit: &[u8]) -> Option<u32> {
        match (self.codec, unit) {
            // seq_parameter_set_id follows profile, constraints and level (H.264 section 7.3.2.1.1).
            (Codec::H264, [first, _, _, _, rest @ ..]) if first & 0x1f == 7 => exp_golomb(rest),
            // In H.265 it stands behind a part of variable length; cameras use one.
            (Codec::H265, [first, _, _, ..]) if first >> 1 & 0x3f == 33 => Some(0),
            _ => None,
        }
    }
}

/// The payload of an RTP packet of the wanted type.
fn payload(packet: &[u8], payload_type: u8) -> Option<&[u8]> {
    let [flags, kind, ..] = packet else { return None };
    if flags >> 6 != 2 || kind & 0x7f != payload_type {
        return None;
    }
    let mut from = 12 + 4 * usize::from(flags & 0x0f);
    if flags & 0x10 != 0 {
        let [_, _, high, low] = *packet.get(from..)?.first_chunk::<4>()?;
        from += 4 + 4 * usize::from(u16::from_be_bytes([high, low]));
    }
    packet.get(from..)
}

/// An unsigned Exp-Golomb number (H.264 section 9.1) of at most 16 bits at the start of `bytes`.
fn exp_golomb(bytes: &[u8]) -> Option<u32> {
    let mut bits = bytes.iter().flat_map(|b| (0..8).rev().map(move |i| u32::from(b >> i & 1)));
    let zeros = bits.by_ref().take_while(|bit| *bit == 0).take(17).count();
    if zeros > 16 {
        return None;
    }
    let mut value = 1;
    for _ in 0..zeros {
        value = value << 1 | bits.next()?;
    }
    Some(value - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rtp(payload: &[u8]) -> Vec<u8> {
        let mut packet = vec![0x80, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7];
        packet.extend_from_slice(payload);
        packet
    }

    #[test]
    fn a_changed_set_is_noticed_alone_and_in_an_aggregate() {
        let sdp = "v=0\r\nm=audio 0 RTP/AVP 0\r\na=rtpmap:97 PCMU/8000\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n";
        let mut sets = ParameterSets::from_description(sdp).unwrap();
        let first = [0x67, 0x64, 0, 0x1f, 0x80, 1, 2];
        let second_id = [0x67, 0x64, 0, 0x1f, 0x40, 1, 2];
        let other = [0x67, 0x64, 0, 0x1f, 0x80, 9, 2];
        assert!(!sets.changed_by(&rtp(&first)) && !sets.changed_by(&rtp(&first)));
        assert!(!sets.changed_by(&rtp(&second_id)));
        assert!(!sets.changed_by(&rtp(&[0x65, 1, 2, 3])));
        let mut aggregate = vec![24, 0, 7];
        aggregate.extend(other);
        assert!(sets.changed_by(&rtp(&aggregate)));
    }

    #[test]
    fn exp_golomb_numbers() {
        assert_eq!(exp_golomb(&[0b1000_0000]), Some(0));
        assert_eq!(exp_golomb(&[0b0101_0000]), Some(1));
        assert_eq!(exp_golomb(&[0b0010_1000]), Some(4));
        assert_eq!(exp_golomb(&[0; 8]), None);
    }

    proptest::proptest! {
        #[test]
        fn any_packet_is_read_without_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..80)) {
            for sdp in ["a=rtpmap:96 H264/90000", "a=rtpmap:96 H265/90000"] {
                let mut sets = ParameterSets::from_description(sdp).unwrap();
                sets.changed_by(&bytes);
                sets.changed_by(&rtp(&bytes));
            }
        }
    }
}
