//! `Head`: the method, target and headers of a request, read with care for absent and repeated ones.

use std::{
    borrow::Cow,
    cell::{Cell, RefCell},
    fmt,
    hash::Hasher,
    time::SystemTime,
};

use http::{HeaderMap, Method, Uri, header::AsHeaderName, request::Parts};
use rustc_hash::FxHasher;

use super::VerifyError;

/// The head of a request, before any of its body is read.
///
/// A header is read with [`Head::header`] or [`Head::public_header`]. For both, an absent or repeated header is an error. A
/// header that is read with [`Head::header`] during authentication is a secret, and is redacted in
/// [`Delivery::headers`](crate::Delivery::headers). One that is read with [`Head::public_header`] is shown there.
///
/// ```
/// use std::time::SystemTime;
/// use tower_webhook::scheme::{Head, VerifyError};
///
/// let (parts, ()) = http::Request::get("/hook?echo=1").header("x-sig", "a").header("x-sig", "b").body(())?.into_parts();
/// let head = Head::new(&parts, SystemTime::now());
/// assert_eq!(head.query("echo"), Ok("1"));
/// assert_eq!(head.header("x-sig"), Err(VerifyError::RepeatedHeader("x-sig".into())));
/// assert_eq!(head.header("x-tag"), Err(VerifyError::MissingHeader("x-tag".into())));
/// # Ok::<_, http::Error>(())
/// ```
pub struct Head<'a> {
    parts: &'a Parts,
    now: SystemTime,
    max_header_bytes: usize,
    /// The first secret headers that were read, as [`name_hash`]es.
    read: [Cell<u64>; ReadHeaders::FIRST],
    read_later: RefCell<Vec<u64>>,
}

impl<'a> Head<'a> {
    /// The longest header that authentication reads, in bytes, by default.
    pub const MAX_HEADER_BYTES: usize = 8 * 1024;

    /// The head `parts`, received at `now`.
    pub fn new(parts: &'a Parts, now: SystemTime) -> Self {
        let max_header_bytes = Self::MAX_HEADER_BYTES;
        Self {
            parts,
            now,
            max_header_bytes,
            read: Default::default(),
            read_later: RefCell::default(),
        }
    }

    /// The same, with another limit for each header, in bytes.
    #[must_use]
    pub fn max_header_bytes(self, bytes: usize) -> Self {
        Self { max_header_bytes: bytes, ..self }
    }

    /// When the request was received.
    pub fn now(&self) -> SystemTime {
        self.now
    }

