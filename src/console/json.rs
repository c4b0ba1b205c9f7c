//! What the page's script polls: each hit's data and its ready, escaped HTML.

use super::page::{self, Context};
use super::view::HitView;
use serde::Serialize;

/// The answer of `/hits.json`.
#[derive(Serialize)]
pub struct Live {
    now: String,
    status: String,
    hits: Vec<LiveHit>,
}

/// One hit; `rev` changes whenever its HTML does for another reason than time passing.
#[derive(Serialize)]
struct LiveHit {
    id: String,
    rev: String,
    state: &'static str,
    kind: &'static str,
    probability: f32,
    matched: String,
    observed: String,
    category: String,
    priority: u8,
    camera: String,
    first_seen: String,
    html: String,
}

impl Live {
    /// From what the page shows.
    pub fn new(context: &Context<'_>, hits: &[HitView]) -> Self {
        let hits = hits.iter().map(|hit| LiveHit {
            id: hit.id.clone(),
            rev: page::revision(hit),
            state: hit.state.as_str(),
            kind: hit.kind.as_str(),
            probability: hit.probability,
            matched: hit.matched.clone(),
            observed: hit.observed.clone(),
            category: hit.category.clone(),
            priority: hit.priority,
            camera: hit.camera.to_string(),
            first_seen: hit.first_seen.to_string(),
            html: page::hit(context, hit),
        });
        Self { now: context.now.to_string(), hits: hits.collect(), status: page::status(context) }
    }
}
