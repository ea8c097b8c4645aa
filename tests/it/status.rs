//! The status table, a test per row, and the order in which a request is judged.

mod hints;
mod messages;
mod order;

use std::{convert::Infallible, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};
use http_body::SizeHint;
use tokio::time::Instant;
use tower::{Layer, ServiceExt, service_fn};
use tower_webhook::{
    Body, Delivery, Draft, EventRouter, Policy, Provider, RawEvent, Rejection, Sender, Verified,
    VerifyLayer,
    decode::{DecodeError, Envelope},
    error::InboxError,
    providers::{
        learn365::CourseCompleted,
        loops::{Loops, SessionStarted},
        synthesis_vr::SessionCreated,
    },
    router::Failure,
    scheme::{Authentic, Check, Head, Streaming, Token, VerifyError},
    verify::{Verify, limits},
};

use crate::support::*;

const EVENT: &str = r#"[{"type":"SESSION_STARTED","data":{}}]"#;

fn hook<P: Provider>(provider: P) -> Verify<P, EventRouter<P>> {
    VerifyLayer::new(provider).layer(EventRouter::new())
}

fn unauthentic(error: VerifyError) -> Rejection {
    Rejection::Unauthentic(error)
}

fn signed_by_learn365(body: &str) -> Request<Body> {
    Sender::new(learn365()).body(body.to_owned()).unwrap()
}

/// The same head, over a body that never comes.
fn unread<B>(request: Request<B>) -> Request<Pending> {
    request.map(|_| Pending(SizeHint::default()))
}

fn undecodable<P: Provider>(provider: &P, events: &EventRouter<P>, body: &str) -> DecodeError {
    let delivery = Delivery::new(Authentic::dangerous_assert());
    events.dispatch(provider, delivery, Bytes::copy_from_slice(body.as_bytes())).unwrap_err()
}

/// Never sends again, and waits for ever.
struct Patient;

impl Provider for Patient {
    fn authenticate(&self, _: &Head<'_>) -> Result<Check, VerifyError> {
        Ok(Authentic::dangerous_assert().into())
    }

    fn envelope(&self) -> Envelope {
        Envelope::flat("kind")
    }

    fn policy(&self) -> Policy {
        Policy::default().never_resends(Duration::MAX)
    }
}

#[tokio::test]
async fn a_sender_that_waits_for_ever_is_no_reason_to_panic() {
    let hook = VerifyLayer::new(Patient).layer(EventRouter::new());
    assert_eq!(answer(hook, post("", "[]")).await.status(), 200);
}

