//! Logging in at the page: who is there, for how long, and how often a name may be tried.
//!
//! A session is a random token in a cookie that scripts cannot read and other sites cannot send (HttpOnly, SameSite=Strict;
//! RFC 6265bis); the box keeps its SHA-256 only, in memory, so a restart ends all. Requests that write must come from the
//! page itself besides ([`super::guard`]).

use crate::domain::Utc;
use crate::law::access::{Gate, Right, Role, Users};
use crate::runtime::{Secret, random};
use crate::store::{AuditAction, AuditEntry, NewLook, StoreHandle};
use axum::http::{HeaderMap, HeaderName, header};
use sha2::{Digest, Sha256};
use std::collections::{HashMap, HashSet, VecDeque};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Name of the cookie.
const COOKIE: &str = "platewatch";
/// Wrong passwords of one name after which it must wait.
const FREE_TRIES: u32 = 5;
/// The first wait; it doubles with every further wrong password.
const FIRST_WAIT: Duration = Duration::from_secs(30);
/// And the longest.
const LONGEST_WAIT: Duration = Duration::from_secs(900);
/// Logins of all names in a minute at most: each costs a quarter of a second of the box's time.
const TRIES_A_MINUTE: usize = 20;
/// Names remembered for their wrong passwords.
const MOST_NAMES: usize = 1_000;
/// Sessions at a time.
const MOST_SESSIONS: usize = 200;
/// How often it is looked whether somebody was disabled meanwhile.
const RECHECK: Duration = Duration::from_secs(10);
/// Longest name and password taken, in bytes.
const LONGEST: usize = 1_024;

/// Who may come in, and what they may see.
pub struct Door {
    gate: Gate,
    users: PathBuf,
    store: StoreHandle,
    idle: Duration,
    longest: Duration,
    inner: Mutex<Inner>,
}

impl std::fmt::Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Door")
    }
}

#[derive(Default)]
struct Inner {
    sessions: HashMap<[u8; 32], Session>,
    wrong: HashMap<String, (u32, Instant)>,
    tries: VecDeque<Instant>,
}

struct Session {
    person: Person,
    since: Instant,
    last: Instant,
    checked: Instant,
    /// Hits that are on record as seen by this person.
    seen: HashSet<String>,
}

/// Somebody who is logged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Their name.
    pub name: String,
    /// What they are.
    pub role: Role,
    token: [u8; 32],
}

/// Why somebody was not let in.
#[derive(Debug, PartialEq, Eq)]
pub enum NotIn {
    /// Name or password is wrong, or the person is disabled.
    Wrong,
    /// Too many tries; after so many seconds again.
    Later(u64),
    /// The users file or the audit chain cannot be used.
    Failed(String),
}

impl Door {
    /// A door where people must log in; `None` where they need not.
    pub fn new(gate: Gate, users: PathBuf, store: StoreHandle) -> Option<Self> {
        let rules = gate.rules.as_ref().filter(|_| gate.asks())?;
        let idle = Duration::from_secs(60 * u64::from(rules.session_idle_min.value));
        let longest = Duration::from_secs(3_600 * u64::from(rules.session_max_h.value));
        Some(Self { gate, users, store, idle, longest, inner: Mutex::default() })
    }

    /// Whether somebody may do this.
    pub fn may(&self, person: &Person, right: Right) -> bool {
        self.gate.has(Some(person.role), right)
    }

    /// What was first seen before is not shown on the page.
    pub fn not_before(&self, now: Utc) -> Option<Utc> {
        let days = self.gate.rules.as_ref()?.first_days.value;
        Some(now.plus_ms(-i64::from(days) * 86_400_000))
    }

    /// Who sends this request.
    pub fn who(&self, headers: &HeaderMap) -> Option<Person> {
        let token = digest(&cookie(headers)?);
        let now = Instant::now();
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let session = inner.sessions.get_mut(&token)?;
        let over =
            now.duration_since(session.last) > self.idle || now.duration_since(session.since) > self.longest;
        let mut gone = over;
        if !gone && now.duration_since(session.checked) > RECHECK {
            session.checked = now;
            let (name, role) = (&session.person.name, session.person.role);
            gone = !Users::read(&self.users)
                .is_ok_and(|u| u.all().iter().any(|u| u.name == *name && u.role == role && u.is_enabled()));
        }
        if gone {
            let name = session.person.name.clone();
            inner.sessions.remove(&token);
            drop(inner);
            self.tell(
                &name,
                AuditAction::LoggedOut,
                if over { "the session's time was over" } else { "disabled" },
            );
            return None;
        }
        session.last = now;
        Some(session.person.clone())
    }

