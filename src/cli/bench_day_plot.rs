//! The plot of `bench day`: false hits against hits, a line for each way of matching.

use super::bench_day::{Outcome, WAYS};
use std::fmt::Write as _;

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 360.0;
const LEFT: f64 = 64.0;
const TOP: f64 = 44.0;
const PANEL: f64 = 290.0;
const BOTTOM: f64 = 70.0;
const GAP: f64 = 90.0;
/// Colours that the colour-blind tell apart (Okabe and Ito 2008).
const COLOURS: [&str; 5] = ["#0072b2", "#56b4e9", "#e69f00", "#009e73", "#d55e00"];
/// False hits in 100,000 from here to here; what is below is drawn at the lower end.
const FALSE_RANGE: (f64, f64) = (0.01, 100_000.0);
/// Ways that are drawn; `resolved` and `alternative` alone say little.
const DRAWN: [usize; 3] = [0, 3, 4];

/// An SVG picture: to the left false hits by length of list, to the right the share of wanted passages hit.
pub(super) fn plot(outcomes: &[Outcome]) -> String {
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" \
         font-size=\"12\" fill=\"#222\">\n<rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#fff\"/>\n"
    );
    let bottom = HEIGHT - BOTTOM;
    let x = |panel: f64, i: usize| {
        let step = if outcomes.len() > 1 { PANEL / (outcomes.len() - 1) as f64 } else { 0.0 };
        LEFT + panel * (PANEL + GAP) + i as f64 * step
    };
    let log = |v: f64| (v.max(FALSE_RANGE.0) / FALSE_RANGE.0).ln() / (FALSE_RANGE.1 / FALSE_RANGE.0).ln();
    let y_false = |v: f64| bottom - log(v).min(1.0) * (bottom - TOP);
    let lowest = outcomes.iter().flat_map(|o| DRAWN.map(|way| o.true_share(way))).fold(0.97, f64::min);
    let floor = (lowest * 50.0).floor() / 50.0;
    let y_true = |v: f64| bottom - (v - floor) / (1.0 - floor) * (bottom - TOP);

    for exponent in -2..=5 {
        let value = 10f64.powi(exponent);
        grid(&mut svg, LEFT, y_false(value), &format!("{value}"));
    }
    let mut share = floor;
    while share < 1.0001 {
        grid(&mut svg, LEFT + PANEL + GAP, y_true(share), &format!("{:.0} %", share * 100.0));
        share += if floor < 0.88 { 0.05 } else { 0.02 };
    }
    title(&mut svg, LEFT, "False hits in 100,000 innocent passages");
    title(&mut svg, LEFT + PANEL + GAP, "Passages of wanted vehicles that are hit");
    goal(&mut svg, LEFT, y_false(1.0), "goal: 1");
    goal(&mut svg, LEFT + PANEL + GAP, y_true(0.97), "goal: 97 %");
    for (panel, name) in [(0.0, "entries"), (1.0, "entries")] {
        for (i, o) in outcomes.iter().enumerate() {
            text(&mut svg, x(panel, i), bottom + 18.0, "middle", &format!("{} {name}", o.entries));
        }
    }
    for way in DRAWN {
        let colour = COLOURS.get(way).copied().unwrap_or("#000");
        line(
            &mut svg,
            colour,
            outcomes.iter().enumerate().map(|(i, o)| (x(0.0, i), y_false(o.false_per_100k(way)))),
        );
        line(
            &mut svg,
            colour,
            outcomes.iter().enumerate().map(|(i, o)| (x(1.0, i), y_true(o.true_share(way)))),
        );
    }
    for (i, way) in DRAWN.iter().enumerate() {
        let at = LEFT + i as f64 * 220.0;
        let colour = COLOURS.get(*way).copied().unwrap_or("#000");
        let name = match WAYS.get(*way).copied().unwrap_or_default() {
            "all" => "exact, resolved, alternative".to_owned(),
            name => name.replace('_', " "),
        };
        let _ = writeln!(
            svg,
            "<rect x=\"{at}\" y=\"{}\" width=\"14\" height=\"4\" fill=\"{colour}\"/>",
            HEIGHT - 22.0
        );
        text(&mut svg, at + 20.0, HEIGHT - 16.0, "start", &name);
    }
    svg.push_str("</svg>\n");
    svg
}

fn text(svg: &mut String, x: f64, y: f64, anchor: &str, words: &str) {
    let _ = writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{words}</text>");
}

fn title(svg: &mut String, x: f64, words: &str) {
    let _ = writeln!(svg, "<text x=\"{x:.1}\" y=\"{:.1}\" font-weight=\"bold\">{words}</text>", TOP - 20.0);
}

fn grid(svg: &mut String, x: f64, y: f64, label: &str) {
    let _ = writeln!(svg, "<path d=\"M{x:.1} {y:.1}h{PANEL}\" stroke=\"#ddd\"/>");
    text(svg, x - 8.0, y + 4.0, "end", label);
}

fn goal(svg: &mut String, x: f64, y: f64, words: &str) {
    let _ = writeln!(svg, "<path d=\"M{x:.1} {y:.1}h{PANEL}\" stroke=\"#222\" stroke-dasharray=\"5 4\"/>");
    text(svg, x + PANEL, y - 4.0, "end", words);
}

fn line(svg: &mut String, colour: &str, points: impl Iterator<Item = (f64, f64)>) {
    let mut path = String::new();
    for (i, (x, y)) in points.enumerate() {
        let _ = write!(path, "{}{x:.1} {y:.1}", if i == 0 { "M" } else { "L" });
        let _ = writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\" fill=\"{colour}\"/>");
    }
    let _ = writeln!(svg, "<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>");
}
