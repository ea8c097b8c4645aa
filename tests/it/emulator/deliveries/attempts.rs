//! Attempts: when, how many, and which answers end them.

use std::collections::BTreeMap;

use tower_webhook::sender::Answer;

use super::*;
use crate::{captures::described, support::learn365};

#[tokio::test]
async fn three_attempts_and_never_a_fourth() {
    let endpoint = Endpoint::answering(|_| said("500 Internal Server Error", "")).await;
    let emulator = emulator();
    registered(&emulator, &wanted(&endpoint.url("/"))).await;
    assert_eq!(emulator.deliver_due(after(0)).await, 0, "nothing was emitted");
    emit(&emulator);
    for (seconds, made, next) in [
        (0, 1, Some(60)),
        (0, 0, Some(60)),
        (59, 0, Some(60)),
        (60, 1, Some(300)),
        (299, 0, Some(300)),
        (300, 1, None),
        (301, 0, None),
        (1_000_000, 0, None),
    ] {
        assert_eq!(emulator.deliver_due(after(seconds)).await, made, "{seconds}");
        assert_eq!(emulator.next_retry(), next.map(after), "{seconds}");
    }
    assert_eq!(report(&emulator).status, DeliveryStatus::Failed);
    assert!(report(&emulator).to_string().contains(": failed, without another attempt\n"));
    assert_eq!(endpoint.delivered().len(), 3);
}

#[tokio::test]
async fn a_pause_begins_with_the_attempt_before() {
    let endpoint = Endpoint::answering(|_| said("500 Internal Server Error", "")).await;
    let emulator = emulator();
    registered(&emulator, &wanted(&endpoint.url("/"))).await;
    emit(&emulator);
    for (seconds, made, next) in
        [(0, 1, Some(60)), (100, 1, Some(340)), (339, 0, Some(340)), (340, 1, None)]
    {
        assert_eq!(emulator.deliver_due(after(seconds)).await, made, "{seconds}");
        assert_eq!(emulator.next_retry(), next.map(after), "{seconds}");
    }
}

#[tokio::test]
async fn each_attempt_is_written_and_signed_anew() {
    let endpoint = Endpoint::answering(|_| said("500 Internal Server Error", "")).await;
    let emulator = emulator();
    registered(&emulator, &wanted_with(&endpoint.url("/"), json!({"Properties": {"a": 1}}))).await;
    emit(&emulator);
    for seconds in [0, 60, 300] {
        emulator.deliver_due(after(seconds)).await;
    }
    let attempts: [_; 3] = endpoint.delivered().try_into().unwrap();
    let signatures = attempts.each_ref().map(|attempt| attempt.headers()["ms-signature"].clone());
    assert!(signatures[0] != signatures[1] && signatures[1] != signatures[2]);
    for (number, attempt) in (1..).zip(attempts) {
        let delivery = described(&learn365(), attempt.body());
        assert_eq!(delivery.id(), Some(&*report(&emulator).id));
        assert_eq!(delivery.sender_attempt(), Some(number));
        let log = Log::default();
        assert_eq!(answer(hook(&log), attempt.map(Body::from)).await.status(), 200);
        assert_eq!(log.seen().len(), 1);
    }
}

/// How a delivery stands after the first attempt, by what was answered.
#[tokio::test]
async fn what_an_answer_means() {
    use DeliveryStatus::{Delivered, Stopped};
    let retried = DeliveryStatus::Retrying(after(60));
    let table: BTreeMap<_, _> = [
        ("200 OK", Delivered),
        ("201 Created", Delivered),
        ("202 Accepted", Delivered),
        ("204 No Content", Delivered),
        ("299 Whatever", Delivered),
        ("300 Multiple Choices", retried),
        ("301 Moved Permanently", retried),
        ("302 Found", retried),
        ("303 See Other", retried),
        ("304 Not Modified", retried),
        ("307 Temporary Redirect", retried),
        ("308 Permanent Redirect\r\nLocation: /200", retried),
        ("400 Bad Request", retried),
        ("401 Unauthorized", retried),
        ("403 Forbidden", retried),
        ("404 Not Found", retried),
        ("409 Conflict", retried),
        ("410 Gone", Stopped),
        ("413 Payload Too Large", retried),
        ("415 Unsupported Media Type", retried),
        ("429 Too Many Requests\r\nRetry-After: 1", retried),
        ("500 Internal Server Error", retried),
        ("503 Service Unavailable\r\nRetry-After: 86400", retried),
        ("599 Whatever", retried),
    ]
    .into_iter()
    .map(|(head, outcome)| (head[..3].to_owned(), (head, outcome)))
    .collect();
    let heads: BTreeMap<_, _> =
        table.iter().map(|(code, (head, _))| (format!("/{code}"), *head)).collect();
    let endpoint = Endpoint::answering(move |request| said(heads[request.uri().path()], "")).await;
    let emulator = emulator();
    let mut codes = BTreeMap::new();
    for code in table.keys() {
        let id = registered(&emulator, &wanted(&endpoint.url(&format!("/{code}")))).await;
        codes.insert(id, code);
    }
    assert_eq!(emit(&emulator), table.len());
    assert_eq!(emulator.deliver_due(after(0)).await, table.len());
    for report in emulator.reports() {
        let code = codes[&report.target];
        assert_eq!(report.status, table[code].1, "{code}");
        let [Attempt { answer: Answer::Status(status), .. }] = &report.attempts[..] else {
            panic!("{code}: {report}")
        };
        assert_eq!(status.as_str(), code);
    }
    let retried = table.values().filter(|(_, outcome)| *outcome == retried).count();
    assert_eq!(emulator.deliver_due(after(60)).await, retried);
    assert_eq!(endpoint.delivered().len(), table.len() + retried);
}

#[tokio::test]
async fn the_end_of_a_delivery_in_words() {
    for (head, words) in [("200 OK", "delivered"), ("410 Gone", "stopped by a 410")] {
        let endpoint = Endpoint::answering(move |_| said(head, "")).await;
        let emulator = emulator();
        registered(&emulator, &wanted(&endpoint.url("/"))).await;
        emit(&emulator);
        emulator.deliver_due(after(0)).await;
        let (report, shown) = (report(&emulator), report(&emulator).to_string());
        let (id, to) = (report.id, report.target);
        let attempt = format!("attempt 1 at 2026-03-14T09:26:53Z: {head}");
        assert_eq!(
            shown,
            format!("delivery {id} of CourseCompleted to {to}: {words}\n  {attempt}")
        );
    }
}

#[tokio::test]
async fn a_connection_that_breaks_off_is_retried() {
    let endpoint = Endpoint::answering(|_| String::new()).await;
    let emulator = emulator();
    registered(&emulator, &wanted(&endpoint.url("/"))).await;
    emit(&emulator);
    emulator.deliver_due(after(0)).await;
    let report = report(&emulator);
    assert_eq!(report.status, DeliveryStatus::Retrying(after(60)));
    let Answer::Failed(why) = &report.attempts[0].answer else { panic!("{report}") };
    assert!(why.starts_with("the request could not be delivered: "), "{why}");
    assert_eq!(endpoint.delivered().len(), 1, "not repeated within the attempt");
}
