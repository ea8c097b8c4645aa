//! What goes wrong, for three audiences: [`ConfigError`] at start-up, [`Rejection`] for a request,
//! [`SendError`] on the sending side.

use std::{
    borrow::Cow,
    error::Error,
    fmt::{self, Write},
    iter::successors,
};

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};

use crate::{decode::DecodeError, scheme::VerifyError};

/// A provider, key or token that cannot be used as configured. Found at start-up, never at the first request.
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError(Cow<'static, str>);

impl ConfigError {
    /// For a provider of one's own. Say what is wrong and what to do, and never repeat the secret.
    pub fn new(why: impl Into<Cow<'static, str>>) -> Self {
        Self(why.into())
    }

    pub(crate) fn of_key(self, id: Option<&str>) -> Self {
        match id {
            Some(id) => Self::new(format!("key `{id}`: {self}")),
            None => self,
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for ConfigError {}

/// Why a request was not answered 200 or 202.
///
/// Stands in the extensions of the response and, with feature `tracing`, in one event (events that fail have one each).
/// The stranger gets
/// [`Rejection::status`] and its title as `application/problem+json`, and nothing else.
///
/// ```
/// use http::StatusCode;
/// use tower_webhook::{error::Rejection, scheme::VerifyError};
///
/// let rejection = Rejection::Unauthentic(VerifyError::MissingHeader("ms-signature"));
/// assert_eq!(rejection.status(), StatusCode::UNAUTHORIZED);
/// assert_eq!(rejection.to_string(), "not authentic: header `ms-signature` is missing");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rejection {
    /// Not a POST.
    Method,
    /// The body is, or says it is, longer than this limit in bytes.
    BodyTooLarge(usize),
    /// The body is longer than a layer in front allows, such as tower-http's `RequestBodyLimitLayer`.
    BodyLimited,
    /// Authentication failed.
    Unauthentic(VerifyError),
    /// As many bodies are being read, or batches handled, or bytes held for them, as this receiver allows.
    Busy,
    /// The body did not arrive in time.
    BodyTimeout,
    /// The body broke off.
    BodyBroken,
    /// The media type is not the one that the sender documents.
    MediaType,
    /// The body says that it is compressed.
    ContentEncoding,
    /// Authentic, but not decodable.
    Undecodable(DecodeError),
    /// So many events were not handled: their handlers failed or panicked, or they did not fit their types.
    EventsFailed(usize),
}

impl Rejection {
    /// What the stranger is told.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Undecodable(_) | Self::BodyBroken => StatusCode::BAD_REQUEST,
            Self::Unauthentic(VerifyError::PathToken) => StatusCode::NOT_FOUND,
            Self::Unauthentic(VerifyError::HeaderTooLong(_)) => {
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE
            }
            Self::Unauthentic(_) => StatusCode::UNAUTHORIZED,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::BodyTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::BodyTooLarge(_) | Self::BodyLimited => StatusCode::PAYLOAD_TOO_LARGE,
            Self::MediaType | Self::ContentEncoding => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::EventsFailed(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// Tells the operator, with what else is odd about the request, and makes the answer.
    pub(crate) fn refusal(
        self,
        provider: &str,
        hint: Option<&'static str>,
        quietly: bool,
    ) -> Response<Bytes> {
        crate::trace::rejected(provider, &self, hint, quietly);
        self.response()
    }

    /// The answer, with `self` in its extensions.
    pub(crate) fn response(self) -> Response<Bytes> {
        let status = self.status();
        let title = status.canonical_reason().unwrap_or_default();
        let problem = [r#"{"title":""#, title, r#"","status":"#, status.as_str(), "}"].concat();
        let mut response = Response::new(Bytes::from(problem));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some((name, value)) = self.companion() {
            headers.insert(name, HeaderValue::from_static(value));
        }
        response.extensions_mut().insert(self);
        response
    }

    /// The header without which the status would be incomplete.
    fn companion(&self) -> Option<(header::HeaderName, &'static str)> {
        match self {
            Self::Method => Some((header::ALLOW, "POST")),
            Self::Busy => Some((header::RETRY_AFTER, "5")),
            Self::Unauthentic(VerifyError::Basic(_)) => {
                Some((header::WWW_AUTHENTICATE, r#"Basic realm="webhooks""#))
            }
            Self::Unauthentic(VerifyError::Bearer(_)) => Some((header::WWW_AUTHENTICATE, "Bearer")),
            _ => None,
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Method => f.write_str("the method is not POST"),
            Self::BodyTooLarge(limit) => write!(f, "the body is longer than {limit} bytes"),
            Self::BodyLimited => f.write_str("the body is longer than a layer in front allows"),
            Self::Unauthentic(error) => write!(f, "not authentic: {error}"),
            Self::Busy => f.write_str("too many deliveries at once"),
            Self::BodyTimeout => f.write_str("the body did not arrive in time"),
            Self::BodyBroken => f.write_str("the body broke off"),
            Self::MediaType => f.write_str("header `content-type` does not say JSON"),
            Self::ContentEncoding => f.write_str("header `content-encoding` is not `identity`"),
            Self::Undecodable(error) => write!(f, "not decodable: {error}"),
            Self::EventsFailed(1) => f.write_str("an event was not handled"),
            Self::EventsFailed(count) => write!(f, "{count} events were not handled"),
        }
    }
}

impl Error for Rejection {}

/// Why a request could not be made or sent.
#[derive(Debug)]
#[non_exhaustive]
pub enum SendError {
    /// What was given is not JSON of the shape that this sender writes, or cannot stand in a header, as the text says.
    Encode(String),
    /// This sender carries one event per request, and got another number of them.
    NotOneEvent(usize),
    /// A [`Tamper`](crate::sender::Tamper), by its name, does not apply to this sender.
    Tamper(&'static str),
    /// The target cannot be reached as given.
    Target(&'static str),
    /// The connection failed, or the answer did not come as it should.
    Connection(crate::BoxError),
    /// No answer in time.
    Timeout,
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encode(why) => write!(f, "the request cannot be encoded: {why}"),
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
            Self::Connection(error) => Some(&**error),
            _ => None,
        }
    }
}

/// `error` and what caused it, in one line of bounded length. An error may be its own cause, and its text may be another's.
pub(crate) fn with_causes(error: &dyn Error) -> String {
    let mut line = Line(String::new());
    let causes = successors(error.source(), |&error| error.source()).take(MAX_CAUSES);
    let told = write!(line, "{error}");
    let told = causes.fold(told, |told, cause| told.and_then(|()| write!(line, ": {cause}")));
    if told.is_err() {
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

/// So deep is a chain of causes followed: it may have no end.
pub(crate) const MAX_CAUSES: usize = 16;
/// In bytes, but for the last character.
const MAX_LINE: usize = 2048;
