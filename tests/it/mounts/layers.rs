//! Layers that stand in front of ours in many an app: what they do, and what becomes of what they say of a body.

use std::time::Duration;

use axum::{extract::DefaultBodyLimit, http::header, routing::MethodRouter};
use tower_http::{
    cors::CorsLayer,
    limit::RequestBodyLimitLayer,
    normalize_path::NormalizePathLayer,
    timeout::{RequestBodyTimeoutLayer, TimeoutLayer},
};
use tower_webhook::{
    Rejection,
    providers::loops::{Loops, SessionStarted},
    verify::Verify,
};

use super::*;
use crate::support;

const EVENT: &str = r#"[{"type":"SESSION_STARTED","data":{}}]"#;

fn hook() -> Verify<Loops, EventRouter<Loops>> {
    VerifyLayer::new(loops()).layer(EventRouter::new())
}

/// A body whose length is not announced.
fn chunked(body: &str) -> Request<Fed> {
    let (feeder, fed) = fed();
    feeder.send(Ok(body.to_owned().into())).unwrap();
    support::post(TOKEN, "").map(|_| fed)
}

#[tokio::test]
async fn a_body_that_is_longer_than_a_layer_in_front_allows_is_413() {
    let limited = RequestBodyLimitLayer::new(10).layer(hook());
    let told = answer(limited, chunked(&" ".repeat(11))).await;
    told.is_refused(413, &Rejection::BodyLimited);
    let app = Router::new().route_service("/hook/{token}", hook());
    let app = app.layer(RequestBodyLimitLayer::new(10));
    let request = chunked(&" ".repeat(11)).map(axum::body::Body::new);
    answer(app, request).await.is_refused(413, &Rejection::BodyLimited);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_later_than_a_layer_in_front_allows_is_408() {
    let hook = RequestBodyTimeoutLayer::new(Duration::from_secs(1)).layer(hook());
    let (_feeder, fed) = fed();
    let told = answer(hook, support::post(TOKEN, "").map(|_| fed)).await;
    told.is_refused(408, &Rejection::BodyTimeout);
}

#[tokio::test(start_paused = true)]
async fn what_answers_by_itself_goes_directly_around_the_hook() {
    let slow = EventRouter::new().on(async |_: SessionStarted| {
        tokio::time::sleep(Duration::from_secs(60)).await;
    });
    let slow = VerifyLayer::new(loops()).layer(slow);
    let timeout =
        TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, Duration::from_secs(1));
    let response = timeout.layer(slow).oneshot(support::post(TOKEN, EVENT)).await.unwrap();
    assert_eq!((response.status().as_u16(), &*text(response).await), (504, ""));
    let cors = CorsLayer::permissive().layer(hook());
    assert_eq!(cors.oneshot(support::post(TOKEN, "[]")).await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_slash_behind_the_token_is_404_until_it_is_cut_off() {
    let app = Router::new()
        .route_service("/hook/{token}", hook())
        .route_service("/hook/{token}/", hook());
    let request = || {
        let uri = format!("/hook/{TOKEN}/");
        Request::post(uri).body(axum::body::Body::from("[]")).unwrap()
    };
    assert_eq!(app.clone().oneshot(request()).await.unwrap().status(), 404);
    let normalized = NormalizePathLayer::trim_trailing_slash().layer(app);
    assert_eq!(normalized.oneshot(request()).await.unwrap().status(), 200);
}

#[tokio::test]
async fn axum_limits_what_its_handlers_take_whatever_the_layer_allows() {
    let layer = || VerifyLayer::new(loops()).max_body_bytes(4 * 1024 * 1024);
    let long = || support::post(TOKEN, format!("[{}]", " ".repeat(3 * 1024 * 1024)));
    let path = "/hook/{token}";
    let limited = Router::new().route(path, handler().layer(layer()));
    assert_eq!(limited.oneshot(long()).await.unwrap().status(), 413);
    let route: MethodRouter = handler().layer(layer());
    let route: MethodRouter = route.layer(DefaultBodyLimit::disable());
    assert_eq!(Router::new().route(path, route).oneshot(long()).await.unwrap().status(), 200);
    let routed = Router::new().route_service(path, layer().layer(EventRouter::new()));
    assert_eq!(routed.oneshot(long()).await.unwrap().status(), 200);
}

fn handler() -> MethodRouter {
    post(async |body: Bytes| [(header::ETAG, body.len().to_string())])
}
