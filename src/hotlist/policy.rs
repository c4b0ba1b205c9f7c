//! Where, when and until when a list counts. Pure: the time is an argument.

use super::Manifest;
use crate::domain::{CameraId, Entry, PlateText, Utc, Zone};
use std::time::Duration;

/// What is to be done with a list that is out of date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WhenStale {
    /// Its hits come with a lower priority and say so.
    #[default]
    Lower,
    /// It gives no hits.
    Stop,
}

/// Where a version of a list comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// When it was made: the manifest's time, or that of the file's last change.
    pub made_at: Option<Utc>,
    /// The signed manifest, where there is one.
    pub manifest: Option<Manifest>,
    /// Whether it is the version last accepted, kept by the box, because what lies in its place now is refused.
    pub kept_copy: bool,
}

/// Where, when and until when a list counts. The default: everywhere and always.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Policy {
    /// Names or globs (`gate-*`) of the cameras it counts at; none are all.
    pub cameras: Vec<String>,
    /// When it counts; `None` is always.
    pub hours: Option<Hours>,
    /// First instant at which it is out of date.
    pub expires: Option<Utc>,
    /// Age from which it is out of date.
    pub max_age: Option<Duration>,
    /// What happens then.
    pub when_stale: WhenStale,
    /// What the list is for, in the words of the law's preset; a camera whose mandate does not allow all of it
    /// does not match the list.
    pub purposes: Vec<String>,
    /// The source writes every O as 0.
    pub zero_for_o: bool,
    /// Of the version in use.
    pub origin: Origin,
}

impl Policy {
    /// Whether the list counts for a passage of `camera` at `now`.
    pub fn applies(&self, camera: &CameraId, now: Utc) -> bool {
        self.applies_to(camera, now, now)
    }

    /// Whether the list counts, as it is at `now`, for what passed before `camera` at `passed`: its cameras and hours
    /// are those of the passage, its age is that of now.
    pub fn applies_to(&self, camera: &CameraId, passed: Utc, now: Utc) -> bool {
        let here = self.cameras.is_empty() || self.cameras.iter().any(|g| glob(g, camera.as_str()));
        let open = || !passed.is_set() || self.hours.as_ref().is_none_or(|h| h.contain(passed));
        let fresh = || self.when_stale != WhenStale::Stop || self.stale_since(now).is_none();
        here && open() && fresh()
    }

    /// The first instant at which this version is out of date, where there is one.
    pub fn fresh_until(&self) -> Option<Utc> {
        let aged = self
            .origin
            .made_at
            .zip(self.max_age)
            .map(|(made, age)| made.plus_ms(i64::try_from(age.as_millis()).unwrap_or(i64::MAX)));
        let signed = self.origin.manifest.as_ref().and_then(|m| m.expires);
        [self.expires, aged, signed].into_iter().flatten().min()
    }

    /// Since when it is out of date, where it is at `now`.
    pub fn stale_since(&self, now: Utc) -> Option<Utc> {
        self.fresh_until().filter(|t| *t <= now)
    }

    /// Marks an entry of an outdated list: lower priority, and its instruction says so, because a stop for a
    /// signalling withdrawn meanwhile is the commonest false alarm.
    ///
    /// The priority goes half of its way to 100, so that the entries keep their order.
    ///
    /// While the clock is not set, an entry or list with an end or a beginning says that nobody has held it against
    /// the time; its priority stays.
    pub fn mark(&self, entry: &mut Entry, now: Utc) {
        let limited =
            entry.valid_from.is_some() || entry.valid_until.is_some() || self.fresh_until().is_some();
        if !now.is_set() && limited {
            put_first(entry, "CLOCK OF THE BOX NOT SET: validity not checked");
            return;
        }
        let Some(since) = self.stale_since(now) else { return };
        entry.priority = 100 - (100 - entry.priority.min(100)) / 2;
        put_first(entry, &format!("LIST OUT OF DATE since {since}: check before stopping"));
    }

    /// How the source would have written `text`, where that differs.
    pub fn as_listed(&self, text: &PlateText) -> Option<PlateText> {
        let differs = self.zero_for_o && text.as_str().contains('O');
        differs.then(|| PlateText::new(&text.as_str().replace('O', "0")).ok()).flatten()
    }
}

fn put_first(entry: &mut Entry, text: &str) {
    entry.instruction =
        if entry.instruction.is_empty() { text.to_owned() } else { format!("{text}. {}", entry.instruction) };
}

/// Times of the week, by the clock of a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hours {
    windows: Vec<Window>,
    zone: Zone,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Window {
    /// Bit 0 is Monday.
    days: u8,
    /// Minutes since midnight.
    from: u16,
    to: u16,
}

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

