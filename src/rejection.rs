//! Why a request was refused, and the status, headers and body of the answer.

use std::{error::Error, fmt, time::Duration};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};

use crate::{
    decode::DecodeError,
    error::InboxError,
    scheme::VerifyError,
    util::{
        random,
        trace::{self, Refused, Severity},
    },
};

/// Why a request was not answered 200 or 202.
///
/// It is in the extensions of the response and, with feature `tracing`, in one trace event. (Events that fail have one trace
/// event each.) The client gets [`Rejection::status`] and its title as `application/problem+json`, and nothing else, unless
/// [`Policy::refusal_status`](crate::Policy::refusal_status) has another status for it.
///
/// ```
/// use http::StatusCode;
/// use tower_webhook::{Rejection, scheme::VerifyError};
///
/// let rejection = Rejection::Unauthentic(VerifyError::MissingHeader("ms-signature".into()));
/// assert_eq!(rejection.status(), StatusCode::UNAUTHORIZED);
/// assert_eq!(rejection.to_string(), "not authentic: header `ms-signature` is missing");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rejection {
    /// The method is not POST.
    Method,
    /// The body, or the length that the head says, is longer than this limit in bytes.
    BodyTooLarge(usize),
    /// The body is longer than a layer in front allows, such as tower-http's `RequestBodyLimitLayer`.
    BodyLimited,
    /// Authentication failed, or its keys are not there yet.
    Unauthentic(VerifyError),
    /// A limit is reached: of the bodies being read, of the batches being handled, or of the bytes of either.
    Busy,
    /// The body did not arrive in time.
    BodyTimeout,
    /// The body broke off.
    BodyBroken,
    /// The media type is not the one that the sender documents.
    MediaType,
    /// The head says that the body is compressed, in a way that the sender does not document.
    ContentEncoding,
    /// The request is authentic, but its body cannot be decoded.
    Undecodable(DecodeError),
    /// This number of events was not handled: their handlers failed or panicked, or their data did not match their types.
    EventsFailed(usize),
    /// A handler asked for its event again, after this time at the earliest.
    Later(Duration),
    /// The [inbox](crate::inbox) did not store the delivery.
    NotStored(InboxError),
}

impl Rejection {
    /// The status of the answer, unless [`Policy::refusal_status`](crate::Policy::refusal_status) has another one.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Undecodable(_) | Self::BodyBroken => StatusCode::BAD_REQUEST,
            Self::Unauthentic(VerifyError::PathToken) => StatusCode::NOT_FOUND,
            Self::Unauthentic(VerifyError::HeaderTooLong(_)) => {
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE
            }
            Self::Unauthentic(VerifyError::NotYet) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Unauthentic(_) => StatusCode::UNAUTHORIZED,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::BodyTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::BodyTooLarge(_) | Self::BodyLimited => StatusCode::PAYLOAD_TOO_LARGE,
            Self::MediaType | Self::ContentEncoding => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::EventsFailed(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Busy | Self::Later(_) | Self::NotStored(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// Writes a trace event, with the status that the client gets, and with a hint if the request has another oddity.
    pub(crate) fn report(
        &self,
        provider: &str,
        (status, hint): (StatusCode, Option<&'static str>),
        quietly: bool,
    ) {
        let severity = if quietly { Severity::Debug } else { self.severity() };
        let (status, reason) = (status.as_u16(), self);
        trace::rejected(provider, &Refused { severity, status, reason, hint });
    }

    /// If anybody on the network can cause it, then it is no warning: they could fill the log.
    fn severity(&self) -> Severity {
        match self {
            Self::MediaType | Self::ContentEncoding | Self::Undecodable(_) => Severity::Warn,
            // Genuine requests may be refused, and the operator can do something about it.
            Self::Busy | Self::Unauthentic(VerifyError::NotYet) => Severity::Warn,
            Self::NotStored(InboxError::Full | InboxError::Closed) => Severity::Warn,
            Self::NotStored(_) => Severity::Error,
            _ => Severity::Debug,
        }
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
            headers.insert(name, value);
        }
        response.extensions_mut().insert(self);
        response
    }

    /// The header without which the status would be incomplete.
    fn companion(&self) -> Option<(HeaderName, HeaderValue)> {
        let fixed = |name, value| Some((name, HeaderValue::from_static(value)));
        match self {
            Self::Method => fixed(header::ALLOW, "POST"),
            Self::Busy | Self::Unauthentic(VerifyError::NotYet) => fixed(header::RETRY_AFTER, "5"),
            Self::Later(after) => Some((header::RETRY_AFTER, seconds(*after))),
            // All senders were refused at about the same time: they should not all come back together.
            Self::NotStored(_) => Some((header::RETRY_AFTER, HeaderValue::from(random(5..15)))),
            Self::Unauthentic(VerifyError::Basic(_)) => {
                fixed(header::WWW_AUTHENTICATE, r#"Basic realm="webhooks""#)
            }
            Self::Unauthentic(VerifyError::Bearer(_)) => fixed(header::WWW_AUTHENTICATE, "Bearer"),
            _ => None,
        }
    }
}

/// Whole seconds, rounded up, and at least one.
fn seconds(time: Duration) -> HeaderValue {
    HeaderValue::from(time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0)).max(1))
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Method => f.write_str("the method is not POST"),
            Self::BodyTooLarge(limit) => write!(f, "the body is longer than {limit} bytes"),
            Self::BodyLimited => f.write_str("the body is longer than a layer in front allows"),
            Self::Unauthentic(error @ VerifyError::NotYet) => write!(f, "not verified: {error}"),
            Self::Unauthentic(error) => write!(f, "not authentic: {error}"),
            Self::Busy => f.write_str("too many deliveries at once"),
            Self::BodyTimeout => f.write_str("the body did not arrive in time"),
            Self::BodyBroken => f.write_str("the body broke off"),
            Self::MediaType => f.write_str("header `content-type` does not say JSON"),
            Self::ContentEncoding => f.write_str(
                "header `content-encoding` names a coding that this sender does not use",
            ),
            Self::Undecodable(error) => write!(f, "not decodable: {error}"),
            Self::EventsFailed(1) => f.write_str("an event was not handled"),
            Self::EventsFailed(count) => write!(f, "{count} events were not handled"),
            Self::Later(after) => {
                write!(f, "a handler asked for its event again after {} s", after.as_secs())
            }
            Self::NotStored(error) => write!(f, "not stored: {error}"),
        }
    }
}

impl Error for Rejection {}