    /// The request's method.
    pub fn method(&self) -> &'a Method {
        &self.parts.method
    }

    /// The request's target as this layer sees it: a router in front of it can have cut off a prefix. For the URL that the
    /// sender signed, see [`Origin`](super::Origin).
    pub fn uri(&self) -> &'a Uri {
        &self.parts.uri
    }

    /// Whether the header `name` is there, with any value, once or repeated: for a sender that has two ways to sign. It hides
    /// nothing from handlers: also read the header that is not used with [`Head::header`].
    pub fn has(&self, name: impl AsHeaderName) -> bool {
        self.parts.headers.contains_key(name)
    }

    /// The only value of the header `name`, in visible ASCII, blanks and tabs. Handlers do not see the value: use this for
    /// signatures, tokens and other credentials.
    ///
    /// The name is a text in upper or lower case, or a [`&HeaderName`](http::HeaderName), which is not parsed for each request.
    ///
    /// # Errors
    ///
    /// If the header is missing or repeated, is longer than the limit, or has other characters.
    pub fn header<N: AsHeaderName + AsRef<str> + Copy>(
        &self,
        name: N,
    ) -> Result<&'a str, VerifyError> {
        self.note(name.as_ref());
        self.value(name)
    }

    /// Like [`Head::header`], for a value that is no secret: an id, a timestamp, a topic. Handlers see it in
    /// [`Delivery::headers`](crate::Delivery::headers), except if the same header is also read with [`Head::header`].
    ///
    /// # Errors
    ///
    /// As [`Head::header`].
    pub fn public_header<N: AsHeaderName + AsRef<str> + Copy>(
        &self,
        name: N,
    ) -> Result<&'a str, VerifyError> {
        self.value(name)
    }

    fn value<N: AsHeaderName + AsRef<str> + Copy>(&self, name: N) -> Result<&'a str, VerifyError> {
        let headers = &self.parts.headers;
        let fault = |fault: fn(Cow<'static, str>) -> VerifyError| fault(owned(name.as_ref()));
        let one = headers.get(name).ok_or_else(|| fault(VerifyError::MissingHeader))?;
        if any_is_repeated(headers) && headers.get_all(name).iter().nth(1).is_some() {
            return Err(fault(VerifyError::RepeatedHeader));
        }
        if one.len() > self.max_header_bytes {
            return Err(fault(VerifyError::HeaderTooLong));
        }
        one.to_str().map_err(|_| fault(VerifyError::MalformedHeader))
    }

    /// The only value of the query parameter `name`, as written: nothing is percent-decoded.
    ///
    /// # Errors
    ///
    /// If the parameter is missing, has no `=`, or is repeated.
    pub fn query(&self, name: &str) -> Result<&'a str, VerifyError> {
        let query = self.parts.uri.query().unwrap_or_default();
        let mut all = query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .filter(|(key, _)| *key == name);
        match (all.next(), all.next()) {
            (Some((_, value)), None) => Ok(value),
            (None, _) => Err(VerifyError::MissingQuery(owned(name))),
            (Some(_), Some(_)) => Err(VerifyError::RepeatedQuery(owned(name))),
        }
    }

    /// The last segment of the path, as written. Empty if the path ends in a slash.
    pub fn last_segment(&self) -> &'a str {
        self.parts.uri.path().rsplit('/').next().unwrap_or_default()
    }

    fn note(&self, name: &str) {
        let hash = name_hash(name);
        for place in &self.read {
            match place.get() {
                FREE => return place.set(hash),
                taken if taken == hash => return,
                _ => {}
            }
        }
        let mut later = self.read_later.borrow_mut();
        if !later.contains(&hash) {
            later.push(hash);
        }
    }

    /// Starts the list of secret headers again, after a handshake: it is no authentication.
    pub(crate) fn forget_read_headers(&self) {
        self.read.iter().for_each(|place| place.set(FREE));
        self.read_later.borrow_mut().clear();
    }

    pub(crate) fn read_headers(&self) -> ReadHeaders {
        let (first, later) = (self.read.each_ref().map(Cell::get), self.read_later.borrow());
        ReadHeaders { first, later: later.clone() }
    }
}

/// The name of a header or parameter in an error, which outlives the scheme that read it.
fn owned(name: &str) -> Cow<'static, str> {
    Cow::Owned(name.to_owned())
}

fn any_is_repeated(headers: &HeaderMap) -> bool {
    headers.len() > headers.keys_len()
}

impl fmt::Debug for Head<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Head")
            .field("method", self.method())
            .field("now", &self.now)
            .finish_non_exhaustive()
    }
}

/// The secret headers that authentication read, as [`name_hash`]es: names can live shorter than a delivery, and a copy of
/// each would be an allocation. If two names have the same hash, then one header more than necessary is redacted.
#[derive(Clone, Default)]
pub(crate) struct ReadHeaders {
    first: [u64; Self::FIRST],
    /// Empty for most senders, and then without an allocation.
    later: Vec<u64>,
}

impl ReadHeaders {
    const FIRST: usize = 4;

    pub(crate) fn contains(&self, name: &str) -> bool {
        let hash = name_hash(name);
        self.first.iter().chain(&self.later).any(|&read| read == hash)
    }
}

/// A hash of the name, the same for either case, never [`FREE`].
fn name_hash(name: &str) -> u64 {
    // This bit is the case of a letter. Other characters that differ by it only are taken for the same.
    let lower = |word: [u8; 8]| u64::from_le_bytes(word) | u64::from_le_bytes([b' '; 8]);
    let mut hasher = FxHasher::default();
    hasher.write_usize(name.len());
    let (words, rest) = name.as_bytes().as_chunks();
    words.iter().for_each(|word| hasher.write_u64(lower(*word)));
    // The last eight bytes, some of them for the second time: a copy of the rest alone would need a loop.
    match name.as_bytes().last_chunk() {
        Some(last) => hasher.write_u64(lower(*last)),
        None => rest.iter().for_each(|byte| hasher.write_u8(byte | b' ')),
    }
    hasher.finish().max(FREE + 1)
}

/// A place for a hash that is not taken.
const FREE: u64 = 0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_what_was_received() {
        let uri = "https://hooks.example/in?a=b";
        let (parts, ()) = http::Request::put(uri).body(()).unwrap().into_parts();
        let now = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(7);
        let head = Head::new(&parts, now);
        assert_eq!((head.method(), head.now()), (&Method::PUT, now));
        assert_eq!(head.uri(), uri);
    }
}
