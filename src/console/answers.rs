//! Answers to hits, given on the page.

use super::guard::from_the_page;
use super::view::{AnswerError, AnswerSink, NewAnswer};
use crate::domain::{HitId, Outcome};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

/// Longest request taken, in bytes: a name and a note at their longest, in any script, escaped.
pub const LONGEST: usize = 8 * 1024;

/// What the page's script sends.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    outcome: String,
    by: String,
    #[serde(default)]
    note: String,
}

/// `POST /hits/{id}/outcome`. 204 where the answer is on disk; else a sentence of what is wrong.
///
/// `person`: who is logged in; their name counts, whatever was sent.
pub fn take(
    sink: &dyn AnswerSink,
    id: &str,
    headers: &HeaderMap,
    body: &[u8],
    person: Option<String>,
) -> Response {
    if !from_the_page(headers) {
        return said(StatusCode::FORBIDDEN, "Hits are answered on the page of this console only.");
    }
    let given: Given = match serde_json::from_slice(body) {
        Ok(given) => given,
        Err(_) => {
            return said(
                StatusCode::BAD_REQUEST,
                "An answer is JSON with outcome, by and, if need be, note.",
            );
        }
    };
    let Some(outcome) = Outcome::parse(&given.outcome) else {
        let words: Vec<&str> = Outcome::ALL.iter().map(|o| o.as_str()).collect();
        return said(StatusCode::BAD_REQUEST, &format!("An outcome is one of {}.", words.join(", ")));
    };
    let Some(hit) = HitId::parse(id) else {
        return said(StatusCode::NOT_FOUND, "There is no such hit.");
    };
    match sink.answer(NewAnswer { hit, outcome, by: person.unwrap_or(given.by), note: given.note }) {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(AnswerError::UnknownHit) => said(StatusCode::NOT_FOUND, "There is no such hit."),
        Err(AnswerError::Refused(why)) => said(StatusCode::BAD_REQUEST, &format!("Not kept: {why}.")),
        Err(AnswerError::Failed(cause)) => {
            tracing::error!(%cause, "an answer given on the page could not be kept");
            said(
                StatusCode::SERVICE_UNAVAILABLE,
                "The answer could not be kept; the log says why. Try again.",
            )
        }
    }
}

fn said(code: StatusCode, text: &str) -> Response {
    (code, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], format!("{text}\n")).into_response()
}

/// Door for the fuzz targets: the body of an answer. What is taken must be what the body says.
#[cfg(any(test, fuzzing))]
pub fn fuzz(body: &[u8]) {
    if let Ok(given) = serde_json::from_slice::<Given>(body) {
        let _ = Outcome::parse(&given.outcome);
        assert!(given.by.len() + given.note.len() <= body.len());
    }
}
