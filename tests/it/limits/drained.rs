//! What becomes of a body whose request is answered before all of it has arrived.

use http::{Method, Version};
use http_body_util::{BodyExt, LengthLimitError};

use tower_webhook::{
    Body, Provider,
    decode::Envelope,
    scheme::{Check, Head, VerifyError},
};

use super::*;

const LIMIT: usize = 1_000;

fn drained(layer: VerifyLayer<Loops>) -> Hook {
    hook(&layer.max_drain_bytes(LIMIT))
}

/// A request that is refused by its head, with a body of so many bytes that are on their way.
fn forged(
    version: Version,
    length: Option<u64>,
) -> (UnboundedSender<std::io::Result<Bytes>>, Request<Fed>) {
    let (feeder, body) = fed();
    let mut request = post(OTHER_TOKEN, "").map(|_| body);
    *request.version_mut() = version;
    if let Some(length) = length {
        request.headers_mut().insert(header::CONTENT_LENGTH, length.into());
    }
    (feeder, request)
}

fn closes<B>(response: &Response<B>) -> bool {
    response.headers().get(header::CONNECTION).is_some_and(|value| value == "close")
}

#[tokio::test]
async fn the_connection_is_closed_where_the_rest_of_the_body_is_not_read() {
    let long = u64::try_from(LIMIT).unwrap() + 1;
    for (version, closed) in [
        (Version::HTTP_10, [false, true, true, true]),
        (Version::HTTP_11, [false, true, true, true]),
        (Version::HTTP_2, [false; 4]),
    ] {
        for (length, expect, closed) in [
            (Some(long - 1), false, closed[0]),
            (Some(long), false, closed[1]),
            (None, false, closed[2]),
            (Some(1), true, closed[3]),
        ] {
            let (_feeder, mut request) = forged(version, length);
            if expect {
                request.headers_mut().insert(header::EXPECT, "100-continue".parse().unwrap());
            }
            let response = drained(layer()).oneshot(request).await.unwrap();
            assert_eq!(response.status(), 404);
            assert_eq!(closes(&response), closed, "{version:?} {length:?} {expect}");
        }
    }
}

