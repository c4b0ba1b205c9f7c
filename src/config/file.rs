//! The file as written: its tables and values with their places, and every problem found in them so far.
//!
//! The document is walked by hand because serde stops at the first problem; an operator wants all of them.

use super::keys::{self, Kind, quoted};
use super::problem::Problem;
use super::show::{carries_credentials, show, show_text};
use std::cell::RefCell;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;
use toml::de::{DeTable, DeValue};

/// One configuration file being checked.
pub(super) struct File<'a> {
    pub path: &'a Path,
    pub text: &'a str,
    /// Where relative paths start.
    pub base: &'a Path,
    pub env: &'a dyn Fn(&str) -> Option<String>,
    /// Whether the text is no TOML; then what seems to be missing may merely be unreadable.
    pub broken: bool,
    pub problems: RefCell<Vec<Problem>>,
    pub warnings: RefCell<Vec<Problem>>,
}

impl File<'_> {
    fn problem(&self, at: usize, key: &str, found: &str, allowed: &str, hint: Option<String>) -> Problem {
        let before = self.text.get(..at).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |i| i + 1);
        Problem {
            file: self.path.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
            key: key.to_owned(),
            found: found.to_owned(),
            allowed: allowed.to_owned(),
            hint,
        }
    }

    /// Notes a problem at byte `at`.
    pub fn wrong(&self, at: usize, key: &str, found: &str, allowed: &str, hint: Option<String>) {
        let problem = self.problem(at, key, found, allowed, hint);
        self.problems.borrow_mut().push(problem);
    }

    /// Notes a warning at byte `at`.
    pub fn warn(&self, at: usize, key: &str, found: &str, why: &str) {
        let warning = self.problem(at, key, found, "", Some(why.to_owned()));
        self.warnings.borrow_mut().push(warning);
    }

    /// The line of byte `at`, from 1.
    pub fn line(&self, at: usize) -> usize {
        self.text.get(..at).unwrap_or(self.text).matches('\n').count() + 1
    }
}

/// One table of the file, there or not.
#[derive(Clone)]
pub(super) struct Table<'a> {
    pub file: &'a File<'a>,
    section: &'static str,
    /// Its key path in messages.
    pub key: String,
    /// Where it begins; what is missing in it is reported there.
    pub at: usize,
    table: Option<&'a DeTable<'a>>,
}

impl<'a> Table<'a> {
    /// The whole file.
    pub fn root(file: &'a File<'a>, table: &'a DeTable<'a>) -> Self {
        let root = Self { file, section: "", key: String::new(), at: 0, table: Some(table) };
        root.refuse_unknown_keys();
        root
    }

    /// Whether it stands in the file.
    pub fn is_there(&self) -> bool {
        self.table.is_some()
    }

    /// The key path of `name` in this table.
    pub fn path_of(&self, name: &str) -> String {
        if self.key.is_empty() { name.to_owned() } else { format!("{}.{name}", self.key) }
    }

    /// The table `name` in this one; `section` is its name in the registry.
    pub fn table(&self, name: &str, section: &'static str) -> Self {
        let mut child = Self { file: self.file, section, key: self.path_of(name), at: self.at, table: None };
        if let Some(value) = self.table.and_then(|t| t.get(name)).or_else(|| self.slip_for(name)) {
            child.at = value.span().start;
            match value.get_ref() {
                DeValue::Table(t) => child.table = Some(t),
                other => {
                    let allowed = format!("a table [{section}]");
                    self.file.wrong(child.at, &child.key, &show(other), &allowed, None);
                }
            }
        }
        child.refuse_unknown_keys();
        child
    }

    /// The blocks `[[name]]` of the file's top, each under its own name where that is usable.
    pub fn blocks(&self, name: &'static str) -> Vec<Self> {
        self.blocks_of(name, name)
    }

