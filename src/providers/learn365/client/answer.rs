//! The meaning of the answers of the API.
//!
//! The sender's own words can repeat a secret in any spelling. So they are not shown. They are only searched for known
//! phrases, and for the names of filters that were asked for.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde::{Deserialize, de::DeserializeOwned};

use super::{Registration, RegistrationError};
use crate::decode::Object;

/// The body of an answer that means success. `asked` is the registration that was sent.
pub(super) fn judged(
    answer: Response<Bytes>,
    asked: Option<&Registration>,
) -> Result<Bytes, RegistrationError> {
    if answer.status().is_success() {
        return Ok(answer.into_body());
    }
    let message = message(answer.body());
    Err(match answer.status() {
        StatusCode::BAD_REQUEST => bad_request(&message, asked),
        status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
            RegistrationError::Unauthorized(status)
        }
        StatusCode::NOT_FOUND => RegistrationError::NotFound,
        StatusCode::CONFLICT => RegistrationError::Conflict,
        status => RegistrationError::Status(status, known(&message)),
    })
}

/// Decodes the body. The error of serde is left out, because it could quote a secret.
pub(super) fn read<T: DeserializeOwned>(
    body: &[u8],
    otherwise: &'static str,
) -> Result<T, RegistrationError> {
    serde_json::from_slice(body).map_err(|_| RegistrationError::Answer(otherwise))
}

/// The sender's message about a failure.
fn message(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Said {
        #[serde(alias = "message", rename = "Message")]
        message: String,
    }
    serde_json::from_slice(body).map(|Object(Said { message })| message).unwrap_or_default()
}

fn bad_request(message: &str, asked: Option<&Registration>) -> RegistrationError {
    if let Some((_, names)) = message.split_once(UNKNOWN_FILTERS) {
        let asked = asked.map(Registration::filters).unwrap_or_default();
        let unknown = asked.iter().filter(|filter| is_named(filter.name(), names));
        return RegistrationError::UnknownFilters(unknown.cloned().collect());
    }
    if let Some((_, why)) = message.split_once(NO_SUCCESS) {
        return RegistrationError::EchoFailed(known(why).or_else(|| reason(why)));
    }
    if message.contains(NO_ECHO) {
        return RegistrationError::EchoFailed(Some(OTHER_ECHO));
    }
    RegistrationError::Status(StatusCode::BAD_REQUEST, known(message))
}

/// Whether `name` is in `text` as a whole: `Course` is not in `CourseCompleted`.
fn is_named(name: &str, text: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
    !name.is_empty()
        && text.match_indices(name).any(|(at, _)| {
            let (before, behind) = (text.get(..at), text.get(at.saturating_add(name.len())..));
            !before.is_some_and(|text| text.ends_with(part))
                && !behind.is_some_and(|text| text.starts_with(part))
        })
}

fn known(message: &str) -> Option<&'static str> {
    PHRASES.into_iter().find(|phrase| message.contains(phrase))
}

/// The status of the endpoint's answer: `404 Not Found`, or `NotFound` as .NET writes it.
fn reason(message: &str) -> Option<&'static str> {
    let reasons = (300..600).filter_map(|code| StatusCode::from_u16(code).ok()?.canonical_reason());
    let found = reasons
        .filter(|reason| message.contains(reason) || message.contains(&reason.replace(' ', "")));
    // `Not Found` contains `Found`.
    found.max_by_key(|reason| reason.len())
}

/// The beginning of the sentence in the sender's source.
const UNKNOWN_FILTERS: &str = "The following filters are not valid";
/// Parts of the sentences for a failed echo in the sender's source: after a status that is no success, and after another
/// text or no text.
const NO_SUCCESS: &str = "verification failed";
const NO_ECHO: &str = "echo query parameter";
const OTHER_ECHO: &str = "the answer is not exactly the value of `echo`";
/// Sentences of ASP.NET and of the emulator.
const PHRASES: [&str; 14] = [
    "An error has occurred.",
    "The body broke off, or is too long.",
    "The body is not a registration.",
    "There are too many registrations.",
    "no answer in time",
    "the answer is compressed",
    "the answer is too long",
    "the charset of the answer is not plainly `utf-8`",
    "the properties are nested more than 127 deep",
    "the properties have more than 64 KiB",
    "the target is not on this machine",
    "there are too many headers",
    "this emulator sends to its own machine only",
    OTHER_ECHO,
];
