//! The routes, and the thread that serves them.

use super::Settings;
use super::answers;
use super::connection::Bounded;
use super::door::Door;
use super::guard::guard;
use super::json::Live;
use super::login::{self, Caller};
use super::page::{self, Context};
use super::view::{AnswerSink, HitSource, StatusSource};
use crate::domain::Utc;
use crate::law::access::Right;
use crate::runtime::Stop;
use crate::telemetry::Metrics;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Router, middleware};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

/// Hits on the page.
const SHOWN: usize = 30;
/// How often the thread looks whether it should end.
const LOOK: Duration = Duration::from_millis(200);
/// How long answers under way may take after the end was asked for.
const LAST_WORDS: Duration = Duration::from_secs(2);

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Who tells the screen what to show.
#[derive(Clone)]
pub struct Sources {
    /// The zone's name.
    pub zone: String,
    /// The box's name.
    pub box_id: String,
    /// Hits and pictures.
    pub hits: Arc<dyn HitSource>,
    /// Whether the box is well.
    pub status: Arc<dyn StatusSource>,
    /// Who keeps answers; used only where [`Settings::answers`] is set.
    pub answers: Arc<dyn AnswerSink>,
    /// Who may come in; `None` where nobody has to log in.
    pub door: Option<Arc<Door>>,
    /// What the page says of that; empty: nothing.
    pub note: String,
}

/// Why the console could not be started or ended.
#[derive(Debug, thiserror::Error)]
pub enum ConsoleError {
    /// The address cannot be had.
    #[error(
        "console: cannot listen on {address} ({cause}): stop the program that has it, or choose another \
         address and port"
    )]
    Listen {
        /// The configured address.
        address: SocketAddr,
        /// What the system says.
        #[source]
        cause: io::Error,
    },
    /// The thread or its event loop cannot be had.
    #[error("console: cannot start its thread ({0}): the system is out of threads, memory or open files")]
    Thread(#[source] io::Error),
    /// The thread broke.
    #[error("console: its thread ended by a panic; the log has the place")]
    Panicked,
}

/// The running console.
#[derive(Debug)]
pub struct ConsoleThread {
    address: SocketAddr,
    thread: JoinHandle<()>,
}

impl ConsoleThread {
    /// Where it listens; the port is the real one where 0 was configured.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether its thread has ended.
    pub fn is_finished(&self) -> bool {
        self.thread.is_finished()
    }

    /// Waits for its end, within about two seconds after the stop was requested.
    pub fn join(self) -> Result<(), ConsoleError> {
        self.thread.join().map_err(|_| ConsoleError::Panicked)
    }
}

#[derive(Clone)]
struct App {
    sources: Sources,
    metrics: Metrics,
    answers: bool,
}

/// Listens and serves on a thread of its own until `stop` is requested.
///
/// The address is taken before this returns, so a port in use is an error here.
pub fn start(
    settings: &Settings,
    sources: Sources,
    metrics: Metrics,
    stop: Stop,
) -> Result<ConsoleThread, ConsoleError> {
    let refused = |cause| ConsoleError::Listen { address: settings.listen, cause };
    let listener = std::net::TcpListener::bind(settings.listen).map_err(refused)?;
    listener.set_nonblocking(true).map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;
    let loopback = address.ip().is_loopback();
    let open = sources.door.is_none();
    if !loopback && open {
        tracing::warn!(
            %address,
            page = settings.page,
            "the console can be reached from the network, and anyone who reaches it sees hits and pictures: \
             nobody has to log in here (law.policy)"
        );
    }
    if !loopback && open && settings.page && settings.answers {
        tracing::warn!(%address, "anyone who reaches the console can answer hits, under any name");
    }
    let router = router(settings.page, loopback, App { sources, metrics, answers: settings.answers });
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(ConsoleError::Thread)?;
    let thread = std::thread::Builder::new()
        .name("console".to_owned())
        .spawn(move || runtime.block_on(serve(listener, router, stop)))
        .map_err(ConsoleError::Thread)?;
    tracing::info!(%address, page = settings.page, "console listens");
    Ok(ConsoleThread { address, thread })
}

