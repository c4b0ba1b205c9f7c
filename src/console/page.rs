//! The page as HTML. Every text goes through [`Esc`]; there is no script or style inside.

use super::view::{HitView, PictureRef};
use crate::domain::{ClockSource, Country, HitState, MatchKind, Outcome, Utc};
use crate::telemetry::{CameraCounts, MetricsSnapshot};
use std::fmt::{self, Display, Write};

/// The style sheet, served as `/console.css`.
pub const CSS: &str = include_str!("console.css");
/// The script that polls `/hits.json`, served as `/console.js`.
pub const JS: &str = include_str!("console.js");

/// What stands around the hits.
pub struct Context<'a> {
    /// The zone's name.
    pub zone: &'a str,
    /// The box's name.
    pub box_id: &'a str,
    /// The time on the box.
    pub now: Utc,
    /// What is wrong.
    pub problems: &'a [String],
    /// The counts.
    pub counts: &'a MetricsSnapshot,
    /// Whether hits can be answered here.
    pub answers: bool,
    /// Who is logged in; `None` where nobody has to.
    pub person: Option<&'a str>,
    /// What is to be known of who may look here; empty where people log in and see hits.
    pub note: &'a str,
}

/// Shows a text so that it is only ever text: in an element or in a quoted attribute.
pub struct Esc<'a>(pub &'a str);

impl Display for Esc<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// The whole page. Without scripts it reloads itself every five seconds.
pub fn page(context: &Context<'_>, hits: &[HitView]) -> String {
    let articles: String = hits.iter().map(|h| hit(context, h)).collect();
    format!(
        r##"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<noscript><meta http-equiv="refresh" content="5"></noscript>
<title>platewatch – {zone} / {box_id}</title>
<link rel="stylesheet" href="/console.css">
<script src="/console.js" defer></script>
</head>
<body>
<a class="skip" href="#hits">Skip to the hits</a>
<header>
<h1>platewatch</h1>
<p class="where">{zone} <span aria-hidden="true">/</span> <strong>{box_id}</strong></p>
{name}{person}<p id="link" class="link" role="status"></p>
</header>
<p id="said" class="unseen" role="status" aria-live="assertive"></p>
<div class="columns">
{note}<main id="hits" tabindex="-1" aria-label="Latest hits">
{articles}<p class="none">No hits yet. Vehicles on a hotlist appear here as they pass.</p>
</main>
<aside id="status" aria-label="State of the box">
{status}</aside>
</div>
</body>
</html>
"##,
        zone = Esc(context.zone),
        box_id = Esc(context.box_id),
        status = status(context),
        // Without scripts there are no buttons either, so this stays hidden.
        name = match (context.answers, context.person) {
            (true, None) =>
                "<label id=\"who\" class=\"who\" hidden>Who answers <input id=\"name\" maxlength=\"80\" \
                 autocomplete=\"name\"></label>\n"
                    .to_owned(),
            (true, Some(person)) => format!(
                "<label id=\"who\" class=\"who\" hidden>Who answers <input id=\"name\" value=\"{}\" readonly></label>\n",
                Esc(person)
            ),
            (false, _) => String::new(),
        },
        person = context.person.map_or_else(String::new, |person| format!(
            "<form method=\"post\" action=\"/logout\"><button>Log out {}</button></form>\n",
            Esc(person)
        )),
        note = if context.note.is_empty() {
            String::new()
        } else {
            format!("<p class=\"note\">{}</p>\n", Esc(context.note))
        },
    )
}

