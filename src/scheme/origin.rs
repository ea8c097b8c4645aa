//! `Origin`: the public URL of this receiver, for senders that sign the URL of each request.

use std::fmt;

use http::{
    Uri,
    uri::{Authority, InvalidUri},
};

use super::Head;
use crate::error::ConfigError;

/// Where this receiver is reached from outside, for senders that sign the URL: Twilio, Square, BigBlueButton.
///
/// Such a sender signs the URL that was registered with it. The request does not say which one that was: `Host` and
/// `X-Forwarded-*` are written by the client. If the URL were made of them, then a request that was signed for another
/// receiver, with which you share the secret, could be sent to this one with that receiver's name in `Host`. So the scheme,
/// the host and the port come from you, and from the request only the path and the query.
///
/// The path of the origin is the part that is cut off before the layer sees the request: by axum's `nest`, or by a proxy.
///
/// ```
/// use std::time::SystemTime;
/// use tower_webhook::scheme::{Head, Origin};
///
/// let origin = Origin::new("https://hooks.example.com/webhooks")?;
/// let (parts, ()) = http::Request::post("/sms?tenant=7").header("host", "evil.example").body(())?.into_parts();
/// let head = Head::new(&parts, SystemTime::now());
/// assert_eq!(origin.url(&head), "https://hooks.example.com/webhooks/sms?tenant=7");
/// # Ok::<_, tower_webhook::BoxError>(())
/// ```
#[derive(Clone)]
pub struct Origin {
    scheme: &'static str,
    host: Box<str>,
    port: Option<u16>,
    /// The path as it was given.
    path: Box<str>,
}

impl Origin {
    /// Takes the scheme, the host, the port if it is written in the registered URL, and the path in front of the one that the
    /// layer sees.
    ///
    /// A slash at the end makes a difference only for a request whose path is `/` for the layer, as it is for a service that is
    /// nested under the path of the origin. The sender has then signed the origin itself: give it as it was registered.
    ///
    /// # Errors
    ///
    /// If it is not an absolute URL of `http` or `https`, or if it has a user, a query or a fragment.
    pub fn new(url: impl AsRef<str>) -> Result<Self, ConfigError> {
        let url = url.as_ref();
        // The parser drops it.
        if url.contains('#') {
            return Err(ConfigError::new("the origin has a fragment: remove it"));
        }
        let uri: Uri = url
            .parse()
            .map_err(|error: InvalidUri| ConfigError::new(NOT_ABSOLUTE).caused_by(error))?;
        let (scheme, authority) = match (uri.scheme_str(), uri.authority()) {
            (Some("https"), Some(authority)) => ("https", authority),
            (Some("http"), Some(authority)) => ("http", authority),
            _ => return Err(ConfigError::new(NOT_ABSOLUTE)),
        };
        if authority.as_str().contains('@') {
            return Err(ConfigError::new("the origin has a user in it: remove it"));
        }
        if uri.query().is_some() {
            return Err(ConfigError::new("the origin has a query: remove it"));
        }
        let Some((host, port)) = host_and_port(authority) else {
            return Err(ConfigError::new("the origin has no host, or a port that is not a number"));
        };
        Ok(Self { scheme, host: host.into(), port, path: uri.path().into() })
    }

    /// The URL that the sender signed: this origin, and the path and the query of the request as they were written. A target
    /// that begins with no slash, such as `*`, gets one: it must not continue the host.
    pub fn url(&self, head: &Head<'_>) -> String {
        self.with_port(self.port, head)
    }

    /// The URL without a port, and the URL with one: that of this origin or, if it has no port, the default of its scheme (443
    /// or 80). For senders that sign now the one and now the other, such as Twilio: accept either.
    pub fn urls(&self, head: &Head<'_>) -> [String; 2] {
        let default = if self.scheme == "https" { 443 } else { 80 };
        [None, Some(self.port.unwrap_or(default))].map(|port| self.with_port(port, head))
    }

    fn with_port(&self, port: Option<u16>, head: &Head<'_>) -> String {
        let Self { scheme, host, path, .. } = self;
        let target = head.uri().path_and_query().map_or("/", |target| target.as_str());
        // Behind the host, a target without a slash would be a part of the host.
        let target = target.strip_prefix('/').unwrap_or(target);
        let (prefix, slash) = match target.is_empty() || target.starts_with('?') {
            true => (&**path, ""),
            false => (path.trim_end_matches('/'), "/"),
        };
        match port {
            Some(port) => format!("{scheme}://{host}:{port}{prefix}{slash}{target}"),
            None => format!("{scheme}://{host}{prefix}{slash}{target}"),
        }
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scheme, host, port, .. } = self;
        let mut shown = f.debug_struct("Origin");
        shown.field("scheme", scheme).field("host", host).field("port", port);
        shown.finish_non_exhaustive()
    }
}

/// Both parts of an authority without a user. `None`: they are not all of it, or there is no host.
fn host_and_port(authority: &Authority) -> Option<(&str, Option<u16>)> {
    // The parser takes `+443` for a port, and the `a[` of `a[::1]:443` for a host.
    let host = authority.host();
    let port = match authority.as_str().strip_prefix(host)? {
        "" => None,
        rest => Some(rest.strip_prefix(':').filter(|port| !port.starts_with('+'))?.parse().ok()?),
    };
    (!host.is_empty()).then_some((host, port))
}

const NOT_ABSOLUTE: &str =
    "the origin is not an absolute URL that begins with `http://` or `https://`";
