//! Collects checked rows and problems of any layout, and makes the list and the report of them.

use super::report::{Duplicate, ImportError, ImportReport, Problem};
use crate::domain::{Country, ListVersion, Listed, Utc};
use crate::hotlist::List;
use crate::hotlist::index::{order, shift_for};
use crate::hotlist::key::Key;
use crate::hotlist::lists::{Cases, Details, Row};
use crate::hotlist::pattern;
use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

/// The most entries of one list; row numbers and offsets are 32 bits wide.
const MAX_ROWS: usize = 50_000_000;

/// One checked row; texts are borrowed from the line where they stand there as they are.
pub(super) struct Checked<'a> {
    pub plate: Listed,
    pub line: u64,
    pub country: Option<Country>,
    pub category: Cow<'a, str>,
    pub priority: u8,
    pub valid_from: Option<Utc>,
    pub valid_until: Option<Utc>,
    pub instruction: Cow<'a, str>,
    pub case: Cow<'a, str>,
}

impl Checked<'_> {
    fn has(&self, d: &Details) -> bool {
        self.country == d.country
            && self.category == d.category
            && self.priority == d.priority
            && self.valid_from == d.valid_from
            && self.valid_until == d.valid_until
            && self.instruction == d.instruction
    }

    fn hash(&self, by: &RandomState) -> u64 {
        let times = (self.valid_from, self.valid_until);
        by.hash_one((self.country, &*self.category, self.priority, times, &*self.instruction))
    }

    fn details(self) -> Details {
        Details {
            country: self.country,
            category: self.category.into_owned(),
            priority: self.priority,
            valid_from: self.valid_from,
            valid_until: self.valid_until,
            instruction: self.instruction.into_owned(),
        }
    }
}

/// Grows a list row by row.
pub(super) struct Builder {
    now: Utc,
    pub report: ImportReport,
    rows: Vec<Row>,
    details: Vec<Details>,
    /// Places in `details` by the hash of what stands there, so that a row that repeats them copies nothing.
    ids: HashMap<u64, u32>,
    hasher: RandomState,
    cases: Cases,
    patterns: usize,
}

impl Builder {
    pub fn new(now: Utc) -> Self {
        Self {
            now,
            report: ImportReport::default(),
            rows: Vec::new(),
            details: Vec::new(),
            ids: HashMap::new(),
            hasher: RandomState::new(),
            cases: Cases::default(),
            patterns: 0,
        }
    }

    /// Counts `rows` bad rows and notes why, as far as there is room.
    pub fn bad(&mut self, rows: u64, problems: impl IntoIterator<Item = Problem>) {
        self.report.rows += rows;
        self.report.bad_rows += rows;
        let room = ImportReport::MOST.saturating_sub(self.report.bad.len());
        self.report.bad.extend(problems.into_iter().take(room));
    }

    /// Takes a good row.
    pub fn take(&mut self, row: Checked<'_>) {
        let line = row.line;
        let is_pattern = row.plate.plate().is_none();
        if is_pattern && self.patterns >= pattern::MOST {
            let allowed = format!("at most {} patterns in a list", pattern::MOST);
            let found = "one pattern more".to_owned();
            return self.bad(1, [Problem { line, column: 1, field: "plate".into(), found, allowed }]);
        }
        let (Ok(line32), true, Some(case_at)) =
            (u32::try_from(line), self.rows.len() < MAX_ROWS, self.cases.push(&row.case))
        else {
            let allowed = format!("at most {MAX_ROWS} entries; split the list");
            let found = "beyond what one list holds".to_owned();
            return self.bad(1, [Problem { line, column: 1, field: "row".into(), found, allowed }]);
        };
        self.patterns += usize::from(is_pattern);
        self.report.rows += 1;
        if row.valid_until.is_some_and(|t| t <= self.now) {
            self.report.expired += 1;
        }
        if row.valid_from.is_some_and(|t| t > self.now) {
            self.report.not_yet_valid += 1;
        }
        let key = Key::of_listed(&row.plate);
        let details = self.details_of(row);
        self.rows.push(Row { key, line: line32, details, case_at });
    }

    /// Where the details of `row` are kept.
    fn details_of(&mut self, row: Checked<'_>) -> u32 {
        let mut hash = row.hash(&self.hasher);
        while let Some(&id) = self.ids.get(&hash) {
            if self.details.get(id as usize).is_some_and(|d| row.has(d)) {
                return id;
            }
            hash = hash.wrapping_add(1);
        }
        let id = self.details.len() as u32; // no more than rows
        self.ids.insert(hash, id);
        self.details.push(row.details());
        id
    }

