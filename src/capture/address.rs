//! The parts of a camera's address; credentials are no part of it.

use super::CaptureError;

/// Host, port and path of an `rtsp://` or `http://` URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    /// Name or number; IPv6 without its brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Path and query, beginning with `/`.
    pub path: String,
    /// `scheme://host[:port]` as it stood in the URL.
    pub origin: String,
}

impl Address {
    /// Takes `url` apart (RFC 3986 section 3). Userinfo is refused: credentials have their own key.
    pub fn parse(url: &str, scheme: &str, default_port: u16) -> Result<Self, CaptureError> {
        let refuse = |cause: String| CaptureError::Open {
            source_name: without_userinfo(url),
            cause,
            advice: "correct the camera's url",
        };
        let rest = url
            .get(..scheme.len())
            .filter(|s| s.eq_ignore_ascii_case(scheme))
            .and_then(|_| url.get(scheme.len()..))
            .and_then(|r| r.strip_prefix("://"))
            .ok_or_else(|| refuse(format!("its url does not begin with {scheme}://")))?;
        let (authority, path) = match rest.find(['/', '?']) {
            Some(at) => rest.split_at(at),
            None => (rest, "/"),
        };
        if authority.contains('@') {
            return Err(refuse("its url holds credentials, which belong in their own keys".into()));
        }
        if url.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(refuse("its url holds a space or control character".into()));
        }
        let (host, port) = match authority.strip_prefix('[').and_then(|a| a.split_once(']')) {
            Some((host, port)) => (host, port.strip_prefix(':')),
            None => match authority.rsplit_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (authority, None),
            },
        };
        if host.is_empty() {
            return Err(refuse("its url names no host".into()));
        }
        let port = match port {
            Some(text) => text.parse().map_err(|_| refuse(format!("{text:?} is not a port")))?,
            None => default_port,
        };
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        Ok(Self { host: host.to_owned(), port, path, origin: format!("{scheme}://{authority}") })
    }

    /// The URL again, without credentials.
    pub fn url(&self) -> String {
        format!("{}{}", self.origin, self.path)
    }
}

/// `url` with everything before an `@` in its authority left out, for messages.
fn without_userinfo(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return "a camera without a scheme".into() };
    let end = rest.find('/').unwrap_or(rest.len());
    match rest.get(..end).and_then(|authority| authority.rfind('@')) {
        Some(at) => format!("{scheme}://{}", rest.get(at + 1..).unwrap_or_default()),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<Address, CaptureError> {
        Address::parse(url, "rtsp", 554)
    }

    #[test]
    fn takes_urls_apart() {
        let a = parse("rtsp://cam.local/Streaming/Channels/101?x=1").unwrap();
        assert_eq!(
            (a.host.as_str(), a.port, a.path.as_str()),
            ("cam.local", 554, "/Streaming/Channels/101?x=1")
        );
        let a = parse("RTSP://[2001:db8::7]:8554").unwrap();
        assert_eq!((a.host.as_str(), a.port, a.path.as_str()), ("2001:db8::7", 8554, "/"));
        assert_eq!(parse("rtsp://h:1?q").unwrap().path, "/?q");
    }

    #[test]
    fn names_what_is_wrong_without_the_password() {
        for (url, word) in [
            ("http://h/", "rtsp://"),
            ("rtsp:///x", "no host"),
            ("rtsp://h:seven/", "not a port"),
            ("rtsp://admin:geheim@h/x", "credentials"),
            ("rtsp://h/x y", "space"),
        ] {
            let text = parse(url).unwrap_err().to_string();
            assert!(text.contains(word) && !text.contains("geheim"), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics(url in "\\PC{0,60}") {
            let _ = parse(&url);
            let _ = parse(&format!("rtsp://{url}"));
        }
    }
}