/// One hit as an article.
pub fn hit(context: &Context<'_>, hit: &HitView) -> String {
    let (level, symbol, urgency) = urgency(hit.priority);
    let withdrawn = hit.state == HitState::Withdrawn;
    let gone = if withdrawn { " withdrawn" } else { "" };
    let note = if withdrawn {
        "<p class=\"note\">Withdrawn: the final reading no longer matches. Do not act on it.</p>"
    } else if hit.late {
        "<p class=\"note\">Late: found afterwards in what had passed. The vehicle has long gone.</p>"
    } else if hit.contradictory {
        "<p class=\"note\">The readings contradict each other: it may be two vehicles. Look at the picture.</p>"
    } else {
        ""
    };
    let same = hit.matched == hit.observed;
    format!(
        r#"<article id="hit-{id}" class="hit {level}{gone}" data-rev="{rev}" tabindex="0" aria-label="{label}">
<div class="flag"><span class="symbol" aria-hidden="true">{symbol}</span><span class="urgency">{urgency}</span><span class="category">{category}</span><span class="state">{state}</span></div>
{note}<div class="plates">
<div class="wanted"><span class="caption">On the list</span>{matched}</div>
<div class="seen"><span class="caption">As read{same}</span><span class="observed">{observed}</span></div>
<div class="picture">{picture}</div>
</div>
<p class="instruction">{instruction}</p>
<dl>
<div><dt>Match</dt><dd class="{kind_class}">{kind}, <strong>{probability}</strong></dd></div>
<div><dt>Camera</dt><dd>{camera}{course}</dd></div>
<div><dt>Seen</dt><dd>{seen}, {seen_ago}{clock}</dd></div>
<div><dt>Case</dt><dd>{case}</dd></div>
<div><dt>Priority</dt><dd>{priority}</dd></div>
<div><dt>List</dt><dd>{list}, loaded {age} <span class="hash">{hash}</span></dd></div>
</dl>
{answer}</article>
"#,
        id = Esc(&hit.id),
        rev = Esc(&revision(hit)),
        label = Esc(&format!("{urgency}: {}, {}", hit.matched, words(&hit.category))),
        category = Esc(&words(&hit.category)),
        state = state(hit.state),
        matched = plate(&hit.matched, hit.country),
        same = if same { ", the same" } else { ", differs" },
        observed = observed(&hit.observed, &hit.matched),
        picture = picture(hit),
        instruction = Esc(&hit.instruction),
        kind_class = if hit.kind == MatchKind::Exact { "sure" } else { "check" },
        kind = kind(hit.kind),
        probability = percent(hit.probability),
        camera = Esc(hit.camera.as_str()),
        course = Esc(&course(hit)),
        seen = time(hit.first_seen),
        seen_ago = ago(context.now, hit.first_seen),
        clock = clock(hit.clock),
        case = Esc(if hit.case.is_empty() { "–" } else { &hit.case }),
        priority = hit.priority,
        list = Esc(&hit.list),
        age = ago(context.now, hit.list_loaded_at),
        hash = Esc(hit.list_sha256.get(..8).unwrap_or_default()),
        answer = answer(context, hit),
    )
}

/// The box beside the hits.
pub fn status(context: &Context<'_>) -> String {
    let counts = context.counts;
    let mut out = String::with_capacity(2_048);
    if context.problems.is_empty() {
        out.push_str("<p class=\"health good\"><span aria-hidden=\"true\">✔</span> The box is well</p>\n");
    } else {
        out.push_str(
            "<div class=\"health bad\"><p><span aria-hidden=\"true\">⚠</span> Needs attention</p><ul>",
        );
        for problem in context.problems {
            put(&mut out, format_args!("<li>{}</li>", Esc(problem)));
        }
        out.push_str("</ul></div>\n");
    }
    out.push_str("<h2>Cameras</h2>\n<ul class=\"cameras\">");
    for camera in &counts.cameras {
        put(&mut out, format_args!("{}", Camera(camera, context.now)));
    }
    if counts.cameras.is_empty() {
        out.push_str("<li>None yet</li>");
    }
    out.push_str("</ul>\n<h2>Lists</h2>\n<ul class=\"lists\">");
    for list in &counts.lists {
        let refused = if list.refused > 0 { ", newer file refused" } else { "" };
        put(
            &mut out,
            format_args!(
                "<li><b>{}</b> <span>{} entries{refused}</span></li>",
                Esc(&list.list),
                list.entries
            ),
        );
    }
    if counts.lists.is_empty() {
        out.push_str("<li>None yet</li>");
    }
    let (link, word) = if counts.broker_connected { ("on", "connected") } else { ("off", "not connected") };
    let oldest = match counts.outbox_pending {
        0 => String::new(),
        _ => format!(", oldest {}", age((counts.outbox_oldest_s * 1e3) as i64)),
    };
    put(
        &mut out,
        format_args!(
            "</ul>\n<h2>Delivery</h2>\n<dl class=\"delivery\">\
             <div><dt>Broker</dt><dd class=\"{link}\">{word}</dd></div>\
             <div><dt>Waiting</dt><dd>{}{oldest}</dd></div>\
             <div><dt>Given up</dt><dd>{}</dd></div>\
             <div><dt>Delivered</dt><dd>{}</dd></div>\
             <div><dt>Passages</dt><dd>{}</dd></div>\
             <div><dt>Hits</dt><dd>{}</dd></div></dl>\n\
             <p class=\"since\">Counted since {}</p>\n",
            counts.outbox_pending,
            counts.outbox_dead,
            counts.delivered,
            counts.passages,
            counts.hits,
            time(counts.started_at),
        ),
    );
    out
}

