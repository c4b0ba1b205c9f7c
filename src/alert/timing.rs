//! How long a hit took from light to the broker.

use super::message::{HitState, Time};
use crate::domain::Utc;
use crate::store::{MessageKind, OutboxRow};
use serde::Deserialize;
use std::time::Duration;

/// As much of the message of a hit as is asked here.
#[derive(Deserialize)]
struct Event {
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    state: HitState,
    #[serde(default)]
    late: bool,
    timing: Timing,
}

#[derive(Deserialize)]
struct Timing {
    captured_at: Time,
}

/// When the frame was taken that a hit's first message tells of; `None` for all other messages, whose frame may be
/// long past: later states of a hit, and hits found in passages already kept.
pub(super) fn first_capture(row: &OutboxRow) -> Option<Utc> {
    if row.kind != MessageKind::Hit {
        return None;
    }
    let data = serde_json::from_str::<Event>(&row.payload).ok()?.data;
    (data.state == HitState::New && !data.late).then_some(data.timing.captured_at.0)
}

/// From then to now; nothing less than nothing where the clock was set back meanwhile.
pub(super) fn since(then: Utc) -> Duration {
    Duration::from_millis(Utc::now().since_ms(then).max(0).unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(kind: MessageKind, data: &str) -> OutboxRow {
        OutboxRow {
            id: 1,
            event_id: "e".into(),
            topic: "t".into(),
            payload: format!("{{\"specversion\":\"1.0\",\"data\":{data}}}"),
            kind,
            hit: None,
            created_at: Utc::from_unix_ms(0),
            waited: None,
        }
    }

    #[test]
    fn only_the_first_message_of_a_hit_that_has_just_passed_is_timed() {
        let timing = "\"timing\":{\"captured_at\":\"2026-11-25T10:00:00.250Z\",\"received_at\":\"\"}";
        let new = format!("{{\"hit\":\"h\",\"state\":\"new\",{timing}}}");
        let at = first_capture(&row(MessageKind::Hit, &new)).unwrap();
        assert_eq!(at.to_string(), "2026-11-25T10:00:00.250Z");
        assert_eq!(first_capture(&row(MessageKind::Passage, &new)), None);
        for (from, to) in [("\"new\"", "\"final\""), ("\"state\"", "\"late\":true,\"state\""), ("2026-", "")]
        {
            assert_eq!(first_capture(&row(MessageKind::Hit, &new.replacen(from, to, 1))), None, "{to}");
        }
        assert_eq!(first_capture(&row(MessageKind::Hit, "{")), None);
    }
}