#[tokio::test]
async fn without_a_body_nothing_is_drained_and_nothing_closed() {
    let hook = drained(layer().max_drains(0));
    for (method, token) in [("GET", TOKEN), ("POST", OTHER_TOKEN)] {
        let mut request = post(token, "");
        *request.method_mut() = method.parse().unwrap();
        let response = hook.clone().oneshot(request).await.unwrap();
        assert!(!closes(&response), "{method}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_answer_comes_at_once_and_ends_with_the_body() {
    let (feeder, request) = forged(Version::HTTP_11, Some(3));
    let start = Instant::now();
    let response = drained(layer()).oneshot(request).await.unwrap();
    assert_eq!((response.status().as_u16(), start.elapsed()), (404, Duration::ZERO));
    tokio::spawn(async move {
        for _ in 0..3 {
            sleep(Duration::from_millis(500)).await;
            feeder.send(Ok("x".into())).unwrap();
        }
    });
    assert_eq!(text(response).await, r#"{"title":"Not Found","status":404}"#);
    assert_eq!(start.elapsed(), Duration::from_millis(1_500));
}

#[tokio::test(start_paused = true)]
async fn the_answer_ends_at_the_limits_if_the_body_does_not() {
    let start = Instant::now();
    let (_feeder, request) = forged(Version::HTTP_11, Some(3));
    let response = drained(layer()).oneshot(request).await.unwrap();
    assert_eq!(text(response).await, r#"{"title":"Not Found","status":404}"#);
    assert_eq!(start.elapsed(), limits::DRAIN_TIMEOUT);

    let (start, deadline) = (Instant::now(), Duration::from_millis(7));
    let (_feeder, request) = forged(Version::HTTP_11, Some(3));
    text(drained(layer().drain_timeout(deadline)).oneshot(request).await.unwrap()).await;
    assert_eq!(start.elapsed(), deadline);

    for (last, takes) in [(0, limits::DRAIN_TIMEOUT), (1, Duration::ZERO)] {
        let start = Instant::now();
        let (feeder, request) = forged(Version::HTTP_2, None);
        let response = drained(layer()).oneshot(request).await.unwrap();
        for length in [LIMIT - 1, 1, last] {
            feeder.send(Ok(vec![b'x'; length].into())).unwrap();
        }
        text(response).await;
        assert!(feeder.is_closed(), "the body is dropped before the answer's own");
        assert_eq!(start.elapsed(), takes, "one byte more than the limit: {last}");
    }
}

#[tokio::test(start_paused = true)]
async fn endless_empty_frames_have_their_deadline() {
    tokio::spawn(async {
        for _ in 0..4 {
            advance(Duration::from_secs(1)).await;
        }
    });
    let start = Instant::now();
    let response = drained(layer()).oneshot(post(OTHER_TOKEN, "").map(|_| Endless)).await.unwrap();
    text(response).await;
    assert!(start.elapsed() >= limits::DRAIN_TIMEOUT);
}

#[tokio::test(start_paused = true)]
async fn so_many_bodies_are_drained_at_once() {
    let hook = drained(layer().max_drains(1));
    let refused = async || {
        let (feeder, request) = forged(Version::HTTP_11, Some(3));
        (hook.clone().oneshot(request).await.unwrap(), feeder)
    };
    let (first, _feeder) = refused().await;
    let (second, _feeder) = refused().await;
    assert_eq!((closes(&first), closes(&second)), (false, true));
    drop(first);
    assert!(!closes(&refused().await.0), "once the first is over");
}

/// Has a handshake whose answer is empty.
struct Challenging;

impl Provider for Challenging {
    fn authenticate(&self, _: &Head<'_>) -> Result<Check, VerifyError> {
        Err(VerifyError::SignatureMismatch)
    }

    fn envelope(&self) -> Envelope {
        Envelope::flat("kind")
    }

    fn handshake(&self, head: &Head<'_>) -> Option<Response<Bytes>> {
        (head.method() == Method::PUT).then(Response::default)
    }
}

/// Such an answer has no body that could last until the request's has ended.
#[tokio::test(start_paused = true)]
async fn before_an_answer_without_a_body_the_rest_is_read() {
    let hook = VerifyLayer::new(Challenging).layer(EventRouter::new());
    for (method, status) in [(Method::PUT, 200), (Method::HEAD, 405)] {
        for ended in [true, false] {
            let (feeder, body) = fed();
            let mut request = post(TOKEN, "").map(|_| body);
            *request.method_mut() = method.clone();
            let mut answered = Box::pin(hook.clone().oneshot(request));
            assert!(is_pending(answered.as_mut()).await, "{method}");
            let _kept = (!ended).then_some(feeder);
            let response = answered.await.unwrap();
            assert_eq!(response.status(), status);
            assert_eq!(closes(&response), !ended, "{method}");
        }
    }
}

/// Refused while the body is read: that is known to have ended, or not, when the answer is given.
#[tokio::test(start_paused = true)]
async fn a_body_that_is_refused_under_way_is_drained_before_the_answer() {
    type Limited = fn(VerifyLayer<Loops>) -> VerifyLayer<Loops>;
    let limits: [(u16, Limited); 2] = [
        (413, |layer| layer.max_body_bytes(10)),
        (503, |layer| layer.max_body_bytes(10).max_total_bytes(0)),
    ];
    for (status, limited) in limits {
        for (more, ended) in [(LIMIT, true), (LIMIT + 1, false)] {
            let hook = drained(limited(layer()));
            let (holder, holding) = slow();
            let mut holding = Box::pin(hook.clone().oneshot(holding));
            if status == 503 {
                holder.send(Ok(" ".repeat(10).into())).unwrap();
                assert!(is_pending(holding.as_mut()).await);
            }
            let (feeder, request) = slow();
            feeder.send(Ok(" ".repeat(if status == 503 { 1 } else { 11 }).into())).unwrap();
            feeder.send(Ok(" ".repeat(more - 1).into())).unwrap();
            let mut refused = Box::pin(hook.clone().oneshot(request));
            assert!(is_pending(refused.as_mut()).await);
            feeder.send(Ok(" ".into())).unwrap();
            drop(feeder);
            let response = refused.await.unwrap();
            assert_eq!(response.status(), status);
            assert_eq!(closes(&response), !ended, "{status} {more}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_drained_keeps_no_place_among_the_bodies() {
    let hook = drained(layer().max_bodies(1).max_body_bytes(10));
    let (feeder, request) = slow();
    feeder.send(Ok(" ".repeat(11).into())).unwrap();
    let mut refused = Box::pin(hook.clone().oneshot(request));
    assert!(is_pending(refused.as_mut()).await);
    assert_eq!(status_of(&hook, post(TOKEN, "[]")).await, 200);
    assert_eq!(refused.await.unwrap().status(), 413);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_late_or_broken_ends_the_connection() {
    let (feeder, request) = slow();
    let late = hook(&layer()).oneshot(request).await.unwrap();
    assert_eq!((late.status().as_u16(), closes(&late)), (408, true));
    drop(feeder);
    let (feeder, request) = slow();
    feeder.send(Err(std::io::ErrorKind::BrokenPipe.into())).unwrap();
    let broken = hook(&layer()).oneshot(request).await.unwrap();
    assert_eq!((broken.status().as_u16(), closes(&broken)), (400, true));
}

/// What a layer in front says of a body, and what becomes of it.
#[tokio::test]
async fn errors_of_layers_in_front_keep_their_meaning() {
    use std::io::{Error, ErrorKind};
    let limited = {
        let body = http_body_util::Limited::new(Body::from("xy"), 1);
        body.collect().await.unwrap_err()
    };
    assert!(limited.is::<LengthLimitError>());
    let elapsed = tokio::time::timeout(Duration::ZERO, pending::<()>()).await.unwrap_err();
    let deep = |error: Error| (0..5).fold(error, |error, _| Error::other(axum::Error::new(error)));
    let words = "data was not received within the designated timeout";
    for (error, status, reason) in [
        (Error::other(limited), 413, Rejection::BodyLimited),
        (Error::other(elapsed), 408, Rejection::BodyTimeout),
        (ErrorKind::TimedOut.into(), 408, Rejection::BodyTimeout),
        (Error::other(words), 408, Rejection::BodyTimeout),
        (Error::other("anything"), 400, Rejection::BodyBroken),
    ] {
        let (feeder, request) = slow();
        feeder.send(Err(deep(error))).unwrap();
        answer(hook(&layer()), request).await.is_refused(status, &reason);
    }
    assert_eq!(
        Rejection::BodyLimited.to_string(),
        "the body is longer than a layer in front allows"
    );
}

/// A runtime keeps the time. Without one there are no deadlines, and all else goes on.
#[test]
fn without_a_runtime_a_body_that_pauses_is_waited_for() {
    for (token, status) in [(TOKEN, 200), (OTHER_TOKEN, 404)] {
        let (feeder, body) = fed();
        let request = post(token, "").map(|_| body);
        let mut reading = Box::pin(async {
            let response = hook(&layer()).oneshot(request).await.unwrap();
            (response.status().as_u16(), response.into_body().collect().await.unwrap())
        });
        assert!(polled(&mut reading).is_pending(), "{token}");
        feeder.send(Ok("[]".into())).unwrap();
        drop(feeder);
        let Poll::Ready((answered, _)) = polled(&mut reading) else { panic!("{token}") };
        assert_eq!(answered, status);
    }
}
