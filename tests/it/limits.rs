//! What a stranger can make this receiver spend: bytes, time, places; and when the inner service is called.

mod busy;
mod configured;
mod drained;
mod readiness;

use std::{
    convert::Infallible,
    future::pending,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response, header};
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::{
    sync::{Semaphore, mpsc::UnboundedSender},
    time::{Instant, advance, sleep},
};
use tower::{Layer, Service, ServiceExt};
use tower_webhook::{
    Body, EventRouter, Rejection, Sender, VerifyLayer,
    providers::{
        learn365::Learn365,
        loops::{Loops, SessionStarted},
    },
    scheme::Keys,
    verify::{ResponseBody, Verify, limits},
};

use crate::support::*;

type Hook = Verify<Loops, EventRouter<Loops>>;
type Answered = Result<Response<ResponseBody<Body, Body>>, Infallible>;

fn layer() -> VerifyLayer<Loops> {
    VerifyLayer::new(loops())
}

fn hook(layer: &VerifyLayer<Loops>) -> Hook {
    layer.layer(EventRouter::new())
}

/// A request whose body stands still until it is fed.
fn slow() -> (UnboundedSender<std::io::Result<Bytes>>, Request<Fed>) {
    let (feeder, body) = fed();
    (feeder, post(TOKEN, "").map(|_| body))
}

async fn is_pending(future: Pin<&mut impl Future>) -> bool {
    let mut future = Some(future);
    std::future::poll_fn(move |cx| {
        let polled = future.take().expect("polled once").poll(cx);
        Poll::Ready(polled.is_pending())
    })
    .await
}

async fn status_of(
    hook: &Hook,
    request: Request<impl HttpBody<Error = impl std::error::Error + Send + Sync + 'static>>,
) -> u16 {
    hook.clone().oneshot(request).await.unwrap().status().as_u16()
}

#[tokio::test]
async fn a_body_may_be_as_long_as_the_limit_however_it_is_cut() {
    let hook = hook(&layer().max_body_bytes(100));
    for (len, status) in [(100, 200), (101, 413)] {
        let body = format!("[{}]", " ".repeat(len - 2));
        for frame in [1, 3, 50, 99, 100, 101] {
            let (feeder, request) = slow();
            for part in body.as_bytes().chunks(frame) {
                feeder.send(Ok(Bytes::copy_from_slice(part))).unwrap();
                feeder.send(Ok(Bytes::new())).unwrap();
            }
            drop(feeder);
            assert_eq!(status_of(&hook, request).await, status, "{len} bytes in frames of {frame}");
        }
    }
}

#[tokio::test]
async fn by_default_the_limit_is_one_mebibyte() {
    for (len, status) in [(1024 * 1024, 200), (1024 * 1024 + 1, 413)] {
        let (feeder, request) = slow();
        feeder.send(Ok(format!("[{}]", " ".repeat(len - 2)).into())).unwrap();
        drop(feeder);
        assert_eq!(status_of(&hook(&layer()), request).await, status);
    }
}

#[tokio::test]
async fn an_announced_length_is_believed_only_where_it_refuses() {
    let unlimited = hook(&layer().max_body_bytes(usize::MAX));
    let lengths = [
        "9223372036854775808",
        "18446744073709551615",
        "99999999999999999999",
        "-1",
        "",
        "x",
        "1, 1",
    ];
    for length in lengths {
        let (feeder, mut request) = slow();
        for part in ["[", "]"] {
            feeder.send(Ok(part.into())).unwrap();
        }
        drop(feeder);
        request.headers_mut().insert(header::CONTENT_LENGTH, length.parse().unwrap());
        assert_eq!(status_of(&unlimited, request).await, 200, "{length:?}");
    }
    let nonsense =
        Request::post(format!("/{TOKEN}")).header("content-length", "99999999999999999999");
    let (feeder, body) = fed();
    feeder.send(Ok("[           ]".into())).unwrap();
    drop(feeder);
    let hook = hook(&layer().max_body_bytes(5));
    assert_eq!(status_of(&hook, nonsense.body(body).unwrap()).await, 413, "counted");
}

