//! Errors of the crate's user: [`ConfigError`] at start-up, [`SendError`] on the sending side, [`InboxError`] of an inbox.

use std::{
    borrow::Cow,
    error::Error,
    fmt::{self, Write},
    iter::successors,
    sync::Arc,
};

/// Any error.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// A provider, key or token cannot be used as configured. This is found at start-up, never at the first request. If another
/// error is the cause, then it is the [`source`](Error::source). The wording can change in any version.
///
/// ```
/// use tower_webhook::{error::ConfigError, providers::learn365::Learn365};
///
/// let error: ConfigError = Learn365::new("tooshort").unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "the secret has 8 characters, fewer than 32: use a longer one",
/// );
/// ```
#[derive(Clone, Debug)]
pub struct ConfigError {
    why: Cow<'static, str>,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

impl ConfigError {
    /// For a provider of your own. Name the fault and its remedy, and never repeat the secret.
    pub fn new(why: impl Into<Cow<'static, str>>) -> Self {
        Self { why: why.into(), source: None }
    }

    /// Names the error that caused this one. Its text must not repeat the secret either, as that of a failed decoding can.
    ///
    /// ```
    /// use std::error::Error;
    /// use tower_webhook::error::ConfigError;
    ///
    /// let cause = "3o".parse::<u64>().unwrap_err();
    /// let error = ConfigError::new("the tolerance is not a number").caused_by(cause);
    /// assert_eq!(error.to_string(), "the tolerance is not a number");
    /// assert_eq!(error.source().unwrap().to_string(), "invalid digit found in string");
    /// ```
    #[must_use]
    pub fn caused_by(self, cause: impl Into<BoxError>) -> Self {
        Self { source: Some(cause.into().into()), ..self }
    }

    pub(crate) fn of_key(self, id: Option<&str>) -> Self {
        match id {
            Some(id) => Self { why: format!("key `{id}`: {self}").into(), ..self },
            None => self,
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

impl Error for ConfigError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.source {
            Some(cause) => Some(&**cause),
            None => None,
        }
    }
}

/// Why a request could not be made or sent.
#[derive(Debug)]
#[non_exhaustive]
pub enum SendError {
    /// The given values are not JSON of the shape that this sender writes, or they cannot be in a header. The reason is the
    /// [`source`](Error::source). It can be a text: `SendError::Encode("the id is empty".into())`.
    Encode(BoxError),
    /// This sender has one event per request, and was given another number of events.
    NotOneEvent(usize),
    /// The [`Tamper`](crate::sender::Tamper) of this name does not apply to this sender.
    Tamper(&'static str),
    /// The target cannot be used, for this reason.
    Target(&'static str),
    /// The connection failed, or the answer was not HTTP or broke off. The cause is the [`source`](Error::source).
    Connection(BoxError),
    /// There was no answer in time.
    Timeout,
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encode(_) => f.write_str("the request cannot be encoded"),
            Self::NotOneEvent(count) => {
                write!(f, "this sender carries one event per request, not {count}")
            }
            Self::Tamper(name) => write!(f, "tampering `{name}` does not apply to this sender"),
            Self::Target(why) => write!(f, "the target {why}"),
            Self::Connection(_) => f.write_str("the request could not be delivered"),
            Self::Timeout => f.write_str("no answer in time"),
        }
    }
}

impl Error for SendError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Encode(error) | Self::Connection(error) => Some(&**error),
            _ => None,
        }
    }
}

/// Why an [inbox](crate::inbox) did not store a delivery, or could not do what it was asked. Nothing that it has stored is lost.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InboxError {
    /// A limit of the store is reached. See [`Pressure`](crate::inbox::Pressure).
    Full,
    /// The write took longer than [`Inbox::timeout`](crate::inbox::Inbox::timeout). It may still succeed.
    Timeout,
    /// The store could not be reached, or refused, for this reason. The text is for the operator.
    Unavailable(Arc<str>),
    /// A write failed in such a way that nobody knows what is on the disk. The store promises nothing until it has opened
    /// its file again and has checked it.
    Poisoned,
    /// [`Inbox::close`](crate::inbox::Inbox::close) was called.
    Closed,
}

impl InboxError {
    /// The store failed. `error` must not show a password, as that of a connection can.
    pub fn unavailable(error: impl fmt::Display) -> Self {
        Self::Unavailable(error.to_string().into())
    }

    /// The kind, in one word, for a metric.
    #[cfg(feature = "metrics")]
    pub(crate) fn class(&self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Timeout => "timeout",
            Self::Unavailable(_) => "unavailable",
            Self::Poisoned => "poisoned",
            Self::Closed => "closed",
        }
    }
}

impl fmt::Display for InboxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str("the inbox is full"),
            Self::Timeout => f.write_str("the inbox did not store it in time"),
            Self::Unavailable(why) => write!(f, "the inbox is not available: {why}"),
            Self::Poisoned => {
                f.write_str("a write to the inbox failed, and it has not recovered yet")
            }
            Self::Closed => f.write_str("the inbox is closed"),
        }
    }
}

impl Error for InboxError {}

/// `error` and its causes, in one line of limited length. An error can be its own cause, and its text can have any length.
pub(crate) fn with_causes(error: &dyn Error) -> String {
    let mut line = Line(String::new());
    let causes = successors(error.source(), |&error| error.source()).take(MAX_CAUSES);
    let first = write!(line, "{error}");
    let all = causes.fold(first, |all, cause| all.and_then(|()| write!(line, ": {cause}")));
    if all.is_err() {
        line.0.push('…');
    }
    line.0
}

/// Text without line breaks, up to a limit.
struct Line(String);

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            match c.is_control() {
                _ if self.0.len() >= MAX_LINE => return Err(fmt::Error),
                true => self.0.extend(c.escape_default()),
                false => self.0.push(c),
            }
        }
        Ok(())
    }
}

/// The maximum number of causes that are followed: the chain may have no end.
pub(crate) const MAX_CAUSES: usize = 16;
/// The maximum length in bytes, except for the last character.
const MAX_LINE: usize = 2048;
