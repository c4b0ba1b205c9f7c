//! RTP over UDP from the camera, handed to FFmpeg as if it came interleaved over TCP.
//!
//! FFmpeg could take UDP itself, but then nobody would see the parameter sets, see [`super::parameter_sets`].

use super::message::Message;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::Duration;

/// Packets held back while an earlier one is missing; at 8 Mbit/s some 40 ms.
const MAX_HELD: usize = 32;
/// A jump back by more than this is a new start of the camera's numbers, not a late packet.
const RESTART: u16 = 3000;
/// Tries to find two neighbouring free ports.
const PORT_TRIES: usize = 50;
/// How often a waiting receiver looks whether it is still wanted.
const LOOK: Duration = Duration::from_millis(100);

/// The ports of one track: RTP on an even one, RTCP on the next (RFC 3550 section 11).
#[derive(Debug)]
pub(super) struct Track {
    pub rtp: UdpSocket,
    pub rtcp: UdpSocket,
    /// First of the two interleaved channels that FFmpeg expects.
    pub channel: u8,
    /// RTP port here.
    pub port: u16,
}

impl Track {
    /// Takes two ports for what comes from `camera`.
    pub fn bind(camera: IpAddr, channel: u8) -> io::Result<Self> {
        let any = if camera.is_ipv4() {
            IpAddr::V4(Ipv4Addr::UNSPECIFIED)
        } else {
            IpAddr::V6(Ipv6Addr::UNSPECIFIED)
        };
        for _ in 0..PORT_TRIES {
            let rtp = UdpSocket::bind((any, 0))?;
            let port = rtp.local_addr()?.port();
            if !port.is_multiple_of(2) {
                continue;
            }
            let Ok(rtcp) = UdpSocket::bind((any, port + 1)) else { continue };
            rtp.set_read_timeout(Some(LOOK))?;
            rtcp.set_read_timeout(Some(LOOK))?;
            return Ok(Self { rtp, rtcp, channel, port });
        }
        Err(io::ErrorKind::AddrInUse.into())
    }

    /// Where the camera sends from, by its reply to `SETUP`: RTP and RTCP; shows both ports to whatever
    /// stands between, so that it lets the camera's packets in.
    pub fn open_way(&self, reply: &Message, camera: IpAddr) -> Option<(SocketAddr, SocketAddr)> {
        let transport = reply.header("Transport")?;
        let field = |name: &str| transport.split(';').find_map(|f| f.trim().strip_prefix(name));
        let host = field("source=").and_then(|s| s.parse().ok()).unwrap_or(camera);
        let port: u16 = field("server_port=")?.split('-').next()?.parse().ok()?;
        let (rtp, rtcp) = (SocketAddr::new(host, port), SocketAddr::new(host, port.checked_add(1)?));
        // An RTP header without content, and an empty receiver report (RFC 3550 section 6.4.2).
        let _ = self.rtp.send_to(&[0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], rtp);
        let _ = self.rtcp.send_to(&[0x80, 201, 0, 1, 0, 0, 0, 0], rtcp);
        Some((rtp, rtcp))
    }
}

/// Takes what comes from `host` until `wanted` says no or `take` fails.
pub(super) fn receive(
    socket: &UdpSocket,
    host: IpAddr,
    wanted: impl Fn() -> bool,
    mut take: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let mut packet = vec![0; 65_536];
    while wanted() {
        match socket.recv_from(&mut packet) {
            Ok((length, from)) if from.ip() == host => take(packet.get(..length).unwrap_or_default())?,
            // Anyone can send to a port; only the camera is listened to.
            Ok(_) => {}
            Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {}
            // The camera's port was closed when we wrote to it (ICMP); packets may still come.
            Err(e) if matches!(e.kind(), io::ErrorKind::ConnectionRefused | io::ErrorKind::Interrupted) => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

/// `packet` as an interleaved frame (RFC 2326 section 10.12); `None` where it is too long for one.
pub(super) fn interleaved(channel: u8, packet: &[u8]) -> Option<Vec<u8>> {
    let [high, low] = u16::try_from(packet.len()).ok()?.to_be_bytes();
    let mut frame = vec![b'$', channel, high, low];
    frame.extend_from_slice(packet);
    Some(frame)
}

/// Puts RTP packets back into the order of their numbers.
#[derive(Debug, Default)]
pub(super) struct Reorder {
    next: Option<u16>,
    held: Vec<(u16, Vec<u8>)>,
}

impl Reorder {
    /// Takes a packet; gives those that are now in order. Waits for a missing one only so long.
    pub fn push(&mut self, packet: &[u8]) -> Vec<Vec<u8>> {
        let [_, _, high, low, ..] = packet else { return Vec::new() };
        let number = u16::from_be_bytes([*high, *low]);
        let next = *self.next.get_or_insert(number);
        let late_by = next.wrapping_sub(number);
        if (1..=RESTART).contains(&late_by) || self.held.iter().any(|(n, _)| *n == number) {
            return Vec::new();
        }
        if late_by > RESTART && number.wrapping_sub(next) > RESTART {
            self.next = Some(number);
            self.held.clear();
        }
        self.held.push((number, packet.to_vec()));
        let mut ready = Vec::new();
        if self.held.len() > MAX_HELD {
            let next = self.next.unwrap_or(number);
            self.next = self.held.iter().map(|(n, _)| *n).min_by_key(|n| n.wrapping_sub(next));
        }
        while let Some(next) = self.next
            && let Some(at) = self.held.iter().position(|(n, _)| *n == next)
        {
            ready.push(self.held.swap_remove(at).1);
            self.next = Some(next.wrapping_add(1));
        }
        ready
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(number: u16) -> Vec<u8> {
        let [high, low] = number.to_be_bytes();
        vec![0x80, 96, high, low]
    }

    fn out_of(numbers: &[u16]) -> Vec<u16> {
        let mut order = Reorder::default();
        numbers
            .iter()
            .flat_map(|n| order.push(&packet(*n)))
            .map(|p| u16::from_be_bytes([p[2], p[3]]))
            .collect()
    }

    #[test]
    fn puts_packets_in_order_over_the_wrap() {
        assert_eq!(out_of(&[65534, 0, 65535, 2, 1, 1, 65535, 3]), [65534, 65535, 0, 1, 2, 3]);
    }

    #[test]
    fn a_lost_packet_is_waited_for_only_so_long() {
        let numbers: Vec<u16> = [5].into_iter().chain(7..7 + MAX_HELD as u16 + 3).collect();
        assert_eq!(out_of(&numbers), numbers);
    }

    #[test]
    fn a_new_start_is_followed() {
        assert_eq!(out_of(&[40_000, 40_001, 10, 11]), [40_000, 40_001, 10, 11]);
        assert_eq!(out_of(&[10, 11, 40_000, 40_001]), [10, 11, 40_000, 40_001]);
    }

    proptest::proptest! {
        #[test]
        fn never_twice_and_never_backwards(numbers in proptest::collection::vec(0..200u16, 0..100)) {
            let out = out_of(&numbers);
            proptest::prop_assert!(out.windows(2).all(|w| w[0] < w[1]));
        }
    }
}
