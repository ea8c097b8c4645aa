//! What a handler learns of its delivery.

use std::time::{Duration, SystemTime};

use http::{HeaderName, HeaderValue};
use tower::Layer;
use tower_webhook::{
    Delivery, EventRouter, Provider, Sender, State, VerifyLayer,
    clock::ManualClock,
    decode::Envelope,
    providers::{
        learn365::{CourseCompleted, Learn365},
        loops::SessionStarted,
        synthesis_vr::SessionCreated,
    },
    scheme::{Authentic, Check, Head, Keys, VerifyError},
};

use crate::support::*;

/// The last delivery that a handler got.
type Got = std::sync::Arc<std::sync::Mutex<Option<Delivery>>>;

async fn keep<E>(_: E, State(got): State<Got>, delivery: Delivery) {
    *got.lock().unwrap() = Some(delivery);
}

fn sorted(delivery: &Delivery) -> Vec<String> {
    let line =
        |(name, value): (&HeaderName, &HeaderValue)| format!("{name}: {}", value.to_str().unwrap());
    let mut lines: Vec<_> = delivery.headers().map(line).collect();
    lines.sort();
    lines
}

#[tokio::test]
async fn of_learn365_it_says_all_there_is() {
    let provider =
        Learn365::new(Keys::named("new", OTHER_SECRET).or(Keys::named("old", SECRET))).unwrap();
    let (clock, got) = (ManualClock::at_unix_seconds(1_700_000_000), Got::default());
    let router = EventRouter::with_state(got.clone()).on(keep::<CourseCompleted>);
    let hook = VerifyLayer::new(provider).clock(clock.clone()).layer(router);

    let sender = Sender::new(learn365()).id("d-1").attempt(2).properties(r#"{"tenant":"sofia"}"#);
    let mut request = sender.event(&CourseCompleted::default()).unwrap();
    request.headers_mut().insert("authorization", HeaderValue::from_static("Bearer secret"));
    request.headers_mut().insert("x-registered", HeaderValue::from_static("by us"));
    clock.advance(Duration::from_secs(5));
    assert_eq!(answer(hook, request).await.status(), 200);

    let delivery = got.lock().unwrap().take().unwrap();
    assert_eq!(delivery.provider(), "learn365");
    assert_eq!(delivery.key_id(), Some("old"));
    assert_eq!((delivery.id(), delivery.sender_attempt()), (Some("d-1"), Some(2)));
    let properties: serde_json::Value =
        serde_json::from_str(delivery.properties().unwrap()).unwrap();
    assert_eq!(properties["tenant"], "sofia");
    assert_eq!(delivery.received_at(), SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_005));
    assert_eq!(delivery.header("X-Registered"), Some("by us"));
    assert_eq!(delivery.header("ms-signature"), Some("[redacted]"));
    assert_eq!(delivery.header("authorization"), Some("[redacted]"));
    assert_eq!(delivery.header("x-absent"), None);
    let headers = sorted(&delivery);
    let expected = [
        "authorization: [redacted]",
        "content-type: application/json; charset=utf-8",
        "ms-signature: [redacted]",
        "x-registered: by us",
    ];
    assert_eq!(headers, expected);
}

#[tokio::test]
async fn it_is_stamped_when_the_head_arrives() {
    let (clock, got) = (ManualClock::at_unix_seconds(100), Got::default());
    let router = EventRouter::with_state(got.clone()).on(keep::<SessionStarted>);
    let hook = VerifyLayer::new(loops()).clock(clock.clone()).layer(router);
    let genuine = Sender::new(loops()).event(&SessionStarted::default()).unwrap();
    let (head, body) = genuine.into_parts();
    let (feeder, slow) = fed();

    let mut answer = Box::pin(answer(hook, http::Request::from_parts(head, slow)));
    assert!(polled(&mut answer).is_pending());
    clock.advance(Duration::from_secs(3));
    let bytes = http_body_util::BodyExt::collect(body).await.unwrap().to_bytes();
    feeder.send(Ok(bytes)).unwrap();
    drop(feeder);
    assert_eq!(answer.await.status(), 200);
    let received = got.lock().unwrap().take().unwrap().received_at();
    assert_eq!(received, SystemTime::UNIX_EPOCH + Duration::from_secs(100));
}

#[tokio::test]
async fn of_a_sender_that_says_nothing_it_says_nothing() {
    let got = Got::default();
    let router = EventRouter::with_state(got.clone()).on(keep::<SessionCreated>);
    let hook = VerifyLayer::new(synthesis_vr()).layer(router);
    let request = Sender::new(synthesis_vr()).raw("create", r#"{"uuid":"u"}"#).unwrap();
    assert_eq!(answer(hook, request).await.status(), 200);

    let delivery = got.lock().unwrap().take().unwrap();
    assert_eq!(delivery.provider(), "synthesis_vr");
    assert_eq!((delivery.key_id(), delivery.id()), (None, None));
    assert_eq!((delivery.sender_attempt(), delivery.properties()), (None, None));
}

/// Without a name of its own.
struct Nameless;

impl Provider for Nameless {
    fn authenticate(&self, _: &Head<'_>) -> Result<Check, VerifyError> {
        Ok(Authentic::dangerous_assert().into())
    }

    fn envelope(&self) -> Envelope {
        Envelope::flat("type")
    }
}

#[test]
fn a_provider_without_a_name_has_that_of_its_type() {
    assert_eq!(Nameless.name(), std::any::type_name::<Nameless>());
}
