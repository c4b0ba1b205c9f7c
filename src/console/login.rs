//! The page on which people log in, and how requests are sorted by who sends them.

use super::door::{self, Door, NotIn, Person};
use super::page::Esc;
use crate::law::access::Right;
use crate::runtime::Secret;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use std::sync::Arc;

/// Who sends a request: nobody is asked, or somebody is known.
pub enum Caller {
    /// Nobody has to log in here.
    Anyone,
    /// This person.
    Known(Person),
}

impl Caller {
    /// Whether the caller may do this.
    pub fn may(&self, door: Option<&Arc<Door>>, right: Right) -> bool {
        match (self, door) {
            (Self::Known(person), Some(door)) => door.may(person, right),
            (Self::Anyone, None) => true,
            _ => false,
        }
    }

    /// Their name, where they have one.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Known(person) => Some(&person.name),
            Self::Anyone => None,
        }
    }
}

/// Who sends this request; `None` where somebody must log in first.
pub fn caller(door: Option<&Arc<Door>>, headers: &HeaderMap) -> Option<Caller> {
    match door {
        None => Some(Caller::Anyone),
        Some(door) => door.who(headers).map(Caller::Known),
    }
}

/// Sends to the login page.
pub fn to_login() -> Response {
    (StatusCode::SEE_OTHER, [(header::LOCATION, "/login")]).into_response()
}

/// For requests of the page's script.
pub fn not_logged_in() -> Response {
    (StatusCode::UNAUTHORIZED, "Log in first.\n").into_response()
}

/// `GET /login`
pub fn form(zone: &str, box_id: &str, said: &str) -> Html<String> {
    Html(format!(
        r#"<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>Log in – platewatch – {zone} / {box_id}</title>
<link rel="stylesheet" href="/console.css"></head><body>
<header><h1>platewatch</h1><p class="where">{zone} <span aria-hidden="true">/</span> <strong>{box_id}</strong></p></header>
<main class="login"><form method="post" action="/login" autocomplete="on">
<p role="alert">{said}</p>
<p><label>Name <input name="name" maxlength="64" autocomplete="username" required autofocus></label></p>
<p><label>Password <input name="password" type="password" maxlength="256" autocomplete="current-password" required></label></p>
<p><button>Log in</button></p>
<p>Every login and everything you look at here is on record.</p>
</form></main></body></html>
"#,
        zone = Esc(zone),
        box_id = Esc(box_id),
        said = Esc(said),
    ))
}

/// `POST /login`
pub fn log_in(door: &Door, zone: &str, box_id: &str, headers: &HeaderMap, body: &[u8]) -> Response {
    if !door::form_from_here(headers) {
        return (StatusCode::FORBIDDEN, "People log in on the page of this console only.\n").into_response();
    }
    let again = |code, said: &str| (code, form(zone, box_id, said)).into_response();
    let (Some(name), Some(password)) = (door::field(body, "name"), door::field(body, "password")) else {
        return again(StatusCode::BAD_REQUEST, "Name and password are needed.");
    };
    match door.log_in(&name, &Secret::new(password)) {
        Ok(value) => {
            let cookie = door::set_cookie(&value, headers);
            let mut answer = (StatusCode::SEE_OTHER, [(header::LOCATION, "/")]).into_response();
            if let Ok(cookie) = HeaderValue::from_str(&cookie) {
                answer.headers_mut().insert(header::SET_COOKIE, cookie);
            }
            answer
        }
        Err(NotIn::Wrong) => {
            again(StatusCode::FORBIDDEN, "Name or password is wrong, or the person is disabled.")
        }
        Err(NotIn::Later(seconds)) => {
            let said = format!("Too many tries; wait {seconds} s.");
            let mut answer = again(StatusCode::TOO_MANY_REQUESTS, &said);
            answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            answer
        }
        Err(NotIn::Failed(cause)) => {
            tracing::error!(%cause, "nobody can log in");
            again(StatusCode::SERVICE_UNAVAILABLE, "Nobody can log in now; the log says why.")
        }
    }
}

/// `POST /logout`
pub fn log_out(door: &Door, headers: &HeaderMap) -> Response {
    if !door::form_from_here(headers) {
        return (StatusCode::FORBIDDEN, "People log out on the page of this console only.\n").into_response();
    }
    if let Some(person) = door.who(headers) {
        door.log_out(&person);
    }
    let mut answer = to_login();
    if let Ok(cookie) = HeaderValue::from_str(&door::end_cookie()) {
        answer.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    answer
}
