//! The simulated traffic followed and scored: what tests hold and `bench passages --simulated` prints.

use super::score::{Figures, Score, Shows, TrueVehicle};
use super::simulation::{Conditions, PICTURE, Scene, Simulation};
use super::{Settings, Tracker};
use crate::domain::{CameraId, Frame, Image, ImageError, PassageState};
use std::sync::Arc;

/// Drives `count` vehicles of `scene` past a tracker.
///
/// # Errors
/// Never in practice: an empty picture that cannot be made.
pub fn run(scene: Scene, conditions: Conditions, count: usize, seed: u64) -> Result<Figures, ImageError> {
    let (w, h) = PICTURE;
    let image = Arc::new(Image::new(w, h, vec![0; w as usize * h as usize * 3])?);
    let mut simulation = Simulation::new(scene, conditions, count, seed);
    let mut tracker = Tracker::new(CameraId::new("simulated"), Settings::default());
    let mut score = Score::default();
    let mut truth: Vec<TrueVehicle> = simulation
        .texts()
        .into_iter()
        .map(|t| TrueVehicle { text: t.to_owned(), readable: true, fair_frames: 0, heading: None })
        .collect();
    let mut seen = vec![0_u32; truth.len()];
    for shown in simulation.by_ref() {
        for &v in &shown.visible {
            if let (Some(vehicle), Some(n)) = (truth.get_mut(v), seen.get_mut(v)) {
                vehicle.fair_frames += 1;
                *n += 1;
            }
        }
        let frame = Frame { stamp: shown.stamp.clone(), image: image.clone() };
        let readings = shown.readings.iter().map(|(r, _)| r.clone()).collect();
        let events = tracker.step(&frame, readings);
        score.moved(&tracker.take_reassigned());
        // A reading is known again by its place: no two of a frame share one.
        for (id, reading) in tracker.assigned() {
            let shows =
                shown.readings.iter().find(|(r, _)| r.detection == reading.detection).and_then(|r| r.1);
            score.assigned(*id, reading, shows.map_or(Shows::Nothing, Shows::Vehicle));
        }
        for e in events.into_iter().filter(|e| e.passage.state == PassageState::Closed) {
            score.closed(e.passage);
        }
    }
    tracker.finish().into_iter().for_each(|e| score.closed(e.passage));
    // Whoever was in the picture for two frames or fewer cannot be asked for.
    for (vehicle, n) in truth.iter_mut().zip(seen) {
        vehicle.readable = n > 2;
    }
    Ok(score.figures(&truth))
}

/// The scenes and conditions that are measured, by name.
pub fn measured() -> Vec<(&'static str, Scene, Conditions)> {
    let usual = Conditions::default();
    vec![
        ("road_25fps", Scene::Road, usual),
        ("road_60fps", Scene::Road, Conditions { fps: 60.0, ..usual }),
        ("road_10fps", Scene::Road, Conditions { fps: 10.0, ..usual }),
        ("road_5fps", Scene::Road, Conditions { fps: 5.0, ..usual }),
        ("road_uneven", Scene::Road, Conditions { uneven: 0.9, ..usual }),
        ("road_miss_40", Scene::Road, Conditions { miss: 0.4, ..usual }),
        ("road_shake_15px", Scene::Road, Conditions { shake_px: 15.0, ..usual }),
        ("road_shake_40px", Scene::Road, Conditions { shake_px: 40.0, ..usual }),
        ("road_misread_10", Scene::Road, Conditions { misread: 0.1, cut_off: 0.15, ..usual }),
        ("crossing_25fps", Scene::Crossing, usual),
        ("crossing_miss_40", Scene::Crossing, Conditions { miss: 0.4, ..usual }),
        ("crossing_10fps", Scene::Crossing, Conditions { fps: 10.0, ..usual }),
        ("parked_row_25fps", Scene::ParkedRow, usual),
        ("parked_row_10fps", Scene::ParkedRow, Conditions { fps: 10.0, ..usual }),
        ("parked_row_5fps", Scene::ParkedRow, Conditions { fps: 5.0, ..usual }),
        ("parked_row_shake_15px", Scene::ParkedRow, Conditions { shake_px: 15.0, ..usual }),
        ("oncoming_25fps", Scene::Oncoming, usual),
        ("oncoming_10fps", Scene::Oncoming, Conditions { fps: 10.0, ..usual }),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every scene at its rate, shake and share of misses; the bench prints the figures.
    #[test]
    fn simulated_traffic_is_followed() {
        for (name, scene, conditions) in measured() {
            let f = run(scene, conditions, 60, 7).unwrap();
            let (identity, right) = (f.get("identity_f1_found"), f.get("text_right"));
            let least = if conditions.shake_px > 30.0 { (0.9, 0.95) } else { (0.95, 0.95) };
            assert!(identity >= least.0 && right >= least.1, "{name}: {:?} {:?}", f.lines, f.errors);
        }
    }
}
