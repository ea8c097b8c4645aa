//! What bodies say of their length and their end, in front of the inner service and behind it.

use std::{convert::Infallible, fmt::Debug};

use http::{Request, Response};
use http_body::Body as HttpBody;
use http_body_util::BodyExt;
use tower::{Layer, ServiceExt, service_fn};
use tower_webhook::{Body, Verified, VerifyLayer, providers::loops::Loops};

use crate::support::*;

/// How much is to come and whether that was all, at the start and after each frame.
async fn told<B: HttpBody<Error: Debug> + Unpin>(mut body: B) -> Vec<(Option<u64>, bool)> {
    let mut told = vec![(body.size_hint().exact(), body.is_end_stream())];
    while let Some(frame) = body.frame().await {
        assert!(frame.unwrap().is_data());
        told.push((body.size_hint().exact(), body.is_end_stream()));
    }
    told
}

#[tokio::test]
async fn bodies_know_their_length_and_their_end() {
    let inner = service_fn(async |request: Request<Verified<Loops>>| {
        assert_eq!(told(request.into_body()).await, [(Some(3), false), (Some(0), true)]);
        Ok::<_, Infallible>(Response::new(Body::from("thanks")))
    });
    let hook = VerifyLayer::new(loops()).layer(inner);
    let answered = async |token| hook.clone().oneshot(post(token, "[ ]")).await.unwrap();
    assert_eq!(told(answered(TOKEN).await.into_body()).await, [(Some(6), false), (Some(0), true)]);

    let refusal = u64::try_from(r#"{"title":"Not Found","status":404}"#.len()).ok();
    let refused = answered(OTHER_TOKEN).await.into_body();
    assert_eq!(told(refused).await, [(refusal, false), (Some(0), true)]);
}