async fn serve(listener: std::net::TcpListener, router: Router, stop: Stop) {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => Bounded::new(listener),
        Err(error) => {
            tracing::error!(%error, "the console ends: its socket cannot be watched");
            return;
        }
    };
    let asked = |stop: Stop| async move {
        while !stop.requested() {
            tokio::time::sleep(LOOK).await;
        }
    };
    let late = {
        let asked = asked(stop.clone());
        async {
            asked.await;
            tokio::time::sleep(LAST_WORDS).await;
        }
    };
    tokio::select! {
        ended = async { axum::serve(listener, router).with_graceful_shutdown(asked(stop)).await } => {
            if let Err(error) = ended {
                tracing::error!(%error, "the console ended");
            }
        }
        () = late => tracing::debug!("the console leaves answers unfinished"),
    }
}

fn router(page: bool, loopback: bool, app: App) -> Router {
    let mut router = Router::new().route("/metrics", get(metrics)).route("/healthz", get(health));
    if page {
        router = router
            .route("/", get(index))
            .route("/hits.json", get(live))
            .route("/pictures/{name}", get(picture))
            .route("/console.css", get(|| asset("text/css; charset=utf-8", page::CSS)))
            .route("/console.js", get(|| asset("text/javascript; charset=utf-8", page::JS)));
    }
    if page && app.answers {
        let limit = DefaultBodyLimit::max(answers::LONGEST);
        router = router.route("/hits/{id}/outcome", post(outcome).layer(limit));
    }
    if page && app.sources.door.is_some() {
        let limit = DefaultBodyLimit::max(answers::LONGEST);
        router = router
            .route("/login", get(login_form).post(log_in).layer(limit))
            .route("/logout", post(log_out).layer(limit));
    }
    router
        .fallback(|| async { (StatusCode::NOT_FOUND, "There is nothing here.\n") })
        .layer(middleware::from_fn_with_state(loopback, guard))
        .with_state(app)
}

async fn metrics(State(app): State<App>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, OPENMETRICS)], app.metrics.render())
}

