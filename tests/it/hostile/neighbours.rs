//! What existing receivers were found to get wrong.
//!
//! Tested elsewhere: allocating the announced length (`limits::an_announced_length_…`), a body that never ends
//! (`limits::endless_empty_frames_…`), an inner service that was never ready (`limits::readiness`), tokens compared
//! early (`tokens`: every near miss is answered alike; digests are compared, so no prefix can be told apart).

use std::{convert::Infallible, time::Duration};

use http_body::SizeHint;
use tower::ServiceExt;
use tower_webhook::{
    Event, Payload,
    providers::{learn365::Learn365, standard_webhooks::StandardWebhooks},
    scheme::Secret,
    verify::Verify,
};

use super::*;

#[test]
fn an_empty_secret_is_refused_at_start_up() {
    assert!(Learn365::new("").is_err() && StandardWebhooks::new("whsec_").is_err());
    assert!(Secret::new("").is_err() && Secret::dangerous_short("").is_err());
}

/// By construction there is one MAC for each key, and signatures are compared with it once the body is complete: the
/// number of signatures does not change how often a body is hashed. It is bounded all the same.
#[tokio::test]
async fn a_thousand_signatures_are_refused_before_the_body() {
    let request = whsec_request();
    let good = signature(&request, "webhook-signature");
    let bad = |count| "v1,AAAA ".repeat(count);
    let too_many = Some(VerifyError::TooManySignatures);
    let too_long = Some(VerifyError::HeaderTooLong("webhook-signature"));
    for (signatures, refused) in [
        (bad(15) + &good, None),
        (bad(16) + &good, too_many),
        (bad(1_000), too_many),
        (bad(1_100), too_long),
    ] {
        let request = with(request.clone(), "webhook-signature", Some(&signatures));
        let Some(error) = refused else {
            assert_eq!(judged(standard_webhooks(), request).await, Ok(200));
            continue;
        };
        let layer = VerifyLayer::new(standard_webhooks()).clock(ManualClock::at_unix_seconds(NOW));
        let unread = request.map(|_| Untouched(SizeHint::default()));
        let answer = answer(layer.layer(EventRouter::new()), unread).await;
        assert_eq!(answer.rejection(), Some(&Rejection::Unauthentic(error)));
    }
}

#[tokio::test]
async fn an_unsigned_body_is_not_buffered() {
    let unsigned = Request::post("/").body(Untouched(SizeHint::default())).unwrap();
    let answered = answer(VerifyLayer::new(learn365()).layer(EventRouter::new()), unsigned).await;
    assert_eq!(answered.status(), 401);
    let (feeder, body) = fed();
    for _ in 0..1_000 {
        feeder.send(Ok(" ".repeat(4 * 1024).into())).unwrap();
    }
    let anyone = VerifyLayer::new(Loops::dangerous_unauthenticated()).layer(EventRouter::new());
    let answered = answer(anyone, Request::post("/").body(body).unwrap()).await;
    assert_eq!(answered.status(), 413);
    assert!(feeder.is_closed(), "what was not read is dropped");
}

#[tokio::test]
async fn an_unsigned_body_that_is_no_utf8_panics_nobody() {
    let anyone = VerifyLayer::new(Loops::dangerous_unauthenticated()).layer(EventRouter::new());
    let answered = answer(anyone, post("", &b"\xff\xfe\x00"[..])).await;
    assert_eq!(answered.status(), 400);
    let unsigned = with(learn365_request(), "ms-signature", None).map(|_| Full::from(&b"\xff"[..]));
    let missing = Err(VerifyError::MissingHeader("ms-signature"));
    assert_eq!(judged(learn365(), unsigned).await, missing);
}

#[tokio::test]
async fn the_least_and_the_greatest_timestamp_neither_panic_nor_wrap() {
    let (malformed, greatest) = (VerifyError::MalformedTimestamp, u64::MAX);
    let in_future = |time: u64| VerifyError::TimestampInFuture { skew: time - NOW };
    let rows = [
        (i64::MIN.to_string(), malformed),
        ((i64::MIN as u64).to_string(), in_future(1 << 63)),
        (i64::MAX.to_string(), in_future(i64::MAX as u64)),
        (greatest.to_string(), in_future(greatest)),
        ("18446744073709551616".into(), malformed),
        ("9".repeat(100), malformed),
        ("0".into(), VerifyError::TimestampTooOld { skew: NOW }),
        (String::new(), malformed),
    ];
    for (time, error) in rows {
        let request = with(whsec_request(), "webhook-timestamp", Some(&time));
        assert_eq!(judged(standard_webhooks(), request).await, Err(error), "{time}");
    }
    let patient = standard_webhooks().tolerance(Duration::MAX);
    assert_eq!(judged(patient, whsec_request()).await, Ok(200));
}

