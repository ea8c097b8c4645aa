//! Hints for the operator at a refused request, because the reason alone may be misleading.

use bytes::Bytes;
use http::{Method, Response, StatusCode, request::Parts};

use super::read::is_coded_as;
use crate::{Provider, Rejection, scheme::VerifyError, util::body_format};

/// The answer to a refused request, after a trace event for the operator. `body` is the part that has been read. It is
/// untrusted, and only its first bytes are looked at.
pub(super) fn refusal<P: Provider>(
    rejection: Rejection,
    provider: &P,
    (parts, body): (&Parts, &[u8]),
    quietly: bool,
) -> Response<Bytes> {
    // Only 401 and 404 say that a request is not authentic. With another status (431, 503) it may be genuine. Then the
    // sender has to see that it was not delivered.
    let replaced = [StatusCode::UNAUTHORIZED, StatusCode::NOT_FOUND].contains(&rejection.status());
    let policy = provider.policy();
    let hint = hint(&rejection, parts, body, policy.content_coding.as_deref());
    let instead = policy.refusal_status.filter(|_| replaced);
    let status = instead.unwrap_or(rejection.status());
    rejection.report(&provider.name(), (status, hint), quietly);
    match instead {
        Some(status) => answered_with(status, rejection),
        None => rejection.response(),
    }
}

/// No more than the status. The reason is in the extensions.
fn answered_with(status: StatusCode, rejection: Rejection) -> Response<Bytes> {
    let mut answer = Response::new(Bytes::new());
    *answer.status_mut() = status;
    answer.extensions_mut().insert(rejection);
    answer
}

/// `coding` is the content coding that the sender documents.
fn hint(
    rejection: &Rejection,
    parts: &Parts,
    body: &[u8],
    coding: Option<&str>,
) -> Option<&'static str> {
    match rejection {
        Rejection::Method if parts.method == Method::GET && parts.uri.query().is_some() => {
            Some("a GET with a query may be a handshake whose token is malformed")
        }
        Rejection::Unauthentic(VerifyError::PathToken) => path(parts.uri.path()),
        // The sender signs the bytes as it writes them, and another coding changes the bytes.
        Rejection::Unauthentic(VerifyError::SignatureMismatch) => {
            match is_coded_as(&parts.headers, coding) {
                false => Some(CODED),
                true if coding.is_some() => None,
                true => body_format::guess(body),
            }
        }
        _ => None,
    }
}

fn path(path: &str) -> Option<&'static str> {
    match path {
        "" | "/" => Some("the path is empty: has `nest` or a proxy cut off the token?"),
        _ if path.ends_with('/') => Some("the path ends in a slash: was it added after the token?"),
        _ => None,
    }
}

const CODED: &str =
    "there is a header `content-encoding`: was the body compressed or decompressed on its way?";
