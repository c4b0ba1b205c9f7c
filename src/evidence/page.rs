//! The page in the file: for people who look, not for programs. Self-contained, no script.

use super::package::{About, OutcomeAbout};
use crate::runtime::PublicKey;
use crate::store::{DossierPicture, HitRecord};
use std::fmt::Write;

const CSS: &str = "body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;color:#111}\
    table{border-collapse:collapse;width:100%;margin:.5rem 0 1.5rem}\
    th,td{text-align:left;vertical-align:top;padding:.3rem .6rem;border-bottom:1px solid #ccc}\
    th{width:15rem;font-weight:600}code{font-size:.85em;overflow-wrap:anywhere}\
    .plate{font:700 1.6rem ui-monospace,monospace;letter-spacing:.1em}\
    img{max-width:100%;border:1px solid #888}.note{background:#eef;padding:.6rem 1rem;border-left:4px solid #446}\
    figure{margin:1rem 0}figcaption{color:#444;font-size:.9rem}";

/// The page of a hit.
pub(super) fn page(
    record: &HitRecord,
    about: &About,
    outcomes: &[OutcomeAbout],
    pictures: &[DossierPicture],
    key: &PublicKey,
) -> String {
    let mut out = String::new();
    let (hit, entry, passage) = (&record.hit, &record.entry, &record.passage);
    put(&mut out, format_args!("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"));
    put(&mut out, format_args!("<title>Hit {}</title><style>{CSS}</style></head><body>\n", text(&hit.id)));
    put(&mut out, format_args!("<h1>Hit on <span class=\"plate\">{}</span></h1>\n", text(&entry.plate)));
    out.push_str(
        "<p class=\"note\">This page is for looking at. That it is genuine is said by <code>platewatch evidence verify</code> \
         on the file it came in, and by nothing else.</p>\n",
    );
    for (picture, about) in pictures.iter().zip(&about.pictures) {
        put(
            &mut out,
            format_args!(
                "<figure><img alt=\"{role}\" width=\"{}\" height=\"{}\" src=\"data:image/jpeg;base64,{}\">\
                 <figcaption>{role}, frame {} of {}, taken {}, SHA-256 <code>{}</code></figcaption></figure>\n",
                picture.width,
                picture.height,
                base64(&picture.jpeg),
                picture.frame_seq,
                text(&passage.camera),
                text(&about.captured_at),
                text(&about.sha256),
                role = picture.role.as_str(),
            ),
        );
    }
    table(
        &mut out,
        "What was seen",
        &[
            ("Read", format!("{} ({})", passage.text, percent(passage.confidence))),
            ("When this hit was decided it read", hit.observed.clone()),
            (
                "Country",
                passage.country.clone().map_or_else(
                    || "not known".into(),
                    |c| format!("{c} ({})", percent(passage.country_p.unwrap_or(0.0))),
                ),
            ),
            (
                "Readings",
                format!("{}, {} of which read the same text", passage.readings, percent(passage.agreement)),
            ),
            (
                "Readings contradict each other",
                if passage.contradictory { "yes".into() } else { "no".into() },
            ),
            ("Camera", passage.camera.clone()),
            ("First seen", passage.first_seen.clone()),
            ("Last seen", passage.last_seen.clone()),
            (
                "Clock",
                match passage.clock_error_ms {
                    Some(ms) => format!("{}, error at most {ms} ms", passage.clock_source),
                    None => format!("{}, its error is not known", passage.clock_source),
                },
            ),
            (
                "Place",
                match (passage.latitude, passage.longitude) {
                    (Some(lat), Some(lon)) => format!("{lat} N, {lon} E (WGS 84)"),
                    _ => "not known".into(),
                },
            ),
            ("Direction", passage.direction.clone().unwrap_or_else(|| "not known".into())),
            ("Mandate", passage.mandate.clone().unwrap_or_else(|| "none".into())),
        ],
    );
    let readings: Vec<(String, String)> = passage
        .distribution
        .iter()
        .enumerate()
        .map(|(at, place)| {
            let mut likely: Vec<(&String, &f64)> = place.iter().filter(|(_, p)| **p >= 0.01).collect();
            likely.sort_by(|a, b| b.1.total_cmp(a.1));
            let said: Vec<String> = likely
                .into_iter()
                .map(|(c, p)| format!("{} {}", if c.is_empty() { "(nothing)" } else { c }, percent(*p)))
                .collect();
            (format!("Place {}", at + 1), said.join(", "))
        })
        .collect();
    let readings: Vec<(&str, String)> =
        readings.iter().map(|(name, said)| (name.as_str(), said.clone())).collect();
    table(&mut out, "The reading, place by place (1 % and more)", &readings);
    table(
        &mut out,
        "What was wanted",
        &[
            ("Plate", entry.plate.clone()),
            ("Met as", format!("{}, {} that the vehicle carries it", hit.kind, percent(hit.probability))),
            ("Category", entry.category.clone()),
            ("Priority", entry.priority.to_string()),
            ("Country", entry.country.clone().unwrap_or_else(|| "any".into())),
            ("Case", entry.case.clone()),
            ("Instruction", entry.instruction.clone()),
            ("Valid from", entry.valid_from.clone().unwrap_or_else(|| "always".into())),
            ("Valid until", entry.valid_until.clone().unwrap_or_else(|| "without end".into())),
            ("List", format!("{}, line {}", record.list.name, entry.line)),
            ("List's SHA-256", record.list.sha256.clone()),
            ("List loaded", record.list.loaded_at.clone()),
        ],
    );
    let answers: Vec<(&str, String)> = outcomes
        .iter()
        .map(|o| (o.at.as_str(), format!("{} by {} ({}) {}", o.outcome, o.by, o.source, o.note)))
        .collect();
    table(&mut out, "What operators answered", &answers);
    table(
        &mut out,
        "The hit and this file",
        &[
            ("Hit", hit.id.clone()),
            ("State", hit.state.clone()),
            ("Decided", format!("{} (first {})", hit.decided_at, hit.first_decided_at)),
            ("Found later in what had passed", if hit.late { "yes".into() } else { "no".into() }),
            ("Zone", about.zone.clone().unwrap_or_else(|| "not known".into())),
            ("Box", about.box_id.clone().unwrap_or_else(|| "not known".into())),
            ("Box's key", key.to_string()),
            (
                "Detector",
                record.models.as_ref().map_or_else(|| "not told".into(), |m| m.detector_sha256.clone()),
            ),
            ("Reader", record.models.as_ref().map_or_else(|| "not told".into(), |m| m.reader_sha256.clone())),
            ("Taken out by", about.by.clone()),
            ("Taken out", about.exported_at.clone()),
            ("Purpose", about.purpose.clone()),
            ("For the case", about.case.clone()),
        ],
    );
    out.push_str("</body></html>\n");
    out
}

