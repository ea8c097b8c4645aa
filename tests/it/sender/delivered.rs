//! Delivery over TCP.

use axum::{Router, extract::Path, http::HeaderMap, routing::post};
use http::{StatusCode, Uri};
use tokio::net::TcpListener;
use tower::Layer;
use tower_webhook::{
    Delivery, EventRouter, Sender, VerifyLayer,
    error::SendError,
    providers::{
        learn365::{CourseCompleted, Learn365},
        loops::{Loops, SessionStarted},
    },
    sender::deliver,
};

use crate::support::{Log, OTHER_SECRET, learn365, loops, root_cause, serve, url};

#[tokio::test]
async fn to_a_receiver_with_a_signature() {
    let log = Log::default();
    let seen = log.clone();
    let events = EventRouter::new().on(async move |event: CourseCompleted, delivery: Delivery| {
        seen.note(format!(
            "{:?} {:?} {:?}",
            event.time_stamp,
            delivery.id(),
            delivery.sender_attempt()
        ));
    });
    let hook = VerifyLayer::new(learn365()).layer(events);
    let address = serve(Router::new().route_service("/hooks/learn365", hook)).await;

    let sender = Sender::new(learn365()).to(url(address, "/hooks/learn365")).id("7").attempt(2);
    let mut completed = CourseCompleted::default();
    completed.time_stamp = Some("2026-03-14T09:26:53Z".into());
    let answer = deliver(sender.event(&completed).unwrap()).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(log.seen(), [r#"Some("2026-03-14T09:26:53Z") Some("7") Some(2)"#]);

    let stranger = Learn365::new(OTHER_SECRET).unwrap();
    let forged =
        Sender::new(stranger).to(url(address, "/hooks/learn365")).event(&completed).unwrap();
    let answer = deliver(forged).await.unwrap();
    assert_eq!(answer.status(), 401);
    assert_eq!(answer.body(), r#"{"title":"Unauthorized","status":401}"#);
    assert_eq!(log.seen().len(), 1);
}

#[tokio::test]
async fn to_a_receiver_with_a_path_token() {
    let events = EventRouter::new().on(async |_: SessionStarted| {});
    let hook = VerifyLayer::new(loops()).layer(events);
    let address = serve(Router::new().route_service("/hooks/{token}", hook)).await;
    let started = SessionStarted::default();
    let right = Sender::new(loops()).to(url(address, "/hooks")).event(&started).unwrap();
    assert_eq!(deliver(right).await.unwrap().status(), 200);
    let bare = Loops::dangerous_unauthenticated();
    let wrong = Sender::new(bare).to(url(address, "/hooks/token")).event(&started).unwrap();
    assert_eq!(deliver(wrong).await.unwrap().status(), 404);
}

/// Answers with what arrived.
async fn echo(
    Path(rest): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    body: String,
) -> (StatusCode, String) {
    let [host, length] = ["host", "content-length"].map(|name| headers[name].to_str().unwrap());
    (StatusCode::IM_A_TEAPOT, format!("{rest} {uri} {host} {length} {body}"))
}

#[tokio::test]
async fn the_host_is_named_without_credentials_and_the_target_without_the_host() {
    let address = serve(Router::new().route("/{*rest}", post(echo))).await;
    let to = format!("http://user:password@{address}/a/b?c=d").parse().unwrap();
    let sender = Sender::new(Loops::dangerous_unauthenticated()).to(to);
    let answer = deliver(sender.batch(&[]).unwrap()).await.unwrap();
    assert_eq!(answer.status(), 418);
    assert_eq!(*answer.body(), format!("a/b /a/b?c=d {address} 2 []"));
}

#[tokio::test]
async fn a_redirect_is_handed_back_and_not_followed() {
    let moved = || async { (StatusCode::TEMPORARY_REDIRECT, [("location", "/elsewhere")]) };
    let log = Log::default();
    let seen = log.clone();
    let elsewhere = move || async move { seen.note("followed") };
    let app = Router::new().route("/hook", post(moved)).route("/elsewhere", post(elsewhere));
    let address = serve(app).await;
    let sender = Sender::new(Loops::dangerous_unauthenticated()).to(url(address, "/hook"));
    let answer = deliver(sender.batch(&[]).unwrap()).await.unwrap();
    assert_eq!(
        (answer.status(), answer.headers()["location"].as_bytes()),
        (StatusCode::TEMPORARY_REDIRECT, &b"/elsewhere"[..])
    );
    assert_eq!(log.seen(), [""; 0]);
}

async fn refused(to: &str) -> SendError {
    let request = Sender::new(learn365()).to(to.parse().unwrap()).body("{}").unwrap();
    deliver(request).await.unwrap_err()
}

#[tokio::test]
async fn only_plain_http_can_be_delivered() {
    for to in ["https://127.0.0.1:1/hook", "/hook", "ftp://127.0.0.1:1/hook", "127.0.0.1:1"] {
        let error = refused(to).await;
        assert!(matches!(error, SendError::Target(_)), "{to}: {error:?}");
        assert_eq!(
            error.to_string(),
            "the target is not `http://…`: TLS is for a proxy in between",
            "{to}"
        );
    }
}

#[tokio::test]
async fn nobody_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = url(listener.local_addr().unwrap(), "/hook").to_string();
    drop(listener);
    let error = refused(&to).await;
    assert!(matches!(error, SendError::Connection(_)), "{error:?}");
    let io: &std::io::Error = root_cause(&error).downcast_ref().unwrap();
    assert_eq!(io.kind(), std::io::ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn the_connection_is_closed_without_an_answer() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = url(listener.local_addr().unwrap(), "/hook").to_string();
    tokio::spawn(async move { drop(listener.accept().await) });
    let error = refused(&to).await;
    assert!(matches!(error, SendError::Connection(_)), "{error:?}");
}

#[tokio::test]
async fn an_answer_of_more_than_64_kib() {
    for (length, read) in [(64 * 1024, true), (64 * 1024 + 1, false)] {
        let address =
            serve(Router::new().route("/hook", post(move || async move { vec![0_u8; length] })))
                .await;
        let sender = Sender::new(Loops::dangerous_unauthenticated()).to(url(address, "/hook"));
        let answer = deliver(sender.batch(&[]).unwrap()).await;
        match answer {
            Ok(answer) => assert_eq!((read, answer.body().len()), (true, length)),
            Err(error) => assert!(!read && matches!(error, SendError::Connection(_)), "{error:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_never_comes() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = url(silent.local_addr().unwrap(), "/hook").to_string();
    let start = tokio::time::Instant::now();
    let error = refused(&to).await;
    assert!(matches!(error, SendError::Timeout), "{error:?}");
    assert_eq!(start.elapsed().as_secs(), 30);
}
