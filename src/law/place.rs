//! Places as GeoJSON geometries (RFC 7946): whether a position lies inside, and their centre.
//!
//! Zones are a few kilometres wide, so degrees are taken as flat, longitude shortened by the cosine of the
//! latitude; the error over 10 km is below a metre.

use crate::domain::Position;
use serde::{Deserialize, Serialize};

/// Metres of one degree of latitude (WGS 84, mean).
const METRES_PER_DEGREE: f64 = 111_195.0;

/// Longitude and latitude in degrees, WGS 84, in this order.
pub type LonLat = [f64; 2];

/// A GeoJSON geometry, as far as places need it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", deny_unknown_fields)]
pub enum Geometry {
    /// One spot; with a radius, a disc around it.
    Point {
        /// The spot.
        coordinates: LonLat,
    },
    /// Rings: the outer one, then holes; each closed (first = last).
    Polygon {
        /// The rings.
        coordinates: Vec<Vec<LonLat>>,
    },
    /// Several polygons.
    MultiPolygon {
        /// Each as in a polygon.
        coordinates: Vec<Vec<Vec<LonLat>>>,
    },
}

/// A named place of a mandate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// Its name, in registers and on the public list.
    pub name: String,
    /// Where.
    pub geometry: Geometry,
    /// With a point: metres around it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub radius_m: Option<f64>,
}

impl Place {
    /// What is wrong with it, in words.
    pub fn problem(&self) -> Option<String> {
        let wrong = |why: &str| Some(format!("the place {:?}: {why}", self.name));
        if self.name.trim().is_empty() {
            return Some("a place without a name".into());
        }
        let on_earth = |p: &LonLat| (-180.0..=180.0).contains(&p[0]) && (-90.0..=90.0).contains(&p[1]);
        let ring = |r: &Vec<LonLat>| r.len() >= 4 && r.first() == r.last();
        match &self.geometry {
            Geometry::Point { coordinates } if !on_earth(coordinates) => {
                wrong("coordinates are [longitude, latitude] in degrees")
            }
            Geometry::Point { .. } => match self.radius_m {
                Some(r) if r.is_finite() && r > 0.0 && r <= 100_000.0 => None,
                Some(_) => wrong("radius_m is more than 0 and at most 100000 metres"),
                None => wrong("a point needs radius_m, in metres"),
            },
            _ if self.radius_m.is_some() => wrong("radius_m goes with a point only"),
            _ => {
                let rings: Vec<&Vec<LonLat>> = self.polygons().iter().flat_map(|p| p.iter()).collect();
                if rings.is_empty() {
                    return wrong("it has no ring of coordinates");
                }
                if !rings.iter().all(|r| ring(r)) {
                    return wrong(
                        "each ring has four or more positions, the last being the first again (RFC 7946, 3.1.6)",
                    );
                }
                if !rings.iter().flat_map(|r| r.iter()).all(on_earth) {
                    return wrong("coordinates are [longitude, latitude] in degrees");
                }
                None
            }
        }
    }

    fn polygons(&self) -> Vec<&Vec<Vec<LonLat>>> {
        match &self.geometry {
            Geometry::Point { .. } => Vec::new(),
            Geometry::Polygon { coordinates } => vec![coordinates],
            Geometry::MultiPolygon { coordinates } => coordinates.iter().collect(),
        }
    }

    /// Whether `at` lies inside. The edge counts as inside for a disc; for a polygon it is not told apart.
    pub fn contains(&self, at: &Position) -> bool {
        let p = [at.longitude, at.latitude];
        match &self.geometry {
            Geometry::Point { coordinates } => {
                distance_m(*coordinates, p) <= self.radius_m.unwrap_or_default()
            }
            _ => self.polygons().into_iter().any(|rings| {
                let mut rings = rings.iter();
                rings.next().is_some_and(|outer| inside(outer, p)) && !rings.any(|hole| inside(hole, p))
            }),
        }
    }

    /// A spot to draw it at: the point, or the mean of the first ring's corners.
    pub fn centre(&self) -> LonLat {
        match &self.geometry {
            Geometry::Point { coordinates } => *coordinates,
            _ => {
                let polygons = self.polygons();
                let ring = polygons.first().and_then(|rings| rings.first());
                let corners = ring.map(|r| r.get(1..).unwrap_or_default()).unwrap_or_default();
                let n = corners.len().max(1) as f64;
                let sum = corners.iter().fold([0.0, 0.0], |s, p| [s[0] + p[0], s[1] + p[1]]);
                [sum[0] / n, sum[1] / n]
            }
        }
    }
}

/// Metres between two spots that are not far apart.
pub fn distance_m(a: LonLat, b: LonLat) -> f64 {
    let north = (b[1] - a[1]) * METRES_PER_DEGREE;
    let east = (b[0] - a[0]) * METRES_PER_DEGREE * ((a[1] + b[1]) / 2.0).to_radians().cos();
    north.hypot(east)
}

/// Even-odd rule: how often a ray to the east crosses the ring.
fn inside(ring: &[LonLat], p: LonLat) -> bool {
    let mut odd = false;
    for pair in ring.windows(2) {
        let [a, b] = pair else { continue };
        if (a[1] > p[1]) != (b[1] > p[1]) && p[0] < (b[0] - a[0]) * (p[1] - a[1]) / (b[1] - a[1]) + a[0] {
            odd = !odd;
        }
    }
    odd
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(longitude: f64, latitude: f64) -> Position {
        Position { longitude, latitude, heading: None, accuracy_m: None }
    }

    fn square(hole: bool) -> Place {
        let ring = |a: f64, b: f64| vec![[a, a], [b, a], [b, b], [a, b], [a, a]];
        let mut coordinates = vec![ring(0.0, 1.0)];
        if hole {
            coordinates.push(ring(0.4, 0.6));
        }
        Place { name: "square".into(), geometry: Geometry::Polygon { coordinates }, radius_m: None }
    }

    #[test]
    fn a_polygon_holds_what_is_inside_and_not_its_holes() {
        assert!(square(false).contains(&at(0.5, 0.5)) && !square(true).contains(&at(0.5, 0.5)));
        assert!(square(true).contains(&at(0.3, 0.5)) && !square(false).contains(&at(1.1, 0.5)));
        assert_eq!(square(true).centre(), [0.5, 0.5]);
        assert_eq!(square(true).problem(), None);
    }

    #[test]
    fn a_point_holds_what_is_within_its_radius() {
        let gate = Place {
            name: "gate".into(),
            geometry: Geometry::Point { coordinates: [4.402, 51.219] },
            radius_m: Some(50.0),
        };
        assert!(gate.contains(&at(4.4026, 51.219)), "{}", distance_m([4.402, 51.219], [4.4026, 51.219]));
        assert!(!gate.contains(&at(4.4030, 51.219)));
        assert!(!gate.contains(&at(4.402, 51.2195)));
        assert!(Place { radius_m: None, ..gate.clone() }.problem().unwrap().contains("needs radius_m"));
        assert_eq!(gate.problem(), None);
    }

    #[test]
    fn an_open_ring_is_a_problem() {
        let open =
            Geometry::Polygon { coordinates: vec![vec![[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]] };
        let place = Place { name: "x".into(), geometry: open, radius_m: None };
        assert!(place.problem().unwrap().contains("the last being the first"));
    }
}
