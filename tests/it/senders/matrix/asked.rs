//! Asks a provider about recorded and forged requests.

use http::Method;
use tower_webhook::Delivery;

use super::*;

/// A POST with these headers.
pub(crate) fn recorded(
    target: &str,
    headers: &[(&str, &str)],
    body: impl Into<Bytes>,
) -> Request<Body> {
    asking(Method::POST, target, headers, body)
}

pub(crate) fn asking(
    method: Method,
    target: &str,
    headers: &[(&str, &str)],
    body: impl Into<Bytes>,
) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(target);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::from(body.into())).unwrap()
}

/// The status of the answer, its body, and each event that reached the receiver: its type, the delivery's id, its JSON.
pub(crate) async fn answered<P: Provider>(
    provider: P,
    request: Request<Body>,
) -> (u16, String, Vec<String>) {
    answered_by(VerifyLayer::new(provider), request).await
}

pub(crate) async fn answered_by<P: Provider>(
    layer: VerifyLayer<P>,
    request: Request<Body>,
) -> (u16, String, Vec<String>) {
    let log = Log::default();
    let events = log.clone();
    let router = EventRouter::new().fallback(async move |event: RawEvent, of: Delivery| {
        let json = String::from_utf8_lossy(event.json()).into_owned();
        events.note(format!("{:?} {:?} {json}", event.event_type(), of.id()));
    });
    let answer = layer.layer(router).oneshot(request).await.unwrap();
    (answer.status().as_u16(), text(answer).await, log.seen())
}

/// The status of the answer to a request, and that no event of a refused one reached the receiver.
#[track_caller]
pub(crate) fn status<P: Provider>(
    provider: P,
    request: Request<Body>,
) -> impl Future<Output = u16> {
    let at = std::panic::Location::caller();
    async move {
        let (status, _, seen) = answered(provider, request).await;
        assert!(status == 200 || seen.is_empty(), "{at}: {status}, and {seen:?}");
        status
    }
}
