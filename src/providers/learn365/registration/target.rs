//! The URI to which deliveries are sent.

use http::{Uri, uri::Scheme};

use crate::error::ConfigError;

/// An absolute `http` or `https` URI.
pub(crate) fn target(uri: &str) -> Result<Uri, ConfigError> {
    let parsed = uri.parse::<Uri>().ok().filter(|uri| uri.host().is_some());
    let over_http = |uri: &Uri| [Some(&Scheme::HTTP), Some(&Scheme::HTTPS)].contains(&uri.scheme());
    parsed.filter(over_http).ok_or_else(|| {
        ConfigError::new("the URI is not absolute, or does not begin with `http://` or `https://`")
    })
}

/// Whether two URIs are the same endpoint.
///
/// The original writes a registered URI as it was given or, depending on a library's version, as .NET shows it: with the
/// path `/` if there was no path, and with characters instead of escapes (recorded).
#[cfg(feature = "client-tls")]
pub(crate) fn same_target(one: &str, other: &str) -> bool {
    shown(one) == shown(other)
}

/// `uri` with the host in lower case, without a default port, with a path, and without escapes, except those of separators.
#[cfg(feature = "client-tls")]
fn shown(uri: &str) -> Vec<u8> {
    let (scheme, rest) = uri.split_once("://").unwrap_or_default();
    let (host, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let (scheme, host) = (scheme.to_ascii_lowercase(), host.to_ascii_lowercase());
    let default_port = if scheme == "https" { ":443" } else { ":80" };
    let host = host.strip_suffix(default_port).unwrap_or(&host);
    let slash = if path.starts_with('/') { "" } else { "/" };
    unescaped(&format!("{scheme}://{host}{slash}{path}"))
}

#[cfg(feature = "client-tls")]
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

/// The characters that have another meaning if they are not escaped.
#[cfg(feature = "client-tls")]
const SEPARATORS: &[u8] = b":/?#@&=+$,;%\\";

#[cfg(all(test, feature = "client-tls"))]
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
