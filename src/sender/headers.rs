//! Headers that a registration adds to the sender's own.

use http::{HeaderMap, HeaderValue, header};

/// Adds the headers of a registration: see [`Sender::headers`](super::Sender::headers).
pub(super) fn add(headers: &mut HeaderMap, extra: &HeaderMap) {
    for (name, value) in extra {
        let value = match headers.get(name) {
            _ if name == header::CONTENT_LENGTH => continue,
            Some(own) if name != header::HOST => merged(own, value),
            _ => value.clone(),
        };
        // If there are too many, the rest is left out.
        let _ = headers.try_insert(name.clone(), value);
    }
}

/// Both values in one, which is sensitive if one of them is.
fn merged(own: &HeaderValue, other: &HeaderValue) -> HeaderValue {
    let both = [own.as_bytes(), b", ", other.as_bytes()].concat();
    let mut both = HeaderValue::from_bytes(&both).unwrap_or_else(|_| own.clone());
    both.set_sensitive(own.is_sensitive() || other.is_sensitive());
    both
}

/// Removes the headers that .NET considers headers of the body, for a request without a body.
#[cfg(feature = "client")]
pub(crate) fn leave_out_content(headers: &mut HeaderMap) {
    for name in CONTENT {
        headers.remove(name);
    }
}

#[cfg(feature = "client")]
const CONTENT: [&str; 11] = [
    "allow",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-length",
    "content-location",
    "content-md5",
    "content-range",
    "content-type",
    "expires",
    "last-modified",
];
