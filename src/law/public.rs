//! The public list of camera places: GeoJSON (RFC 7946) and a page with a map that needs nothing from outside.

use super::html::{escape, head};
use super::place::{LonLat, distance_m};
use super::{CameraUse, Mandates, Mode, Rules};
use crate::domain::{Position, Utc};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// A camera whose place the public may know.
#[derive(Debug, Clone, PartialEq)]
pub struct PublicCamera {
    /// Its kind.
    pub kind: String,
    /// Name of the place, as the mandate has it.
    pub place: String,
    /// Where.
    pub at: LonLat,
    /// The decision.
    pub mandate: String,
    /// Who decided.
    pub authority: String,
    /// What for.
    pub purposes: Vec<String>,
    /// From.
    pub from: Option<Utc>,
    /// Until.
    pub until: Option<Utc>,
    /// Whose camera, where it is not the police's.
    pub owner: Option<String>,
}

/// The cameras that are published now: of a kind the rules publish, visible, standing, under a mandate that counts
/// at `now` and has the camera inside its places. Their configured names are not told.
pub fn public_cameras<'a>(
    rules: &Rules,
    mandates: &Mandates,
    cameras: impl Iterator<Item = (&'a CameraUse, Option<Position>)>,
    now: Utc,
) -> Vec<PublicCamera> {
    let mut found = Vec::new();
    for (camera, position) in cameras {
        let (Some(kind), Some(position), Some(reference)) = (camera.kind, position, &camera.mandate) else {
            continue;
        };
        let published = rules.register.public_types.value.contains(&kind) && !kind.moves();
        if !published || camera.mode == Mode::Covert {
            continue;
        }
        let Some(mandate) = mandates.get(reference) else { continue };
        let counts = mandate.valid_from.is_none_or(|from| from <= now)
            && mandate.ends(rules).is_none_or(|end| now < end);
        let Some(place) = mandate.places.iter().find(|p| p.contains(&position)) else { continue };
        if !counts || !mandate.types.contains(&kind) {
            continue;
        }
        found.push(PublicCamera {
            kind: kind.word().to_owned(),
            place: place.name.clone(),
            at: [position.longitude, position.latitude],
            mandate: mandate.reference.clone(),
            authority: mandate.authority.clone(),
            purposes: mandate.purposes.clone(),
            from: mandate.valid_from,
            until: mandate.ends(rules),
            owner: mandate.third_party.as_ref().and_then(|t| t.owner.clone()),
        });
    }
    found.sort_by(|a, b| (&a.place, &a.kind).cmp(&(&b.place, &b.kind)));
    found
}

/// A feature collection of points.
pub fn geojson(cameras: &[PublicCamera], zone: &str, statement: &str, made_at: Utc) -> String {
    let feature = |c: &PublicCamera| {
        json!({
            "type": "Feature",
            "geometry": { "type": "Point", "coordinates": c.at },
            "properties": {
                "place": c.place, "type": c.kind, "mandate": c.mandate, "authority": c.authority,
                "purposes": c.purposes, "owner": c.owner,
                "from": c.from.map(|t| t.to_string()), "until": c.until.map(|t| t.to_string()),
            }
        })
    };
    let all = json!({
        "type": "FeatureCollection", "zone": zone, "statement": statement, "made_at": made_at.to_string(),
        "features": cameras.iter().map(feature).collect::<Vec<Value>>(),
    });
    format!("{all:#}\n")
}

/// Size of the map in px.
const WIDE: f64 = 900.0;
const HIGH: f64 = 560.0;
/// Kept free around the places.
const EDGE: f64 = 60.0;

/// A page with a map and a table.
pub fn page(cameras: &[PublicCamera], zone: &str, statement: &str, made_at: Utc) -> String {
    let mut out = head(&format!("Police cameras of the zone {zone}"), STYLE);
    let date = made_at.to_string();
    let _ = write!(
        out,
        "<h1>Places of police cameras, zone {}</h1><p class=about>{} As of {}. Cameras that move, and such as the law \
         allows to be used without being seen, are not on this list.</p>",
        escape(zone),
        escape(statement),
        date.get(..10).unwrap_or_default()
    );
    if cameras.is_empty() {
        out.push_str("<p>There is no camera to be published.</p></body></html>\n");
        return out;
    }
    map(&mut out, cameras);
    out.push_str(
        "<table><tr><th>No.<th>Place<th>Kind<th>Decision<th>What for<th>Last day<th>Latitude, longitude</tr>",
    );
    for (i, c) in cameras.iter().enumerate() {
        let owner = c.owner.as_ref().map(|o| format!(" (camera of {})", escape(o))).unwrap_or_default();
        let until = c.until.map_or_else(
            || "no end".to_owned(),
            |t| t.plus_ms(-1).to_string().get(..10).unwrap_or_default().to_owned(),
        );
        let _ = write!(
            out,
            "<tr><td>{}<td>{}<td>{}{owner}<td>{}, {}<td>{}<td>{until}<td>{:.5}, {:.5}</tr>",
            i + 1,
            escape(&c.place),
            escape(&c.kind),
            escape(&c.mandate),
            escape(&c.authority),
            escape(&c.purposes.join(", ")),
            c.at[1],
            c.at[0]
        );
    }
    out.push_str("</table><p class=about>The same as data: <a href=\"places.geojson\">places.geojson</a></p></body></html>\n");
    out
}