    /// The blocks `[[name]]` of this table; `section` is their name in the registry.
    pub fn blocks_of(&self, name: &str, section: &'static str) -> Vec<Self> {
        let exact = self.table.and_then(|t| t.get(name));
        let Some(value) = exact.or_else(|| self.slip_for(name)) else { return Vec::new() };
        let (name, allowed) = (self.path_of(name), format!("blocks [[{section}]]"));
        let DeValue::Array(array) = value.get_ref() else {
            let hint = value.get_ref().is_table().then(|| format!("write [[{section}]], with two brackets"));
            self.file.wrong(value.span().start, &name, &show(value.get_ref()), &allowed, hint);
            return Vec::new();
        };
        let mut blocks = Vec::new();
        for (i, item) in array.iter().enumerate() {
            let at = item.span().start;
            let number = format!("{name}[#{}]", i + 1);
            let DeValue::Table(table) = item.get_ref() else {
                self.file.wrong(at, &number, &show(item.get_ref()), &allowed, None);
                continue;
            };
            let own = table.get("name").and_then(|v| v.get_ref().as_str()).filter(|n| is_name(n));
            let key = own.map_or(number, |own| format!("{name}[{own}]"));
            let block = Self { file: self.file, section, key, at, table: Some(table) };
            block.refuse_unknown_keys();
            blocks.push(block);
        }
        blocks
    }

    /// The value whose key is a slip of the finger for `name`. The slip itself is a problem already; this
    /// way what stands under it is checked too, and `name` is not said to be missing besides.
    fn slip_for(&self, name: &str) -> Option<&'a toml::Spanned<DeValue<'a>>> {
        let known = keys::names(self.section);
        let slip = |found: &str| {
            !known.contains(&found) && keys::nearest(found, known.iter().copied()) == Some(name)
        };
        self.table?.iter().find(|(key, _)| slip(key.get_ref())).map(|(_, value)| value)
    }

    fn refuse_unknown_keys(&self) {
        let allowed = keys::names(self.section);
        for (name, _) in self.table.into_iter().flatten() {
            let found = name.get_ref().as_ref();
            if allowed.contains(&found) {
                continue;
            }
            let hint = if found == "password" && allowed.contains(&"password_file") {
                Some(
                    "passwords stand in a file or an environment variable: password_file, password_env"
                        .into(),
                )
            } else if let Some(near) = keys::nearest(found, allowed.iter().copied()) {
                Some(format!("did you mean {near:?}?"))
            } else {
                let elsewhere = elsewhere(found);
                if self.file.broken && elsewhere.is_some() {
                    continue; // Its table's header is what cannot be read.
                }
                elsewhere
            };
            let key = self.path_of(&show_text(found, 40).replace('"', ""));
            let allowed = quoted(allowed.iter().copied());
            self.file.wrong(name.span().start, &key, "an unknown key", &allowed, hint);
        }
    }

    /// The value of `name`, where it stands there.
    pub fn get(&self, name: &str) -> Option<Value<'a>> {
        let value = self.table?.get(name)?;
        let kind = keys::find(self.section, name).map_or(Kind::Text("nothing"), |k| k.kind);
        let at = value.span().start;
        Some(Value { file: self.file, key: self.path_of(name), at, value: value.get_ref(), kind })
    }

    /// The value of `name`, which must stand there.
    pub fn need(&self, name: &str) -> Option<Value<'a>> {
        let found = self.get(name);
        if found.is_none() {
            self.missing(name, None);
        }
        found
    }

    /// Says that `name` is missing.
    pub fn missing(&self, name: &str, hint: Option<String>) {
        if !self.file.broken && self.slip_for(name).is_none() {
            let allowed = keys::find(self.section, name).map_or(String::new(), |k| k.kind.to_string());
            self.file.wrong(self.at, &self.path_of(name), "nothing", &allowed, hint);
        }
    }

    /// What `read` makes of the value of `name`; the default where it is absent (or wrong, which is noted).
    pub fn or<T>(&self, name: &str, default: T, read: impl FnOnce(Value<'a>) -> Option<T>) -> T {
        self.get(name).and_then(read).unwrap_or(default)
    }
}

