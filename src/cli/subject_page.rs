//! The page of an answer to a citizen: a covering form and what is held, from the same JSON that goes with it.

use serde_json::Value;

fn esc(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    out
}

fn text(value: &Value, key: &str) -> String {
    match value.get(key) {
        Some(Value::String(s)) => esc(s),
        Some(Value::Null) | None => "–".into(),
        Some(other) => esc(&other.to_string()),
    }
}

/// The whole page; it needs nothing from elsewhere.
pub(super) fn page(answer: &Value) -> String {
    let items = answer.get("items").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let list: String = items.iter().map(item).collect();
    let nothing = if items.is_empty() {
        "<p><strong>Nothing is held of this plate in this period that can be given.</strong></p>"
    } else {
        ""
    };
    let verify = match text(answer, "verify") {
        v if v.is_empty() => String::new(),
        v => format!("<p class=\"note\">Terms and articles: {v}.</p>"),
    };
    format!(
        r#"<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title} – request {request}</title>
<style>
body {{ font: 16px/1.5 sans-serif; max-width: 50rem; margin: 2rem auto; padding: 0 1rem; color: #111; }}
table {{ border-collapse: collapse; width: 100%; }} td, th {{ border: 1px solid #999; padding: .3rem .5rem; text-align: left; vertical-align: top; }}
th {{ width: 14rem; background: #eee; }} article {{ margin: 1.5rem 0; break-inside: avoid; }} img {{ max-width: 100%; max-height: 16rem; }}
.note {{ color: #444; }} .form td {{ height: 2rem; }} @media print {{ body {{ margin: 0; }} }}
</style></head><body>
<h1>{title}</h1>
<table class="form">
<tr><th>Reference of the request</th><td>{reference}</td></tr>
<tr><th>Request number at this box</th><td>{request}</td></tr>
<tr><th>Plate</th><td>{plate}</td></tr>
<tr><th>Period</th><td>{from} to {to}</td></tr>
<tr><th>Made at</th><td>{made_at}</td></tr>
<tr><th>Answer due within</th><td>{days} days of the request</td></tr>
<tr><th>Officer who answers</th><td></td></tr>
<tr><th>Date and signature</th><td></td></tr>
</table>
<p>{channel}</p>
<p>Number plates of others are painted over in the pictures and faces made unrecognisable. Times are UTC.</p>
<p class="note">{statement}</p>{verify}
<h2>What is held: {n}</h2>
{nothing}{list}
</body></html>
"#,
        title = text(answer, "title"),
        request = text(answer, "request"),
        reference = text(answer, "reference"),
        plate = text(answer, "plate"),
        from = text(answer, "from"),
        to = text(answer, "to"),
        made_at = text(answer, "made_at"),
        days = text(answer, "answer_days"),
        channel = text(answer, "channel"),
        statement = text(answer, "statement"),
        n = items.len(),
    )
}

fn row(out: &mut String, name: &str, value: &str) {
    if value != "–" && !value.is_empty() {
        out.push_str(&format!("<tr><th>{name}</th><td>{value}</td></tr>\n"));
    }
}

fn item(value: &Value) -> String {
    let what = match value.get("what").and_then(Value::as_str) {
        Some("passage") => "The vehicle was seen",
        Some("hit") => "A vehicle was taken for this plate",
        Some("trace") => "The vehicle was seen; its plate is no longer kept",
        Some("search") => "Somebody looked for this plate",
        _ => "Something is held",
    };
    let mut out = format!("<article><h3>{what}</h3>\n<table>\n");
    for (name, key) in [
        ("Seen", "seen"),
        ("Last seen", "until"),
        ("When", "at"),
        ("Camera", "camera"),
        ("Place (longitude, latitude)", "place"),
        ("Read as", "read_as"),
        ("By whom", "by"),
        ("Purpose", "purpose"),
        ("Note", "note"),
        ("Pictures left out", "pictures_left_out"),
        ("Pictures kept until", "pictures_kept_until"),
        ("Kept until", "kept_until"),
    ] {
        let shown = text(value, key);
        if !(key == "pictures_left_out" && shown == "0") {
            row(&mut out, name, &shown);
        }
    }
    let own = value.get("hits").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    for hit in own.iter().chain(value.get("hit")) {
        let told = format!(
            "{} on the list {} ({}), read as {}, told to operators of the zone at {}; their answer: {}",
            text(hit, "kind"),
            text(hit, "list"),
            text(hit, "category"),
            text(hit, "read_as"),
            text(hit, "told_at"),
            text(hit, "answer"),
        );
        row(&mut out, "Hit", &told);
    }
    out.push_str("</table>\n");
    for picture in value.get("pictures").and_then(Value::as_array).into_iter().flatten() {
        out.push_str(&format!(
            "<p><img src=\"{}\" alt=\"{} of the vehicle\"></p>\n",
            text(picture, "file"),
            text(picture, "shows")
        ));
    }
    out.push_str("</article>\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_page_shows_texts_as_texts() {
        let answer = json!({"title": "T", "request": 3, "reference": "<script>", "plate": "1ABC123", "items": [
            {"what": "passage", "seen": "then", "camera": "a&b", "hits": [], "pictures": [{"file": "plate-1.jpg", "shows": "plate"}]}
        ]});
        let page = page(&answer);
        assert!(
            !page.contains("<script>") && page.contains("&lt;script&gt;") && page.contains("a&amp;b"),
            "{page}"
        );
        assert!(page.contains("plate-1.jpg"));
    }
}
