//! What the answers of the API mean.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde::{Deserialize, de::DeserializeOwned};

use super::RegistrationError;

/// The body of an answer that means success.
pub(super) fn judged(answer: Response<Bytes>, unsaid: &[&str]) -> Result<Bytes, RegistrationError> {
    let said = said(answer.body(), unsaid);
    Err(match answer.status() {
        status if status.is_success() => return Ok(answer.into_body()),
        StatusCode::BAD_REQUEST if said.contains(UNKNOWN_FILTERS) => {
            RegistrationError::UnknownFilters(said)
        }
        StatusCode::BAD_REQUEST if ECHO_FAILED.iter().any(|phrase| said.contains(phrase)) => {
            RegistrationError::EchoFailed(said)
        }
        status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
            RegistrationError::Unauthorized(status)
        }
        StatusCode::NOT_FOUND => RegistrationError::NotFound,
        StatusCode::CONFLICT => RegistrationError::Conflict(said),
        status => RegistrationError::Status(status, said),
    })
}

/// What the body holds. What serde would say of it is left out: it could quote a secret.
pub(super) fn read<T: DeserializeOwned>(
    body: &[u8],
    otherwise: &'static str,
) -> Result<T, RegistrationError> {
    serde_json::from_slice(body).map_err(|_| RegistrationError::Answer(otherwise))
}

/// The sender's `Message`, without control characters and all that is to remain `unsaid`, cut short.
fn said(body: &[u8], unsaid: &[&str]) -> String {
    #[derive(Deserialize)]
    struct Said {
        #[serde(alias = "message", rename = "Message")]
        message: String,
    }
    let message = serde_json::from_slice::<Said>(body).map(|said| said.message);
    let secret = unsaid.iter().filter(|secret| !secret.is_empty());
    let message = secret
        .fold(message.unwrap_or_default(), |message, secret| message.replace(secret, "[redacted]"));
    let plain = message.chars().map(|c| if c.is_control() { ' ' } else { c });
    plain.take(LONGEST_SAID).collect()
}

/// How the sentence begins that the sender's source has for it.
const UNKNOWN_FILTERS: &str = "The following filters are not valid";
/// What the three sentences have in common that its source has for it: no success, another text, no text.
const ECHO_FAILED: [&str; 2] = ["verification failed", "echo query parameter"];
const LONGEST_SAID: usize = 500;