impl Hours {
    /// Reads windows such as `Mon-Fri 07:00-19:00`, `Sat,Sun` or `22:00-06:00`; one that ends before it
    /// begins goes on after midnight.
    ///
    /// # Errors
    /// The text that is no window, and why.
    pub fn parse<'a>(windows: impl IntoIterator<Item = &'a str>, zone: Zone) -> Result<Self, String> {
        let windows: Result<Vec<Window>, String> = windows.into_iter().map(Window::parse).collect();
        Ok(Self { windows: windows?, zone })
    }

    /// Whether `at` is in one of them.
    pub fn contain(&self, at: Utc) -> bool {
        let wall = self.zone.wall(at);
        let day = |d: u8| 1u8 << (d % 7);
        let (today, yesterday) = (day(wall.weekday), day(wall.weekday + 6));
        self.windows.iter().any(|w| {
            if w.from < w.to {
                w.days & today != 0 && (w.from..w.to).contains(&wall.minute)
            } else {
                (w.days & today != 0 && wall.minute >= w.from)
                    || (w.days & yesterday != 0 && wall.minute < w.to)
            }
        })
    }
}

impl Window {
    fn parse(text: &str) -> Result<Self, String> {
        let wrong = |why: &str| format!("{text:?}: {why}; for example \"Mon-Fri 07:00-19:00\"");
        let (mut days, mut times) = (0u8, None);
        for word in text.split_whitespace() {
            if word.starts_with(|c: char| c.is_ascii_digit()) {
                if times.is_some() {
                    return Err(wrong("two spans of time"));
                }
                times = Some(span(word).ok_or_else(|| wrong("the time is no HH:MM-HH:MM"))?);
            } else {
                for range in word.split(',') {
                    let (first, last) = range.split_once('-').unwrap_or((range, range));
                    let day = |name: &str| {
                        let name = name.to_lowercase();
                        DAYS.iter().position(|d| name.len() >= 3 && name.starts_with(d))
                    };
                    let (Some(first), Some(last)) = (day(first), day(last)) else {
                        return Err(wrong("a day is none of Mon, Tue, Wed, Thu, Fri, Sat, Sun"));
                    };
                    for i in 0..7 {
                        let d = (first + i) % 7;
                        days |= 1 << d;
                        if d == last {
                            break;
                        }
                    }
                }
            }
        }
        if days == 0 && times.is_none() {
            return Err(wrong("nothing"));
        }
        let (from, to) = times.unwrap_or((0, 24 * 60));
        Ok(Self { days: if days == 0 { 0x7f } else { days }, from, to })
    }
}

/// `07:00-19:00` in minutes; the two may not be the same.
fn span(text: &str) -> Option<(u16, u16)> {
    let minutes = |t: &str| {
        let (h, m) = t.split_once(':')?;
        let number = |t: &str| t.bytes().all(|b| b.is_ascii_digit()).then(|| t.parse::<u16>().ok()).flatten();
        let (h, m) = (number(h)?, number(m)?);
        (h < 24 && m < 60 || h == 24 && m == 0).then(|| h * 60 + m)
    };
    let (from, to) = text.split_once('-')?;
    let (from, to) = (minutes(from)?, minutes(to)?);
    (from != to && from < 24 * 60).then_some((from, to))
}

