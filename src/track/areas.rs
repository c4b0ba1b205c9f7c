//! What a camera's picture is divided into: masks, where nothing is looked at, and lanes, which passages name.

use crate::domain::Point;
use std::sync::Arc;

/// A closed shape in relative coordinates: (0, 0) is the picture's top left corner, (1, 1) its bottom right.
#[derive(Debug, Clone, PartialEq)]
pub struct Polygon(Vec<Point>);

/// Why points are no polygon.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PolygonError {
    /// Fewer than three.
    #[error("a polygon of {0} points; at least 3 are needed")]
    TooFew(usize),
    /// Outside the picture, or no number.
    #[error("point {number} [{x}, {y}] lies outside the picture; both go from 0 to 1")]
    Outside {
        /// Which, from 1.
        number: usize,
        /// As given.
        x: f32,
        /// As given.
        y: f32,
    },
    /// All on one line.
    #[error("a polygon without an area")]
    Flat,
}

impl Polygon {
    /// A polygon through these points, in order.
    ///
    /// # Errors
    /// Fewer than three points, points outside 0 to 1, no area.
    pub fn new(points: Vec<Point>) -> Result<Self, PolygonError> {
        if points.len() < 3 {
            return Err(PolygonError::TooFew(points.len()));
        }
        for (i, p) in points.iter().enumerate() {
            if !((0.0..=1.0).contains(&p.x) && (0.0..=1.0).contains(&p.y)) {
                return Err(PolygonError::Outside { number: i + 1, x: p.x, y: p.y });
            }
        }
        let next = points.iter().cycle().skip(1);
        let twice: f32 = points.iter().zip(next).map(|(a, b)| a.x * b.y - b.x * a.y).sum();
        if twice.abs() < 1e-6 {
            return Err(PolygonError::Flat);
        }
        Ok(Self(points))
    }

    /// Whether `p` lies inside, by counting the edges a line to the left of it crosses.
    pub fn contains(&self, p: Point) -> bool {
        let next = self.0.iter().cycle().skip(1);
        let crossed = self.0.iter().zip(next).filter(|(a, b)| {
            (a.y > p.y) != (b.y > p.y) && p.x < a.x + (p.y - a.y) / (b.y - a.y) * (b.x - a.x)
        });
        crossed.count() % 2 == 1
    }
}

/// The areas of one camera's picture.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Areas {
    /// Plates whose centre lies in one of these are not looked at.
    pub masks: Vec<Polygon>,
    /// Named lanes or zones; the first that holds a plate's centre is its lane.
    pub lanes: Vec<(Arc<str>, Polygon)>,
}

impl Areas {
    /// Whether a plate at `centre` (px) of a picture of this size is masked.
    pub fn masked(&self, centre: Point, width: u32, height: u32) -> bool {
        let p = relative(centre, width, height);
        self.masks.iter().any(|m| m.contains(p))
    }

    /// Which lane a plate at `centre` (px) is in, by its place in `lanes`.
    pub fn lane(&self, centre: Point, width: u32, height: u32) -> Option<usize> {
        let p = relative(centre, width, height);
        self.lanes.iter().position(|(_, lane)| lane.contains(p))
    }
}

fn relative(p: Point, width: u32, height: u32) -> Point {
    Point { x: p.x / width.max(1) as f32, y: p.y / height.max(1) as f32 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn polygon(points: &[(f32, f32)]) -> Result<Polygon, PolygonError> {
        Polygon::new(points.iter().map(|&(x, y)| Point { x, y }).collect())
    }

    #[test]
    fn points_are_inside_or_outside() {
        // An L: concave on purpose.
        let l = polygon(&[(0.1, 0.1), (0.5, 0.1), (0.5, 0.5), (0.9, 0.5), (0.9, 0.9), (0.1, 0.9)]).unwrap();
        for (x, y, inside) in [(0.2, 0.2, true), (0.8, 0.2, false), (0.8, 0.8, true), (0.05, 0.5, false)] {
            assert_eq!(l.contains(Point { x, y }), inside, "{x} {y}");
        }
    }

    #[test]
    fn what_is_no_polygon_is_told() {
        assert_eq!(polygon(&[(0.0, 0.0), (1.0, 1.0)]), Err(PolygonError::TooFew(2)));
        assert_eq!(polygon(&[(0.0, 0.0), (0.5, 0.5), (1.0, 1.0)]), Err(PolygonError::Flat));
        let text = polygon(&[(0.0, 0.0), (1.2, 0.0), (1.0, 1.0)]).unwrap_err().to_string();
        assert!(text.contains("point 2 [1.2, 0]"), "{text}");
        assert!(polygon(&[(0.0, 0.0), (f32::NAN, 0.0), (1.0, 1.0)]).is_err());
    }

    #[test]
    fn the_first_lane_that_holds_a_plate_is_its_lane() {
        let half = |x0: f32, x1: f32| polygon(&[(x0, 0.0), (x1, 0.0), (x1, 1.0), (x0, 1.0)]).unwrap();
        let areas = Areas {
            masks: vec![half(0.9, 1.0)],
            lanes: vec![("left".into(), half(0.0, 0.5)), ("both".into(), half(0.0, 0.9))],
        };
        let at = |x| Point { x, y: 10.0 };
        assert_eq!(areas.lane(at(10.0), 100, 20), Some(0));
        assert_eq!(areas.lane(at(60.0), 100, 20), Some(1));
        assert_eq!(areas.lane(at(95.0), 100, 20), None);
        assert!(areas.masked(at(95.0), 100, 20) && !areas.masked(at(50.0), 100, 20));
    }

    proptest! {
        #[test]
        fn a_rectangle_holds_what_lies_between_its_sides(x in 0.0_f32..1.0, y in 0.0_f32..1.0) {
            let r = polygon(&[(0.25, 0.25), (0.75, 0.25), (0.75, 0.75), (0.25, 0.75)]).unwrap();
            let inside = x > 0.25 && x < 0.75 && y > 0.25 && y < 0.75;
            prop_assume!([x, y].iter().all(|v| (v - 0.25).abs() > 1e-4 && (v - 0.75).abs() > 1e-4));
            prop_assert_eq!(r.contains(Point { x, y }), inside);
        }
    }
}
