//! Finds the frame at which a video file changes its picture format.
//!
//! OpenCV 4.6 does not follow such a change: it gives the last good frame again and again, or a mixture of
//! two. Evidence must not be made of that. So the file is read a second time in step, without decoding,
//! for its sequence parameter sets.

use super::CaptureError;
use super::decoder::Decoder;
use opencv::videoio;

/// How many packets the guard is ahead of the pictures: as many as a decoder may hold back (H.264 and
/// H.265 allow 16) or lose at the change. So good frames before the change may be given up, never is a
/// wrong one let through.
const AHEAD: usize = 16;

/// Looks at the packets of one file.
pub(super) struct SizeGuard {
    packets: Option<Decoder>,
    codec: Codec,
    seen: Vec<Vec<u8>>,
    started: bool,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Codec {
    H264,
    H265,
}

impl SizeGuard {
    /// For the file `target` with the codec OpenCV names (`fourcc`); does nothing for codecs other than
    /// H.264 and H.265.
    pub fn open(target: &str, fourcc: u32, source_name: &str) -> Result<Self, CaptureError> {
        // The letters in MP4 and others, the stream type in MPEG-TS (ISO 13818-1 table 2-34).
        let codec = match &fourcc.to_le_bytes().map(|b| b.to_ascii_lowercase()) {
            b"avc1" | b"avc3" | b"h264" | b"x264" | b"\x1b\0\0\0" => Some(Codec::H264),
            b"hvc1" | b"hev1" | b"hevc" | b"h265" | b"\x24\0\0\0" => Some(Codec::H265),
            _ => None,
        };
        let packets = match codec {
            // -1: hand out packets as they are.
            Some(_) => {
                Decoder::open(target, videoio::CAP_FFMPEG, &[(videoio::CAP_PROP_FORMAT, -1)], source_name)?
            }
            None => None,
        };
        Ok(Self { packets, codec: codec.unwrap_or(Codec::H264), seen: Vec::new(), started: false })
    }

    /// To be asked once for each picture; true when another format begins there or soon after.
    pub fn next_changes(&mut self) -> Result<bool, CaptureError> {
        let packets = if std::mem::replace(&mut self.started, true) { 1 } else { AHEAD };
        for _ in 0..packets {
            if self.look()? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn look(&mut self) -> Result<bool, CaptureError> {
        let Some(packets) = &mut self.packets else { return Ok(false) };
        if !packets.grab()? {
            self.packets = None;
            return Ok(false);
        }
        let Some(packet) = packets.packet()? else { return Ok(false) };
        let mut changed = false;
        for set in parameter_sets(&packet, self.codec) {
            // Key frames may hold the same set once or twice; only one never seen is a change.
            if !self.seen.iter().any(|seen| seen == set) {
                changed |= !self.seen.is_empty();
                self.seen.push(set.to_vec());
            }
        }
        Ok(changed)
    }
}

/// The sequence parameter sets of a packet in the byte stream format (H.264 annex B).
pub(super) fn parameter_sets(packet: &[u8], codec: Codec) -> impl Iterator<Item = &[u8]> {
    let starts = packet.windows(3).enumerate().filter(|(_, w)| *w == [0, 0, 1]).map(|(at, _)| at);
    let ends = starts.clone().skip(1).chain([packet.len()]);
    starts.zip(ends).filter_map(move |(start, end)| {
        let unit = packet.get(start + 3..end)?;
        let first = *unit.first()?;
        let is_set = match codec {
            Codec::H264 => first & 0x1f == 7,
            Codec::H265 => first >> 1 & 0x3f == 33,
        };
        // A zero byte may belong to the next start code.
        is_set.then(|| unit.strip_suffix(&[0]).unwrap_or(unit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_parameter_sets_between_other_units() {
        let packet = [0, 0, 0, 1, 9, 16, 0, 0, 0, 1, 0x67, 1, 2, 0, 0, 1, 0x68, 3, 0, 0, 1, 0x65, 4];
        let sets: Vec<_> = parameter_sets(&packet, Codec::H264).collect();
        assert_eq!(sets, [&[0x67, 1, 2]]);
        assert_eq!(parameter_sets(&packet, Codec::H265).count(), 0);
        assert_eq!(parameter_sets(&[], Codec::H264).count(), 0);
    }
}