/// Whether `name` fits `pattern`, in which `*` stands for any text.
pub(super) fn glob(pattern: &str, name: &str) -> bool {
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let mut pieces: Vec<&str> = pieces.collect();
    let Some(last) = pieces.pop() else { return rest.is_empty() };
    for piece in pieces {
        let Some(at) = rest.find(piece) else { return false };
        rest = rest.get(at + piece.len()..).unwrap_or_default();
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hours(windows: &[&str]) -> Hours {
        Hours::parse(windows.iter().copied(), Zone::parse("Europe/Brussels").unwrap()).unwrap()
    }

    fn at(text: &str) -> Utc {
        text.parse().unwrap()
    }

    #[test]
    fn office_hours_by_the_clock_on_the_wall() {
        let office = hours(&["Mon-Fri 07:00-19:00"]);
        // Monday, 23 November 2026, winter time.
        assert!(!office.contain(at("2026-11-23T05:59:00Z")));
        assert!(office.contain(at("2026-11-23T06:00:00Z")));
        assert!(!office.contain(at("2026-11-23T18:00:00Z")), "the end is not in it");
        assert!(!office.contain(at("2026-11-22T10:00:00Z")), "a Sunday");
        // In summer the same clock shows 07:00 an hour earlier in UTC.
        assert!(office.contain(at("2026-07-06T05:00:00Z")) && !office.contain(at("2026-07-06T04:59:00Z")));
    }

    #[test]
    fn nights_belong_to_the_day_they_begin_on() {
        let night = hours(&["Fri 22:00-06:00"]);
        assert!(night.contain(at("2026-11-27T21:30:00Z")));
        assert!(night.contain(at("2026-11-28T04:30:00Z")), "Saturday, 05:30");
        assert!(!night.contain(at("2026-11-27T04:30:00Z")), "Friday, 05:30");
        let weekend = hours(&["Sat,Sun", "Fri-Mon 23:00-24:00"]);
        assert!(weekend.contain(at("2026-11-28T12:00:00Z")) && weekend.contain(at("2026-11-23T22:30:00Z")));
        assert!(!weekend.contain(at("2026-11-23T12:00:00Z")));
        assert!(hours(&["Sun-Tue"]).contain(at("2026-11-23T12:00:00Z")), "over the end of the week");
    }

    #[test]
    fn windows_that_are_none() {
        for bad in [
            "",
            "Mon-Fri 7-19",
            "Montag-Xyz",
            "08:00-08:00",
            "25:00-26:00",
            "9967:67-14:00", // found by fuzzing: hours in minutes do not fit 16 bits
            "Mon 08:00-09:00 10:00-11:00",
            "24:00-08:00",
        ] {
            let error = Hours::parse([bad], Zone::utc()).unwrap_err();
            assert!(error.contains("for example"), "{bad}: {error}");
        }
    }

    #[test]
    fn cameras_by_name_and_glob() {
        let policy = Policy { cameras: vec!["gate-*".into(), "quay".into()], ..Policy::default() };
        let now = Utc::from_unix_ms(0);
        let applies = |camera: &str| policy.applies(&CameraId::new(camera), now);
        assert!(applies("gate-1") && applies("gate-") && applies("quay"));
        assert!(!applies("quay-2") && !applies("old-gate-1") && !applies(""));
        for (pattern, fits, not) in
            [("*", "x", ""), ("a*b*c", "a1b2c", "a1c2b"), ("*-north", "a-north", "a-north-2")]
        {
            assert!(glob(pattern, fits) && (not.is_empty() || !glob(pattern, not)), "{pattern}");
        }
    }

    #[test]
    fn hours_are_those_of_the_passage() {
        let policy = Policy { hours: Some(hours(&["Mon-Fri 07:00-19:00"])), ..Policy::default() };
        let (noon, night) = (at("2026-11-23T11:00:00Z"), at("2026-11-24T02:00:00Z"));
        let gate = CameraId::new("gate");
        assert!(policy.applies_to(&gate, noon, night) && !policy.applies(&gate, night));
        assert!(!policy.applies_to(&gate, night, noon) && policy.applies(&gate, noon));
    }

    #[test]
    fn an_outdated_list_lowers_or_stops_its_hits() {
        let made_at = Some(at("2026-11-20T00:00:00Z"));
        let mut policy = Policy {
            max_age: Some(Duration::from_secs(48 * 3600)),
            origin: Origin { made_at, ..Origin::default() },
            ..Policy::default()
        };
        let (fresh, old) = (at("2026-11-21T23:59:59Z"), at("2026-11-22T00:00:00Z"));
        let camera = CameraId::new("c");
        assert_eq!((policy.stale_since(fresh), policy.stale_since(old)), (None, Some(old)));
        assert!(policy.applies(&camera, old), "lowered, not stopped");
        let mut entry = Entry {
            plate: PlateText::new("1ABC123").unwrap().into(),
            line: 2,
            category: "stolen".into(),
            priority: 10,
            country: None,
            valid_from: None,
            valid_until: None,
            case: String::new(),
            instruction: "Stop".into(),
        };
        let before = entry.clone();
        policy.mark(&mut entry, fresh);
        assert_eq!(entry, before);
        policy.mark(&mut entry, old);
        assert_eq!(entry.priority, 55);
        assert!(
            entry.instruction.starts_with("LIST OUT OF DATE since 2026-11-22")
                && entry.instruction.ends_with(". Stop")
        );
        policy.when_stale = WhenStale::Stop;
        assert!(policy.applies(&camera, fresh) && !policy.applies(&camera, old));
        // The earliest end counts.
        policy.expires = Some(at("2026-11-21T00:00:00Z"));
        assert!(!policy.applies(&camera, fresh));
    }

    #[test]
    fn a_source_that_writes_o_as_zero() {
        let policy = Policy { zero_for_o: true, ..Policy::default() };
        let as_listed = |t: &str| policy.as_listed(&PlateText::new(t).unwrap()).map(|t| t.to_string());
        assert_eq!(as_listed("ABO1230").as_deref(), Some("AB01230"));
        assert_eq!(as_listed("AB01230"), None);
        assert_eq!(Policy::default().as_listed(&PlateText::new("ABO").unwrap()), None);
    }

    proptest! {
        #[test]
        fn no_window_panics_and_what_is_taken_can_be_asked(text in "\\PC{0,20}", ms in any::<i64>()) {
            if let Ok(hours) = Hours::parse([text.as_str()], Zone::utc()) {
                hours.contain(Utc::from_unix_ms(ms));
            }
        }

        #[test]
        fn lowering_keeps_the_order(a in 0u8..=100, b in 0u8..=100) {
            let lowered = |p: u8| 100 - (100 - p) / 2;
            prop_assert!(lowered(a) >= a && lowered(a) <= 100);
            if a <= b { prop_assert!(lowered(a) <= lowered(b)); }
        }
    }
}
