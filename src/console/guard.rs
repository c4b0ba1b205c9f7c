//! Rules that hold for every request and every answer.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::net::IpAddr;

/// Nothing from elsewhere, nothing inline: even a text that slipped through unescaped could not act.
const CSP: &str = "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; \
                   connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

const HEADERS: [(HeaderName, &str); 5] = [
    (header::CONTENT_SECURITY_POLICY, CSP),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// Refuses a wrong Host and puts the headers on every answer, errors included.
pub async fn guard(State(loopback): State<bool>, request: Request, next: Next) -> Response {
    // A name on the attacker's own domain that resolves to 127.0.0.1 would make the browser treat this
    // page as the attacker's (DNS rebinding); its Host header gives it away.
    let mut answer = if loopback && !host_is_loopback(request.headers()) {
        let text = "This console answers only under localhost, 127.0.0.1 or [::1].\n";
        (StatusCode::MISDIRECTED_REQUEST, text).into_response()
    } else {
        next.run(request).await
    };
    let headers = answer.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    answer
}

/// Whether a request that writes comes from the page itself.
///
/// A page elsewhere can make an operator's browser send a request here (CSRF). It cannot name this address as
/// its origin (Fetch standard, `Origin` and `Sec-Fetch-Site`, which scripts cannot set), and it cannot send
/// JSON without asking first, which is never answered here. All must hold; a client without a browser has no
/// origin to show and is turned away.
pub fn from_the_page(headers: &HeaderMap) -> bool {
    let one = |name: HeaderName| {
        let mut all = headers.get_all(name).iter();
        match (all.next(), all.next()) {
            (Some(value), None) => value.to_str().ok(),
            _ => None,
        }
    };
    let (Some(host), Some(origin)) = (one(header::HOST), one(header::ORIGIN)) else { return false };
    // Behind a proxy that does TLS the page's origin is https; the name is what tells.
    let own = [format!("http://{host}"), format!("https://{host}")];
    let site = headers.get(HeaderName::from_static("sec-fetch-site"));
    own.iter().any(|o| o.eq_ignore_ascii_case(origin))
        && site.is_none_or(|s| s == "same-origin")
        && one(header::CONTENT_TYPE).is_some_and(|t| t.eq_ignore_ascii_case("application/json"))
}

/// Exactly one Host header (RFC 9112 section 3.2) that names this machine, with or without a port.
fn host_is_loopback(headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return false;
    };
    host.to_str().is_ok_and(is_loopback)
}

fn is_loopback(host: &str) -> bool {
    let (name, port) = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((name, rest)) => (name, rest.strip_prefix(':').or(rest.is_empty().then_some("0"))),
        None => match host.split_once(':') {
            Some((name, port)) => (name, Some(port)),
            None => (host, Some("0")),
        },
    };
    port.is_some_and(|p| p.parse::<u16>().is_ok())
        && (name.eq_ignore_ascii_case("localhost")
            || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_page_itself_may_write() {
        let headers = |all: &[(&'static str, &'static str)]| {
            let mut map = HeaderMap::new();
            for (name, value) in all {
                map.append(*name, HeaderValue::from_static(value));
            }
            map
        };
        let (host, origin) = (("host", "127.0.0.1:8080"), ("origin", "http://127.0.0.1:8080"));
        let json = ("content-type", "application/json");
        assert!(from_the_page(&headers(&[host, origin, json])));
        assert!(from_the_page(&headers(&[host, origin, json, ("sec-fetch-site", "same-origin")])));
        for bad in [
            vec![host, json],
            vec![host, origin],
            vec![origin, json],
            vec![host, ("origin", "http://evil.example"), json],
            vec![host, ("origin", "null"), json],
            vec![host, ("origin", "http://127.0.0.1:8081"), json],
            vec![host, origin, ("origin", "http://evil.example"), json],
            vec![host, origin, ("content-type", "text/plain")],
            vec![host, origin, ("content-type", "application/x-www-form-urlencoded")],
            vec![host, origin, json, ("sec-fetch-site", "cross-site")],
            vec![host, origin, json, ("sec-fetch-site", "same-site")],
        ] {
            assert!(!from_the_page(&headers(&bad)), "{bad:?}");
        }
    }

    #[test]
    fn only_names_of_this_machine_are_taken() {
        for good in ["localhost", "LOCALHOST:9090", "127.0.0.1", "127.0.0.1:1", "[::1]", "[::1]:8080"] {
            assert!(is_loopback(good), "{good}");
        }
        for bad in [
            "",
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example:80",
            "127.0.0.1:80@evil.example",
            "[::1",
            "[::1]x",
            "[::2]:80",
            "10.0.0.1",
            "localhost:",
            "localhost:99999",
        ] {
            assert!(!is_loopback(bad), "{bad}");
        }
    }
}