/// Places to scale with north up, a grid of degrees and a scale bar; drawn from the coordinates alone.
fn map(out: &mut String, cameras: &[PublicCamera]) {
    let fold = |f: fn(f64, f64) -> f64, i: usize, start: f64| {
        cameras.iter().filter_map(|c| c.at.get(i).copied()).fold(start, f)
    };
    let (west, east) = (fold(f64::min, 0, f64::INFINITY), fold(f64::max, 0, f64::NEG_INFINITY));
    let (south, north) = (fold(f64::min, 1, f64::INFINITY), fold(f64::max, 1, f64::NEG_INFINITY));
    let middle = [(west + east) / 2.0, (south + north) / 2.0];
    // Metres to px, the same both ways; at least 500 m across, so that one camera has some surroundings.
    let across = distance_m([west, middle[1]], [east, middle[1]]).max(500.0);
    let along = distance_m([middle[0], south], [middle[0], north]).max(500.0);
    let scale = ((WIDE - 2.0 * EDGE) / across).min((HIGH - 2.0 * EDGE) / along);
    let x_of =
        |lon: f64| WIDE / 2.0 + (lon - middle[0]).signum() * distance_m(middle, [lon, middle[1]]) * scale;
    let y_of =
        |lat: f64| HIGH / 2.0 - (lat - middle[1]).signum() * distance_m(middle, [middle[0], lat]) * scale;
    let _ = write!(
        out,
        "<svg viewBox=\"0 0 {WIDE} {HIGH}\" role=img aria-label=\"Map of the places\"><rect width=100% height=100% fill=\"#f4f6f2\"/>"
    );
    // Grid lines at a round step, some four to eight of them.
    let degree_px = x_of(middle[0] + 1.0) - x_of(middle[0]);
    let step = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0]
        .into_iter()
        .find(|s| s * degree_px > 100.0)
        .unwrap_or(2.0);
    let decimals = if step < 0.01 { 3 } else { 2 };
    let (wide_deg, high_deg) = (WIDE / degree_px, HIGH / (y_of(middle[1]) - y_of(middle[1] + 1.0)));
    for k in ((middle[0] - wide_deg / 2.0) / step).ceil() as i64
        ..=((middle[0] + wide_deg / 2.0) / step).floor() as i64
    {
        let (lon, x) = (k as f64 * step, x_of(k as f64 * step));
        let _ = write!(
            out,
            "<path d=\"M{x:.1} 0V{HIGH}\" class=grid /><text x={x:.1} y={:.0} class=tick text-anchor=middle>{lon:.decimals$}° E</text>",
            HIGH - 6.0
        );
    }
    for k in ((middle[1] - high_deg / 2.0) / step).ceil() as i64
        ..=((middle[1] + high_deg / 2.0) / step).floor() as i64
    {
        let (lat, y) = (k as f64 * step, y_of(k as f64 * step));
        let _ = write!(
            out,
            "<path d=\"M0 {y:.1}H{WIDE}\" class=grid /><text x=6 y={:.1} class=tick>{lat:.decimals$}° N</text>",
            y - 4.0
        );
    }
    for (i, c) in cameras.iter().enumerate() {
        let (x, y) = (x_of(c.at[0]), y_of(c.at[1]));
        let colour = match c.kind.as_str() {
            "fixed" => "#14507a",
            "temporary-fixed" => "#b3590a",
            _ => "#5a3d7a",
        };
        let _ = write!(
            out,
            "<g><title>{}</title><circle cx={x:.1} cy={y:.1} r=13 fill=\"{colour}\" stroke=white stroke-width=2 />\
             <text x={x:.1} y={:.1} class=no text-anchor=middle>{}</text>\
             <text x={:.1} y={:.1} class=place>{}</text></g>",
            escape(&c.place),
            y + 4.5,
            i + 1,
            x + 18.0,
            y + 4.5,
            escape(&c.place)
        );
    }
    let bar = [100.0, 200.0, 500.0, 1000.0, 2000.0, 5000.0, 10_000.0, 20_000.0, 50_000.0]
        .into_iter()
        .filter(|m| m * scale <= 200.0)
        .fold(100.0, f64::max);
    let label = if bar >= 1000.0 { format!("{} km", bar / 1000.0) } else { format!("{bar} m") };
    let (x0, y0) = (WIDE - 30.0 - bar * scale, 30.0);
    let _ = write!(
        out,
        "<path d=\"M{x0:.1} {y0}h{:.1}m0 -5v10m-{:.1} -10v10\" class=bar /><text x={:.1} y={:.1} class=tick text-anchor=end>{label}, north is up</text></svg>\
         <p class=about><span style=\"color:#14507a\">●</span> fixed <span style=\"color:#b3590a\">●</span> temporary <span style=\"color:#5a3d7a\">●</span> others' cameras used by the police</p>",
        bar * scale,
        bar * scale,
        WIDE - 30.0,
        y0 + 20.0
    );
}

const STYLE: &str = "svg{width:100%;height:auto;border:1px solid #bbb}.grid{stroke:#d5dad0;fill:none}.tick{font-size:11px;fill:#666}\
.no{font-size:13px;font-weight:bold;fill:white}.place{font-size:13px;paint-order:stroke;stroke:#f4f6f2;stroke-width:4px}.bar{stroke:#111;stroke-width:2;fill:none}\
table{border-collapse:collapse;width:100%;margin:1em 0}th,td{border:1px solid #bbb;padding:4px 8px;text-align:left;vertical-align:top}th{background:#eef1f4}";
