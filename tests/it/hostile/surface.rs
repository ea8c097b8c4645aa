//! D and F: the HTTP surface, and handlers that misbehave.

use std::time::Duration;

use http_body::SizeHint;
use tower::{Service, ServiceExt};
use tower_webhook::providers::loops::SessionTerminated;

use super::*;

fn get(uri: &str) -> Request<Untouched> {
    Request::get(uri).body(Untouched(SizeHint::default())).unwrap()
}

#[tokio::test]
async fn a_challenge_is_echoed_as_plain_text_if_it_is_plain() {
    let hook = VerifyLayer::new(learn365()).layer(EventRouter::new());
    let longest = "a".repeat(128);
    for echo in ["0", "01234567-89ab-CDEF", &longest] {
        let answer = answer(hook.clone(), get(&format!("/?echo={echo}"))).await;
        assert_eq!((answer.status(), answer.body.as_str()), (200, echo), "D4");
        assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    }
    let too_long = "a".repeat(129);
    for query in ["", "%3Cb%3E", "a%20b", "a+b", "a.b", "a_b", "é", "1&echo=2", &too_long] {
        let answer = answer(hook.clone(), get(&format!("/?echo={query}"))).await;
        answer.is_refused(405, &Rejection::Method);
    }
}

#[tokio::test]
async fn a_challenge_is_for_the_sender_that_documents_one_and_for_get() {
    let of_loops = VerifyLayer::new(loops()).layer(EventRouter::new());
    answer(of_loops, get("/?echo=1")).await.is_refused(405, &Rejection::Method);
    for method in ["HEAD", "OPTIONS"] {
        let mut request = get("/?echo=1");
        *request.method_mut() = method.parse().unwrap();
        let hook = VerifyLayer::new(learn365()).layer(EventRouter::new());
        let answer = answer(hook, request).await;
        answer.is_refused(405, &Rejection::Method);
        assert_eq!(answer.header("webhook-allowed-origin"), None, "D3");
    }
    let unsigned = Request::post("/?echo=1").body(Untouched(SizeHint::default())).unwrap();
    let hook = VerifyLayer::new(learn365()).layer(EventRouter::new());
    let missing = Rejection::Unauthentic(VerifyError::MissingHeader("ms-signature"));
    answer(hook, unsigned).await.is_refused(401, &missing);
}

#[tokio::test]
async fn a_redirected_delivery_is_no_challenge() {
    let mut redirected = learn365_request();
    *redirected.method_mut() = http::Method::GET;
    let hook = VerifyLayer::new(learn365()).layer(EventRouter::new());
    answer(hook, redirected).await.is_refused(405, &Rejection::Method);
}

#[tokio::test]
async fn ten_thousand_strangers_take_no_place() {
    let mut hook = VerifyLayer::new(learn365()).bodies_at_once(1).layer(EventRouter::new());
    let stranger = || Request::post("/").body(Full::<Bytes>::default()).unwrap();
    let pending: Vec<_> = (0..10_000).map(|_| hook.call(stranger())).collect();
    assert_eq!(hook.clone().oneshot(learn365_request()).await.unwrap().status(), 200, "D15");
    for answered in pending {
        assert_eq!(answered.await.unwrap().status(), 401);
    }
}

#[tokio::test]
async fn a_panic_is_one_event_s_failure() {
    let log = Log::default();
    let noted = log.clone();
    let events = EventRouter::<Loops>::new()
        .on(async move |event: SessionStarted| noted.note(event.name.unwrap_or_default()))
        .on_type("PANICS", async |_: SessionTerminated| -> () { panic!("a test's own") });
    let hook = VerifyLayer::new(loops()).layer(events);
    let event = |name| format!(r#"{{"type":"SESSION_STARTED","data":{{"name":"{name}"}}}}"#);
    let panics = r#"{"type":"PANICS","data":{}}"#;
    for _ in 0..2 {
        let body = format!("[{},{panics},{},{panics}]", event("before"), event("after"));
        let answer = answer(hook.clone(), post(TOKEN, body)).await;
        assert_eq!(answer.rejection(), Some(&Rejection::EventsFailed(2)), "F10");
    }
    assert_eq!(log.seen(), ["before", "after", "before", "after"]);
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_never_ends_keeps_its_own_place_only() {
    let events = EventRouter::<Loops>::new()
        .concurrency(2)
        .on(async |_: SessionStarted| std::future::pending::<()>().await);
    let mut hook = VerifyLayer::new(loops()).layer(events);
    let stuck = || post(TOKEN, r#"[{"type":"SESSION_STARTED","data":{}}]"#);
    let hung_up = tokio::time::timeout(Duration::from_secs(60), hook.call(stuck())).await;
    assert!(hung_up.is_err(), "F11");
    assert_eq!(hook.call(post(TOKEN, "[]")).await.unwrap().status(), 200);
    let hung_up = tokio::time::timeout(Duration::from_secs(60), hook.call(stuck())).await;
    assert!(hung_up.is_err(), "F11");
    assert_eq!(hook.call(post(TOKEN, "[]")).await.unwrap().status(), 503, "both places are stuck");
}
