//! The register of use on paper: one month as rows, CSV, JSON or a page that can be printed.

use super::Preset;
use super::html::{escape, head};
use crate::domain::Utc;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// A time in which a camera looked, or did not, cut to the month.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Entry {
    /// The camera.
    pub camera: String,
    /// `use` or `pause`.
    pub state: &'static str,
    /// Kind of camera.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Reference of the mandate.
    pub mandate: Option<String>,
    /// `visible` or `covert`.
    pub mode: String,
    /// Legal ground of a covert use.
    pub ground: Option<String>,
    /// Officer in charge.
    pub officer: Option<String>,
    /// What for.
    pub purposes: Vec<String>,
    /// Name of the place.
    pub place: Option<String>,
    /// Longitude and latitude in order of time; one point where it stood.
    pub track: Vec<[f64; 2]>,
    /// Begin.
    #[serde(serialize_with = "as_text")]
    pub from: Utc,
    /// End; of one that goes on, the last sign of life.
    #[serde(serialize_with = "as_text")]
    pub until: Utc,
    /// Whether it went on when this was written, or beyond the month.
    pub goes_on: bool,
    /// Pause: why. Use: what did not fit although it looked.
    pub reason: String,
    /// The same in a sentence.
    pub explanation: String,
    /// `enforce`, `warn` or `off`.
    pub policy: String,
    /// Versions of the lists that were matched.
    pub lists: BTreeMap<String, Vec<String>>,
    /// Passages of the whole period.
    pub passages: u64,
    /// Hits of the whole period.
    pub hits: u64,
}

fn as_text<S: serde::Serializer>(at: &Utc, s: S) -> Result<S::Ok, S::Error> {
    s.collect_str(at)
}

/// A month of one box.
#[derive(Debug, Clone, Serialize)]
pub struct Month {
    /// `2026-11`.
    pub month: String,
    /// The zone.
    pub zone: String,
    /// The box.
    #[serde(rename = "box")]
    pub box_id: String,
    /// Name of the preset.
    pub preset: String,
    /// What every export says.
    pub statement: String,
    /// When it was written.
    #[serde(serialize_with = "as_text")]
    pub made_at: Utc,
    /// Entries by camera and begin.
    pub entries: Vec<Entry>,
}

impl Month {
    /// An empty one under `preset`.
    pub fn new(month: &str, zone: &str, box_id: &str, preset: &Preset, made_at: Utc) -> Self {
        Self {
            month: month.to_owned(),
            zone: zone.to_owned(),
            box_id: box_id.to_owned(),
            preset: preset.name.clone(),
            statement: preset.statement.clone(),
            made_at,
            entries: Vec::new(),
        }
    }

    /// Milliseconds of use of a camera.
    fn used_ms(&self, camera: &str) -> i64 {
        let of = self.entries.iter().filter(|e| e.camera == camera && e.state == "use");
        of.map(|e| e.until.since_ms(e.from)).sum()
    }

    fn cameras(&self) -> Vec<&str> {
        let mut cameras: Vec<&str> = self.entries.iter().map(|e| e.camera.as_str()).collect();
        cameras.dedup();
        cameras
    }
}

/// One row an entry, after a line of comment with the statement.
pub fn csv(month: &Month) -> String {
    let mut out =
        format!("# {} Zone {}, box {}, {}.\n", month.statement, month.zone, month.box_id, month.month);
    out.push_str("camera,state,type,mandate,mode,ground,officer,purposes,place,longitude,latitude,from,until,goes_on,reason,explanation,policy,lists,passages,hits\n");
    for e in &month.entries {
        let lists: Vec<String> = e
            .lists
            .iter()
            .flat_map(|(name, v)| v.iter().map(move |v| format!("{name}:{}", v.get(..12).unwrap_or(v))))
            .collect();
        let (lon, lat) =
            e.track.first().map_or((String::new(), String::new()), |p| (p[0].to_string(), p[1].to_string()));
        let cells = [
            e.camera.clone(),
            e.state.to_owned(),
            e.kind.clone().unwrap_or_default(),
            e.mandate.clone().unwrap_or_default(),
            e.mode.clone(),
            e.ground.clone().unwrap_or_default(),
            e.officer.clone().unwrap_or_default(),
            e.purposes.join(" "),
            e.place.clone().unwrap_or_default(),
            lon,
            lat,
            e.from.to_string(),
            e.until.to_string(),
            e.goes_on.to_string(),
            e.reason.clone(),
            e.explanation.clone(),
            e.policy.clone(),
            lists.join(" "),
            e.passages.to_string(),
            e.hits.to_string(),
        ];
        let row: Vec<String> = cells.iter().map(|c| cell(c)).collect();
        let _ = writeln!(out, "{}", row.join(","));
    }
    out
}

