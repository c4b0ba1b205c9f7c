//! Labelled pictures for `bench accuracy`.
//!
//! Two layouts: an index of JSON lines (`image`, `country`, `source`, and `boxes` or `plates` with `text` and
//! `box`), and that of the OpenALPR benchmarks (a folder with, for each picture, a `.txt` whose lines are
//! `file x y w h plate`).

use crate::plate::normalise;
use anyhow::{Context, bail};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// One plate that is really there.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Truth {
    /// Its text as plates are compared, where labelled.
    pub text: Option<String>,
    /// `[x0, y0, x1, y1]` in px, where labelled.
    pub bounds: Option<[f32; 4]>,
}

/// One labelled picture.
#[derive(Debug, Clone)]
pub(super) struct Labelled {
    pub image: PathBuf,
    pub source: String,
    pub country: String,
    pub truths: Vec<Truth>,
}

#[derive(Deserialize)]
struct Line {
    image: PathBuf,
    #[serde(default)]
    source: String,
    #[serde(default)]
    country: Option<String>,
    #[serde(default)]
    boxes: Vec<[f32; 4]>,
    #[serde(default)]
    plates: Vec<Plate>,
}

#[derive(Deserialize)]
struct Plate {
    #[serde(default)]
    text: Option<String>,
    #[serde(default, rename = "box")]
    bounds: Option<[f32; 4]>,
}

/// Loads an index file (`*.jsonl`) or a folder in the OpenALPR layout.
pub(super) fn load(path: &Path) -> anyhow::Result<Vec<Labelled>> {
    let all = if path.is_dir() { openalpr(path)? } else { index(path)? };
    if all.is_empty() {
        bail!("{} names no pictures", path.display());
    }
    Ok(all)
}

fn index(path: &Path) -> anyhow::Result<Vec<Labelled>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let dir = path.parent().unwrap_or(Path::new("."));
    let lines = text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty());
    lines
        .map(|(n, line)| index_line(dir, line).with_context(|| format!("{}:{}", path.display(), n + 1)))
        .collect()
}

fn index_line(dir: &Path, line: &str) -> anyhow::Result<Labelled> {
    let l: Line = serde_json::from_str(line)?;
    let mut truths: Vec<Truth> = l.boxes.into_iter().map(|b| Truth { text: None, bounds: Some(b) }).collect();
    for p in l.plates {
        let text = p.text.map(|t| compared(&t)).transpose()?;
        truths.push(Truth { text, bounds: p.bounds });
    }
    let country = l.country.unwrap_or_else(|| "-".into());
    Ok(Labelled { image: dir.join(l.image), source: l.source, country, truths })
}

/// Door for the fuzz targets: a line of either kind of index.
#[cfg(any(test, fuzzing))]
pub(super) fn fuzz(line: &str) {
    let _ = index_line(Path::new("fuzz"), line);
    let _ = openalpr_line(line);
}

fn openalpr(dir: &Path) -> anyhow::Result<Vec<Labelled>> {
    let name = dir.file_name().map_or_else(|| "-".into(), |n| n.to_string_lossy().into_owned());
    let mut labels: Vec<PathBuf> = std::fs::read_dir(dir)
        .with_context(|| format!("cannot read the folder {}", dir.display()))?
        .filter_map(|e| e.ok().map(|e| e.path()))
        .filter(|p| p.extension().is_some_and(|e| e == "txt"))
        .collect();
    labels.sort();
    let mut all: Vec<Labelled> = Vec::new();
    for label in labels {
        let text =
            std::fs::read_to_string(&label).with_context(|| format!("cannot read {}", label.display()))?;
        for (n, line) in text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty()) {
            let (file, truth) =
                openalpr_line(line).with_context(|| format!("{}:{}", label.display(), n + 1))?;
            let image = dir.join(file);
            match all.iter_mut().find(|l| l.image == image) {
                Some(same) => same.truths.push(truth),
                None => all.push(Labelled {
                    image,
                    source: name.clone(),
                    country: name.to_uppercase(),
                    truths: vec![truth],
                }),
            }
        }
    }
    Ok(all)
}

fn openalpr_line(line: &str) -> anyhow::Result<(&str, Truth)> {
    // Tabs where the file has them: names of pictures may hold spaces.
    let fields: Vec<&str> = if line.contains('\t') {
        line.trim().split('\t').collect()
    } else {
        line.split_whitespace().collect()
    };
    let &[file, x, y, w, h, ref plate @ ..] = fields.as_slice() else {
        bail!("expected `file x y w h plate`, found {line:?}");
    };
    let number =
        |what, v: &str| v.trim().parse::<f32>().with_context(|| format!("{what} is {v:?}, no number"));
    let (x, y, w, h) = (number("x", x)?, number("y", y)?, number("w", w)?, number("h", h)?);
    let text = plate.first().map(|p| compared(p)).transpose()?;
    Ok((file, Truth { text, bounds: Some([x, y, x + w, y + h]) }))
}

fn compared(text: &str) -> anyhow::Result<String> {
    Ok(normalise(text).with_context(|| format!("the label {text:?} is no plate"))?.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_both_layouts() {
        let dir = tempfile::tempdir().unwrap();
        let index = dir.path().join("x.jsonl");
        let lines = r#"{"image": "a.jpg", "country": "BE", "plates": [{"text": "1-abc-123", "box": [1, 2, 3, 4]}]}

{"image": "b.jpg", "boxes": [[1, 2, 3, 4]]}"#;
        std::fs::write(&index, lines).unwrap();
        let all = load(&index).unwrap();
        assert_eq!(all.len(), 2);
        assert_eq!(
            all[0].truths,
            [Truth { text: Some("1ABC123".into()), bounds: Some([1.0, 2.0, 3.0, 4.0]) }]
        );
        assert_eq!(all[0].image, dir.path().join("a.jpg"));

        std::fs::write(dir.path().join("c.txt"), "my car.jpg\t10\t20\t30\t5\tAB-123-C\n").unwrap();
        let all = load(dir.path()).unwrap();
        assert_eq!(all[0].image, dir.path().join("my car.jpg"));
        assert_eq!(
            all[0].truths,
            [Truth { text: Some("AB123C".into()), bounds: Some([10.0, 20.0, 40.0, 25.0]) }]
        );
    }

    #[test]
    fn bad_lines_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let index = dir.path().join("x.jsonl");
        std::fs::write(&index, "{\"image\": \"a.jpg\"}\n{nonsense\n").unwrap();
        assert!(format!("{:#}", load(&index).unwrap_err()).contains("x.jsonl:2"));
        std::fs::write(dir.path().join("c.txt"), "a.jpg 1 2 x 4 ABC\n").unwrap();
        assert!(format!("{:#}", load(dir.path()).unwrap_err()).contains("c.txt:1: w is \"x\""));
    }
}
