//! What gpsd says, as it was written down from gpsd 3.22 and as it never should.

use super::*;
use proptest::prelude::*;

/// As gpsd 3.22 writes it.
const TPV: &str = r#"{"class":"TPV","device":"/dev/pts/3","mode":3,"time":"2026-11-25T09:00:01.000Z","ept":0.005,"lat":51.219000000,"lon":4.402000000,"altHAE":50.1,"epx":3.0,"epy":4.0,"track":90.0,"speed":8.3}"#;

fn now(ms: i64) -> Utc {
    Utc::from_unix_ms(1_800_000_000_000 + ms)
}

fn heard(lines: &[&str]) -> Hearing {
    let mut hearing = Hearing::default();
    for (n, line) in lines.iter().enumerate() {
        hearing.hear(format!("{line}\r\n").as_bytes(), now(n as i64));
    }
    hearing
}

#[test]
fn an_address_names_host_and_port() {
    let of = |host: &str, port| Ok(GpsdAddress { host: host.into(), port });
    assert_eq!(GpsdAddress::parse("gpsd://127.0.0.1:2948"), of("127.0.0.1", 2948));
    assert_eq!(GpsdAddress::parse("gpsd://localhost"), of("localhost", 2947));
    assert_eq!(GpsdAddress::parse("gpsd://[::1]:1"), of("::1", 1));
    assert_eq!(GpsdAddress::parse("gpsd://[::1]:1").unwrap().to_string(), "[::1]:1");
    for bad in
        ["gpsd://", "gpsd://x:0", "gpsd://x:y", "gpsd://[::1", "gpsd://[::1]2", "gpsd://a b", "http://x"]
    {
        assert!(GpsdAddress::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_report_with_a_fix_is_a_position_with_its_error_and_course() {
    let fix = heard(&[r#"{"class":"VERSION","release":"3.22"}"#, TPV]).fix().unwrap();
    let here = Position { longitude: 4.402, latitude: 51.219, heading: Some(90.0), accuracy_m: Some(5.0) };
    assert_eq!(fix, Fix { position: here, at: now(1) });
    let eph = heard(&[&TPV.replace("\"epx\"", "\"eph\":7.5,\"epx\"")]).fix().unwrap();
    assert_eq!(eph.position.accuracy_m, Some(7.5));
    let standing = heard(&[&TPV.replace("8.3", "0.2")]).fix().unwrap();
    assert_eq!(standing.position.heading, None, "the course of a car that stands is noise");
}

#[test]
fn what_is_no_fix_is_no_position() {
    for line in [
        TPV.replace("\"mode\":3", "\"mode\":1"),
        TPV.replace("51.219000000", "151.2"),
        TPV.replace("\"lat\"", "\"other\""),
        TPV.replace("\"time\"", "\"other\""),
    ] {
        assert_eq!(heard(&[&line]).fix(), None, "{line}");
        let after = TPV.replace("09:00:01", "09:00:00");
        assert_eq!(heard(&[&after, &line]).fix(), None, "it takes back what the same receiver said: {line}");
    }
    let other = TPV.replace("\"mode\":3", "\"mode\":1").replace("pts/3", "pts/4");
    assert!(heard(&[TPV, &other]).fix().is_some(), "a receiver without a fix takes nothing from another");
}

#[test]
fn a_receiver_that_repeats_itself_grows_old() {
    assert_eq!(heard(&[TPV, TPV, TPV]).fix().unwrap().at, now(0));
    let later = TPV.replace("09:00:01", "09:00:02");
    assert_eq!(heard(&[TPV, &later]).fix().unwrap().at, now(1));
}

#[test]
fn lines_that_are_not_gpsds_are_counted_and_passed_over() {
    let long = format!("{{\"class\":\"SKY\",\"x\":\"{}\"}}", "y".repeat(LONGEST));
    let hearing = heard(&["HTTP/1.1 400 Bad Request", &long, "", "[1]", TPV]);
    assert_eq!((hearing.bad, hearing.good), (3, 1));
    assert!(hearing.fix().is_some() && hearing.line.is_empty());
}

proptest! {
    #[test]
    fn it_does_not_matter_how_lines_are_cut(
        parts in prop::collection::vec(prop_oneof![
            Just(format!("{TPV}\n")), Just(format!("{}\n", TPV.replace("mode\":3", "mode\":0"))),
            Just("{\"class\":\"SKY\"}\n".to_owned()), ".{0,40}", Just("\n".to_owned()), Just("z".repeat(20_000)),
        ], 0..8),
        cuts in prop::collection::vec(1..3000_usize, 1..6),
    ) {
        let all = parts.concat();
        let mut whole = Hearing::default();
        whole.hear(all.as_bytes(), now(0));
        let mut cut = Hearing::default();
        let mut rest = all.as_bytes();
        for n in cuts.iter().cycle() {
            let (piece, after) = rest.split_at((*n).min(rest.len()));
            cut.hear(piece, now(0));
            rest = after;
            if rest.is_empty() { break; }
        }
        prop_assert!(whole.line.len() <= LONGEST);
        prop_assert_eq!(whole, cut);
    }
}