    /// Lets somebody in: the value of the cookie to set. Takes some quarter of a second: off the serving loop.
    pub fn log_in(&self, name: &str, password: &Secret) -> Result<String, NotIn> {
        let name = name.trim();
        if name.len() > LONGEST || password.reveal().len() > LONGEST {
            return Err(NotIn::Wrong);
        }
        self.hold_back(name)?;
        let users = Users::read(&self.users).map_err(|e| NotIn::Failed(e.to_string()))?;
        let Ok(user) = users.let_in(name, password) else {
            self.note_wrong(name);
            self.tell(name, AuditAction::LoginFailed, "page");
            return Err(NotIn::Wrong);
        };
        let secret: [u8; 32] = random().map_err(|e| NotIn::Failed(e.to_string()))?;
        let value: String = secret.iter().map(|b| format!("{b:02x}")).collect();
        let token = digest(&value);
        let entry =
            AuditEntry::by(&user.name, AuditAction::LoggedIn).with("role", user.role).with("with", "page");
        self.store.audit(entry).map_err(|e| NotIn::Failed(e.to_string()))?;
        let now = Instant::now();
        let person = Person { name: user.name.clone(), role: user.role, token };
        let session = Session { person, since: now, last: now, checked: now, seen: HashSet::new() };
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.wrong.remove(name);
        if inner.sessions.len() >= MOST_SESSIONS {
            let oldest = inner.sessions.iter().min_by_key(|(_, s)| s.last).map(|(t, _)| *t);
            oldest.map(|t| inner.sessions.remove(&t));
        }
        inner.sessions.insert(token, session);
        Ok(value)
    }

    /// Ends a session.
    pub fn log_out(&self, person: &Person) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let ended = inner.sessions.remove(&person.token).is_some();
        drop(inner);
        if ended {
            self.tell(&person.name, AuditAction::LoggedOut, "page");
        }
    }

    /// Puts on record which hits somebody sees for the first time, before they do.
    ///
    /// # Errors
    /// It is not on record: then nothing may be shown.
    pub fn note_seen<'a>(&self, person: &Person, hits: impl Iterator<Item = &'a str>) -> Result<(), String> {
        let new: Vec<String> = {
            let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(session) = inner.sessions.get(&person.token) else {
                return Err("the session is over".into());
            };
            hits.filter(|h| !session.seen.contains(*h)).map(str::to_owned).collect()
        };
        if new.is_empty() {
            return Ok(());
        }
        let look = NewLook {
            who: person.name.clone(),
            role: person.role.word().to_owned(),
            what: "page".into(),
            allowed: true,
            reason: format!("live page, hits {}", new.join(" ")),
            shown: new.len() as u64,
            ..NewLook::default()
        };
        self.store.look(look).map_err(|e| e.to_string())?;
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(session) = inner.sessions.get_mut(&person.token) {
            session.seen.extend(new);
        }
        Ok(())
    }

    fn hold_back(&self, name: &str) -> Result<(), NotIn> {
        let now = Instant::now();
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        while inner.tries.front().is_some_and(|t| now.duration_since(*t) > Duration::from_secs(60)) {
            inner.tries.pop_front();
        }
        if inner.tries.len() >= TRIES_A_MINUTE {
            return Err(NotIn::Later(60));
        }
        if let Some((tries, last)) = inner.wrong.get(name) {
            let wait = wait(*tries);
            let left = wait.saturating_sub(now.duration_since(*last));
            if !left.is_zero() {
                return Err(NotIn::Later(left.as_secs() + 1));
            }
        }
        inner.tries.push_back(now);
        Ok(())
    }

    fn note_wrong(&self, name: &str) {
        let now = Instant::now();
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.wrong.len() >= MOST_NAMES {
            inner.wrong.retain(|_, (_, last)| now.duration_since(*last) < LONGEST_WAIT);
        }
        if inner.wrong.len() < MOST_NAMES || inner.wrong.contains_key(name) {
            let tries = inner.wrong.entry(name.to_owned()).or_insert((0, now));
            *tries = (tries.0.saturating_add(1), now);
        }
    }

    fn tell(&self, name: &str, action: AuditAction, how: &str) {
        let name: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
        if let Err(error) = self.store.audit(AuditEntry::by(&name, action).with("with", how)) {
            tracing::error!(%error, "a login or its end could not be put on record");
        }
    }
}