/// Changes whenever the hit itself does.
pub fn revision(hit: &HitView) -> String {
    let answered = hit.answer.as_ref().map_or(0, |a| a.at.unix_ms());
    format!("{}-{}-{answered}", hit.state.as_str(), hit.decided_at.unix_ms())
}

/// The answer that counts, and the buttons for another one; hidden until the script wakes them.
fn answer(context: &Context<'_>, hit: &HitView) -> String {
    let mut out = String::new();
    if let Some(a) = &hit.answer {
        let note = if a.note.is_empty() { String::new() } else { format!(": {}", Esc(&a.note)) };
        put(
            &mut out,
            format_args!(
                "<p class=\"answered\">Answered <strong>{}</strong> by {}, {}{note}</p>\n",
                Esc(&words(a.outcome.as_str())),
                Esc(&a.by),
                time(a.at),
            ),
        );
    }
    if context.answers {
        out.push_str("<div class=\"answers\" role=\"group\" aria-label=\"Answer this hit\" hidden>");
        for outcome in Outcome::ALL {
            let pressed = hit.answer.as_ref().is_some_and(|a| a.outcome == outcome);
            put(
                &mut out,
                format_args!(
                    "<button type=\"button\" data-outcome=\"{}\" aria-pressed=\"{pressed}\">{}</button>",
                    outcome.as_str(),
                    Esc(&words(outcome.as_str())),
                ),
            );
        }
        out.push_str("</div>\n");
    }
    out
}

/// Where it went, after the camera's name: ", towards, lane left".
fn course(hit: &HitView) -> String {
    let goes = hit.direction.map(|d| format!(", going {}", d.as_str())).unwrap_or_default();
    let lane = hit.lane.as_ref().map(|l| format!(", lane {l}")).unwrap_or_default();
    goes + &lane
}

/// Writing to a String cannot fail.
fn put(out: &mut String, text: fmt::Arguments<'_>) {
    let _ = out.write_fmt(text);
}

struct Camera<'a>(&'a CameraCounts, Utc);

impl Display for Camera<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(c, now) = self;
        let (class, symbol, word) = if c.up { ("on", "●", "up") } else { ("off", "✖", "no frames") };
        let last = c.last_frame_at.map_or("never".to_owned(), |t| format!("{} ago", age(now.since_ms(t))));
        write!(
            f,
            "<li class=\"{class}\"><span aria-hidden=\"true\">{symbol}</span> <b>{}</b> <em>{word}</em>\
             <span class=\"counts\">{} frames, {} dropped, {} passages, last {last}</span></li>",
            Esc(c.camera.as_str()),
            c.received,
            c.dropped,
            c.passages,
        )
    }
}

/// A plate as it looks: red on white with the blue band for Belgium, black for others and unknown.
fn plate(text: &str, country: Option<Country>) -> String {
    let (class, band) = match country {
        Some(Country::BE) => ("be", "B".to_owned()),
        Some(other) => ("other", other.to_string()),
        None => ("other", String::new()),
    };
    let band = if band.is_empty() { band } else { format!("<span class=\"band\">{}</span>", Esc(&band)) };
    format!("<span class=\"plate {class}\">{band}<span class=\"text\">{}</span></span>", Esc(text))
}

/// The text as read, with the characters marked that are not the list's. Texts of different length are
/// shown unmarked: which characters differ is then a guess.
fn observed(observed: &str, matched: &str) -> String {
    if observed.chars().count() != matched.chars().count() {
        return Esc(observed).to_string();
    }
    let mut out = String::new();
    for (seen, wanted) in observed.chars().zip(matched.chars()) {
        let mut buffer = [0; 4];
        let seen_text = Esc(seen.encode_utf8(&mut buffer));
        if seen == wanted {
            put(&mut out, format_args!("{seen_text}"));
        } else {
            put(&mut out, format_args!("<mark>{seen_text}</mark>"));
        }
    }
    out
}

