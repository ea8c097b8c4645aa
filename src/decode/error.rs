//! `DecodeError`: why a body or an event was not decoded, with its type, path and byte.

use std::{borrow::Cow, fmt};

use crate::util::body_format;

/// An authentic body, or an event in it, could not be decoded: the sender has a bug, or has changed its format.
///
/// The text names the type of the event, the JSON path and the byte. It repeats no value of the body, so it can be logged.
/// Two things of the body can be in it. The keys of a map are part of the path. And if a type of yours has errors of its own
/// that begin like those of serde, then their words are taken over.
///
/// ```
/// use bytes::Bytes;
/// use tower_webhook::{Delivery, EventRouter, providers::loops::{Loops, SessionStarted}, scheme::Authentic};
///
/// let events = EventRouter::new().on(async |_: SessionStarted| {});
/// let body = Bytes::from(r#"[{"type":"SESSION_STARTED","data":{}}"#);
/// let delivery = Delivery::new(Authentic::dangerous_assert());
/// let error = events.dispatch(&Loops::dangerous_unauthenticated(), delivery, body).unwrap_err();
/// assert_eq!(error.to_string(), "the body lacks a comma or its end at byte 37");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError(Box<Fault>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Fault {
    event_type: Option<Box<str>>,
    path: Option<String>,
    /// `None`: the body as a whole is at fault.
    at: Option<usize>,
    why: Cow<'static, str>,
    /// The format that a body may have which is not JSON.
    hint: Option<&'static str>,
}

impl DecodeError {
    /// The body as a whole is not as its sender documents it: for [`Form`](super::Form)s, compressed or encrypted bodies,
    /// and others that a provider of yours takes JSON out of. `why` continues the sentence "the body …", and must repeat no
    /// value of the body.
    ///
    /// ```
    /// use tower_webhook::decode::DecodeError;
    ///
    /// let error = DecodeError::body("is no JSON Web Token");
    /// assert_eq!(error.to_string(), "the body is no JSON Web Token");
    /// ```
    pub fn body(why: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Fault {
            event_type: None,
            path: None,
            at: None,
            why: why.into(),
            hint: None,
        }))
    }

    /// The body is at fault at this byte. `why` continues the sentence "the body …".
    pub(crate) fn new(at: usize, why: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Fault { at: Some(at), ..*Self::body(why).0 }))
    }

    /// The text `json` at `start` is not valid JSON: takes over the words of `serde_json`, and turns its line and column into
    /// a byte.
    pub(super) fn syntax(start: usize, json: &str, error: &serde_json::Error) -> Self {
        let text = error.to_string();
        let words = text.split(" at line ").next().unwrap_or("it cannot be read");
        let lines = json.split_inclusive('\n').take(error.line().saturating_sub(1));
        let offset = lines.map(str::len).sum::<usize>() + error.column().saturating_sub(1);
        Self::new(start + offset.min(json.len()), format!("is not JSON ({words})"))
    }

    /// A value does not fit its type: takes over the words of serde, without the value.
    pub(super) fn shape(at: usize, error: &serde_path_to_error::Error<serde_json::Error>) -> Self {
        let path = error.path().to_string();
        let text = error.inner().to_string();
        let words = text.rsplit_once(" at line ").map_or(text.as_str(), |(words, _)| words);
        let why = reason(words).unwrap_or(Cow::Borrowed("does not fit"));
        let known = match error.path().iter().next_back() {
            // An empty path, which is shown as a dot.
            None => "",
            // The name of an unknown field is a value of the body.
            Some(last) if why == UNKNOWN_FIELD => {
                let outer = path.strip_suffix(&last.to_string()).unwrap_or_default();
                outer.strip_suffix('.').unwrap_or(outer)
            }
            Some(_) => &path,
        };
        let path = (!known.is_empty()).then(|| known.escape_debug().take(MAX_PATH).collect());
        Self(Box::new(Fault { path, ..*Self::new(at, why).0 }))
    }

    /// The same error, with a hint at the format of `body`.
    pub(super) fn of_body(mut self, body: &[u8]) -> Self {
        self.0.hint = body_format::guess(body);
        self
    }

    /// The same error, in an event of this type, with `outer` in front of its path.
    pub(super) fn within(mut self, event_type: Option<&str>, outer: &str) -> Self {
        self.0.event_type = event_type.map(Into::into);
        self.0.path = Some(match self.0.path.take() {
            None => outer.to_owned(),
            Some(inner) if inner.starts_with('[') => format!("{outer}{inner}"),
            Some(inner) => format!("{outer}.{inner}"),
        });
        self
    }

    /// The type of the event that does not fit. `None`: the body as a whole cannot be read.
    pub fn event_type(&self) -> Option<&str> {
        self.0.event_type.as_deref()
    }

    /// The JSON path, as in `[0].data.participants[2].userId` or `entry[0].changes[1].value`. An event that is the whole body
    /// is `[0]`.
    pub fn path(&self) -> Option<&str> {
        self.0.path.as_deref()
    }

    /// The byte of the body where the fault begins, or the payload that does not fit. 0 if the body as a whole is at fault.
    pub fn offset(&self) -> usize {
        self.0.at.unwrap_or_default()
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Fault { event_type, path, why, hint, .. } = &*self.0;
        let at = self.offset();
        match (event_type, path) {
            (Some(event_type), Some(path)) => {
                write!(f, "event {event_type:?} at `{path}`: {why} (byte {at})")
            }
            (None, Some(path)) => write!(f, "element `{path}`: {why} (byte {at})"),
            (_, None) => {
                write!(f, "the body {why}")?;
                self.0.at.iter().try_for_each(|at| write!(f, " at byte {at}"))?;
                hint.iter().try_for_each(|hint| write!(f, ": {hint}"))
            }
        }
    }
}

impl std::error::Error for DecodeError {}

/// The part of serde's words that repeats no value. `None`: the words are a type's own, and may repeat one.
fn reason(words: &str) -> Option<Cow<'static, str>> {
    if VALUELESS.iter().any(|start| words.starts_with(start)) {
        return Some(words.to_owned().into());
    }
    if let Some(unknown) = UNKNOWN.iter().find(|start| words.starts_with(**start)) {
        return Some(Cow::Borrowed(unknown));
    }
    let found = AT_ODDS.iter().find_map(|start| words.strip_prefix(start))?;
    let behind = match found.strip_prefix("string \"") {
        Some(text) => behind_quote(text)?,
        None => found,
    };
    let (_, expected) = behind.split_once(", expected ")?;
    Some(format!("expected {expected}").into())
}

/// The text behind a string in quotes, which is escaped as `Debug` does it.
fn behind_quote(text: &str) -> Option<&str> {
    let mut escaped = false;
    let end = text.find(|c| {
        let end = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        end
    })?;
    text.get(end + 1..)
}

/// Beginnings of errors that repeat no value.
const VALUELESS: [&str; 4] =
    ["missing field `", "duplicate field `", "recursion limit", "number out of range"];
/// Beginnings of errors that go on with a value.
const UNKNOWN: [&str; 2] = ["unknown variant", UNKNOWN_FIELD];
const UNKNOWN_FIELD: &str = "unknown field";
/// The maximum length of a path, in characters: the keys of a map can have any length.
const MAX_PATH: usize = 256;
/// Beginnings of errors that name the value, and then what was expected.
const AT_ODDS: [&str; 3] = ["invalid type: ", "invalid value: ", "invalid length "];
