//! Plain hyper, without axum, over a real socket.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use hyper::client::conn::{http1, http2};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
    service::TowerToHyperService,
};
use tokio::net::{TcpListener, TcpStream};
use tower::Layer;
use tower_webhook::{
    Body, EventRouter, Sender, State, VerifyLayer, providers::learn365::CourseCompleted,
    sender::Tamper,
};

use crate::support::*;

async fn note(e: CourseCompleted, State(log): State<Log>) {
    log.note(format!("{:?}", e.time_stamp));
}

/// A receiver that speaks HTTP/1.1 and HTTP/2.
async fn receiver(log: Log) -> SocketAddr {
    let events = EventRouter::with_state(log).on(note);
    let service = TowerToHyperService::new(VerifyLayer::new(learn365()).layer(events));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = service.clone();
            tokio::spawn(async move {
                let server = auto::Builder::new(TokioExecutor::new());
                drop(server.serve_connection(TokioIo::new(stream), service).await);
            });
        }
    });
    address
}

/// Two genuine requests, a forged one and an echo.
fn requests(address: SocketAddr) -> [(Request<Body>, StatusCode, &'static str); 4] {
    let sender = || Sender::new(learn365()).to(format!("http://{address}/hook").parse().unwrap());
    let event = |at: &str| format!(r#"{{"TimeStamp":"{at}"}}"#);
    let echo = Request::get(format!("http://{address}/hook?echo=00ff"));
    let refusal = r#"{"title":"Unauthorized","status":401}"#;
    let forged = sender().tampered(Tamper::Missing).raw("CourseCompleted", "{}");
    [
        (sender().raw("CourseCompleted", &event("one")).unwrap(), StatusCode::OK, ""),
        (forged.unwrap(), StatusCode::UNAUTHORIZED, refusal),
        (echo.body(Body::default()).unwrap(), StatusCode::OK, "00ff"),
        (sender().raw("CourseCompleted", &event("two")).unwrap(), StatusCode::OK, ""),
    ]
}

#[tokio::test]
async fn http_1_needs_no_axum() {
    let log = Log::default();
    let address = receiver(log.clone()).await;
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut client, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    for (mut request, status, body) in requests(address) {
        request.headers_mut().insert("host", "localhost".parse().unwrap());
        *request.uri_mut() = request.uri().path_and_query().unwrap().as_str().parse().unwrap();
        let response = client.send_request(request).await.unwrap();
        assert_eq!((response.status(), &*text(response).await), (status, body));
    }
    assert_eq!(log.seen(), [r#"Some("one")"#, r#"Some("two")"#]);
}

#[tokio::test]
async fn http_2_by_prior_knowledge_needs_no_axum() {
    let log = Log::default();
    let address = receiver(log.clone()).await;
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut client, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    for (request, status, body) in requests(address) {
        let response = client.send_request(request).await.unwrap();
        assert_eq!(response.version(), http::Version::HTTP_2);
        let expected = (status, Bytes::from_static(body.as_bytes()));
        let got = response.status();
        assert_eq!((got, response.into_body().collect().await.unwrap().to_bytes()), expected);
    }
    assert_eq!(log.seen(), [r#"Some("one")"#, r#"Some("two")"#]);
}
