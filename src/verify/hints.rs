//! Hints for the operator at a refused request, because the reason alone may be misleading.

use bytes::Bytes;
use http::{Method, Response, StatusCode, request::Parts};

use super::read::is_coded;
use crate::{Provider, Rejection, scheme::VerifyError, util::body_format};

/// The answer to a refused request, after a trace event for the operator. `body` is the part that has been read. It is
/// untrusted, and only its first bytes are looked at.
pub(super) fn refusal<P: Provider>(
    rejection: Rejection,
    provider: &P,
    (parts, body): (&Parts, &[u8]),
    quietly: bool,
) -> Response<Bytes> {
    let hint = hint(&rejection, parts, body);
    // Only 401 and 404 say that a request is not authentic. With another status (431, 503) it may be genuine. Then the
    // sender has to see that it was not delivered.
    let replaced = [StatusCode::UNAUTHORIZED, StatusCode::NOT_FOUND].contains(&rejection.status());
    let instead = provider.policy().refusal_status.filter(|_| replaced);
    let answer = rejection.refusal(&provider.name(), hint, quietly);
    match instead {
        Some(status) => answered_with(status, answer),
        None => answer,
    }
}

/// The same refusal under another status. Its reason stays in the extensions.
fn answered_with(status: StatusCode, refused: Response<Bytes>) -> Response<Bytes> {
    let (mut head, _) = refused.into_parts();
    head.status = status;
    head.headers.clear();
    Response::from_parts(head, Bytes::new())
}

fn hint(rejection: &Rejection, parts: &Parts, body: &[u8]) -> Option<&'static str> {
    match rejection {
        Rejection::Method if parts.method == Method::GET && parts.uri.query().is_some() => {
            Some("a GET with a query may be a handshake whose token is malformed")
        }
        Rejection::Unauthentic(VerifyError::PathToken) => path(parts.uri.path()),
        // The sender signs the bytes as it writes them, and another coding changes the bytes.
        Rejection::Unauthentic(VerifyError::SignatureMismatch) if is_coded(&parts.headers) => {
            Some(CODED)
        }
        Rejection::Unauthentic(VerifyError::SignatureMismatch) => body_format::guess(body),
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