    /// The list, or why the file is refused.
    pub fn finish(
        mut self,
        version: ListVersion,
        max_bad_share: f64,
    ) -> Result<(List, ImportReport), ImportError> {
        // Nothing good in it and something bad is too much whatever the limit is.
        let all_bad = self.rows.is_empty() && self.report.bad_rows > 0;
        if all_bad || (self.report.bad_rows > 0 && self.report.bad_share() > max_bad_share) {
            return Err(ImportError::TooManyBad { path: None, max_bad_share, report: Box::new(self.report) });
        }
        self.ids = HashMap::new();
        let details = std::mem::take(&mut self.details);
        let rows = self.drop_duplicates(&details);
        self.find_conflicts(&rows, &details);
        self.report.loaded = rows.len() as u64;
        if rows.is_empty() {
            self.report.warnings.push("the list has no entry".to_owned());
        }
        self.cases.shrink();
        Ok((List::new(version, rows, details, self.cases), self.report))
    }

    /// Puts the rows into the order of the index and keeps the first of each plate, country and category.
    fn drop_duplicates(&mut self, details: &[Details]) -> Vec<Row> {
        let mut rows = std::mem::take(&mut self.rows);
        let shift = shift_for(rows.len());
        let same = |d: u32| details.get(d as usize).map(|d| (d.country, d.category.as_str()));
        let by_place = |a: &Row, b: &Row| {
            let by_key = order(a.key, shift).cmp(&order(b.key, shift));
            by_key.then_with(|| same(a.details).cmp(&same(b.details))).then_with(|| a.line.cmp(&b.line))
        };
        sort(&mut rows, &by_place);
        let cases = &self.cases;
        let mut found: Vec<Duplicate> = Vec::new();
        let (mut count, mut expired, mut early) = (0, 0, 0);
        rows.dedup_by(|row, first| {
            let repeats = row.key == first.key && same(row.details) == same(first.details);
            if repeats {
                count += 1;
                let (a, b) = (details.get(first.details as usize), details.get(row.details as usize));
                if b.and_then(|d| d.valid_until).is_some_and(|t| t <= self.now) {
                    expired += 1;
                }
                if b.and_then(|d| d.valid_from).is_some_and(|t| t > self.now) {
                    early += 1;
                }
                let mut contradicts = Vec::new();
                if let (Some(a), Some(b)) = (a, b) {
                    let fields = [
                        ("priority", a.priority != b.priority),
                        ("valid_from", a.valid_from != b.valid_from),
                        ("valid_until", a.valid_until != b.valid_until),
                        ("case", cases.get(first.case_at) != cases.get(row.case_at)),
                        ("instruction", a.instruction != b.instruction),
                    ];
                    contradicts.extend(fields.iter().filter(|f| f.1).map(|f| f.0));
                }
                found.push(Duplicate { line: row.line.into(), first_line: first.line.into(), contradicts });
            }
            repeats
        });
        found.sort_by_key(|d| (d.contradicts.is_empty(), d.line));
        found.truncate(ImportReport::MOST);
        self.report.duplicates = found;
        self.report.duplicate_rows = count;
        self.report.expired -= expired;
        self.report.not_yet_valid -= early;
        rows.shrink_to_fit();
        rows
    }

    /// Notes entries for one plate that differ in category or country: all count, and someone should look.
    fn find_conflicts(&mut self, rows: &[Row], details: &[Details]) {
        let mut first: Option<&Row> = None;
        for row in rows {
            let Some(one) = first.filter(|f| f.key == row.key) else {
                first = Some(row);
                continue;
            };
            self.report.conflict_rows += 1;
            if self.report.conflicts.len() >= ImportReport::MOST {
                continue;
            }
            let mut contradicts = Vec::new();
            if let (Some(a), Some(b)) = (details.get(one.details as usize), details.get(row.details as usize))
            {
                let fields = [
                    ("category", a.category != b.category),
                    ("country", a.country != b.country),
                    ("priority", a.priority != b.priority),
                    ("valid_from", a.valid_from != b.valid_from),
                    ("valid_until", a.valid_until != b.valid_until),
                ];
                contradicts.extend(fields.iter().filter(|f| f.1).map(|f| f.0));
            }
            let (line, first_line) = (row.line.max(one.line).into(), row.line.min(one.line).into());
            self.report.conflicts.push(Duplicate { line, first_line, contradicts });
        }
        self.report.conflicts.sort_by_key(|d| d.line);
    }
}

/// Sorts on two threads, in place: whatever order the halves come to, no row of the one belongs into the other.
fn sort(rows: &mut [Row], by: &(impl Fn(&Row, &Row) -> Ordering + Sync)) {
    /// Shorter lists are sorted before a thread has started.
    const WORTH_A_THREAD: usize = 200_000;
    let middle = rows.len() / 2;
    if rows.len() < WORTH_A_THREAD {
        return rows.sort_unstable_by(by);
    }
    rows.select_nth_unstable_by(middle, by);
    let (low, high) = rows.split_at_mut(middle);
    std::thread::scope(|scope| {
        scope.spawn(|| low.sort_unstable_by(by));
        high.sort_unstable_by(by);
    });
}
