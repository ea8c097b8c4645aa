//! Where deliveries go.

use http::{Uri, uri::Scheme};

use crate::error::ConfigError;

/// An absolute `http` or `https` URI.
pub(crate) fn target(uri: &str) -> Result<Uri, ConfigError> {
    let parsed = uri.parse::<Uri>().ok().filter(|uri| uri.host().is_some());
    let over_http = |uri: &Uri| [Some(&Scheme::HTTP), Some(&Scheme::HTTPS)].contains(&uri.scheme());
    parsed.filter(over_http).ok_or_else(|| {
        ConfigError::new("the URI is not an absolute one that begins with `http://` or `https://`")
    })
}

/// Whether two URIs lead to one place.
///
/// The original writes a registered URI as it was given or, depending on a library's version, as .NET shows it: with a
/// path of `/` where there was none, and text where there were escapes (recorded).
#[cfg(feature = "register")]
pub(crate) fn same_target(one: &str, other: &str) -> bool {
    shown(one) == shown(other)
}

/// `uri` with the host in lower case, no default port, a path, and no escapes but of what means something in a URI.
#[cfg(feature = "register")]
fn shown(uri: &str) -> Vec<u8> {
    let (scheme, host, path) = parts(uri);
    let (scheme, host) = (scheme.to_ascii_lowercase(), host.to_ascii_lowercase());
    let default_port = if scheme == "https" { ":443" } else { ":80" };
    let host = host.strip_suffix(default_port).unwrap_or(&host);
    let slash = if path.starts_with('/') { "" } else { "/" };
    unescaped(&format!("{scheme}://{host}{slash}{path}"))
}

/// The scheme, the host with user and port, and all behind it.
#[cfg(feature = "register")]
fn parts(uri: &str) -> (&str, &str, &str) {
    let (scheme, rest) = uri.split_once("://").unwrap_or_default();
    let (host, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    (scheme, host, path)
}

/// What in a URI may be a credential, however the rest of it is written: of the user, the path and the query whatever is
/// as long as a token, as it stands and without escapes.
#[cfg(feature = "register")]
pub(crate) fn credentials(uri: &str) -> Vec<String> {
    let (_, host, path) = parts(uri);
    let (user, _) = host.rsplit_once('@').unwrap_or_default();
    let parts =
        [user, path].into_iter().flat_map(|text| text.split(['/', '?', '#', '&', '=', ':']));
    let long = parts.filter(|part| part.len() >= SHORTEST_TOKEN);
    long.flat_map(|part| [part.to_owned(), String::from_utf8_lossy(&unescaped(part)).into()])
        .collect()
}

/// In bytes. What is shorter may be a word, which a message needs.
#[cfg(feature = "register")]
const SHORTEST_TOKEN: usize = 12;

#[cfg(feature = "register")]
fn unescaped(uri: &str) -> Vec<u8> {
    let mut parts = uri.split('%');
    let mut shown = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let byte = part.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match byte.zip(part.get(2..)) {
            Some((byte, rest)) if !byte.is_ascii_control() && !SEPARATORS.contains(&byte) => {
                shown.push(byte);
                shown.extend_from_slice(rest.as_bytes());
            }
            Some((_, rest)) => {
                let escape = part.get(..2).unwrap_or_default().to_ascii_uppercase();
                shown.extend_from_slice(format!("%{escape}{rest}").as_bytes());
            }
            None => shown.extend_from_slice(format!("%{part}").as_bytes()),
        }
    }
    shown
}

/// What means something else when it is not escaped.
#[cfg(feature = "register")]
const SEPARATORS: &[u8] = b":/?#@&=+$,;%\\";

#[cfg(all(test, feature = "register"))]
mod tests {
    use super::*;

    #[test]
    fn one_place() {
        for (one, other) in [
            ("http://localhost", "http://localhost/"),
            ("HTTP://LocalHost:80/a", "http://localhost/a"),
            ("https://a.example:443/", "https://a.example"),
            ("http://a/l%C3%A5s", "http://a/lås"),
            ("http://a/Kursus%201", "http://a/Kursus 1"),
            ("http://a/%41?b=%c3%b8", "http://a/A?b=ø"),
            ("http://a/t%2D1%7Bx%7D", "http://a/t-1{x}"),
            ("http://a/%2fb", "http://a/%2Fb"),
            ("http://a?b", "http://a/?b"),
            ("http://a/%", "http://a/%"),
            ("http://a/%é", "http://a/%é"),
        ] {
            assert!(same_target(one, other), "{one} {other}");
        }
    }

    #[test]
    fn what_may_be_a_credential() {
        for (uri, found) in [
            ("https://hooks.learning.example/webhooks/learn365", &[][..]),
            ("https://hooks.learning.example", &[]),
            ("https://api:a-long-password@a/in", &["a-long-password"]),
            ("https://a:8080/in/a-token-of-a-path", &["a-token-of-a-path"]),
            (
                "https://a?token=a-token-of-a-query&b=c#a-long-fragment",
                &["a-token-of-a-query", "a-long-fragment"],
            ),
        ] {
            let twice: Vec<_> = found.iter().flat_map(|part| [*part; 2]).collect();
            assert_eq!(credentials(uri), twice, "{uri}");
        }
        let escaped = credentials("https://a/in/l%C3%A5ng%2Dtoken");
        assert_eq!(escaped, ["l%C3%A5ng%2Dtoken", "lång-token"]);
    }

    #[test]
    fn several_places() {
        for (one, other) in [
            ("http://a/", "https://a/"),
            ("http://a/", "http://a:8080/"),
            ("http://a:443/", "http://a/"),
            ("http://a/b", "http://a/B"),
            ("http://a/b", "http://a/b/"),
            ("http://a/b/c", "http://a/b%2Fc"),
            ("http://a/?b=c%26d", "http://a/?b=c&d"),
            ("http://a/%", "http://a/%25"),
            ("http://a/%4", "http://a/%41"),
        ] {
            assert!(!same_target(one, other), "{one} {other}");
        }
    }
}
