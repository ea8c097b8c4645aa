//! What the answers of the API mean.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde::{Deserialize, de::DeserializeOwned};

use super::RegistrationError;
use crate::decode::Object;

/// The body of an answer that means success.
pub(super) fn judged(
    answer: Response<Bytes>,
    unsaid: impl FnOnce() -> Vec<String>,
) -> Result<Bytes, RegistrationError> {
    if answer.status().is_success() {
        return Ok(answer.into_body());
    }
    let message = message(answer.body());
    let said = || tamed(&message, unsaid());
    Err(match answer.status() {
        StatusCode::BAD_REQUEST if message.contains(UNKNOWN_FILTERS) => {
            RegistrationError::UnknownFilters(said())
        }
        StatusCode::BAD_REQUEST if ECHO_FAILED.iter().any(|phrase| message.contains(phrase)) => {
            RegistrationError::EchoFailed(said())
        }
        status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
            RegistrationError::Unauthorized(status, said())
        }
        StatusCode::NOT_FOUND => RegistrationError::NotFound(said()),
        StatusCode::CONFLICT => RegistrationError::Conflict(said()),
        status => RegistrationError::Status(status, said()),
    })
}

/// What the body holds. What serde would say of it is left out: it could quote a secret.
pub(super) fn read<T: DeserializeOwned>(
    body: &[u8],
    otherwise: &'static str,
) -> Result<T, RegistrationError> {
    serde_json::from_slice(body).map_err(|_| RegistrationError::Answer(otherwise))
}

/// What the sender says of a failure.
fn message(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Said {
        #[serde(alias = "message", rename = "Message")]
        message: String,
    }
    serde_json::from_slice(body).map(|Object(Said { message })| message).unwrap_or_default()
}

/// `message` without all that is to remain `unsaid`, in one line of text, cut short.
///
/// What is very short is left: it guards nothing, and words are made of it.
fn tamed(message: &str, mut unsaid: Vec<String>) -> String {
    unsaid.retain(|secret| secret.len() >= SHORTEST_UNSAID);
    unsaid.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    let redacted = |message: String, secret: &String| without(&message, secret);
    let message = unsaid.iter().fold(message.to_owned(), redacted);
    message.chars().map(|c| if steers(c) { ' ' } else { c }).take(LONGEST_SAID).collect()
}

/// `message` without `secret`, wherever that was wrapped or indented.
fn without(message: &str, secret: &str) -> String {
    let seen = |c: char| !c.is_whitespace() && !steers(c);
    let secret: Vec<char> = secret.chars().filter(|c| seen(*c)).collect();
    let shown: Vec<_> = message.char_indices().filter(|(_, c)| seen(*c)).collect();
    let (mut rest, mut said, mut from) = (&*shown, String::new(), 0);
    while let [_, next @ ..] = rest {
        let here = rest.get(..secret.len()).filter(|here| here.iter().map(|(_, c)| c).eq(&secret));
        let Some([(start, _), .., (end, last)]) = here else {
            rest = next;
            continue;
        };
        said += message.get(from..*start).unwrap_or_default();
        said += "[redacted]";
        from = end.saturating_add(last.len_utf8());
        rest = rest.get(secret.len()..).unwrap_or_default();
    }
    said + message.get(from..).unwrap_or_default()
}

/// Whether it moves what is shown.
fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// How the sentence begins that the sender's source has for it.
const UNKNOWN_FILTERS: &str = "The following filters are not valid";
/// What the three sentences have in common that its source has for it: no success, another text, no text.
const ECHO_FAILED: [&str; 2] = ["verification failed", "echo query parameter"];
const LONGEST_SAID: usize = 500;
const SHORTEST_UNSAID: usize = 8;
