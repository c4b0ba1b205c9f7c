//! A mapping as it is written, and everything that can be wrong with it.

use super::{DateFormat, FIELDS, Field, Format, Mapping, Part, Place, plain};
use crate::domain::{Country, Zone};
use crate::hotlist::import::dates::Pattern;
use crate::hotlist::import::text::Encoding;
use crate::plate::normalise;
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Spec {
    about: String,
    format: String,
    encoding: Option<String>,
    time_zone: Option<String>,
    delimiter: Option<String>,
    quote: Option<String>,
    header: Option<String>,
    columns: Option<usize>,
    #[serde(default)]
    last_takes_rest: bool,
    width: Option<(usize, usize)>,
    entries: Option<String>,
    #[serde(default)]
    skip_lines: u64,
    #[serde(default)]
    comments: Vec<String>,
    footer: Option<String>,
    #[serde(default)]
    skip_plates: Vec<String>,
    #[serde(default)]
    zero_for_o: bool,
    plate: Option<FieldSpec>,
    category: Option<FieldSpec>,
    priority: Option<FieldSpec>,
    country: Option<FieldSpec>,
    valid_from: Option<FieldSpec>,
    valid_until: Option<FieldSpec>,
    case: Option<FieldSpec>,
    instruction: Option<FieldSpec>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum NumberOrText {
    Number(i64),
    Text(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PartSpec {
    column: Option<NumberOrText>,
    chars: Option<String>,
    tag: Option<String>,
    member: Option<String>,
    label: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct FieldSpec {
    column: Option<NumberOrText>,
    chars: Option<String>,
    tag: Option<String>,
    member: Option<String>,
    #[serde(default)]
    parts: Vec<PartSpec>,
    join: Option<String>,
    default: Option<NumberOrText>,
    #[serde(default)]
    codes: BTreeMap<String, String>,
    other: Option<String>,
    #[serde(default)]
    required: bool,
    #[serde(default)]
    empty: Vec<String>,
    #[serde(default)]
    formats: Vec<String>,
    #[serde(default)]
    last_day: bool,
    #[serde(default)]
    by_category: BTreeMap<String, i64>,
}

/// Collects what is wrong.
struct Problems(Vec<String>);

impl Problems {
    fn wrong(&mut self, key: &str, found: impl std::fmt::Debug, allowed: &str) {
        self.0.push(format!("{key}: found {found:?}, allowed: {allowed}"));
    }
}

/// The mapping that `text` describes.
pub(super) fn parse(name: &str, text: &str) -> Result<Mapping, Vec<String>> {
    let spec: Spec = toml::from_str(text).map_err(|e| vec![e.to_string().trim_end().to_owned()])?;
    let mut problems = Problems(Vec::new());
    let format = format(&spec, &mut problems);
    let encoding = match spec.encoding.as_deref() {
        None => Encoding::Auto,
        Some(said) => Encoding::NAMES.iter().find(|(n, _)| *n == said).map_or_else(
            || {
                let names: Vec<&str> = Encoding::NAMES.iter().map(|n| n.0).collect();
                problems.wrong("encoding", said, &names.join(", "));
                Encoding::Auto
            },
            |n| n.1,
        ),
    };
    let zone = spec.time_zone.as_deref().map_or_else(Zone::utc, |said| {
        Zone::parse(said).unwrap_or_else(|e| {
            problems.0.push(format!("time_zone: {e}"));
            Zone::utc()
        })
    });
    let mut skip_plates = Vec::new();
    for said in &spec.skip_plates {
        match normalise(said) {
            Ok(plate) => skip_plates.push(plate),
            Err(e) => problems.0.push(format!("skip_plates: {said:?}: {e}")),
        }
    }
    for (key, texts) in [("comments", &spec.comments), ("footer", &spec.footer.iter().cloned().collect())] {
        if texts.iter().any(|t| t.trim().is_empty()) {
            problems.wrong(key, "", "the text that such a line begins with");
        }
    }
    let specs = [
        spec.plate,
        spec.category,
        spec.priority,
        spec.country,
        spec.valid_from,
        spec.valid_until,
        spec.case,
        spec.instruction,
    ];
    let mut fields: [Field; FIELDS.len()] = std::array::from_fn(|_| Field::default());
    for ((slot, said), name) in fields.iter_mut().zip(specs).zip(FIELDS) {
        *slot = field(name, said.unwrap_or_default(), &format, &mut problems);
    }
    if problems.0.is_empty() {
        Ok(Mapping {
            name: name.to_owned(),
            about: spec.about,
            format,
            encoding,
            zone,
            skip_lines: spec.skip_lines,
            comments: spec.comments,
            footer: spec.footer,
            skip_plates,
            zero_for_o: spec.zero_for_o,
            fields,
            own: name == "platewatch",
        })
    } else {
        Err(problems.0)
    }
}

fn format(spec: &Spec, problems: &mut Problems) -> Format {
    let delimited = spec.format == "delimited";
    for (key, there) in [
        ("delimiter", spec.delimiter.is_some()),
        ("quote", spec.quote.is_some()),
        ("header", spec.header.is_some()),
        ("columns", spec.columns.is_some()),
        ("last_takes_rest", spec.last_takes_rest),
    ] {
        if there && !delimited {
            problems.0.push(format!("{key}: only with format = \"delimited\""));
        }
    }
    if spec.width.is_some() && spec.format != "fixed" {
        problems.0.push("width: only with format = \"fixed\"".into());
    }
    if spec.entries.is_some() && spec.format != "json" {
        problems.0.push("entries: only with format = \"json\"".into());
    }
    match spec.format.as_str() {
        "delimited" => {
            let one = |key: &str, said: &str, problems: &mut Problems| match said.as_bytes() {
                [b] if b.is_ascii() && !b.is_ascii_alphanumeric() && !b"\r\n".contains(b) => Some(*b),
                _ => {
                    problems.wrong(key, said, "one sign such as \",\", \";\", \":\", \"|\", or \"tab\"");
                    None
                }
            };
            let delimiter = match spec.delimiter.as_deref() {
                None | Some("auto") => None,
                Some("tab") => Some(b'\t'),
                Some(said) => one("delimiter", said, problems),
            };
            let quote = match spec.quote.as_deref() {
                None => Some(b'"'),
                Some("none") => None,
                Some(said) => one("quote", said, problems),
            };
            let header = match spec.header.as_deref() {
                None | Some("names") => true,
                Some("none") => false,
                Some(said) => {
                    problems.wrong("header", said, "\"names\", \"none\"");
                    true
                }
            };
            if spec.last_takes_rest && spec.columns.is_none() {
                problems.0.push("last_takes_rest: needs columns, the number of columns of a row".into());
            }
            Format::Delimited { delimiter, quote, header, columns: spec.columns, rest: spec.last_takes_rest }
        }
        "fixed" => {
            let width = spec.width.unwrap_or((1, usize::MAX));
            if width.0 > width.1 {
                problems.wrong("width", width, "[fewest, most] characters of a line");
            }
            Format::Fixed { width }
        }
        "json" => {
            let path = spec.entries.as_deref().unwrap_or_default();
            Format::Json { entries: path.split('.').filter(|p| !p.is_empty()).map(str::to_owned).collect() }
        }
        said => {
            problems.wrong("format", said, "\"delimited\", \"fixed\", \"json\"");
            Format::Fixed { width: (1, usize::MAX) }
        }
    }
}

fn field(name: &str, said: FieldSpec, format: &Format, problems: &mut Problems) -> Field {
    let key = |k: &str| format!("[{name}] {k}");
    let only = |problems: &mut Problems, k: &str, there: bool, fields: &[&str]| {
        if there && !fields.contains(&name) {
            problems.0.push(format!("{}: only for {}", key(k), fields.join(" and ")));
        }
    };
    only(problems, "formats", !said.formats.is_empty(), &["valid_from", "valid_until"]);
    only(problems, "last_day", said.last_day, &["valid_until"]);
    only(problems, "by_category", !said.by_category.is_empty(), &["priority"]);
    let mut parts: Vec<PartSpec> = said.parts;
    let single =
        PartSpec { column: said.column, chars: said.chars, tag: said.tag, member: said.member, label: None };
    let says =
        |p: &PartSpec| p.column.is_some() || p.chars.is_some() || p.tag.is_some() || p.member.is_some();
    if says(&single) {
        if !parts.is_empty() {
            problems.0.push(format!("{}: either parts or one place, not both", key("parts")));
        }
        parts.push(single);
    }
    if name == "plate" {
        if parts.is_empty() {
            problems.0.push("[plate]: nothing says where the plate stands".into());
        }
        only(problems, "codes", !said.codes.is_empty(), &[]);
    }
    let parts = parts.into_iter().filter_map(|p| part(name, p, format, problems)).collect();
    let default = said.default.map(|d| match d {
        NumberOrText::Number(n) => n.to_string(),
        NumberOrText::Text(t) => t,
    });
    let values = default.iter().chain(said.codes.values()).chain(&said.other);
    for value in values {
        let place = if default.as_ref() == Some(value) { "default" } else { "codes" };
        match name {
            "country" if !value.is_empty() && Country::parse(value).is_none() => {
                problems.wrong(&key(place), value, "two letters of ISO 3166-1 such as BE, or \"\" for any");
            }
            "priority" if value.parse::<u8>().ok().is_none_or(|p| p > 100) => {
                let number: Result<i64, _> = value.parse();
                let allowed = "a whole number from 0 (most urgent) to 100";
                match number {
                    Ok(n) => problems.wrong(&key(place), n, allowed),
                    Err(_) => problems.wrong(&key(place), value, allowed),
                }
            }
            _ => {}
        }
    }
    let mut by_category = std::collections::HashMap::new();
    for (category, priority) in said.by_category {
        match u8::try_from(priority) {
            Ok(p) if p <= 100 => drop(by_category.insert(category, p)),
            _ => {
                problems.wrong(&key("by_category"), priority, "a whole number from 0 (most urgent) to 100");
            }
        }
    }
    let mut dates = Vec::new();
    for said in &said.formats {
        match said.as_str() {
            "iso" => dates.push(DateFormat::Iso),
            "unix" => dates.push(DateFormat::Unix),
            "unix-ms" => dates.push(DateFormat::UnixMs),
            _ => match Pattern::parse(said) {
                Ok(pattern) => dates.push(DateFormat::Pattern(pattern)),
                Err(e) => {
                    problems.0.push(format!("{}: {e}; or \"iso\", \"unix\", \"unix-ms\"", key("formats")))
                }
            },
        }
    }
    if dates.is_empty() {
        dates.push(DateFormat::Iso);
    }
    let upper = |t: &String| t.trim().to_uppercase();
    Field {
        parts,
        join: said.join.unwrap_or_else(|| " ".into()),
        default,
        codes: said.codes.iter().map(|(code, means)| (upper(code), means.clone())).collect(),
        other: said.other,
        required: said.required || name == "plate",
        empty: said.empty.iter().map(upper).collect(),
        dates,
        last_day: said.last_day,
        by_category,
    }
}

fn part(name: &str, said: PartSpec, format: &Format, problems: &mut Problems) -> Option<Part> {
    let key = |k: &str| format!("[{name}] {k}");
    let chars = match said.chars.as_deref() {
        None => None,
        Some(text) => match char_range(text) {
            Some(range) => Some(range),
            None => {
                problems.wrong(
                    &key("chars"),
                    text,
                    "FROM-TO, or FROM- to the end, counted from 1 as cut -c does",
                );
                return None;
            }
        },
    };
    let places = [said.column.is_some(), said.tag.is_some(), said.member.is_some()];
    if places.iter().filter(|p| **p).count() > 1 {
        problems.0.push(format!("[{name}]: one of column, tag and member at a time"));
        return None;
    }
    let only = |problems: &mut Problems, k: &str, format: &str| {
        problems.0.push(format!("{}: only with format = {format:?}", key(k)));
        None
    };
    let place = if let Some(column) = said.column {
        let Format::Delimited { header, columns, .. } = format else {
            return only(problems, "column", "delimited");
        };
        match column {
            NumberOrText::Number(n) => match usize::try_from(n).ok().and_then(|n| n.checked_sub(1)) {
                Some(i) if i < 10_000 => {
                    if columns.is_some_and(|all| i >= all) {
                        let all = columns.unwrap_or_default();
                        problems.0.push(format!("{}: column {n} of {all}", key("column")));
                    }
                    Place::Column(i)
                }
                _ => {
                    problems.wrong(&key("column"), n, "a number from 1, or the column's name");
                    return None;
                }
            },
            NumberOrText::Text(_) if !header => {
                problems
                    .0
                    .push(format!("{}: a number from 1; header = \"none\" gives no names", key("column")));
                return None;
            }
            NumberOrText::Text(names) => {
                Place::Named(names.split('|').map(plain).filter(|n| !n.is_empty()).collect())
            }
        }
    } else if let Some(tag) = said.tag {
        if !matches!(format, Format::Fixed { .. }) {
            return only(problems, "tag", "fixed");
        }
        if tag.trim().is_empty() {
            problems.wrong(&key("tag"), tag, "a tag such as \"VMA/\"");
            return None;
        }
        Place::Tag(tag)
    } else if let Some(member) = said.member {
        if !matches!(format, Format::Json { .. }) {
            return only(problems, "member", "json");
        }
        Place::Member(member.split('.').map(str::to_owned).collect())
    } else if matches!(format, Format::Fixed { .. }) && chars.is_some() {
        Place::Line
    } else {
        problems.0.push(format!(
            "[{name}]: nothing says where the {name} stands: column (delimited), chars or tag (fixed), member (json)"
        ));
        return None;
    };
    Some(Part { place, chars, label: said.label })
}

/// `28-37`, counted from 1 and with its end, as `(27, 37)`.
fn char_range(text: &str) -> Option<(usize, usize)> {
    let number = |t: &str| t.trim().parse::<usize>().ok().filter(|n| (1..=1 << 20).contains(n));
    let (from, to) = match text.split_once('-') {
        Some((from, "")) => (number(from)?, usize::MAX),
        Some((from, to)) => (number(from)?, number(to)?),
        None => (number(text)?, number(text)?),
    };
    (from <= to).then_some((from - 1, to))
}
