//! What one would write without this crate: axum handlers that verify nothing, and a hyper handler that verifies.

use std::{fmt, sync::LazyLock, time::SystemTime};

use axum::{Json, Router, body::Bytes, routing::post};
use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use serde::de::{Deserializer, SeqAccess, Visitor};
use sha2::Sha256;

use super::{
    events::{AnyEvent, handled},
    requests::{Frames, KEY},
};

static MAC: LazyLock<Hmac<Sha256>> =
    LazyLock::new(|| Hmac::new_from_slice(KEY.as_bytes()).expect("any length will do"));

/// Takes the body and looks at none of it.
pub fn bytes() -> Router {
    Router::new().route("/hook", post(async |body: Bytes| handled(body)))
}

/// Ignores the body.
pub fn nothing() -> Router {
    Router::new().route("/hook", post(async || {}))
}

/// Decodes with axum's `Json`, and verifies nothing.
pub fn json() -> Router {
    Router::new().route(
        "/hook",
        post(async |Json(events): Json<Vec<AnyEvent>>| {
            events.into_iter().for_each(AnyEvent::handled);
        }),
    )
}

/// The check alone, on the primitives: Standard Webhooks with one signature, and no care for anything else.
pub fn check(headers: &HeaderMap, body: &[u8]) -> Option<()> {
    let id = headers.get("webhook-id")?.as_bytes();
    let timestamp = headers.get("webhook-timestamp")?.as_bytes();
    let signature = headers.get("webhook-signature")?.as_bytes().strip_prefix(b"v1,")?;
    let mut tag = [0; 33];
    let length = STANDARD.decode_slice(signature, &mut tag).ok()?;
    mac(&[id, b".", timestamp, b".", body]).verify_slice(&tag[..length]).ok()
}

/// The hash alone.
pub fn mac(parts: &[&[u8]]) -> Hmac<Sha256> {
    let mut mac = MAC.clone();
    parts.iter().for_each(|part| mac.update(part));
    mac
}

/// A hand-written handler for hyper: collects, verifies, decodes all events, handles them. No limits. As with this crate, no
/// event of a broken body is handled.
pub async fn hyper(request: Request<Frames>) -> Response<Full<Bytes>> {
    answer(request, |text| {
        let events: Vec<AnyEvent> = serde_json::from_str(text)?;
        events.into_iter().for_each(AnyEvent::handled);
        Ok(())
    })
    .await
}

/// As [`hyper`], but handles each event as soon as it is decoded, and holds none. The events in front of a broken place are
/// handled.
pub async fn streaming(request: Request<Frames>) -> Response<Full<Bytes>> {
    answer(request, |text| {
        let mut json = serde_json::Deserializer::from_str(text);
        json.deserialize_seq(EachHandled)?;
        json.end()
    })
    .await
}

struct EachHandled;

impl<'de> Visitor<'de> for EachHandled {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of events")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(event) = list.next_element::<AnyEvent>()? {
            event.handled();
        }
        Ok(())
    }
}

async fn answer(
    request: Request<Frames>,
    handle: fn(&str) -> serde_json::Result<()>,
) -> Response<Full<Bytes>> {
    let status = match verified(request, handle).await {
        Ok(()) => StatusCode::OK,
        Err(status) => status,
    };
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}

async fn verified(
    request: Request<Frames>,
    handle: fn(&str) -> serde_json::Result<()>,
) -> Result<(), StatusCode> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| StatusCode::BAD_REQUEST)?.to_bytes();
    let timestamp = head.headers.get("webhook-timestamp").and_then(|value| value.to_str().ok());
    let timestamp: u64 =
        timestamp.and_then(|text| text.parse().ok()).ok_or(StatusCode::UNAUTHORIZED)?;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    if now.as_secs().abs_diff(timestamp) > 300 {
        return Err(StatusCode::UNAUTHORIZED);
    }
    check(&head.headers, &body).ok_or(StatusCode::UNAUTHORIZED)?;
    let text = std::str::from_utf8(&body).map_err(|_| StatusCode::BAD_REQUEST)?;
    handle(text).map_err(|_| StatusCode::BAD_REQUEST)
}
