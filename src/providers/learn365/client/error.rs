//! `RegistrationError`: why a request to the registration API failed.

use std::{error::Error, fmt};

use http::StatusCode;

use super::Filter;
use crate::{BoxError, error::ConfigError};

/// Why a registration, or a request for one, did not succeed.
///
/// The sender's own words are not part of the message: they can repeat a secret, an API key or a URI. They are only
/// searched for known phrases and for the names of filters that were asked for, and those are shown.
#[derive(Debug)]
#[non_exhaustive]
pub enum RegistrationError {
    /// The wanted registration or the id is not valid. No request was sent.
    Invalid(ConfigError),
    /// 400: the sender does not know some of the filters. The list has the filters that were asked for and that the answer
    /// names. It can be empty.
    UnknownFilters(Vec<Filter>),
    /// 400: the endpoint did not answer the echo correctly. When it is registered, it must run, and the sender must be
    /// able to reach it. The text is the problem that the sender found, if it is known: a status such as `Not Found`, or a
    /// phrase.
    EchoFailed(Option<&'static str>),
    /// 401 or 403: the credentials are not accepted.
    Unauthorized(StatusCode),
    /// 404: no such registration, or no such API at this address.
    NotFound,
    /// 409: it conflicts with another registration.
    Conflict,
    /// There are several registrations with this URI, which have these ids. Delete all but one.
    Ambiguous(Vec<String>),
    /// Any other status that is no success, with the sentence in the answer, if it is a known one. After a 5xx, the
    /// request may have taken effect.
    Status(StatusCode, Option<&'static str>),
    /// Success, but the answer is not as documented. The request may have taken effect.
    Answer(&'static str),
    /// No answer in time. The request may have taken effect.
    Timeout,
    /// No answer, because the connection failed. The request may have taken effect.
    Connection(BoxError),
}

impl fmt::Display for RegistrationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(error) => error.fmt(f),
            Self::UnknownFilters(filters) => write!(
                f,
                "the sender does not know {}: `RegistrationClient::filters` lists those that it knows",
                listed(filters)
            ),
            Self::EchoFailed(why) => said_too(f, "the endpoint did not pass the echo", *why),
            Self::Unauthorized(status) => {
                write!(f, "the credentials are not accepted ({status}), check the API key")
            }
            Self::NotFound => f.write_str("no such registration, or no such API at this address"),
            Self::Conflict => f.write_str("it conflicts with another registration"),
            Self::Ambiguous(ids) => write!(
                f,
                "the URI is registered {} times, delete all but one: {}",
                ids.len(),
                ids.join(", ")
            ),
            Self::Status(status, why) => {
                said_too(f, &format!("the sender answered {status}"), *why)
            }
            Self::Answer(why) => write!(f, "the sender's answer {why}"),
            Self::Timeout => f.write_str("no answer in time"),
            Self::Connection(_) => f.write_str("the sender's API could not be reached"),
        }
    }
}

/// The filters in words. Their names are escaped, because a name can have any character.
fn listed(filters: &[Filter]) -> String {
    match filters {
        [] => "some of the filters".into(),
        named => {
            let quoted = named.iter().map(|filter| format!("`{}`", filter.name().escape_debug()));
            format!("the filters {}", quoted.collect::<Vec<_>>().join(", "))
        }
    }
}

fn said_too(f: &mut fmt::Formatter<'_>, what: &str, why: Option<&str>) -> fmt::Result {
    match why {
        Some(why) => write!(f, "{what}: {why}"),
        None => f.write_str(what),
    }
}

impl Error for RegistrationError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Invalid(error) => error.source(),
            Self::Connection(error) => Some(&**error),
            _ => None,
        }
    }
}