fn elsewhere(name: &str) -> Option<String> {
    let key = keys::KEYS.iter().find(|k| k.name == name && !matches!(name, "name" | "path"))?;
    let (_, heading, _) = keys::SECTIONS.iter().find(|(s, ..)| *s == key.section)?;
    match key.section {
        "" => Some("it belongs at the top of the file, before the first table".into()),
        _ => Some(format!("it belongs in {heading}")),
    }
}

/// One value of the file.
pub(super) struct Value<'a> {
    pub file: &'a File<'a>,
    pub key: String,
    pub at: usize,
    value: &'a DeValue<'a>,
    kind: Kind,
}

impl<'a> Value<'a> {
    /// Notes that this value is wrong, as it stands.
    pub fn wrong<T>(&self, hint: Option<String>) -> Option<T> {
        self.wrong_as(&show(self.value), hint)
    }

    /// Notes that this value is wrong, described as `found`.
    pub fn wrong_as<T>(&self, found: &str, hint: Option<String>) -> Option<T> {
        self.file.wrong(self.at, &self.key, found, &self.kind.to_string(), hint);
        None
    }

    /// A text that is not empty.
    pub fn text(&self) -> Option<&'a str> {
        match self.value.as_str() {
            Some(text) if !text.trim().is_empty() && !text.chars().any(char::is_control) => Some(text),
            _ => self.wrong(None),
        }
    }

    /// The text, whatever it is; no problem is noted.
    pub fn plain(&self) -> Option<&'a str> {
        self.value.as_str()
    }

    /// `true` or `false`.
    pub fn yes(&self) -> Option<bool> {
        self.value.as_bool().or_else(|| {
            let quoted = matches!(self.value.as_str(), Some("true" | "false"));
            self.wrong(quoted.then(|| "without quotes".into()))
        })
    }

    /// An array of at least one text that is not empty; what else stands there is noted.
    pub fn texts(&self) -> Option<Vec<&'a str>> {
        let items = self.value.as_array().into_iter().flatten();
        let texts: Vec<Option<&str>> = items.map(|v| v.get_ref().as_str()).collect();
        let texts: Option<Vec<&str>> =
            texts.into_iter().map(|t| t.filter(|t| !t.trim().is_empty())).collect();
        match texts {
            Some(texts) if !texts.is_empty() => Some(texts),
            _ => self.wrong(self.value.as_str().map(|t| format!("in brackets: [{t:?}]"))),
        }
    }

    /// One of the words the key allows.
    pub fn word(&self) -> Option<&'static str> {
        let Kind::Word(words) = self.kind else { return None };
        let found = self.value.as_str().unwrap_or_default();
        words.iter().copied().find(|w| *w == found).or_else(|| {
            let near = keys::nearest(found, words.iter().copied());
            self.wrong(near.map(|near| format!("did you mean {near:?}?")))
        })
    }

    /// A whole number in the key's range.
    pub fn whole(&self) -> Option<i64> {
        let Kind::Whole(from, to, _) = self.kind else { return None };
        match whole(self.value) {
            Some(n) if (from..=to).contains(&n) => Some(n),
            _ => self.wrong(self.unquoted()),
        }
    }

    /// A number in the key's range; never NaN or infinite.
    pub fn number(&self) -> Option<f64> {
        let Kind::Number(from, to, _) = self.kind else { return None };
        match number(self.value) {
            Some(n) if (from..=to).contains(&n) => Some(n),
            _ => self.wrong(self.unquoted()),
        }
    }

    fn unquoted(&self) -> Option<String> {
        self.value.as_str()?.trim().parse::<f64>().is_ok().then(|| "without quotes".into())
    }

    /// A number of seconds in the key's range.
    pub fn seconds(&self) -> Option<Duration> {
        self.number().and_then(|n| Duration::try_from_secs_f64(n).ok())
    }

    /// Two numbers, each in its range.
    pub fn pair(&self, first: RangeInclusive<f64>, second: RangeInclusive<f64>) -> Option<(f64, f64)> {
        let numbers: Vec<_> =
            self.value.as_array().into_iter().flatten().map(|v| number(v.get_ref())).collect();
        match numbers.as_slice() {
            [Some(a), Some(b)] if first.contains(a) && second.contains(b) => Some((*a, *b)),
            _ => self.wrong(None),
        }
    }

    /// A list of points, each two numbers.
    pub fn points(&self) -> Option<Vec<(f64, f64)>> {
        points(self.value).or_else(|| self.wrong(None))
    }

    /// A list of lists of points.
    pub fn lists_of_points(&self) -> Option<Vec<Vec<(f64, f64)>>> {
        let lists = self.value.as_array().and_then(|a| a.iter().map(|v| points(v.get_ref())).collect());
        lists.or_else(|| self.wrong(None))
    }

    /// Two whole numbers, both in this range.
    pub fn whole_pair(&self, from: i64, to: i64) -> Option<(i64, i64)> {
        let numbers: Vec<_> =
            self.value.as_array().into_iter().flatten().map(|v| whole(v.get_ref())).collect();
        match numbers.as_slice() {
            [Some(a), Some(b)] if (from..=to).contains(a) && (from..=to).contains(b) => Some((*a, *b)),
            _ => self.wrong(None),
        }
    }

    /// A name of at most `most` characters; underscores only where `underscores` says so.
    pub fn name(&self, most: usize, underscores: bool) -> Option<&'a str> {
        match self.value.as_str() {
            Some(n) if is_name(n) && n.len() <= most && (underscores || !n.contains('_')) => Some(n),
            Some(n) => {
                let better: String = n.trim().to_lowercase().replace([' ', '.', '_'], "-");
                let usable = is_name(&better) && better.len() <= most && better != n;
                self.wrong(usable.then(|| format!("for example {better:?}")))
            }
            None => self.wrong(None),
        }
    }

    /// A date and time with an offset, as a text or as TOML's own kind.
    pub fn time_text(&self) -> Option<String> {
        match self.value {
            DeValue::Datetime(time) => Some(time.to_string()),
            _ => self.text().map(str::to_owned),
        }
    }

    /// A path as it will be used; it need not exist.
    pub fn path(&self) -> Option<PathBuf> {
        self.text().map(|text| self.file.base.join(text))
    }

    /// An existing file.
    pub fn existing_file(&self) -> Option<PathBuf> {
        self.existing(Path::is_file, "which is no file")
    }

    /// An existing folder.
    pub fn existing_folder(&self) -> Option<PathBuf> {
        self.existing(Path::is_dir, "which is no folder")
    }

    fn existing(&self, fits: fn(&Path) -> bool, no: &str) -> Option<PathBuf> {
        let path = self.path()?;
        if fits(&path) {
            return Some(path);
        }
        let text = self.value.as_str().unwrap_or_default();
        let looked = (path != Path::new(text) && !carries_credentials(text))
            .then(|| format!("looked for {}", path.display()));
        self.wrong_as(&format!("{}, {}", show(self.value), absence(&path, no)), looked)
    }
}

/// Why what should be at `path` cannot be had; `no` where something else is there.
pub(super) fn absence(path: &Path, no: &str) -> String {
    match std::fs::metadata(path) {
        Ok(_) => no.to_owned(),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => "which does not exist".into(),
        Err(e) => format!("which cannot be looked at: {e}"),
    }
}

/// Whether `text` may name a camera or a list.
pub(super) fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b))
}

fn points(value: &DeValue<'_>) -> Option<Vec<(f64, f64)>> {
    let point =
        |v: &DeValue<'_>| match v.as_array()?.iter().map(|n| number(n.get_ref())).collect::<Vec<_>>()[..] {
            [Some(x), Some(y)] => Some((x, y)),
            _ => None,
        };
    value.as_array()?.iter().map(|v| point(v.get_ref())).collect()
}

fn whole(value: &DeValue<'_>) -> Option<i64> {
    let n = value.as_integer()?;
    i64::from_str_radix(n.as_str(), n.radix()).ok()
}

fn number(value: &DeValue<'_>) -> Option<f64> {
    match value {
        DeValue::Float(n) => n.as_str().parse().ok(),
        // Every whole number a range allows is small enough to be exact.
        _ => whole(value).map(|n| n as f64),
    }
}