/// A cell of CSV (RFC 4180); one that a spreadsheet would take for a formula is put after an apostrophe.
fn cell(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@']) && text.parse::<f64>().is_err();
    let text = if formula { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

/// The whole as JSON.
///
/// # Errors
/// Where a number is not finite; the store keeps none.
pub fn json(month: &Month) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(month)
}

/// A page for council and supervisor, that prints on A4 across.
pub fn html(month: &Month, covert_left_out: bool) -> String {
    let mut out = head(&format!("Register of use {}", month.month), STYLE);
    let _ = write!(
        out,
        "<h1>Register of use, {}</h1><p class=about>Zone <b>{}</b>, box <b>{}</b>. {} Written by the machine at {}.</p>",
        escape(&month.month),
        escape(&month.zone),
        escape(&month.box_id),
        escape(&month.statement),
        short(month.made_at)
    );
    if covert_left_out {
        out.push_str("<p class=about>Covert uses are left out of this copy.</p>");
    }
    out.push_str("<h2>Summary</h2><table><tr><th>Camera<th>Type<th>Mandate<th>In use<th class=n>Periods<th class=n>Passages<th class=n>Hits</tr>");
    for camera in month.cameras() {
        let of = || month.entries.iter().filter(|e| e.camera == camera);
        let used = || of().filter(|e| e.state == "use");
        let last = of().rfind(|e| e.mandate.is_some()).or_else(|| of().next_back());
        let mut mandates: Vec<&str> = used().filter_map(|e| e.mandate.as_deref()).collect();
        mandates.sort_unstable();
        mandates.dedup();
        let mandates = if mandates.is_empty() { "none".to_owned() } else { mandates.join(", ") };
        let _ = write!(
            out,
            "<tr><td>{}<td>{}<td>{}<td>{}<td class=n>{}<td class=n>{}<td class=n>{}</tr>",
            escape(camera),
            escape(last.and_then(|e| e.kind.as_deref()).unwrap_or("not said")),
            escape(&mandates),
            duration(month.used_ms(camera)),
            used().count(),
            used().map(|e| e.passages).sum::<u64>(),
            used().map(|e| e.hits).sum::<u64>()
        );
    }
    out.push_str("</table>");
    for camera in month.cameras() {
        let _ = write!(
            out,
            "<h2>{}</h2><table class=periods><tr><th>From (UTC)<th>Until<th>Lasted<th>What<th>Mandate, purpose, place, officer<th>Lists<th class=n>Passages<th class=n>Hits</tr>",
            escape(camera)
        );
        for e in month.entries.iter().filter(|e| e.camera == camera) {
            row(&mut out, e);
        }
        out.push_str("</table>");
    }
    if month.entries.is_empty() {
        out.push_str("<p>No camera was configured in this month.</p>");
    }
    out.push_str("</body></html>\n");
    out
}

fn row(out: &mut String, e: &Entry) {
    let what = match (e.state, e.reason.as_str()) {
        ("use", "") => format!("<b>in use</b>, {}", escape(&e.mode)),
        ("use", _) => {
            format!("<b class=bad>in use without a fitting mandate</b>: {}", escape(&e.explanation))
        }
        (_, reason) => format!("not in use ({}): {}", escape(reason), escape(&e.explanation)),
    };
    let mut under = Vec::new();
    if e.state == "use" {
        let ground = e.ground.as_ref().map(|g| format!(", ground {}", escape(g))).unwrap_or_default();
        under.push(format!("<b>{}</b>{ground}", escape(e.mandate.as_deref().unwrap_or("no mandate"))));
        if !e.purposes.is_empty() {
            under.push(escape(&e.purposes.join(", ")));
        }
        let place = e.place.as_deref().unwrap_or("place not named");
        under.push(match e.track.len() {
            0 => escape(place),
            1 => format!("{} {}", escape(place), point(e.track.first())),
            n => format!(
                "{}, track of {n} points from {} to {}",
                escape(place),
                point(e.track.first()),
                point(e.track.last())
            ),
        });
        under.push(format!("officer: {}", escape(e.officer.as_deref().unwrap_or("not named"))));
    }
    let lists: Vec<String> = e
        .lists
        .iter()
        .map(|(name, v)| {
            let versions: Vec<&str> = v.iter().map(|v| v.get(..12).unwrap_or(v)).collect();
            format!("{} <code>{}</code>", escape(name), escape(&versions.join(" ")))
        })
        .collect();
    let count = |n: u64| if e.state == "use" { n.to_string() } else { String::new() };
    let goes_on = if e.goes_on { " …" } else { "" };
    let _ = write!(
        out,
        "<tr class={}><td>{}<td>{}{goes_on}<td>{}<td>{what}<td>{}<td>{}<td class=n>{}<td class=n>{}</tr>",
        e.state,
        short(e.from),
        short(e.until),
        duration(e.until.since_ms(e.from)),
        under.join("<br>"),
        lists.join("<br>"),
        count(e.passages),
        count(e.hits)
    );
}

fn point(at: Option<&[f64; 2]>) -> String {
    at.map_or_else(String::new, |p| format!("({:.5}, {:.5})", p[1], p[0]))
}

/// `25 Nov` is for people of one country; `2026-11-25 08:15:00` for all.
fn short(at: Utc) -> String {
    at.to_string().replace('T', " ").get(..19).unwrap_or_default().to_owned()
}

fn duration(ms: i64) -> String {
    let s = ms.max(0) / 1000;
    if s < 60 { format!("{s} s") } else { format!("{} h {:02} min", s / 3600, s / 60 % 60) }
}

const STYLE: &str = "@page{size:A4 landscape;margin:12mm}\
table{border-collapse:collapse;width:100%;margin-bottom:1em}th,td{border:1px solid #bbb;padding:3px 6px;text-align:left;vertical-align:top}\
th{background:#eef1f4}tr{break-inside:avoid}tr.pause td{color:#555;background:#fafafa}.n{text-align:right}.bad{color:#a00}code{font-size:.85em}\
.periods{table-layout:fixed}.periods th:nth-child(-n+2){width:11.5em}.periods th:nth-child(3){width:6.5em}.periods th:nth-child(5){width:32%}.periods th:nth-child(6){width:9em}.periods th:nth-child(n+7){width:5em}td{overflow-wrap:anywhere}.periods td:nth-child(-n+3){white-space:nowrap}h2{margin:1em 0 .3em;break-after:avoid}";

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(state: &'static str, reason: &str) -> Entry {
        Entry {
            camera: "gate".into(),
            state,
            kind: Some("fixed".into()),
            mandate: Some("M1".into()),
            mode: "visible".into(),
            ground: None,
            officer: Some("=cmd, \"x\" <b>".into()),
            purposes: vec!["sentences".into()],
            place: Some("Quay".into()),
            track: vec![[4.4, 51.2]],
            from: Utc::from_unix_ms(0),
            until: Utc::from_unix_ms(5_400_000),
            goes_on: false,
            reason: reason.into(),
            explanation: "why".into(),
            policy: "enforce".into(),
            lists: BTreeMap::from([("zone".into(), vec!["ab".repeat(32)])]),
            passages: 7,
            hits: 1,
        }
    }

    fn month() -> Month {
        let mut month = Month::new("1970-01", "z", "b", &Preset::off(), Utc::from_unix_ms(0));
        month.entries = vec![entry("use", ""), entry("pause", "fault")];
        month
    }

    #[test]
    fn every_form_says_the_statement_and_nothing_runs_in_it() {
        let (csv, json, html) = (csv(&month()), json(&month()).unwrap(), html(&month(), false));
        for text in [&csv, &json, &html] {
            assert!(text.contains("outside police law"), "{text}");
        }
        assert!(csv.contains("\"'=cmd, \"\"x\"\" <b>\""), "{csv}");
        assert!(html.contains("=cmd, &quot;x&quot; &lt;b&gt;") && !html.contains("<script"), "{html}");
        assert!(html.contains("1 h 30 min") && html.contains("not in use (fault): why"), "{html}");
        let read: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(read["entries"][0]["until"], "1970-01-01T01:30:00.000Z");
    }
}
