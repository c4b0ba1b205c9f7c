//! People in pictures: kept out, and hidden where they are in all the same.

use crate::world::*;
use opencv::prelude::*;
use opencv::{core, imgcodecs};
use platewatch::domain::*;
use platewatch::vision::{FaceFinder, People, encode_evidence, for_subject};
use std::sync::Arc;

fn finder() -> FaceFinder {
    FaceFinder::beside(&root().join("models/detector.toml"), None)
        .unwrap()
        .expect("models/faces.toml is there")
}

/// How often a picture's pixels differ from another's of the same size, as a share.
fn changed(a: &core::Mat, b: &core::Mat) -> f64 {
    let (a, b) = (a.data_bytes().unwrap(), b.data_bytes().unwrap());
    a.iter().zip(b).filter(|(x, y)| x != y).count() as f64 / a.len() as f64
}

/// Real street pictures: what is hidden is small, and a second look finds what was hidden no more.
#[test]
fn faces_in_real_pictures_must_be_made_unrecognisable() {
    let Some(folder) = shared("data/train") else { return };
    let mut finder = finder();
    let (mut pictures, mut faces, mut left) = (0, 0, 0);
    let mut names: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    names.sort();
    for path in names.iter().filter(|p| p.to_string_lossy().contains("kaggle433")).take(120) {
        let mut picture = imgcodecs::imread(path.to_str().unwrap(), imgcodecs::IMREAD_COLOR).unwrap();
        let before = picture.try_clone().unwrap();
        let hidden = finder.hide(&mut picture, None).unwrap();
        pictures += 1;
        if hidden == 0 {
            assert_eq!(changed(&before, &picture), 0.0, "{}", path.display());
            continue;
        }
        faces += hidden;
        left += finder.hide(&mut picture.try_clone().unwrap(), None).unwrap();
        assert!(changed(&before, &picture) < 0.9, "{}: nearly all of it is hidden", path.display());
    }
    println!("{pictures} pictures, {faces} faces hidden, {left} found in a second look");
    assert!(faces >= 5, "real pictures of streets show people: {faces} in {pictures}");
    assert!(left * 2 <= faces, "{left} of {faces} are found again");
}

/// A plate of 100 x 20 px in the middle of a frame.
fn evidence() -> EvidenceFrame {
    let now = Utc::now();
    let stamp = FrameStamp {
        camera: CameraId::new("gate"),
        seq: 1,
        captured_at: now,
        received_at: now,
        clock: ClockQuality { source: ClockSource::Ntp, error_ms: None },
        position: None,
    };
    let image = Arc::new(Image::new(1000, 1000, vec![80; 3_000_000]).unwrap());
    EvidenceFrame::cut(&Frame { stamp, image }, Corners::from_box(450.0, 500.0, 550.0, 520.0))
}

#[test]
fn pictures_must_end_below_the_windscreen_unless_the_mandate_allows_more() {
    let size = |people: People<'_>| {
        let [_, context] = encode_evidence(&evidence(), people).unwrap();
        (context.width, context.height)
    };
    assert_eq!(size(People::Allowed), (400, 260));
    assert_eq!(size(People::Hidden(Some(&mut finder()))), (350, 160));
    assert_eq!(size(People::Hidden(None)), (300, 100), "without a finder nothing above the bonnet is kept");
}

/// Three times the same street beside itself: in the answer to a citizen only the plate in the middle is left.
#[test]
fn plates_of_others_must_be_painted_over_in_an_answer() {
    let one = imgcodecs::imread(
        root().join("samples/pictures/day-1.jpg").to_str().unwrap(),
        imgcodecs::IMREAD_COLOR,
    )
    .unwrap();
    let three = core::Vector::<core::Mat>::from_iter([one.clone(), one.clone(), one]);
    let mut wide = core::Mat::default();
    core::hconcat(&three, &mut wide).unwrap();
    let settings = platewatch::vision::Settings {
        detector: root().join("models/detector.toml"),
        reader: root().join("models/reader.toml"),
        onnxruntime: None,
        workers: 1,
        intra_threads: 1,
        min_score: None,
        min_plate_width_px: 0.0,
    };
    let mut worker = platewatch::vision::Vision::load(&settings).unwrap().worker().unwrap();
    let mut jpeg = core::Vector::<u8>::new();
    imgcodecs::imencode(".jpg", &wide, &mut jpeg, &core::Vector::new()).unwrap();
    let masked = for_subject(&jpeg.to_vec(), &mut worker, &mut finder()).unwrap().expect("a plate is found");
    assert!(masked.plates >= 2, "{}", masked.plates);
    let again = for_subject(&masked.jpeg, &mut worker, &mut finder()).unwrap().expect("its own is left");
    assert_eq!(again.plates, 0, "another plate can still be found");
}