#[tokio::test(start_paused = true)]
async fn a_trickling_body_has_one_deadline_for_all_of_it() {
    let (feeder, request) = slow();
    let trickle = async {
        loop {
            feeder.send(Ok(" ".into())).unwrap();
            sleep(Duration::from_millis(300)).await;
        }
    };
    let start = Instant::now();
    let hook = hook(&layer().body_timeout(Duration::from_secs(3)));
    tokio::select! {
        status = status_of(&hook, request) => assert_eq!(status, 408),
        () = trickle => unreachable!("endless"),
    }
    assert_eq!(start.elapsed(), Duration::from_secs(3));
}

/// Empty frames, always at once, for ever.
struct Endless;

impl HttpBody for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(Some(Ok(Frame::data(Bytes::new()))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::new()
    }
}

#[tokio::test(start_paused = true)]
async fn endless_empty_frames_end_at_the_deadline_and_leave_others_their_turn() {
    let other = tokio::spawn(async {
        for _ in 0..10 {
            advance(Duration::from_secs(1)).await;
        }
        Instant::now()
    });
    let start = Instant::now();
    assert_eq!(status_of(&hook(&layer()), post(TOKEN, "").map(|_| Endless)).await, 408);
    assert_eq!(start.elapsed(), limits::BODY_TIMEOUT);
    assert_eq!(other.await.unwrap(), Instant::now());
}

/// Two bytes, of three that it promises.
struct Short(Option<Bytes>);

impl HttpBody for Short {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.take().map(|data| Ok(Frame::data(data))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(3)
    }
}

#[tokio::test]
async fn a_body_that_ends_before_the_server_said_is_broken() {
    for body in [Some("[]".into()), None] {
        let told = answer(hook(&layer()), post(TOKEN, "").map(|_| Short(body))).await;
        told.is_refused(400, &Rejection::BodyBroken);
    }
    let whole = post(TOKEN, "").map(|_| Short(Some("[ ]".into())));
    assert_eq!(status_of(&hook(&layer()), whole).await, 200);
}

#[tokio::test(start_paused = true)]
async fn one_body_more_than_there_are_places_is_refused() {
    let layer = layer().max_bodies(2);
    let (mut one, mut clone) = (hook(&layer), hook(&layer.clone()));
    let _reading = [one.call(slow().1), clone.call(slow().1)];
    for hook in [one, clone] {
        let refused = answer(hook, post(TOKEN, "").map(|_| Pending(SizeHint::default()))).await;
        refused.is_refused(503, &Rejection::Busy);
    }
}

#[tokio::test(start_paused = true)]
async fn a_place_is_given_back_however_its_body_ends() {
    type End = fn(UnboundedSender<std::io::Result<Bytes>>);
    let ends: [(&str, u16, End); 4] = [
        ("complete", 200, |feeder| feeder.send(Ok("[]".into())).unwrap()),
        ("too large", 413, |feeder| feeder.send(Ok(" ".repeat(11).into())).unwrap()),
        ("broken", 400, |feeder| feeder.send(Err(std::io::ErrorKind::BrokenPipe.into())).unwrap()),
        ("late", 408, std::mem::forget),
    ];
    let mut hook = hook(&layer().max_bodies(1).max_body_bytes(10));
    for (name, status, end) in ends {
        let (feeder, request) = slow();
        let reading = hook.call(request);
        assert_eq!(status_of(&hook, post(TOKEN, "[]")).await, 503, "{name}");
        end(feeder);
        assert_eq!(reading.await.unwrap().status(), status, "{name}");
        assert_eq!(status_of(&hook, post(TOKEN, "[]")).await, 200, "after one that was {name}");
    }
    let (_feeder, request) = slow();
    let mut abandoned = Box::pin(hook.call(request));
    assert!(is_pending(abandoned.as_mut()).await);
    assert_eq!(status_of(&hook, post(TOKEN, "[]")).await, 503);
    drop(abandoned);
    assert_eq!(status_of(&hook, post(TOKEN, "[]")).await, 200);
}

#[tokio::test]
async fn who_is_refused_by_the_head_takes_no_place() {
    let mut hook = hook(&layer().max_bodies(1));
    let _strangers = [(); 3].map(|()| hook.call(post(OTHER_TOKEN, "").map(|_| fed().1)));
    assert_eq!(status_of(&hook, post(TOKEN, "[]")).await, 200);
    let _reading = hook.call(slow().1);
    assert_eq!(status_of(&hook, post(OTHER_TOKEN, "[]")).await, 404, "not 503");
}

