//! Limits, where they are by default and elsewhere.

use std::time::Duration;

use http::Request;
use tokio::time::Instant;
use tower::{Layer, Service};
use tower_webhook::{
    Body, EventRouter, Provider, Rejection, Sender, VerifyLayer,
    providers::loops::{Loops, SessionStarted},
    scheme::{Head, HmacSha256, MAX_TAGS, Tag, VerifyError},
};

use crate::support::*;

fn signed() -> Request<Body> {
    Sender::new(standard_webhooks()).body(r#"{"type":"a"}"#).unwrap()
}

async fn refused<P: Provider>(
    layer: VerifyLayer<P>,
    request: Request<Body>,
) -> (u16, Option<Rejection>) {
    let answer = answer(layer.layer(EventRouter::<P>::new()), request).await;
    (answer.status(), answer.rejection().cloned())
}

#[tokio::test]
async fn a_header_may_be_as_long_as_the_limit() {
    let length = signed().headers()["webhook-signature"].len();
    let layer = || VerifyLayer::new(standard_webhooks());
    assert_eq!(refused(layer().max_header_bytes(length), signed()).await, (200, None));
    let (status, why) = refused(layer().max_header_bytes(length - 1), signed()).await;
    let too_long = VerifyError::HeaderTooLong("webhook-signature".into());
    assert_eq!((status, why), (431, Some(Rejection::Unauthentic(too_long))));

    let mut long = signed();
    let surplus = "v2,x ".repeat(Head::MAX_HEADER_BYTES)
        + long.headers()["webhook-signature"].to_str().unwrap();
    long.headers_mut().insert("webhook-signature", surplus.parse().unwrap());
    assert_eq!(refused(layer(), long.clone()).await.0, 431);
    assert_eq!(refused(layer().max_header_bytes(surplus.len()), long).await, (200, None));
}

#[tokio::test]
async fn signatures_may_be_as_many_as_the_limit() {
    let mut request = signed();
    let good = request.headers()["webhook-signature"].to_str().unwrap().to_owned();
    for (most, bad, status) in [
        (1, 0, 200),
        (1, 1, 401),
        (MAX_TAGS + 1, MAX_TAGS, 200),
        (MAX_TAGS, MAX_TAGS, 401),
        (0, 0, 401),
    ] {
        let signatures = "v1,AAAA ".repeat(bad) + &good;
        request.headers_mut().insert("webhook-signature", signatures.parse().unwrap());
        let layer = VerifyLayer::new(standard_webhooks().max_signatures(most));
        let (answered, why) = refused(layer, request.clone()).await;
        let too_many = Rejection::Unauthentic(VerifyError::TooManySignatures);
        assert_eq!((answered, why), (status, (status == 401).then_some(too_many)), "{most}, {bad}");
    }
}

#[test]
fn a_scheme_of_one_s_own_has_the_limit_too() {
    let key = HmacSha256::new(SECRET).unwrap().max_tags(2);
    let (good, bad) = (key.sign(["body"]), Tag::hex(&"00".repeat(32)).unwrap());
    let mut check = key.clone().check_any([Ok(bad), Ok(good)]).unwrap();
    check.update(b"body");
    assert!(check.finish().is_ok());
    let too_many = key.check_any([Ok(bad), Ok(bad), Ok(good)]).unwrap_err();
    assert_eq!(too_many, VerifyError::TooManySignatures);
}

/// An event of `depth` levels, itself included.
fn nested(depth: usize) -> String {
    let (open, close) = ("[".repeat(depth - 1), "]".repeat(depth - 1));
    format!(r#"{{"data":{}}}"#, if depth == 1 { "0".into() } else { open + &close })
}

#[tokio::test]
async fn an_event_may_be_as_deep_as_the_limit() {
    for (limit, deepest) in [(1, 1), (5, 5), (126, 126), (127, 127), (128, 127), (usize::MAX, 127)]
    {
        for (depth, status) in [(deepest, 200), (deepest + 1, 400)] {
            let events = EventRouter::<Loops>::new().max_depth(limit);
            let hook = VerifyLayer::new(loops()).layer(events);
            let answer = answer(hook, post(TOKEN, nested(depth))).await;
            assert_eq!(answer.status(), status, "limit {limit}, depth {depth}");
        }
    }
    let none = VerifyLayer::new(loops()).layer(EventRouter::<Loops>::new().max_depth(0));
    assert_eq!(answer(none, post(TOKEN, "[{}]")).await.status(), 400);
}

#[tokio::test]
async fn so_may_each_member_beside_the_events() {
    for (depth, status) in [(3, 200), (4, 400)] {
        let (open, close) = ("[".repeat(depth), "]".repeat(depth));
        let body = format!(r#"{{"Properties":{open}{close},"Notifications":[]}}"#);
        let request = Sender::new(learn365()).body(body).unwrap();
        let hook = VerifyLayer::new(learn365()).layer(EventRouter::new().max_depth(3));
        assert_eq!(answer(hook, request).await.status(), status, "depth {depth}");
    }
}

/// What becomes of a body that arrives in `frames` while `held` bytes of others are held.
async fn beside(held: usize, frames: &[usize], layer: &VerifyLayer<Loops>) -> (u16, bool) {
    let mut hook = layer.layer(EventRouter::new());
    let (feeder, body) = fed();
    feeder.send(Ok(vec![b' '; held].into())).unwrap();
    let mut other = Box::pin(hook.call(post(TOKEN, "").map(|_| body)));
    assert!(polled(&mut other).is_pending());
    let (feeder, body) = fed();
    for frame in frames {
        feeder.send(Ok(vec![b' '; *frame].into())).unwrap();
    }
    drop(feeder);
    let answer = answer(hook, post(TOKEN, "").map(|_| body)).await;
    (answer.status(), answer.header("retry-after").is_some())
}

#[tokio::test]
async fn bodies_share_their_bytes() {
    let (no_json, no_room) = ((400, false), (503, true));
    let layer = || VerifyLayer::new(loops()).max_body_bytes(600);
    let of_1000 = layer().max_total_bytes(1000);
    for (held, frames, expected) in [
        (500, &[500][..], no_json),
        (500, &[501], no_room),
        (500, &[250, 250], no_json),
        (500, &[300, 201], no_room),
        (400, &[1; 600], no_json),
        (401, &[1; 600], no_room),
        (600, &[], no_json),
    ] {
        assert_eq!(beside(held, frames, &of_1000).await, expected, "{held}, {frames:?}");
        assert_eq!(beside(0, &[600], &of_1000).await, no_json, "all of it was given back");
    }
    for layer in [
        layer().max_total_bytes(0),
        VerifyLayer::new(loops()).max_total_bytes(600).max_body_bytes(600),
    ] {
        assert_eq!(beside(0, &[600], &layer).await, no_json, "one body has room in any case");
        assert_eq!(beside(1, &[600], &layer).await, no_room);
    }
}

#[tokio::test(start_paused = true)]
async fn by_default_a_handler_has_five_minutes() {
    let stuck = async |_: SessionStarted| std::future::pending::<()>().await;
    let hook = VerifyLayer::new(loops()).layer(EventRouter::new().on(stuck));
    let start = Instant::now();
    let answer = answer(hook, post(TOKEN, r#"{"type":"SESSION_STARTED","data":{}}"#)).await;
    assert_eq!((answer.status(), start.elapsed()), (500, Duration::from_secs(300)));
}

#[tokio::test]
async fn by_default_bodies_share_64_mib() {
    let layer = VerifyLayer::new(loops()).max_body_bytes(40 << 20);
    assert_eq!(beside(32 << 20, &[32 << 20], &layer).await, (400, false));
    assert_eq!(beside(32 << 20, &[(32 << 20) + 1], &layer).await, (503, true));
}

#[tokio::test]
async fn by_default_batches_share_64_mib() {
    let stuck = async |_: SessionStarted| std::future::pending::<()>().await;
    let layer = VerifyLayer::new(loops()).max_body_bytes(64 << 20);
    let mut hook = layer.layer(EventRouter::new().on(stuck));
    let long = |json: &str, length| post(TOKEN, json.to_owned() + &" ".repeat(length - json.len()));
    let event = r#"{"type":"SESSION_STARTED","data":{}}"#;
    let mut working = Box::pin(hook.call(long(event, 32 << 20)));
    assert!(polled(&mut working).is_pending());
    for (length, status) in [(32 << 20, 200), ((32 << 20) + 1, 503)] {
        assert_eq!(answer(hook.clone(), long("[]", length)).await.status(), status, "{length}");
    }
}
