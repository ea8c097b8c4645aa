//! Redirects: the way in which the original loses events.

use tower::ServiceExt;
use tower_webhook::sender::Answer;

use super::*;
use crate::support::{serve, url};

/// A sender whose one registration is for `endpoint`, after the first attempt at a delivery.
async fn delivered_to(endpoint: &Endpoint) -> Emulator {
    let emulator = emulator();
    registered(&emulator, &wanted(&endpoint.url("/old"))).await;
    emit(&emulator);
    assert_eq!(emulator.deliver_due(after(0)).await, 1);
    emulator
}

/// An endpoint that sends `/old` on to `/newer`, that to `/new`, and takes everything there.
async fn moved_twice(first: &'static str, second: &'static str) -> Endpoint {
    Endpoint::answering(move |request| match request.uri().path() {
        "/old" => said(&format!("{first}\r\nLocation: /newer"), ""),
        "/newer" => said(&format!("{second}\r\nLocation: /new"), ""),
        _ => said("200 OK", ""),
    })
    .await
}

#[tokio::test]
async fn a_get_that_is_answered_200_is_an_event_lost() {
    for (first, second) in [
        ("301 Moved Permanently", "307 Temporary Redirect"),
        ("302 Found", "302 Found"),
        ("307 Temporary Redirect", "303 See Other"),
    ] {
        let endpoint = moved_twice(first, second).await;
        let emulator = delivered_to(&endpoint).await;
        let report = report(&emulator);
        assert_eq!(
            report.to_string(),
            format!(
                "delivery {} of CourseCompleted to {}: lost in a redirect\n  \
                 attempt 1 at 2026-03-14T09:26:53Z: 200 OK (a GET after 2 redirects)",
                report.id, report.target
            )
        );
        let [Attempt { redirects: 2, method: Method::GET, .. }] = report.attempts[..] else {
            panic!("{report}")
        };
        assert_eq!((report.status, emulator.next_retry()), (DeliveryStatus::Lost, None));
        let last = endpoint.delivered().pop().unwrap();
        assert_eq!((last.method(), last.body().len()), (&Method::GET, 0), "{first}");
        assert!(last.headers().contains_key("ms-signature"));
    }
}

#[tokio::test]
async fn a_307_repeats_the_post() {
    let endpoint = moved_twice("307 Temporary Redirect", "307 Temporary Redirect").await;
    let report = report(&delivered_to(&endpoint).await);
    assert_eq!((report.status, report.attempts[0].redirects), (DeliveryStatus::Delivered, 2));
    assert_eq!(report.attempts[0].method, Method::POST);
    let [old, newer, new] = endpoint.delivered().try_into().unwrap();
    assert_eq!(new.uri(), "/new");
    for repeated in [newer, new] {
        assert_eq!((repeated.method(), repeated.headers()), (old.method(), old.headers()));
        assert_eq!(repeated.body(), old.body());
    }
}

#[tokio::test]
async fn a_circle_ends_after_fifty() {
    let endpoint =
        Endpoint::answering(|_| said("307 Temporary Redirect\r\nLocation: /old", "")).await;
    let report = report(&delivered_to(&endpoint).await);
    assert_eq!(
        (report.status, report.attempts[0].redirects),
        (DeliveryStatus::Retrying(after(60)), 50)
    );
    assert_eq!(endpoint.delivered().len(), 51);
}

#[tokio::test]
async fn a_redirect_to_a_receiver_is_no_delivery() {
    let (handled, asked) = (Log::default(), Log::default());
    let noted = asked.clone();
    let hook = hook(&handled).map_request(move |request: axum::extract::Request| {
        let signed = request.headers().contains_key("ms-signature");
        noted.note(format!("{} {signed}", request.method()));
        request
    });
    let app = axum::Router::new().route_service("/hook", hook);
    let location = url(serve(app).await, "/hook");
    let endpoint =
        Endpoint::answering(move |_| said(&format!("302 Found\r\nLocation: {location}"), "")).await;
    let emulator = delivered_to(&endpoint).await;
    assert_eq!(asked.seen(), ["GET true"]);
    assert_eq!(handled.seen(), [""; 0]);
    let report = report(&emulator);
    assert_eq!(report.status, DeliveryStatus::Retrying(after(60)));
    let [Attempt { method: Method::GET, redirects: 1, answer: Answer::Status(status), .. }] =
        &report.attempts[..]
    else {
        panic!("{report}")
    };
    assert_eq!(status.as_u16(), 405);
}

#[tokio::test]
async fn a_redirect_to_another_machine_is_not_followed() {
    let elsewhere = Endpoint::new().await;
    let location = format!("http://0.0.0.0:{}/", elsewhere.address.port());
    let endpoint = Endpoint::answering(move |_| {
        said(&format!("307 Temporary Redirect\r\nLocation: {location}"), "")
    })
    .await;
    let report = report(&delivered_to(&endpoint).await);
    assert_eq!(report.status, DeliveryStatus::Retrying(after(60)));
    assert_eq!(
        report.attempts[0].answer,
        Answer::Failed("the target is not on this machine".into())
    );
    assert_eq!(elsewhere.seen().len(), 0);
}