async fn health(State(app): State<App>) -> Response {
    let problems = app.sources.status.status().problems;
    let (code, word) = match problems.is_empty() {
        true => (StatusCode::OK, "ok"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "unwell"),
    };
    let body = serde_json::json!({
        "status": word,
        "reasons": problems,
        "version": env!("CARGO_PKG_VERSION"),
    });
    (code, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

async fn login_form(State(app): State<App>) -> impl IntoResponse {
    login::form(&app.sources.zone, &app.sources.box_id, "")
}

async fn log_in(State(app): State<App>, headers: HeaderMap, body: Bytes) -> Response {
    let Some(door) = app.sources.door.clone() else { return StatusCode::NOT_FOUND.into_response() };
    let Sources { zone, box_id, .. } = app.sources;
    // A password costs a quarter of a second: not on the loop that serves the pages.
    let done =
        tokio::task::spawn_blocking(move || login::log_in(&door, &zone, &box_id, &headers, &body)).await;
    done.unwrap_or_else(|error| {
        tracing::error!(%error, "a login was lost");
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    })
}

async fn log_out(State(app): State<App>, headers: HeaderMap) -> Response {
    match &app.sources.door {
        Some(door) => login::log_out(door, &headers),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn index(State(app): State<App>, headers: HeaderMap) -> Response {
    let Some(caller) = login::caller(app.sources.door.as_ref(), &headers) else { return login::to_login() };
    with_hits(&app, &caller, |context, hits| Html(page::page(context, hits)).into_response())
}

async fn live(State(app): State<App>, headers: HeaderMap) -> Response {
    let Some(caller) = login::caller(app.sources.door.as_ref(), &headers) else {
        return login::not_logged_in();
    };
    with_hits(&app, &caller, |context, hits| match serde_json::to_string(&Live::new(context, hits)) {
        Ok(body) => ([(header::CONTENT_TYPE, "application/json")], body).into_response(),
        Err(error) => {
            tracing::error!(%error, "the hits cannot be written as JSON");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    })
}

async fn outcome(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let door = app.sources.door.clone();
    let Some(caller) = login::caller(door.as_ref(), &headers) else { return login::not_logged_in() };
    if !caller.may(door.as_ref(), Right::Answer) {
        return (StatusCode::FORBIDDEN, "Your role may not answer hits.\n").into_response();
    }
    let by = caller.name().map(str::to_owned);
    // The write waits for the disk; the loop that serves the pages must not.
    let sink = Arc::clone(&app.sources.answers);
    let done =
        tokio::task::spawn_blocking(move || answers::take(sink.as_ref(), &id, &headers, &body, by)).await;
    done.unwrap_or_else(|error| {
        tracing::error!(%error, "an answer given on the page was lost");
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    })
}

/// Asks everyone and hands over. Hits that cannot be read are a problem on the page, not a dead page.
fn with_hits(
    app: &App,
    caller: &Caller,
    answer: impl FnOnce(&Context<'_>, &[super::HitView]) -> Response,
) -> Response {
    let mut problems = app.sources.status.status().problems;
    let door = app.sources.door.as_ref();
    let sees = caller.may(door, Right::Live);
    let read = || match sees {
        true => app.sources.hits.recent_hits(SHOWN),
        false => Ok(Vec::new()),
    };
    let mut hits = read().unwrap_or_else(|cause| {
        // Asked for every second by every screen: at debug, or it would fill the log.
        tracing::debug!(%cause, "the console cannot read the hits");
        problems.push(format!("hits cannot be read: {cause}"));
        Vec::new()
    });
    if let (Some(door), Caller::Known(person)) = (door, caller) {
        if let Some(start) = door.not_before(Utc::now()) {
            hits.retain(|h| h.first_seen >= start);
        }
        // On record before it is shown, or not shown.
        if let Err(cause) = door.note_seen(person, hits.iter().map(|h| h.id.as_str())) {
            tracing::error!(%cause, "hits are not shown: that somebody sees them cannot be put on record");
            problems.push("hits are not shown: that somebody sees them cannot be put on record".into());
            hits.clear();
        }
    }
    let note = match sees {
        true => app.sources.note.as_str(),
        false => "Your role sees the state of the box, no plates.",
    };
    let context = Context {
        zone: &app.sources.zone,
        box_id: &app.sources.box_id,
        now: Utc::now(),
        problems: &problems,
        counts: &app.metrics.snapshot(),
        answers: app.answers && caller.may(door, Right::Answer),
        person: caller.name(),
        note,
    };
    answer(&context, &hits)
}

async fn picture(State(app): State<App>, Path(name): Path<String>, headers: HeaderMap) -> Response {
    let door = app.sources.door.as_ref();
    let Some(caller) = login::caller(door, &headers) else { return login::not_logged_in() };
    if !caller.may(door, Right::Live) {
        return (StatusCode::FORBIDDEN, "Your role may not see pictures.\n").into_response();
    }
    // A picture that may be kept by the browser outlives the session.
    let keeping = if door.is_some() { "no-store" } else { "private, max-age=31536000, immutable" };
    let sha256 = name.strip_suffix(".jpg").filter(|s| is_sha256(s));
    match sha256.and_then(|sha256| app.sources.hits.picture(sha256)) {
        Some(jpeg) => {
            let headers = [
                (header::CONTENT_TYPE, "image/jpeg"),
                // The name is the content's hash, so it can never change.
                (header::CACHE_CONTROL, keeping),
            ];
            (headers, jpeg).into_response()
        }
        None => (StatusCode::NOT_FOUND, "There is no such picture.\n").into_response(),
    }
}

async fn asset(kind: &'static str, text: &'static str) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, kind)], text)
}

/// 64 lower-case hexadecimal digits; so no path can be made of it.
fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
#[path = "server_tests.rs"]
mod tests;
