//! `DecodeError`: why a body or an event was not decoded, with type, path and place.

use std::{borrow::Cow, fmt};

use crate::util::body_format;

/// An authentic body, or an event in it, that is not what its sender documents: the sender's bug, or news.
///
/// Names the event, the JSON path and the byte, and repeats no value of the body: it is made to be logged. What a type of
/// yours can add: the keys of a map are part of the path, and the words of its own errors are taken over if they begin
/// like serde's.
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
    /// What a body that is not JSON may be instead.
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

    pub(crate) fn new(at: usize, why: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Fault { at: Some(at), ..*Self::body(why).0 }))
    }

    /// What `serde_json` makes of a `json` at `start` that is none: its words, and its line and column as a byte.
    pub(super) fn syntax(start: usize, json: &str, error: &serde_json::Error) -> Self {
        let text = error.to_string();
        let words = text.split(" at line ").next().unwrap_or("it cannot be read");
        let lines = json.split_inclusive('\n').take(error.line().saturating_sub(1));
        let offset = lines.map(str::len).sum::<usize>() + error.column().saturating_sub(1);
        Self::new(start + offset.min(json.len()), format!("is not JSON ({words})"))
    }

    /// What kept a value from being what its type wants, without the value.
    pub(super) fn shape(at: usize, error: &serde_path_to_error::Error<serde_json::Error>) -> Self {
        let path = error.path().to_string();
        let text = error.inner().to_string();
        let words = text.rsplit_once(" at line ").map_or(text.as_str(), |(words, _)| words);
        let why = reason(words).unwrap_or(Cow::Borrowed("does not fit"));
        let known = match error.path().iter().next_back() {
            // It is shown as a dot.
            None => "",
            // The name of an unknown field is the body's own.
            Some(last) if why == UNKNOWN_FIELD => {
                let outer = path.strip_suffix(&last.to_string()).unwrap_or_default();
                outer.strip_suffix('.').unwrap_or(outer)
            }
            Some(_) => &path,
        };
        let path = (!known.is_empty()).then(|| known.escape_debug().take(MAX_PATH).collect());
        Self(Box::new(Fault { path, ..*Self::new(at, why).0 }))
    }

    /// The same fault of a whole `body`, with what that looks like.
    pub(super) fn of_body(mut self, body: &[u8]) -> Self {
        self.0.hint = body_format::guess(body);
        self
    }

    /// The same fault, found in the event `event_type` behind the path `outer`.
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

    /// Where in the body, as in `[0].data.participants[2].userId`.
    pub fn path(&self) -> Option<&str> {
        self.0.path.as_deref()
    }

    /// The byte of the body at which the trouble, or the event that has it, begins. 0 if the body as a whole is at fault.
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

/// What of `serde`'s words repeats no value. What a type says in words of its own may.
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

/// What follows a text in quotes, as `Debug` escapes it.
fn behind_quote(text: &str) -> Option<&str> {
    let mut escaped = false;
    let end = text.find(|c| {
        let end = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        end
    })?;
    text.get(end + 1..)
}

const VALUELESS: [&str; 4] =
    ["missing field `", "duplicate field `", "recursion limit", "number out of range"];
const UNKNOWN: [&str; 2] = ["unknown variant", UNKNOWN_FIELD];
const UNKNOWN_FIELD: &str = "unknown field";
/// The longest path, in characters: keys of a map can be of any length.
const MAX_PATH: usize = 256;
const AT_ODDS: [&str; 3] = ["invalid type: ", "invalid value: ", "invalid length "];