#[tokio::test]
async fn a_time_far_in_the_future_is_refused_though_it_is_signed() {
    let later = ManualClock::at_unix_seconds(NOW + 365 * 24 * 3600);
    let request = Sender::new(standard_webhooks()).clock(later).body(r#"{"type":"a"}"#).unwrap();
    let future = Err(VerifyError::TimestampInFuture { skew: 365 * 24 * 3600 });
    assert_eq!(judged(standard_webhooks(), request).await, future);
}

#[tokio::test]
async fn axum_takes_the_layer_around_a_router() {
    fn usable<T: Clone + Send + Sync + 'static>(_: &T) {}
    fn infallible<S, B>(_: &S)
    where
        S: tower::Service<Request<B>, Error = Infallible>,
    {
    }
    let layer = VerifyLayer::new(loops());
    let service: Verify<Loops, EventRouter<Loops>> = layer.layer(EventRouter::new());
    usable(&layer);
    usable(&service);
    infallible::<_, axum::body::Body>(&service);
    let inner = axum::Router::new().fallback(async |body: Bytes| body);
    let app: axum::Router = axum::Router::new().fallback_service(inner).layer(layer);
    for (token, status) in [(TOKEN, 200), (OTHER_TOKEN, 404)] {
        let request = post(token, "[]").map(axum::body::Body::new);
        assert_eq!(app.clone().oneshot(request).await.unwrap().status(), status);
    }
}

#[tokio::test]
async fn a_missing_content_type_never_drops_the_event_silently() {
    let untyped = with(learn365_request(), "content-type", None);
    assert_eq!(judged(learn365(), untyped).await, Ok(415));
    let untyped = with(whsec_request(), "content-type", None);
    assert_eq!(judged(standard_webhooks(), untyped).await, Ok(415));
    let handled = received(r#"[{"type":"SESSION_STARTED","data":{"name":"seen"}}]"#).await;
    assert_eq!(handled, (200, vec!["seen".into()]), "Loops documents no media type");
}

#[tokio::test]
async fn one_bad_event_does_not_lose_its_siblings() {
    let good = r#"{"type":"SESSION_STARTED","data":{"name":"good"}}"#;
    let bad = r#"{"type":"SESSION_STARTED","data":{"name":[]}}"#;
    let (status, seen) = received(format!("[{bad},{good}]")).await;
    let why = r#"Some("SESSION_STARTED"): event "SESSION_STARTED" at `[0].data.name`: expected a string (byte 34)"#;
    assert_eq!((status, seen), (200, vec![why.to_owned(), "good".into()]));
    let log = Log::default();
    let noted = log.clone();
    let no_fallback = EventRouter::new()
        .on(async move |event: SessionStarted| noted.note(event.name.unwrap_or_default()));
    let hook = VerifyLayer::new(loops()).layer(no_fallback);
    let answer = answer(hook, post(TOKEN, format!("[{bad},{good},{bad}]"))).await;
    assert_eq!(answer.rejection(), Some(&Rejection::EventsFailed(2)));
    assert_eq!(log.seen(), ["good"]);
}

#[tokio::test]
async fn an_unknown_type_may_carry_data() {
    for event in [r#"{"type":"NEW","data":{"a":[1]}}"#, r#"{"data":{"a":[1]},"type":"NEW"}"#] {
        let seen = received(format!("[{event}]")).await;
        assert_eq!(seen, (200, vec![r#"Some("NEW"): unknown"#.into()]), "{event}");
    }
}

#[tokio::test]
async fn a_malformed_known_event_does_not_pass_for_an_unknown_one() {
    let (status, seen) = received(r#"[{"type":"SESSION_STARTED","data":{"uuid":{}}}]"#).await;
    assert_eq!((status, seen.len()), (200, 1));
    assert!(seen[0].starts_with(r#"Some("SESSION_STARTED"): event"#), "{}", seen[0]);
}

/// An event that keeps its text as it comes.
#[derive(serde::Deserialize)]
struct Note {
    text: Box<str>,
}

impl Payload for Note {
    type Provider = Loops;
}

impl Event for Note {
    const TYPE: &'static str = "NOTE";
}

#[tokio::test]
async fn text_with_escapes_is_text() {
    let log = Log::default();
    let noted = log.clone();
    let events = EventRouter::new().on(async move |note: Note| noted.note(note.text));
    let hook = VerifyLayer::new(loops()).layer(events);
    for text in [r"a\u0041", r#"\"\\\/\b\f\n\r\t"#, r"\ud83d\ude00", "plain"] {
        let body = format!(r#"[{{"type":"NOT\u0045","data":{{"text":"{text}"}}}}]"#);
        assert_eq!(answer(hook.clone(), post(TOKEN, body)).await.status(), 200, "{text}");
    }
    assert_eq!(log.seen(), ["aA", "\"\\/\u{8}\u{c}\n\r\t", "\u{1f600}", "plain"]);
}
