//! `platewatch log outcomes`: how many hits were false, by what operators answered.

use super::DONE;
use super::read::round;
use crate::config;
use crate::domain::Utc;
use crate::hotlist::Expected;
use crate::store::{Reader, Settings, Tally, TallyBy};
use serde_json::{Value, json};
use std::io::Write;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  platewatch log outcomes --data /var/lib/platewatch\n  \
    platewatch log outcomes --data /var/lib/platewatch --since 2026-11-01T00:00:00Z --by kind --json\n  \
    platewatch log outcomes --data /var/lib/platewatch --config /etc/platewatch/platewatch.toml\n\n\
    `false` is the share of misread, wrong-country and list-out-of-date among the answers that say whether the\n\
    hit was right (no-capacity and dismissed do not); `box` counts misread and wrong-country alone.\n\
    Exit codes: 0 done (also where nothing was found); 1 the store cannot be read; 2 wrong usage.")]
pub(super) struct Args {
    /// Folder of the store [default: that of --config, else demo-data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Only hits decided from this time on
    #[arg(long, value_name = "TIME")]
    since: Option<Utc>,
    /// Set what each list is expected to cause beside it, as `hotlist budget` reckons it for this configuration
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// By what to count
    #[arg(long, value_enum, default_value_t = By::List)]
    by: By,
    /// One JSON object a line instead of a table
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum By {
    List,
    Camera,
    Kind,
}

pub(super) fn run(args: &Args) -> anyhow::Result<u8> {
    let mut settings = match &args.config {
        Some(config) => config::load_store(config)?,
        None => Settings::new("demo-data"),
    };
    if let Some(data) = &args.data {
        settings.dir.clone_from(data);
        if !settings.is_encrypted()? {
            settings.key = None; // the key is of the configuration's own store
        }
    }
    let by = match args.by {
        By::List => TallyBy::List,
        By::Camera => TallyBy::Camera,
        By::Kind => TallyBy::Kind,
    };
    let rows = Reader::open(&settings)?.tally(args.since, by)?;
    let since = args.since.map(|t| t.to_string());
    super::common::note_look(&settings, None, "outcomes", &[("since", since)])?;
    let lists = args.config.as_deref().map(super::hotlist_budget::expected).transpose()?.unwrap_or_default();
    let expected = |t: &Tally| expected(&lists, args.by, &t.key);
    let mut out = std::io::stdout().lock();
    if args.json {
        rows.iter().try_for_each(|t| writeln!(out, "{}", as_json(t, expected(t))))?;
        return Ok(DONE);
    }
    let head = match args.by {
        By::List => "list",
        By::Camera => "camera",
        By::Kind => "kind",
    };
    writeln!(
        out,
        "{head:<20} {:>6} {:>5} {:>8} {:>9} {:>11} {:>7} {:>8} {:>8} {:>7} {:>9} {:>7} {:>7} {:>9} {:>9}",
        "hits",
        "late",
        "answered",
        "confirmed",
        "intercepted",
        "misread",
        "country",
        "outdated",
        "no-cap",
        "dismissed",
        "false",
        "box",
        "false/day",
        "expected"
    )?;
    let share = |s: Option<f64>| s.map_or_else(|| "-".to_owned(), |s| format!("{:.1}%", s * 100.0));
    let a_day = |n: Option<f64>| n.map_or_else(|| "-".to_owned(), |n| format!("{n:.2}"));
    for t in &rows {
        writeln!(
            out,
            "{:<20} {:>6} {:>5} {:>8} {:>9} {:>11} {:>7} {:>8} {:>8} {:>7} {:>9} {:>7} {:>7} {:>9} {:>9}",
            t.key,
            t.hits,
            t.late,
            t.answered(),
            t.confirmed,
            t.intercepted,
            t.misread,
            t.wrong_country,
            t.list_out_of_date,
            t.no_capacity,
            t.dismissed,
            share(t.false_share()),
            share(t.misread_share()),
            a_day(false_a_day(t)),
            a_day(expected(t)),
        )?;
    }
    Ok(DONE)
}

/// False hits a day by the box's fault, as the answers suggest for all hits of these days: to be held against
/// what `hotlist budget` expects. Nothing where no answer says anything, or for less than a day.
fn false_a_day(t: &Tally) -> Option<f64> {
    const DAY_MS: f64 = 86_400_000.0;
    let days = t.last.since_ms(t.first) as f64 / DAY_MS;
    (days >= 1.0).then_some(())?;
    t.misread_share().map(|share| share * (t.hits - t.late.min(t.hits)) as f64 / days)
}

/// False hits a day that are expected of a list, or of a kind over all lists; unknown for a camera, whose share of
/// the traffic nobody knows, and for a list that the configuration does not hold (any more).
fn expected(lists: &[(String, Expected)], by: By, key: &str) -> Option<f64> {
    match by {
        By::List => lists.iter().find(|l| l.0 == key).map(|l| l.1.false_hits_per_day()),
        By::Kind => {
            let kinds = || lists.iter().flat_map(|l| &l.1.kinds).filter(|k| k.kind.as_str() == key);
            kinds().next().map(|_| kinds().map(|k| k.false_hits_per_day).sum())
        }
        By::Camera => None,
    }
}

fn as_json(t: &Tally, expected: Option<f64>) -> Value {
    let share = |s: Option<f64>| s.map(|s| round(s as f32, 10_000.0));
    json!({
        "key": t.key,
        "hits": t.hits,
        "late": t.late,
        "answered": t.answered(),
        "confirmed": t.confirmed,
        "intercepted": t.intercepted,
        "misread": t.misread,
        "wrong_country": t.wrong_country,
        "list_out_of_date": t.list_out_of_date,
        "no_capacity": t.no_capacity,
        "dismissed": t.dismissed,
        "false_share": share(t.false_share()),
        "box_share": share(t.misread_share()),
        "false_a_day": share(false_a_day(t)),
        "expected_false_a_day": share(expected),
        "first": t.first.to_string(),
        "last": t.last.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_expected_is_of_a_list_or_a_kind() {
        use crate::domain::MatchKind::{Exact, Resolved};
        use crate::hotlist::ExpectedKind;
        let list = |exact: f64, resolved: f64| Expected {
            entries: 1,
            passages_per_day: 1.0,
            kinds: [(Exact, exact), (Resolved, resolved)]
                .map(|(kind, false_hits_per_day)| ExpectedKind { kind, false_hits_per_day, own_share: 1.0 })
                .to_vec(),
            worst: Vec::new(),
        };
        let lists = [("a".to_owned(), list(0.25, 0.5)), ("b".to_owned(), list(1.0, 2.0))];
        assert_eq!(expected(&lists, By::List, "a"), Some(0.75));
        assert_eq!(expected(&lists, By::List, "gone"), None);
        assert_eq!(expected(&lists, By::Kind, "resolved"), Some(2.5));
        assert_eq!(expected(&lists, By::Kind, "wildcard"), None);
        assert_eq!(expected(&lists, By::Camera, "gate"), None);
    }

    #[test]
    fn a_rate_needs_a_day_and_an_answer() {
        let day = |n: i64| Utc::from_unix_ms(n * 86_400_000);
        let t = Tally {
            key: "zone".into(),
            hits: 100,
            late: 20,
            first: day(0),
            last: day(10),
            confirmed: 6,
            intercepted: 0,
            misread: 1,
            wrong_country: 1,
            list_out_of_date: 2,
            no_capacity: 5,
            dismissed: 0,
        };
        // 80 hits as they passed in 10 days, of which 2 in 10 were the box's fault.
        assert_eq!(false_a_day(&t), Some(1.6));
        assert_eq!(false_a_day(&Tally { last: t.first, ..t.clone() }), None);
        let silent = Tally { confirmed: 0, misread: 0, wrong_country: 0, list_out_of_date: 0, ..t };
        assert_eq!(false_a_day(&silent), None);
    }
}