fn put(out: &mut String, what: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = out.write_fmt(what);
}

fn table(out: &mut String, title: &str, rows: &[(&str, String)]) {
    if rows.is_empty() {
        return;
    }
    put(out, format_args!("<h2>{}</h2>\n<table>\n", text(title)));
    for (name, value) in rows {
        put(out, format_args!("<tr><th>{}</th><td>{}</td></tr>\n", text(name), text(value)));
    }
    out.push_str("</table>\n");
}

fn percent(p: f64) -> String {
    // 100 % would be said of what is only almost sure.
    format!("{:.1} %", (p * 1000.0).floor().clamp(0.0, 999.0) / 10.0)
}

/// `value` as text of a page: whatever a list or an operator wrote, it is shown and does nothing.
fn text(value: &str) -> String {
    value
        .chars()
        .map(|c| match c {
            '&' => "&amp;".to_owned(),
            '<' => "&lt;".to_owned(),
            '>' => "&gt;".to_owned(),
            '"' => "&quot;".to_owned(),
            '\'' => "&#39;".to_owned(),
            c => c.to_string(),
        })
        .collect()
}

/// Base64 with padding (RFC 4648 section 4).
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0_u32, |bits, b| bits << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
        for i in 0..4 {
            let letter = LETTERS.get((bits >> (18 - 6 * i) & 63) as usize).copied().unwrap_or(b'=');
            out.push(if i <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_as_in_rfc_4648() {
        for (plain, code) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")]
        {
            assert_eq!(base64(plain.as_bytes()), code);
        }
    }

    #[test]
    fn what_others_wrote_is_shown_and_does_nothing() {
        assert_eq!(text("<script>'\"&"), "&lt;script&gt;&#39;&quot;&amp;");
        assert_eq!([percent(1.0), percent(0.9999), percent(-1.0)], ["99.9 %", "99.9 %", "0.0 %"]);
    }
}
