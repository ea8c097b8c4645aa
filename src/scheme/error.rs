//! `VerifyError`: why a request is not authentic.

use std::{borrow::Cow, fmt};

/// Why a request is not authentic. The reason is for the operator, never for the client.
///
/// The client gets the same answer for nearly all reasons: see [`Rejection`](crate::Rejection). The reason itself is in the
/// extensions of the response and in one trace event.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum VerifyError {
    /// A header that authentication needs is absent.
    MissingHeader(Cow<'static, str>),
    /// The request has the header more than once. Neither the first nor the last one is used.
    RepeatedHeader(Cow<'static, str>),
    /// The header has other characters than visible ASCII, blanks and tabs.
    MalformedHeader(Cow<'static, str>),
    /// The header is longer than the limit, [`Head::MAX_HEADER_BYTES`](super::Head::MAX_HEADER_BYTES) by default.
    HeaderTooLong(Cow<'static, str>),
    /// A query parameter that authentication needs is absent.
    MissingQuery(Cow<'static, str>),
    /// The request has the query parameter more than once.
    RepeatedQuery(Cow<'static, str>),
    /// The signature is not written the way its scheme writes it.
    MalformedSignature,
    /// The configured keys cannot check any of the signatures.
    UnsupportedSignature,
    /// One request has more signatures than the limit, [`MAX_TAGS`](super::MAX_TAGS) by default.
    TooManySignatures,
    /// The signature was made with another key, or for other bytes.
    SignatureMismatch,
    /// The last segment of the path is not a configured token. Answered 404.
    PathToken,
    /// The token in a query parameter or a header is not a configured token.
    TokenMismatch,
    /// HTTP Basic credentials are missing, malformed or wrong, as the text says.
    Basic(Cow<'static, str>),
    /// HTTP Bearer credentials are missing, malformed or wrong, as the text says.
    Bearer(Cow<'static, str>),
    /// The timestamp is not written the way its scheme writes it.
    MalformedTimestamp,
    /// The timestamp is further in the past than the tolerance.
    #[non_exhaustive]
    TimestampTooOld {
        /// Seconds between the timestamp and this receiver's clock.
        skew: u64,
    },
    /// The timestamp is further in the future than the tolerance.
    #[non_exhaustive]
    TimestampInFuture {
        /// Seconds between the timestamp and this receiver's clock.
        skew: u64,
    },
    /// The type of the event, in a header, is empty or longer than 256 bytes.
    EventType,
    /// The keys are not there yet, as when a set of keys is still being fetched. The request may be genuine: it is answered
    /// 503 with `Retry-After`, so that the sender repeats it.
    NotYet,
    /// A scheme of your own refused the request, for this reason.
    Other(Cow<'static, str>),
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MissingHeader(name) => write!(f, "header `{name}` is missing"),
            Self::RepeatedHeader(name) => write!(f, "header `{name}` is repeated"),
            Self::MalformedHeader(name) => write!(f, "header `{name}` is not ASCII text"),
            Self::HeaderTooLong(name) => write!(f, "header `{name}` is too long"),
            Self::MissingQuery(name) => write!(f, "query parameter `{name}` is missing"),
            Self::RepeatedQuery(name) => write!(f, "query parameter `{name}` is repeated"),
            Self::MalformedSignature => f.write_str("signature is malformed"),
            Self::UnsupportedSignature => f.write_str("no signature of a supported kind"),
            Self::TooManySignatures => f.write_str("too many signatures"),
            Self::SignatureMismatch => f.write_str("signature does not match"),
            Self::PathToken => f.write_str("path does not end in a known token"),
            Self::TokenMismatch => f.write_str("token does not match"),
            Self::Basic(why) => write!(f, "basic credentials {why}"),
            Self::Bearer(why) => write!(f, "bearer credentials {why}"),
            Self::MalformedTimestamp => f.write_str("timestamp is malformed"),
            Self::TimestampTooOld { skew } => write!(f, "timestamp is {skew} s in the past"),
            Self::TimestampInFuture { skew } => {
                write!(f, "timestamp is {skew} s in the future{}", smaller_unit(*skew))
            }
            Self::EventType => {
                f.write_str("the type of the event is empty or longer than 256 bytes")
            }
            Self::NotYet => f.write_str("the keys are not there yet"),
            Self::Other(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for VerifyError {}

/// A hint for a timestamp more than a thousand years ahead: no clock is so wrong.
fn smaller_unit(skew: u64) -> &'static str {
    if skew > 31_556_952_000 { ": is it in a smaller unit, such as milliseconds?" } else { "" }
}
