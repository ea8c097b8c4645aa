//! Handlers that are slow, or panic, behind a real socket.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, extract::Request, middleware, response::Response};
use http::Uri;
use http_body_util::BodyExt;
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
    sync::Notify,
    time::Instant,
};
use tower::Layer;
use tower_webhook::{
    Body, EventRouter, Sender, State, VerifyLayer,
    providers::{
        loops::SessionStarted,
        synthesis_vr::{SessionCreated, SynthesisVr},
    },
    sender::deliver,
};

use super::unprotected;
use crate::support::*;

/// Notes when it is dropped.
struct Guard(Log, &'static str);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.note(self.1);
    }
}

/// A handler notes that it begins, waits until the gate opens, and notes that it ends.
#[derive(Clone, Default)]
struct Gate {
    log: Log,
    open: Arc<Notify>,
}

impl Gate {
    async fn pass(_: SessionCreated, State(gate): State<Self>) {
        let _guard = Guard(gate.log.clone(), "handler gone");
        gate.log.note("begin");
        gate.open.notified().await;
        gate.log.note("end");
    }

    fn events(&self) -> EventRouter<SynthesisVr, Self> {
        EventRouter::with_state(self.clone()).on(Self::pass)
    }

    /// Waits until this has been noted.
    async fn seen(&self, what: &str) {
        let deadline = Instant::now() + Duration::from_secs(10);
        while !self.log.seen().iter().any(|line| line == what) {
            assert!(Instant::now() < deadline, "no `{what}` in {:?}", self.log.seen());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// Serves, and notes when a request is over or dropped.
async fn serve(app: Router, log: Log) -> SocketAddr {
    let noted = middleware::from_fn(move |request: Request, next: middleware::Next| {
        let guard = Guard(log.clone(), "request gone");
        async move {
            let response: Response = next.run(request).await;
            drop(guard);
            response
        }
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app.layer(noted)).await });
    address
}

fn url(address: SocketAddr) -> Uri {
    format!("http://{address}/hook").parse().unwrap()
}

fn created(address: SocketAddr) -> http::Request<Body> {
    let sender = Sender::new(synthesis_vr()).to(url(address));
    sender.raw("create", r#"{"uuid":"u"}"#).unwrap()
}

/// Sends a whole request, and hangs up once its handler has begun.
async fn hang_up(address: SocketAddr, gate: &Gate) {
    let (head, body) = created(address).into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let path = head.uri.path();
    let text = format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(&[text.as_bytes(), &body].concat()).await.unwrap();
    gate.seen("begin").await;
    drop(stream);
    gate.seen("request gone").await;
}

#[tokio::test]
async fn a_slow_handler_is_answered_in_time_and_finishes() {
    let (gate, requests) = (Gate::default(), Log::default());
    let events = gate.events();
    let hook = VerifyLayer::new(synthesis_vr()).layer(events.clone());
    let address = serve(Router::new().route_service("/hook/{token}", hook), requests).await;

    let begin = Instant::now();
    let answer = deliver(created(address)).await.unwrap();
    assert_eq!(answer.status(), 202);
    // To the millisecond it is checked on a clock of its own; here a loaded machine may take its time.
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
    assert_eq!(gate.log.seen(), ["begin"]);
    gate.open.notify_one();
    events.drain().await;
    assert_eq!(gate.log.seen(), ["begin", "end", "handler gone"]);
}

#[tokio::test]
async fn a_handler_finishes_though_the_sender_hangs_up() {
    let gate = Gate::default();
    let events = gate.events();
    let hook = VerifyLayer::new(synthesis_vr()).layer(events.clone());
    let app = Router::new().route_service("/hook/{token}", hook);
    hang_up(serve(app, gate.log.clone()).await, &gate).await;
    gate.open.notify_one();
    events.drain().await;
    assert_eq!(gate.log.seen(), ["begin", "request gone", "end", "handler gone"]);
}

#[tokio::test]
async fn without_the_hand_over_it_does_not() {
    let gate = Gate::default();
    let app =
        Router::new().route("/hook/{token}", unprotected::hook(synthesis_vr(), gate.events()));
    hang_up(serve(app, gate.log.clone()).await, &gate).await;
    gate.seen("handler gone").await;
    gate.open.notify_one();
    assert!(!gate.log.seen().contains(&"end".to_owned()));
}

#[tokio::test]
async fn a_panicking_handler_spares_its_siblings_and_the_server() {
    let log = Log::default();
    let events = EventRouter::with_state(log.clone()).on(
        async |e: SessionStarted, State(log): State<Log>| {
            let uuid = e.uuid.unwrap();
            assert_ne!(uuid, "bad");
            log.note(uuid);
        },
    );
    let hook = VerifyLayer::new(loops()).layer(events);
    let address = serve(Router::new().route_service("/hook/{token}", hook), Log::default()).await;
    let batches = [(["bad", "one"], 500), (["two", "bad"], 500), (["three", "four"], 200)];
    for (uuids, status) in batches {
        let drafts = uuids.map(|uuid| {
            tower_webhook::Draft::raw("SESSION_STARTED", &format!(r#"{{"uuid":"{uuid}"}}"#))
                .unwrap()
        });
        let request = Sender::new(loops()).to(url(address)).batch(&drafts).unwrap();
        assert_eq!(deliver(request).await.unwrap().status(), status);
    }
    assert_eq!(log.seen(), ["one", "two", "three", "four"]);
}