#[tokio::test]
async fn an_event_that_is_handled_or_that_nobody_listens_to_is_200() {
    let log = Log::default();
    let noted = log.clone();
    let events = EventRouter::new().on(async move |_: SessionStarted| noted.note("started"));
    let hook = VerifyLayer::new(loops()).layer(events);
    for (body, ignored) in [(EVENT, 0), (r#"[{"type":"news"}]"#, 1), ("[]", 0), ("[7]", 1)] {
        let answer = answer(hook.clone(), post(TOKEN, body)).await;
        assert_eq!((answer.status(), answer.body.as_str()), (200, ""), "{body}");
        assert_eq!((answer.rejection(), answer.traced.len()), (None, ignored), "{body}");
    }
    assert_eq!(log.seen(), ["started"]);
}

#[tokio::test(start_paused = true)]
async fn a_never_resending_sender_gets_202_in_time_and_the_handlers_go_on() {
    for (body_takes, answered_after) in [(0, 1_500), (700, 1_500), (1_499, 1_500), (1_800, 1_800)] {
        let (log, body_takes) = (Log::default(), Duration::from_millis(body_takes));
        let noted = log.clone();
        let events = EventRouter::new().on(async move |_: SessionCreated| {
            tokio::time::sleep(Duration::from_secs(60)).await;
            noted.note("created");
        });
        let hook = VerifyLayer::new(synthesis_vr()).layer(events.clone());
        let (feeder, body) = fed();
        tokio::spawn(async move {
            tokio::time::sleep(body_takes).await;
            feeder.send(Ok(r#"[{"uuid":"1","action":"create"}]"#.into())).unwrap();
        });
        let start = Instant::now();
        let response = hook.oneshot(post(TOKEN, "").map(|_| body)).await.unwrap();
        assert_eq!(response.status(), 202);
        assert_eq!(start.elapsed(), Duration::from_millis(answered_after));
        assert!(log.seen().is_empty());
        events.drain().await;
        assert_eq!(log.seen(), ["created"]);
        assert_eq!(start.elapsed(), body_takes + Duration::from_secs(60));
    }
}

#[tokio::test(start_paused = true)]
async fn a_sender_that_sends_again_is_kept_waiting() {
    let events = EventRouter::new()
        .on(async |_: SessionStarted| tokio::time::sleep(Duration::from_secs(60)).await);
    let hook = VerifyLayer::new(loops()).layer(events);
    let start = Instant::now();
    assert_eq!(answer(hook, post(TOKEN, EVENT)).await.status(), 200);
    assert_eq!(start.elapsed(), Duration::from_secs(60));
}

#[tokio::test]
async fn authentic_but_not_decodable_is_400() {
    let events = || EventRouter::new().on(async |_: SessionStarted| {}).max_events(2);
    let deep = format!("[{}{}]", "[".repeat(128), "]".repeat(128));
    for body in ["", "[", EVENT.trim_end_matches(']'), "[1,2,3]", &deep, "{}{}", "[01]"] {
        let reason = Rejection::Undecodable(undecodable(&loops(), &events(), body));
        let hook = VerifyLayer::new(loops()).layer(events());
        answer(hook, post(TOKEN, body.to_owned())).await.is_refused(400, &reason);
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_is_400() {
    let (feeder, body) = fed();
    feeder.send(Ok("[]".into())).unwrap();
    feeder.send(Err(std::io::ErrorKind::ConnectionReset.into())).unwrap();
    let answer = answer(hook(loops()), post(TOKEN, "").map(|_| body)).await;
    answer.is_refused(400, &Rejection::BodyBroken);
}

#[tokio::test(start_paused = true)]
async fn failed_authentication_is_401_and_the_reason_is_not_for_the_stranger() {
    let unsigned = Request::post("/").body(Pending(SizeHint::with_exact(2))).unwrap();
    let answer_401 = answer(hook(learn365()), unsigned).await;
    answer_401.is_refused(401, &unauthentic(VerifyError::MissingHeader("ms-signature".into())));
    let forged = Sender::new(learn365()).body("{}").unwrap().map(|_| Body::from(Bytes::from("[]")));
    let answer_forged = answer(hook(learn365()), forged).await;
    answer_forged.is_refused(401, &unauthentic(VerifyError::SignatureMismatch));
    assert_eq!(answer_401.body, answer_forged.body);
    assert_eq!(answer_401.head.headers, answer_forged.head.headers);
}

#[tokio::test(start_paused = true)]
async fn www_authenticate_stands_where_a_client_could_authenticate_by_it() {
    let challenges = [
        (Token::basic("user", TOKEN).unwrap(), Some(r#"Basic realm="webhooks""#)),
        (Token::bearer(TOKEN).unwrap(), Some("Bearer")),
        (Token::header("x-token", TOKEN).unwrap(), None),
        (Token::query("token", TOKEN).unwrap(), None),
        (path_token(), None),
    ];
    for (token, challenge) in challenges {
        let place = format!("{token:?}");
        let hook = hook(Loops::new(token));
        let answer = answer(hook, unread(post("nobody", ""))).await;
        assert_eq!(answer.header("www-authenticate"), challenge, "{place}");
    }
    let answer = answer(hook(learn365()), unread(post("", ""))).await;
    assert_eq!((answer.status(), answer.header("www-authenticate")), (401, None));
}

#[tokio::test(start_paused = true)]
async fn a_wrong_path_token_is_404() {
    let answer = answer(hook(loops()), unread(post(OTHER_TOKEN, ""))).await;
    answer.is_refused(404, &unauthentic(VerifyError::PathToken));
}

#[tokio::test(start_paused = true)]
async fn a_wrong_method_is_405_and_the_right_one_is_named() {
    for method in ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "post"] {
        let mut request = unread(post(TOKEN, ""));
        *request.method_mut() = method.parse().unwrap();
        let answer = answer(hook(loops()), request).await;
        assert_eq!((answer.status(), answer.rejection()), (405, Some(&Rejection::Method)));
        assert_eq!(answer.header("allow"), Some("POST"), "{method}");
        let problem = r#"{"title":"Method Not Allowed","status":405}"#;
        assert_eq!(answer.body, if method == "HEAD" { "" } else { problem });
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_takes_too_long_is_408() {
    let (_feeder, body) = fed();
    let start = Instant::now();
    let answer = answer(hook(loops()), post(TOKEN, "").map(|_| body)).await;
    answer.is_refused(408, &Rejection::BodyTimeout);
    assert_eq!(start.elapsed(), limits::BODY_TIMEOUT);
}

#[tokio::test(start_paused = true)]
async fn a_body_over_the_limit_is_413() {
    let limited = || VerifyLayer::new(loops()).max_body_bytes(10).layer(EventRouter::new());
    let too_large = Rejection::BodyTooLarge(10);
    for length in ["11", "18446744073709551615"] {
        let mut declared = unread(post(TOKEN, ""));
        declared.headers_mut().insert(header::CONTENT_LENGTH, length.parse().unwrap());
        answer(limited(), declared).await.is_refused(413, &too_large);
    }
    let hinted = post(TOKEN, "").map(|_| Pending(SizeHint::with_exact(11)));
    answer(limited(), hinted).await.is_refused(413, &too_large);
    let (feeder, counted) = fed();
    feeder.send(Ok("[       ".into())).unwrap();
    feeder.send(Ok("  ]".into())).unwrap();
    let counted = post(TOKEN, "").map(|_| counted);
    answer(limited(), counted).await.is_refused(413, &too_large);
}

#[tokio::test]
async fn another_media_type_than_the_one_always_declared_is_415() {
    let whsec = || Sender::new(standard_webhooks()).body(r#"{"type":"a"}"#).unwrap();
    for media_type in [None, Some("text/plain"), Some("application/json, text/plain")] {
        let mut requests = [signed_by_learn365(r#"{"Notifications":[]}"#), whsec()];
        for request in &mut requests {
            request.headers_mut().remove(header::CONTENT_TYPE);
            if let Some(media_type) = media_type {
                request.headers_mut().insert(header::CONTENT_TYPE, media_type.parse().unwrap());
            }
        }
        let [learn365_request, whsec_request] = requests;
        answer(hook(learn365()), learn365_request).await.is_refused(415, &Rejection::MediaType);
        let answer = answer(hook(standard_webhooks()), whsec_request).await;
        assert_eq!(answer.status(), 200, "recommended, not demanded: {media_type:?}");
    }
    for media_type in ["text/plain", "application/x-www-form-urlencoded"] {
        let mut request = post(TOKEN, EVENT);
        request.headers_mut().insert(header::CONTENT_TYPE, media_type.parse().unwrap());
        assert_eq!(answer(hook(loops()), request).await.status(), 200, "nobody documents Loops'");
    }
}

#[tokio::test]
async fn a_content_encoding_is_415_for_every_sender() {
    for coding in ["gzip", "br", "", "identity, gzip", "gzip, identity"] {
        let coding: HeaderValue = coding.parse().unwrap();
        let mut signed = signed_by_learn365(r#"{"Notifications":[]}"#);
        signed.headers_mut().insert(header::CONTENT_ENCODING, coding.clone());
        answer(hook(learn365()), signed).await.is_refused(415, &Rejection::ContentEncoding);
        let mut tokened = post(TOKEN, EVENT);
        tokened.headers_mut().append(header::CONTENT_ENCODING, "identity".parse().unwrap());
        tokened.headers_mut().append(header::CONTENT_ENCODING, coding);
        answer(hook(loops()), tokened).await.is_refused(415, &Rejection::ContentEncoding);
    }
    let mut request = post(TOKEN, EVENT);
    request.headers_mut().insert(header::CONTENT_ENCODING, "Identity".parse().unwrap());
    assert_eq!(answer(hook(loops()), request).await.status(), 200);
}

#[tokio::test(start_paused = true)]
async fn a_signature_header_over_its_limit_is_431() {
    for (len, status, error) in [
        (Head::MAX_HEADER_BYTES + 1, 431, VerifyError::HeaderTooLong("ms-signature".into())),
        (1 << 20, 431, VerifyError::HeaderTooLong("ms-signature".into())),
        (Head::MAX_HEADER_BYTES, 401, VerifyError::MalformedSignature),
    ] {
        let signature = "a".repeat(len);
        let request = Request::post("/").header("ms-signature", signature).body(()).unwrap();
        answer(hook(learn365()), unread(request)).await.is_refused(status, &unauthentic(error));
    }
}

#[tokio::test]
async fn an_event_that_is_not_handled_is_500() {
    let failing = EventRouter::new()
        .on(async |_: SessionStarted| Err::<(), _>(std::io::Error::other("no database")));
    let panicking = EventRouter::new().on(async |_: SessionStarted| -> () { panic!("its own") });
    let handling = EventRouter::new().on(async |_: SessionStarted| {});
    let misfit = r#"[{"type":"SESSION_STARTED","data":{"uuid":7}}]"#;
    for (events, body) in [(failing, EVENT), (panicking, EVENT), (handling.clone(), misfit)] {
        let hook = VerifyLayer::new(loops()).layer(events);
        answer(hook, post(TOKEN, body)).await.is_refused(500, &Rejection::EventsFailed(1));
    }
    let caught = VerifyLayer::new(loops()).layer(handling.fallback(async |_: RawEvent| {}));
    assert_eq!(answer(caught, post(TOKEN, misfit)).await.status(), 200);
}

#[tokio::test]
async fn an_event_that_is_to_come_again_later_is_503_and_one_that_is_given_up_is_500() {
    type Fails = fn() -> Failure;
    let cases: [(Fails, _, _, _); 4] = [
        (|| later(Duration::from_millis(61_500)), 503, None, Some("62")),
        (|| later(Duration::ZERO), 503, None, Some("1")),
        (|| Failure::dead("no such room"), 500, Some(Rejection::EventsFailed(1)), None),
        (|| Failure::from("no database"), 500, Some(Rejection::EventsFailed(1)), None),
    ];
    for (failure, status, rejection, retry_after) in cases {
        let events = EventRouter::new().on(async move |_: SessionStarted| Err(failure()));
        let answer = answer(VerifyLayer::new(loops()).layer(events), post(TOKEN, EVENT)).await;
        assert_eq!((answer.status(), answer.header("retry-after")), (status, retry_after));
        match rejection {
            Some(rejection) => assert_eq!(answer.rejection(), Some(&rejection)),
            None => assert!(matches!(answer.rejection(), Some(Rejection::Later(_)))),
        }
    }
}

/// The longest time that a handler asked for.
#[tokio::test]
async fn of_several_that_are_to_come_again_the_last_one_counts() {
    let events = EventRouter::new().on(async |e: SessionStarted| match e.name.as_deref() {
        Some("a") => Err(later(Duration::from_secs(10))),
        Some("b") => Err(later(Duration::from_secs(20))),
        Some("c") => Err(Failure::dead("no such room")),
        _ => Ok(()),
    });
    let drafts = ["a", "b", "a", "c", "d"].map(|name| {
        let mut event = SessionStarted::default();
        event.name = Some(name.into());
        Draft::event(&event).unwrap()
    });
    let hook = VerifyLayer::new(loops()).layer(events);
    let answer = answer(hook, Sender::new(loops()).batch(&drafts).unwrap()).await;
    assert_eq!(answer.header("retry-after"), Some("20"));
    let last = &answer.traced[0];
    assert!(last.contains("its handler asked for it again after 10 s: it is busy"), "{last}");
}

fn later(after: Duration) -> Failure {
    Failure::retry_after(after, "it is busy")
}

#[tokio::test(start_paused = true)]
async fn too_many_at_once_is_503_with_a_time_to_come_back() {
    let none_read = VerifyLayer::new(loops()).max_bodies(0).layer(EventRouter::new());
    let none_handled = VerifyLayer::new(loops()).layer(EventRouter::new().max_batches(0));
    let unread = answer(none_read, unread(post(TOKEN, ""))).await;
    let read = answer(none_handled, post(TOKEN, EVENT)).await;
    for answer in [unread, read] {
        answer.is_refused(503, &Rejection::Busy);
        assert_eq!(answer.header("retry-after"), Some("5"));
    }
}

/// Has no keys to check with: at once, or once the body is there.
#[derive(Clone, Copy)]
enum Keyless {
    AtTheHead,
    AtTheEnd,
}

impl Provider for Keyless {
    fn authenticate(&self, _: &Head<'_>) -> Result<Check, VerifyError> {
        match self {
            Self::AtTheHead => Err(VerifyError::NotYet),
            Self::AtTheEnd => Ok(Check::streaming(*self)),
        }
    }

    fn envelope(&self) -> Envelope {
        Envelope::flat("type")
    }
}

impl Streaming for Keyless {
    fn update(&mut self, _: &[u8]) {}

    fn finish(self: Box<Self>) -> Result<Authentic, VerifyError> {
        Err(VerifyError::NotYet)
    }
}

#[tokio::test]
async fn keys_that_are_not_there_yet_are_503_with_a_time_to_come_back() {
    for keyless in [Keyless::AtTheHead, Keyless::AtTheEnd] {
        let hook = hook(keyless);
        for level in ["WARN ", "DEBUG "] {
            let answer = answer(hook.clone(), post("", "{}")).await;
            answer.is_refused(503, &unauthentic(VerifyError::NotYet));
            assert_eq!(answer.header("retry-after"), Some("5"));
            assert!(answer.traced[0].starts_with(level), "{:?}", answer.traced);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn no_answer_is_cached_or_taken_for_anything_else() {
    let echo = Request::get("/?echo=1").body(Body::default()).unwrap();
    let wrong = Request::get("/").body(Body::default()).unwrap();
    let failing = EventRouter::new().on(async |_: CourseCompleted| Err::<(), _>("no database"));
    let event = Sender::new(learn365()).event(&CourseCompleted::default()).unwrap();
    let requests = [
        (echo, 200),
        (wrong, 405),
        (Request::post("/").body(Body::default()).unwrap(), 401),
        (signed_by_learn365(r#"{"Notifications":[]}"#), 200),
        (signed_by_learn365("{"), 400),
        (event, 500),
    ];
    let hook = VerifyLayer::new(learn365()).layer(failing);
    for (request, status) in requests {
        let answer = answer(hook.clone(), request).await;
        assert_eq!(answer.status(), status);
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{status}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{status}");
    }
    let own = service_fn(async |_: Request<Verified<Loops>>| {
        let response = Response::builder().header("cache-control", "max-age=1");
        Ok::<_, Infallible>(response.body(Body::default()).unwrap())
    });
    let answer = answer(VerifyLayer::new(loops()).layer(own), post(TOKEN, "")).await;
    assert_eq!(answer.header("cache-control"), Some("max-age=1"), "a handler's own stays");
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
}

/// Strangers can fill all places: what they bring about does not fill the log.
#[tokio::test]
async fn that_there_is_no_place_is_told_loudly_once_in_a_while() {
    let layer = VerifyLayer::new(loops()).max_bodies(0);
    let (hook, clone) = (layer.layer(EventRouter::new()), layer.clone().layer(EventRouter::new()));
    for (hook, level) in [(&hook, "WARN "), (&hook, "DEBUG "), (&clone, "DEBUG ")] {
        let answer = answer(hook.clone(), post(TOKEN, "[]")).await;
        answer.is_refused(503, &Rejection::Busy);
        assert!(answer.traced[0].starts_with(level), "{:?}", answer.traced);
    }
}
