//! Ordinary axum handlers behind the layer, and event routers.

use axum::{Extension, Router, body::Bytes, extract::Path, routing::post};
use http::Request;
use tower::{Layer, ServiceBuilder};
use tower_webhook::{
    Delivery, EventRouter, Provider, Sender, State, Verified, VerifyLayer,
    providers::{
        learn365::CourseCompleted,
        loops::SessionStarted,
        teachstack::{PeerJoined, Teachstack},
    },
};

use crate::support::*;

/// As documented at [`Verified`].
fn delivery<P: Provider>(mut request: Request<Verified<P>>) -> Request<Verified<P>> {
    let delivery = request.body().delivery().clone();
    request.extensions_mut().insert(delivery);
    request
}

async fn handler(Extension(delivery): Extension<Delivery>, body: Bytes) -> String {
    format!("{} {:?} {}", delivery.provider(), delivery.key_id(), body.len())
}

#[tokio::test]
async fn the_delivery_reaches_an_axum_handler_through_map_request() {
    let layer = || ServiceBuilder::new().layer(VerifyLayer::new(learn365())).map_request(delivery);
    let table = [
        ("MethodRouter::layer", Router::new().route("/", post(handler).layer(layer()))),
        ("Router::layer", Router::new().route("/", post(handler)).layer(layer())),
        ("Router::route_layer", Router::new().route("/", post(handler)).route_layer(layer())),
        ("route_service", Router::new().route_service("/", layer().service(post(handler)))),
    ];
    for (name, app) in table {
        let request = Sender::new(learn365()).body("[1, 2]").unwrap();
        let answer = answer(app, request).await;
        assert_eq!((answer.status(), &*answer.body), (200, "learn365 None 6"), "{name}");
    }
}

#[tokio::test]
async fn an_axum_handler_keeps_its_extractors() {
    async fn handler(Path((site, _)): Path<(String, String)>, body: Bytes) -> String {
        format!("{site} {}", body.len())
    }
    let app =
        Router::new().route("/{site}/{token}", post(handler).layer(VerifyLayer::new(loops())));
    let request = Sender::new(loops()).to("/sofia?x=1".parse().unwrap()).body("[]").unwrap();
    assert_eq!(answer(app, request).await.body, "sofia 2");
}

#[tokio::test]
async fn an_event_router_of_each_sender_is_a_route() {
    async fn note<E>(_: E, State(log): State<Log>, delivery: Delivery) {
        log.note(delivery.provider());
    }
    let log = Log::default();
    let loops_events = EventRouter::with_state(log.clone()).on(note::<SessionStarted>);
    let learn365_events = EventRouter::with_state(log.clone()).on(note::<CourseCompleted>);
    let teachstack_events =
        EventRouter::<Teachstack, _>::with_state(log.clone()).on(note::<PeerJoined>);
    let app = Router::new()
        .route_service("/l/{token}", VerifyLayer::new(loops()).layer(loops_events))
        .route_service("/365", VerifyLayer::new(learn365()).layer(learn365_events))
        .route_service("/t/{token}", VerifyLayer::new(teachstack()).layer(teachstack_events));

    let requests = [
        Sender::new(loops()).to("/l".parse().unwrap()).event(&SessionStarted::default()),
        Sender::new(learn365()).to("/365".parse().unwrap()).event(&CourseCompleted::default()),
        Sender::new(teachstack()).to("/t".parse().unwrap()).event(&PeerJoined::default()),
    ];
    for request in requests {
        assert_eq!(answer(app.clone(), request.unwrap()).await.status(), 200);
    }
    assert_eq!(log.seen(), ["loops", "learn365", "teachstack"]);
}
