//! What the answers of the API mean.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde::{Deserialize, de::DeserializeOwned};

use super::RegistrationError;

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
    serde_json::from_slice(body).map(|Said { message }| message).unwrap_or_default()
}

/// `message` without all that is to remain `unsaid`, in one line of text, cut short.
///
/// What is very short is left: it guards nothing, and words are made of it.
fn tamed(message: &str, mut unsaid: Vec<String>) -> String {
    unsaid.retain(|secret| secret.len() >= SHORTEST_UNSAID);
    unsaid.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    // In one line first: what is to remain unsaid may be broken over two.
    let redacted =
        |message: String, secret: &String| message.replace(&in_one_line(secret), "[redacted]");
    let message = unsaid.iter().fold(in_one_line(message), redacted);
    message.chars().take(LONGEST_SAID).collect()
}

fn in_one_line(text: &str) -> String {
    let steers =
        |c: char| c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().map(|c| if steers(c) { ' ' } else { c }).collect()
}

/// How the sentence begins that the sender's source has for it.
const UNKNOWN_FILTERS: &str = "The following filters are not valid";
/// What the three sentences have in common that its source has for it: no success, another text, no text.
const ECHO_FAILED: [&str; 2] = ["verification failed", "echo query parameter"];
const LONGEST_SAID: usize = 500;
const SHORTEST_UNSAID: usize = 8;
