use std::{error::Error, fmt};

use http::StatusCode;

use crate::{BoxError, error::ConfigError};

/// Why a registration, or a request for one, did not succeed.
///
/// What the sender says of it is part of the message, cut short. Credentials are taken out of it, and so are the secret, the
/// URI and the values of headers that were sent with the request, but for what is shorter than 8 bytes. Where the sender
/// writes the URI in another way, what of its user, path and query is 12 bytes or longer is taken out alone.
#[derive(Debug)]
#[non_exhaustive]
pub enum RegistrationError {
    /// It cannot be asked for as it stands. Nothing was sent.
    Invalid(ConfigError),
    /// 400: the sender does not know some of the filters. It says which.
    UnknownFilters(String),
    /// 400: the endpoint did not answer the echo as it must. It has to be up, and to be reached, when it is registered.
    EchoFailed(String),
    /// 401 or 403: the credentials are not accepted.
    Unauthorized(StatusCode, String),
    /// 404: no such registration, or no such API at this address.
    NotFound(String),
    /// 409: it collides with what is there.
    Conflict(String),
    /// Registrations of one URI, by their ids: which of them is meant?
    Ambiguous(Vec<String>),
    /// Any other status than success. After a 5xx, what was asked for may have been done.
    Status(StatusCode, String),
    /// Success, but the answer is not what is documented. What was asked for may have been done.
    Answer(&'static str),
    /// No answer in time. What was asked for may have been done.
    Timeout,
    /// No answer at all. What was asked for may have been done.
    Connection(BoxError),
}

impl fmt::Display for RegistrationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(error) => error.fmt(f),
            Self::UnknownFilters(said) => write!(f, "the sender does not know a filter: {said}"),
            Self::EchoFailed(said) => write!(f, "the endpoint did not pass the echo: {said}"),
            Self::Unauthorized(status, said) => said_too(
                f,
                &format!("the credentials are not accepted ({status}), check the API key"),
                said,
            ),
            Self::NotFound(said) => {
                said_too(f, "no such registration, or no such API at this address", said)
            }
            Self::Conflict(said) => said_too(f, "it collides with another registration", said),
            Self::Ambiguous(ids) => write!(
                f,
                "the URI is registered {} times, delete all but one: {}",
                ids.len(),
                ids.join(", ")
            ),
            Self::Status(status, said) => {
                said_too(f, &format!("the sender answered {status}"), said)
            }
            Self::Answer(why) => write!(f, "the sender's answer {why}"),
            Self::Timeout => f.write_str("no answer in time"),
            Self::Connection(_) => f.write_str("the sender's API could not be reached"),
        }
    }
}

fn said_too(f: &mut fmt::Formatter<'_>, what: &str, said: &str) -> fmt::Result {
    let colon = if said.is_empty() { "" } else { ": " };
    write!(f, "{what}{colon}{said}")
}

impl Error for RegistrationError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Connection(error) => Some(&**error),
            _ => None,
        }
    }
}
