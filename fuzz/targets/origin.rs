//! What is taken for an origin is the start of a URL of the web, and no request can choose another host, port or prefix.

#![cfg_attr(fuzzing, no_main)]

use std::time::SystemTime;

use http::{Request, Uri, request::Parts};
use tower_webhook::scheme::{Head, Origin};
use tower_webhook_fuzz::{fuzz_target, head};
use url::{ParseError, Url};

/// The origin in the first line, the target in the second, a header in each further one.
fn property(data: &[u8]) {
    let end = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let Ok(text) = str::from_utf8(&data[..end]) else { return };
    let origin = Origin::new(text).ok();
    if let Some(taken) = plainly(text) {
        assert_eq!(origin.is_some(), taken, "{text:?}");
    }
    let Some(origin) = origin else { return };
    let given = on_the_web(text);
    let Some(head) = head(data.get(end + 1..).unwrap_or_default()) else { return };
    let url = origin.url(&Head::new(&head, SystemTime::UNIX_EPOCH));
    let urls = origin.urls(&Head::new(&head, SystemTime::UNIX_EPOCH));
    let meant: Uri = text.parse().expect("it was taken");
    let default = if meant.scheme_str() == Some("https") { 443 } else { 80 };
    let port = meant.port_u16();
    assert_eq!(url, joined(&meant, port, &head));
    let both = [None, Some(port.unwrap_or(default))];
    assert_eq!(urls, both.map(|port| joined(&meant, port, &head)));
    without_headers(&origin, &head, &url);
    for (url, port) in [(&url, port), (&urls[0], None), (&urls[1], both[1])] {
        same_place(url, &meant, port, given.as_ref().filter(|_| port == meant.port_u16()));
    }
}

/// Whether a text of few characters is an origin; `None`: it has others.
fn plainly(text: &str) -> Option<bool> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-:/".contains(&b);
    let behind = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let authority = behind.unwrap_or_default().split('/').next().unwrap_or_default();
    let (host, port) = authority.split_once(':').unwrap_or((authority, "0"));
    let digits = !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
    let taken = !host.is_empty() && digits && port.parse::<u16>().is_ok();
    text.bytes().all(plain).then_some(taken)
}

/// What it is to a browser. Some hosts are names to a resolver, but not to a browser.
fn on_the_web(text: &str) -> Option<Url> {
    let authority = text.split('/').nth(2).unwrap_or_default();
    assert!(!authority.contains('@') && !text.contains(['?', '#']), "{text:?}");
    match Url::parse(text) {
        Ok(url) => Some(url),
        Err(ParseError::EmptyHost | ParseError::InvalidPort) => panic!("{text:?} is no origin"),
        Err(ParseError::RelativeUrlWithoutBase) => panic!("{text:?} is no origin"),
        Err(_) => None,
    }
}

/// The URL, put together from its parts.
fn joined(meant: &Uri, port: Option<u16>, head: &Parts) -> String {
    let [scheme, host] = [meant.scheme_str(), meant.host()].map(|part| part.expect("it has one"));
    let port = port.map_or(String::new(), |port| format!(":{port}"));
    let path = match head.uri.path() {
        "" | "/" => meant.path().to_owned(),
        "*" => format!("{}/*", meant.path().trim_end_matches('/')),
        path => format!("{}{path}", meant.path().trim_end_matches('/')),
    };
    let query = head.uri.query().map_or(String::new(), |query| format!("?{query}"));
    format!("{scheme}://{host}{port}{path}{query}")
}

/// Of the request, only the path and the query count.
fn without_headers(origin: &Origin, head: &Parts, url: &str) {
    let target = head.uri.path_and_query().map_or("/", |target| target.as_str());
    let Ok(request) = Request::post(target).body(()) else { return };
    let (bare, ()) = request.into_parts();
    assert_eq!(origin.url(&Head::new(&bare, SystemTime::UNIX_EPOCH)), url);
}

/// Every reader finds the origin in it.
fn same_place(url: &str, meant: &Uri, port: Option<u16>, given: Option<&Url>) {
    let uri: Uri = url.parse().unwrap_or_else(|error| panic!("{url:?}: {error}"));
    assert_eq!((uri.scheme(), uri.host()), (meant.scheme(), meant.host()), "{url:?}");
    assert_eq!(uri.port_u16(), port, "{url:?}");
    if let Some(given) = given {
        let read = Url::parse(url).unwrap_or_else(|error| panic!("{url:?}: {error}"));
        assert_eq!(read.origin(), given.origin(), "{url:?}");
        assert!(read.username().is_empty() && read.password().is_none(), "{url:?}");
    }
}

fuzz_target!(property);