/// The plate's picture, or the one with its surroundings, linked to the latter.
fn picture(hit: &HitView) -> String {
    let image = |p: &PictureRef, what: &str| {
        format!(
            "<img src=\"/pictures/{}.jpg\" width=\"{}\" height=\"{}\" alt=\"{what}\">",
            Esc(&p.sha256),
            p.width,
            p.height
        )
    };
    let shown = match (&hit.plate_picture, &hit.context_picture) {
        (Some(p), _) => image(p, "Picture of the plate"),
        (None, Some(p)) => image(p, "Picture of the plate and its surroundings"),
        (None, None) => return "<span class=\"nopicture\">No picture</span>".to_owned(),
    };
    match &hit.context_picture {
        Some(p) => {
            format!("<a href=\"/pictures/{}.jpg\" title=\"Show surroundings\">{shown}</a>", Esc(&p.sha256))
        }
        None => shown,
    }
}

/// Class, symbol and word: never colour alone.
fn urgency(priority: u8) -> (&'static str, &'static str, &'static str) {
    match priority {
        0..=19 => ("p-urgent", "▲▲", "Urgent"),
        20..=49 => ("p-high", "▲", "High"),
        50..=79 => ("p-normal", "●", "Normal"),
        _ => ("p-low", "○", "Low"),
    }
}

fn state(state: HitState) -> &'static str {
    match state {
        HitState::New => "new",
        HitState::Updated => "updated",
        HitState::Final => "has passed",
        HitState::Withdrawn => "withdrawn",
    }
}

fn kind(kind: MatchKind) -> &'static str {
    match kind {
        MatchKind::Exact => "Exact",
        MatchKind::Resolved => "Look-alike resolved: compare the picture",
        MatchKind::Alternative => "Possible: another text was read; compare the picture",
        MatchKind::Wildcard => "Possible: it fits a pattern; compare the picture",
    }
}

fn clock(source: ClockSource) -> &'static str {
    match source {
        ClockSource::Ntp | ClockSource::Gps => "",
        ClockSource::FreeRunning => " <span class=\"doubt\">clock not synchronised</span>",
        ClockSource::Media => " <span class=\"doubt\">time of a recording</span>",
    }
}

/// One decimal, rounded down: only certainty is 100 %.
fn percent(p: f32) -> String {
    let tenths = (f64::from(p) * 1e3 + 1e-3).floor().clamp(0.0, 1e3);
    format!("{:.1}\u{a0}%", tenths / 10.0)
}

/// `stolen-vehicle` as `Stolen vehicle`.
fn words(slug: &str) -> String {
    let text = slug.replace(['-', '_'], " ");
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
}

/// A time in UTC, which the script shows in the screen's own zone.
fn time(at: Utc) -> String {
    let text = at.to_string();
    let date = text.get(..10).unwrap_or(&text);
    let clock = text.get(11..19).unwrap_or_default();
    format!("<time datetime=\"{text}\">{date} {clock} UTC</time>")
}

/// How long ago that was; the script keeps it right while the page stays.
fn ago(now: Utc, at: Utc) -> String {
    format!("<span class=\"ago\" data-at=\"{at}\">{} ago</span>", age(now.since_ms(at)))
}

/// A span of time in its two largest units at most.
fn age(ms: i64) -> String {
    let s = ms.max(0) / 1_000;
    match s {
        0..=59 => format!("{s} s"),
        60..=3_599 => format!("{} min", s / 60),
        3_600..=86_399 => format!("{} h {} min", s / 3_600, s % 3_600 / 60),
        _ => format!("{} d {} h", s / 86_400, s % 86_400 / 3_600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_sounds_surer_than_it_is() {
        assert_eq!(percent(0.9999), "99.9\u{a0}%");
        assert_eq!(percent(1.0), "100.0\u{a0}%");
        assert_eq!(percent(0.5), "50.0\u{a0}%");
    }

    #[test]
    fn differing_characters_are_marked_and_others_are_not() {
        assert_eq!(observed("1ABC23O", "1ABC230"), "1ABC23<mark>O</mark>");
        assert_eq!(observed("1ABC230", "1ABC230"), "1ABC230");
        assert_eq!(observed("1ABC23", "1ABC230"), "1ABC23");
        assert_eq!(observed("<b>", "123"), "<mark>&lt;</mark><mark>b</mark><mark>&gt;</mark>");
    }

    #[test]
    fn ages_and_words() {
        assert_eq!([age(-5), age(61_000), age(3_700_000)], ["0 s", "1 min", "1 h 1 min"]);
        assert_eq!(age(200_000_000), "2 d 7 h");
        assert_eq!([words("stolen-vehicle"), words("")], ["Stolen vehicle", ""]);
    }
}
