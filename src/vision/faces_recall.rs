//! How many faces that a person can recognise are hidden: on real pictures labelled by eye (training/labels/faces.tsv),
//! which stay outside the project. Skipped, said in one line, where they are not there.

use super::*;
use opencv::imgcodecs;
use std::collections::BTreeMap;

/// Share of the labelled face that must be hidden for it to count.
const HIDDEN: f32 = 0.6;
/// Least share of all labelled faces; measured, with some room (models/faces.toml).
const LEAST: f32 = 0.88;

/// Pixels from chin to brow.
fn class(face: [f32; 4]) -> &'static str {
    match face[3] - face[1] {
        h if h < 12.0 => "a below 12 px",
        h if h < 20.0 => "b 12 to 20 px",
        h if h < 32.0 => "c 20 to 32 px",
        _ => "d 32 px and more",
    }
}

#[test]
fn faces_on_real_pictures_are_hidden() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = root.join("../shared/data/train");
    if !folder.is_dir() {
        eprintln!("skipped: shared/data/train is not on this machine");
        return;
    }
    let text = std::fs::read_to_string(root.join("training/labels/faces.tsv")).unwrap();
    let mut labels: BTreeMap<&str, Vec<[f32; 4]>> = BTreeMap::new();
    for line in text.lines().filter(|l| !l.starts_with('#')).skip(1) {
        let mut cells = line.split('\t');
        let faces = labels.entry(cells.next().unwrap()).or_default();
        let sides: Vec<f32> = cells.map(|c| c.parse().unwrap()).collect();
        if let [x0, y0, x1, y1] = sides[..] {
            faces.push([x0, y0, x1, y1]);
        }
    }
    let mut finder = FaceFinder::beside(&root.join("models/detector.toml"), None).unwrap().unwrap();
    let mut found: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let mut for_nothing = 0;
    for (name, faces) in &labels {
        let path = folder.join(name);
        let picture = imgcodecs::imread(path.to_str().unwrap(), imgcodecs::IMREAD_COLOR).unwrap();
        assert!(!picture.empty(), "{}", path.display());
        let hidden = finder.find(&picture).unwrap();
        // The part that is blurred is wider than the face.
        let wide = |h: &[f32; 4]| {
            let (bx, by) = ((h[2] - h[0]) * BORDER, (h[3] - h[1]) * BORDER);
            [h[0] - bx, h[1] - by, h[2] + bx, h[3] + by]
        };
        for face in faces {
            let (all, of) = found.entry(class(*face)).or_default();
            *all += 1;
            let is_hidden = hidden.iter().any(|h| covered(*face, wide(h)) >= HIDDEN);
            *of += usize::from(is_hidden);
            if !is_hidden {
                println!("not hidden: {name} {face:?}");
            }
        }
        for_nothing += hidden.iter().filter(|h| faces.iter().all(|f| covered(*f, wide(h)) <= 0.0)).count();
    }
    let (all, blurred) = found.values().fold((0, 0), |sum, c| (sum.0 + c.0, sum.1 + c.1));
    println!("pictures {}, faces {all}, blurred {blurred}, blurred for nothing {for_nothing}", labels.len());
    for (class, (all, blurred)) in &found {
        println!("  {class}: faces {all}, blurred {blurred}");
    }
    assert!(all >= 50 && blurred as f32 >= LEAST * all as f32, "{blurred} of {all} faces are hidden");
}
