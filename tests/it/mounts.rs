//! Every place of axum, and hyper alone, around which the layer goes.

mod bodies;
mod handlers;
mod keys;
mod layers;
mod plain;

use axum::{
    Router,
    body::Bytes,
    handler::Handler,
    routing::{get, post},
};
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use tower::{Layer, ServiceBuilder, ServiceExt};
use tower_webhook::{
    Body, Emit, EventRouter, Provider, Sender, VerifyLayer, providers::learn365::Learn365,
    sender::Tamper,
};

use crate::support::*;

/// Answers with what it got.
async fn echo(body: Bytes) -> Bytes {
    body
}

type Make<P> = fn(VerifyLayer<P>, &str) -> Router;

/// A way to mount the layer around [`echo`], reached under the path given.
struct Mount<P> {
    name: &'static str,
    /// What the path is nested in.
    prefix: &'static str,
    make: Make<P>,
}

/// Where every request gets as far as the layer.
fn open_mounts<P: Provider>() -> Vec<Mount<P>> {
    let table: [(&str, &str, Make<P>); 13] = [
        ("route_service", "", |l, p| app().route_service(p, l.layer(post(echo)))),
        ("MethodRouter::layer", "", |l, p| app().route(p, post(echo).layer(l))),
        ("Router::layer", "", |l, p| app().route(p, post(echo)).layer(l)),
        ("Router::route_layer", "", |l, p| app().route(p, post(echo)).route_layer(l)),
        ("nest, layer inside", "/a", |l, p| app().nest("/a", routed(p).layer(l))),
        ("nest, layer outside", "/a", |l, p| app().nest("/a", routed(p)).layer(l)),
        ("nest, twice", "/a/b", |l, p| app().nest("/a", app().nest("/b", routed(p).layer(l)))),
        ("nest_service, router", "/a", |l, p| app().nest_service("/a", routed(p).layer(l))),
        ("nest_service", "/a", |l, _| app().nest_service("/a", l.layer(post(echo)))),
        ("merge", "", |l, p| other().merge(routed(p).layer(l))),
        ("fallback_service", "", |l, _| other().fallback_service(l.layer(post(echo)))),
        ("ServiceBuilder, layer", "", |l, p| routed(p).layer(ServiceBuilder::new().layer(l))),
        ("ServiceBuilder, service", "", |l, p| {
            app().route_service(p, ServiceBuilder::new().layer(l).service(post(echo)))
        }),
    ];
    table.map(|(name, prefix, make)| Mount { name, prefix, make }).into()
}

/// Where axum answers a GET by itself.
fn post_mounts<P: Provider>() -> Vec<Mount<P>> {
    let table: [(&str, Make<P>); 2] = [
        ("Handler::layer", |l, p| app().route(p, post(echo.layer(l)))),
        ("MethodRouter::route_layer", |l, p| app().route(p, post(echo).route_layer(l))),
    ];
    table.map(|(name, make)| Mount { name, prefix: "", make }).into()
}

fn app() -> Router {
    Router::new()
}

fn routed(path: &str) -> Router {
    Router::new().route(path, post(echo))
}

fn other() -> Router {
    Router::new().route("/other", get(|| async { "other" }))
}

/// No text, no JSON, and not to be touched.
const BODY: &[u8] = b"\xef\xbb\xbf{ \"a\":\t1.50 }\r\n\0\xff";

/// Genuine and forged requests against every mount.
async fn exercise<P: Emit + Clone>(provider: P, tamper: Tamper, refused: u16) {
    let token = Sender::new(provider.clone()).to("/hook".parse().unwrap()).body("").unwrap();
    let path = if token.uri().path() == "/hook" { "/hook" } else { "/hook/{token}" };
    for mount in open_mounts::<P>().into_iter().chain(post_mounts()) {
        let app = (mount.make)(VerifyLayer::new(provider.clone()), path);
        let uri: http::Uri = format!("{}/hook", mount.prefix).parse().unwrap();
        let sender = || Sender::new(provider.clone()).to(uri.clone());

        let genuine = app.clone().oneshot(sender().body(BODY).unwrap()).await.unwrap();
        assert_eq!(genuine.status(), StatusCode::OK, "{}", mount.name);
        let exact = genuine.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(exact, BODY, "{}", mount.name);
        let forged = answer(app, sender().tampered(tamper).body(BODY).unwrap()).await;
        assert_eq!(forged.status(), refused, "{}", mount.name);
    }
}

#[tokio::test]
async fn senders_with_a_token_in_the_path_pass_everywhere() {
    exercise(loops(), Tamper::BitFlipped, 404).await;
    exercise(synthesis_vr(), Tamper::Unsigned, 404).await;
    exercise(teachstack(), Tamper::Truncated, 404).await;
}

#[tokio::test]
async fn senders_that_sign_pass_everywhere() {
    exercise(learn365(), Tamper::BodyAltered, 401).await;
    exercise(standard_webhooks(), Tamper::Replayed, 401).await;
}

#[tokio::test]
async fn the_echo_passes_where_axum_does_not_answer_first() {
    let table = [(open_mounts::<Learn365>(), 200, "0a1B-2"), (post_mounts(), 405, "")];
    for (mounts, status, body) in table {
        for mount in mounts {
            let app = (mount.make)(VerifyLayer::new(learn365()), "/hook");
            let get = Request::get(format!("{}/hook?echo=0a1B-2", mount.prefix));
            let answer = answer(app, get.body(Body::default()).unwrap()).await;
            assert_eq!((answer.status(), &*answer.body), (status, body), "{}", mount.name);
        }
    }
}

#[tokio::test]
async fn what_is_mounted_beside_stays_open_unless_layered() {
    let get = || Request::get("/other").body(Body::default()).unwrap();
    let layer = || VerifyLayer::new(learn365());
    let beside = other().merge(routed("/hook").layer(layer()));
    assert_eq!(answer(beside, get()).await.body, "other");
    let within = other().merge(routed("/hook")).layer(layer());
    assert_eq!(answer(within, get()).await.status(), 405);
}

#[tokio::test]
async fn a_nest_that_takes_the_token_fails_closed() {
    let events = || VerifyLayer::new(loops()).layer(EventRouter::new());
    let layer = || VerifyLayer::new(loops());
    let table = [
        ("nest", Router::new().nest("/x/{token}", Router::new().route_service("/", events()))),
        ("nest, layered", Router::new().nest("/x/{token}", routed("/").layer(layer()))),
        ("nest_service", Router::new().nest_service("/x/{token}", events())),
        ("nest with a rest", Router::new().nest("/x/{token}", routed("/hook").layer(layer()))),
    ];
    for (name, app) in table {
        for path in [format!("/x/{TOKEN}"), format!("/x/{TOKEN}/"), format!("/x/{TOKEN}/hook")] {
            let request = Request::post(path.as_str()).body(Body::from("[]")).unwrap();
            assert_eq!(answer(app.clone(), request).await.status(), 404, "{name}: {path}");
        }
    }
    let around = Router::new().nest("/x/{token}", routed("/")).layer(layer());
    let request = Request::post(format!("/x/{TOKEN}")).body(Body::from("[]")).unwrap();
    assert_eq!(answer(around, request).await.status(), 200);
}