#[tokio::test(start_paused = true)]
async fn handlers_at_once_are_counted_even_when_their_sender_has_hung_up() {
    let (log, go) = (Log::default(), Arc::new(Semaphore::new(0)));
    let (noted, gate) = (log.clone(), go.clone());
    let events = EventRouter::new().max_batches(2).on(async move |_: SessionStarted| {
        gate.acquire().await.unwrap().forget();
        noted.note("started");
    });
    let hook = layer().layer(events.clone());
    let request = || post(TOKEN, r#"[{"type":"SESSION_STARTED","data":{}}]"#);
    let (mut kept, mut dropped) =
        (Box::pin(hook.clone().oneshot(request())), Box::pin(hook.clone().oneshot(request())));
    assert!(is_pending(kept.as_mut()).await && is_pending(dropped.as_mut()).await);
    drop(dropped);
    assert_eq!(status_of(&hook, request()).await, 503);
    go.add_permits(2);
    assert_eq!(kept.await.unwrap().status(), 200);
    events.drain().await;
    assert_eq!(log.seen(), ["started"; 2]);
    go.add_permits(1);
    assert_eq!(status_of(&hook, request()).await, 200, "after a drain as before");
}

#[tokio::test]
async fn bodies_of_batches_under_way_have_so_many_bytes_together() {
    let body = r#"[{"type":"SESSION_STARTED","data":{}}]"#;
    let events = |most| {
        EventRouter::new().max_total_bytes(most).on(async |_: SessionStarted| pending::<()>().await)
    };
    let hook = layer().layer(events(body.len() + 4));
    let mut working = Box::pin(hook.clone().oneshot(post(TOKEN, body)));
    assert!(is_pending(working.as_mut()).await);
    for _ in 0..2 {
        assert_eq!(status_of(&hook, post(TOKEN, "[  ]")).await, 200, "as many as there may be");
        answer(hook.clone(), post(TOKEN, "[   ]")).await.is_refused(503, &Rejection::Busy);
    }
    // One that has more bytes than all may have is taken where it is alone.
    for most in [0, 1, body.len() - 1] {
        let hook = layer().layer(events(most));
        assert_eq!(status_of(&hook, post(TOKEN, "[]")).await, 200, "{most}");
        let mut working = Box::pin(hook.clone().oneshot(post(TOKEN, body)));
        assert!(is_pending(working.as_mut()).await, "{most}");
        assert_eq!(status_of(&hook, post(TOKEN, "[]")).await, 503, "{most}");
    }
}

#[tokio::test(start_paused = true)]
async fn while_batches_drain_no_new_one_begins() {
    let events =
        EventRouter::new().on(async |_: SessionStarted| sleep(Duration::from_secs(60)).await);
    let hook = layer().layer(events.clone());
    let request = || post(TOKEN, r#"[{"type":"SESSION_STARTED","data":{}}]"#);
    let mut working = Box::pin(hook.clone().oneshot(request()));
    assert!(is_pending(working.as_mut()).await);
    let start = Instant::now();
    let mut drained = pin!(events.drain());
    assert!(is_pending(drained.as_mut()).await);
    assert_eq!(status_of(&hook, request()).await, 503);
    let (answered, ()): (Answered, ()) = tokio::join!(working, drained);
    assert_eq!(answered.unwrap().status(), 200);
    assert_eq!(start.elapsed(), Duration::from_secs(60));
}

#[tokio::test]
async fn a_layer_per_request_has_that_request_s_keys() {
    let tenants = [("sofia", SECRET), ("varna", OTHER_SECRET)]
        .map(|(name, secret)| Arc::new(Learn365::new(Keys::named(name, secret)).unwrap()));
    for (receiver, provider) in tenants.iter().enumerate() {
        for (sender, key) in tenants.iter().enumerate() {
            let request = Sender::shared(key.clone()).body(r#"{"Notifications":[]}"#).unwrap();
            let layer = VerifyLayer::shared(provider.clone());
            let hook = layer.layer(EventRouter::new());
            let status = if sender == receiver { 200 } else { 401 };
            assert_eq!(hook.oneshot(request).await.unwrap().status(), status);
        }
    }
}