fn wait(tries: u32) -> Duration {
    match tries.checked_sub(FREE_TRIES) {
        None => Duration::ZERO,
        Some(more) => FIRST_WAIT.saturating_mul(1 << more.min(10)).min(LONGEST_WAIT),
    }
}

fn digest(value: &str) -> [u8; 32] {
    Sha256::digest(value.as_bytes()).into()
}

/// The session's cookie; the first one of its name counts.
fn cookie(headers: &HeaderMap) -> Option<String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, value)| *name == COOKIE && value.len() == 64)
        .map(|(_, value)| value.to_owned())
}

/// The header that sets the cookie; `Secure` where the page was reached over TLS (a proxy before the box).
pub fn set_cookie(value: &str, headers: &HeaderMap) -> String {
    let https =
        headers.get(header::ORIGIN).and_then(|o| o.to_str().ok()).is_some_and(|o| o.starts_with("https://"));
    format!("{COOKIE}={value}; Path=/; HttpOnly; SameSite=Strict{}", if https { "; Secure" } else { "" })
}

/// The header that takes it away.
pub fn end_cookie() -> String {
    format!("{COOKIE}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0")
}

/// Whether a form comes from this page: its origin is this address, as a page elsewhere cannot pretend.
pub fn form_from_here(headers: &HeaderMap) -> bool {
    let one = |name: HeaderName| {
        let mut all = headers.get_all(name).iter();
        match (all.next(), all.next()) {
            (Some(value), None) => value.to_str().ok(),
            _ => None,
        }
    };
    let (Some(host), Some(origin)) = (one(header::HOST), one(header::ORIGIN)) else { return false };
    let own = [format!("http://{host}"), format!("https://{host}")];
    let site = headers.get(HeaderName::from_static("sec-fetch-site"));
    own.iter().any(|o| o.eq_ignore_ascii_case(origin))
        && site.is_none_or(|s| s == "same-origin")
        && one(header::CONTENT_TYPE).is_some_and(|t| t.starts_with("application/x-www-form-urlencoded"))
}

/// The value of a field of a form (application/x-www-form-urlencoded, WHATWG URL).
pub fn field(body: &[u8], name: &str) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?;
    let value = text.split('&').filter_map(|pair| pair.split_once('=')).find(|(n, _)| *n == name)?.1;
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.bytes();
    while let Some(b) = rest.next() {
        bytes.push(match b {
            b'+' => b' ',
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            b => b,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_end() {
        assert_eq!(wait(4), Duration::ZERO);
        assert_eq!(wait(5), FIRST_WAIT);
        assert_eq!(wait(6), FIRST_WAIT * 2);
        assert_eq!(wait(4_000_000_000), LONGEST_WAIT);
    }

    #[test]
    fn fields_of_forms() {
        let body = b"name=j.peeters&password=a%2Bb+c%C3%A9";
        assert_eq!(field(body, "name").as_deref(), Some("j.peeters"));
        assert_eq!(field(body, "password").as_deref(), Some("a+b cé"));
        assert_eq!(field(body, "other"), None);
        for bad in [&b"name=%"[..], b"name=%zz", b"name=%ff", b"\xff"] {
            assert_eq!(field(bad, "name"), None);
        }
    }

    #[test]
    fn a_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        let value = "ab".repeat(32);
        headers.append(header::COOKIE, format!("a=b; platewatch={value}; c").parse().unwrap());
        assert_eq!(cookie(&headers), Some(value));
        headers.insert(header::COOKIE, "platewatch=short".parse().unwrap());
        assert_eq!(cookie(&headers), None);
    }
}
