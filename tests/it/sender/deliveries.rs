//! Deliveries with their retries.

mod at_once;
mod redirects;
mod reported;
mod statuses;

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http::{Request, StatusCode};
use tower::{Layer, ServiceExt};
use tower_webhook::{
    Body, Draft, Emit, EventRouter, Schedule, Sender, VerifyLayer,
    clock::ManualClock,
    error::SendError,
    providers::loops::Loops,
    scheme::Token,
    sender::{Answer, Deliveries, DeliveryReport, DeliveryStatus, Tamper, limits},
};

use super::{Arrived, Own, answering, at, endpoint, seconds};
use crate::support::{TOKEN, learn365, standard_webhooks, synthesis_vr, teachstack, url};

/// The time that is told first.
const START: u64 = 1_800_000_000;

/// Far beyond every schedule.
const LATER: u64 = START + 365 * 24 * 60 * 60;

/// By the schedule of `provider`, with one delivery for each of `paths` at `address`, of which that is the name.
fn pushed<P: Emit + Clone>(provider: &P, address: SocketAddr, paths: &[&str]) -> Deliveries<P> {
    let deliveries = Deliveries::new(provider.schedule());
    paths.iter().for_each(|path| push(&deliveries, provider.clone(), address, path));
    deliveries
}

fn push<P: Emit>(deliveries: &Deliveries<P>, provider: P, address: SocketAddr, path: &str) {
    let sender = Sender::new(provider).to(url(address, path));
    deliveries.push(path, sender, [event()]).unwrap();
}

fn event() -> Draft {
    Draft::raw("invoice.paid", r#"{"total": 3, "uuid": "u"}"#).unwrap()
}

/// Makes all attempts from [`START`] on when they are due, and returns these times, counted from there.
async fn driven<P: Emit>(deliveries: &Deliveries<P>) -> Vec<u64> {
    let (mut times, mut next) = (Vec::new(), Some(at(START)));
    while let Some(now) = next {
        assert!(deliveries.deliver_due(now).await > 0, "nothing is due at {now:?}");
        times.push(seconds(now) - START);
        next = deliveries.next_retry();
    }
    times
}

#[track_caller]
fn only<P: Emit>(deliveries: &Deliveries<P>) -> DeliveryReport {
    let [report] = deliveries.reports().try_into().expect("one delivery");
    report
}

fn outcomes<P: Emit>(deliveries: &Deliveries<P>) -> Vec<DeliveryStatus> {
    deliveries.reports().iter().map(|report| report.status).collect()
}

#[track_caller]
fn is_answered(report: &DeliveryReport, statuses: &[u16]) {
    let answers = report.attempts.iter().map(|attempt| attempt.answer.clone());
    let expected = statuses.iter().map(|&status| Answer::Status(code(status)));
    assert_eq!(answers.collect::<Vec<_>>(), expected.collect::<Vec<_>>(), "{report}");
}

fn code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap()
}

#[tokio::test]
async fn standard_webhooks_are_sent_again_with_the_same_id_and_body_but_signed_anew() {
    let (address, arrived) = answering([503, 500, 429, 302, 200]).await;
    let deliveries = pushed(&standard_webhooks(), address, &["/hook"]);
    assert_eq!(driven(&deliveries).await, [0, 5, 305, 2_105, 9_305]);
    let report = only(&deliveries);
    is_answered(&report, &[503, 500, 429, 302, 200]);
    assert_eq!(report.status, DeliveryStatus::Delivered);

    let mut signatures = BTreeSet::new();
    for (attempt, request) in report.attempts.iter().zip(arrived.all()) {
        let time = seconds(attempt.at);
        assert_eq!(request.headers()["webhook-id"], report.id.as_str());
        assert_eq!(request.headers()["webhook-timestamp"], time.to_string().as_str());
        assert_eq!(
            request.body(),
            r#"{"type":"invoice.paid","timestamp":"2027-01-15T08:00:00Z","data":{"total": 3, "uuid": "u"}}"#
        );
        signatures.insert(request.headers()["webhook-signature"].as_bytes().to_owned());
        for (shown, status) in [(time, 200), (time + 301, 401), (time - 301, 401)] {
            assert_eq!(answer_at(shown, request.clone().map(Body::from)).await, status);
        }
    }
    assert_eq!(signatures.len(), 5);
}

/// How a receiver answers whose clock shows this time.
async fn answer_at(time: u64, request: Request<Body>) -> StatusCode {
    let clock = ManualClock::at_unix_seconds(time);
    let hook = VerifyLayer::new(standard_webhooks()).clock(clock).layer(EventRouter::new());
    hook.oneshot(request).await.unwrap().status()
}

#[tokio::test]
async fn after_the_last_attempt_it_has_failed() {
    let (address, arrived) = answering([500]).await;
    let deliveries = pushed(&standard_webhooks(), address, &["/hook"]);
    let times = driven(&deliveries).await;
    assert_eq!((times.len(), times.last()), (10, Some(&(75 * 3600 + 35 * 60 + 5))));
    let report = only(&deliveries);
    assert_eq!(report.status, DeliveryStatus::Failed);
    assert!(report.attempts.iter().map(|attempt| attempt.number).eq(1..=10), "{report}");
    assert_eq!(deliveries.deliver_due(at(LATER)).await, 0);
    assert_eq!(arrived.all().len(), 10);
}

#[tokio::test]
async fn a_410_stops() {
    let (address, arrived) = answering([503, 410, 200]).await;
    let deliveries = pushed(&standard_webhooks(), address, &["/hook"]);
    assert_eq!(driven(&deliveries).await, [0, 5]);
    assert_eq!(only(&deliveries).status, DeliveryStatus::Stopped);
    assert_eq!(deliveries.deliver_due(at(LATER)).await, 0);
    assert_eq!(arrived.all().len(), 2);
}

/// An endpoint that answers as its path begins: `/503/…`.
async fn as_asked() -> (SocketAddr, Arrived) {
    let asked = |path: &str| path.split('/').nth(1).unwrap().parse().unwrap();
    endpoint(move |request, _| code(asked(request.uri().path()))).await
}

const PATHS: [&str; 12] = [
    "/200", "/202", "/204", "/299", "/302", "/307", "/400", "/404", "/410", "/429", "/500", "/503",
];

/// What an answer by each of [`PATHS`] leads to, if all but a 2xx and a 410 lead to `other`.
fn expected_or(other: DeliveryStatus) -> Vec<DeliveryStatus> {
    let expected = |path: &&str| match *path {
        "/200" | "/202" | "/204" | "/299" => DeliveryStatus::Delivered,
        "/410" => DeliveryStatus::Stopped,
        _ => other,
    };
    PATHS.iter().map(expected).collect()
}

#[tokio::test]
async fn any_2xx_and_a_410_end_a_delivery_and_nothing_else_does() {
    let (address, arrived) = as_asked().await;
    let deliveries = pushed(&standard_webhooks(), address, &PATHS);
    assert_eq!(deliveries.deliver_due(at(START)).await, PATHS.len());
    assert_eq!(outcomes(&deliveries), expected_or(DeliveryStatus::Retrying(at(START + 5))));
    assert_eq!(arrived.all().len(), PATHS.len());
    assert_eq!(deliveries.deliver_due(at(START + 5)).await, 7);
}

/// Whatever is answered.
async fn is_tried_once<P: Emit + Clone>(provider: P) {
    let (address, arrived) = as_asked().await;
    let deliveries = pushed(&provider, address, &PATHS);
    assert_eq!(deliveries.deliver_due(at(START)).await, PATHS.len());
    assert_eq!((deliveries.next_retry(), deliveries.deliver_due(at(LATER)).await), (None, 0));
    assert_eq!(arrived.all().len(), PATHS.len());
    assert_eq!(outcomes(&deliveries), expected_or(DeliveryStatus::Failed));
}

#[tokio::test]
async fn who_never_sends_again_or_does_not_say_so_tries_once() {
    is_tried_once(synthesis_vr()).await;
    is_tried_once(teachstack()).await;
    is_tried_once(Loops::dangerous_unauthenticated()).await;
}

const PAUSES: [Duration; 2] = [Duration::from_secs(7); 2];

#[tokio::test]
async fn a_provider_of_ones_own_is_told_the_attempt_and_the_time_of_the_first() {
    let (address, arrived) = answering([500]).await;
    let deliveries = Deliveries::new(Schedule::retrying(&PAUSES[..]));
    push(&deliveries, Own, address, "/hook");
    assert_eq!(driven(&deliveries).await, [0, 7, 14]);
    let all = arrived.all();
    let told = |request: &Request<Bytes>| {
        let body: serde_json::Value = serde_json::from_slice(request.body()).unwrap();
        serde_json::from_value::<[u64; 3]>(body[0]["told"].clone()).unwrap()
    };
    assert_eq!(
        all.iter().map(told).collect::<Vec<_>>(),
        [
            [1, 1_800_000_000, 1_800_000_000],
            [2, 1_800_000_000, 1_800_000_007],
            [3, 1_800_000_000, 1_800_000_014]
        ]
    );
    let id = only(&deliveries).id;
    assert!(all.iter().all(|request| request.headers()["x-id"] == id.as_str()), "{all:?}");
}

#[tokio::test]
async fn what_cannot_be_encoded_again_fails_in_words() {
    for (kind, why) in [
        ("once", "the request cannot be encoded: it was sent before"),
        ("panic", "the request cannot be encoded: the provider panicked"),
    ] {
        let (address, arrived) = answering([500]).await;
        let deliveries = Deliveries::new(Schedule::retrying(&PAUSES[..]));
        let sender = Sender::new(Own).to(url(address, "/hook"));
        deliveries.push("", sender, [Draft::raw(kind, "{}").unwrap()]).unwrap();
        assert_eq!(driven(&deliveries).await, [0, 7, 14], "{kind}");
        let why = Answer::Failed(why.into());
        let report = only(&deliveries);
        assert!(report.attempts[1..].iter().all(|attempt| attempt.answer == why), "{report}");
        assert_eq!((report.status, arrived.all().len()), (DeliveryStatus::Failed, 1), "{kind}");
    }
}

#[tokio::test]
async fn the_status_counts_however_long_the_answer_is() {
    let (address, _) = endpoint(|_, _| (StatusCode::OK, vec![b'x'; 64 * 1024 + 1])).await;
    let deliveries = pushed(&standard_webhooks(), address, &["/a"]);
    assert_eq!(deliveries.deliver_due(at(START)).await, 1);
    assert_eq!(only(&deliveries).status, DeliveryStatus::Delivered);
}

#[tokio::test]
async fn what_cannot_be_encoded_is_not_taken() {
    let deliveries = Deliveries::new(standard_webhooks().schedule());
    let sender = || Sender::new(standard_webhooks());
    let refused = |sender, events: &[Draft]| deliveries.push("", sender, events).unwrap_err();
    let two = refused(sender(), &[event(), event()]);
    assert!(matches!(two, SendError::NotOneEvent(2)), "{two:?}");
    for sender in [sender().id("a.b"), sender().id(""), sender().properties("[]")] {
        let error = refused(sender, &[event()]);
        assert!(matches!(error, SendError::Encode(_)), "{error:?}");
    }
    assert_eq!(deliveries.reports(), []);
    assert_eq!(deliveries.deliver_due(at(START)).await, 0);

    let deliveries = Deliveries::new(learn365().schedule());
    let stale = Sender::new(learn365()).tampered(Tamper::Stale);
    let error = deliveries.push("", stale, [event()]).unwrap_err();
    assert!(matches!(error, SendError::Tamper("stale")), "{error:?}");
    assert_eq!(deliveries.reports(), []);
}

#[tokio::test]
async fn each_delivery_has_its_own_times_and_the_next_is_the_earliest() {
    let (address, _) = answering([500]).await;
    let deliveries = pushed(&standard_webhooks(), address, &["/a"]);
    assert_eq!(deliveries.next_retry(), None);
    assert_eq!(deliveries.deliver_due(at(START)).await, 1);
    push(&deliveries, standard_webhooks(), address, "/b");
    assert_eq!(deliveries.next_retry(), Some(at(START + 5)));
    for (told, made, next) in [
        (START + 3, 1, START + 5),
        (START + 4, 0, START + 5),
        (0, 0, START + 5),
        (START + 5, 1, START + 8),
        (START, 0, START + 8),
        (START + 305, 2, START + 305 + 300),
    ] {
        assert_eq!(deliveries.deliver_due(at(told)).await, made, "{told}");
        assert_eq!(deliveries.next_retry(), Some(at(next)), "{told}");
    }
    let attempts = deliveries.reports().into_iter().map(|report| report.attempts.len());
    assert_eq!(attempts.collect::<Vec<_>>(), [3, 2]);
}

#[tokio::test]
async fn clones_share_deliveries() {
    let (address, arrived) = answering([500]).await;
    let deliveries = pushed(&standard_webhooks(), address, &["/a"]);
    let clone = deliveries.clone();
    push(&clone, standard_webhooks(), address, "/b");
    assert_eq!(deliveries.deliver_due(at(START)).await, 2);
    assert_eq!(clone.deliver_due(at(START)).await, 0);
    assert_eq!(clone.next_retry(), Some(at(START + 5)));
    assert_eq!(clone.reports(), deliveries.reports());
    assert_eq!((clone.reports().len(), arrived.all().len()), (2, 2));
}

#[tokio::test]
async fn the_oldest_of_ten_thousand_finished_are_forgotten_and_no_other() {
    let most = limits::MAX_FINISHED;
    let deliveries = Deliveries::new(Schedule::retrying(&PAUSES[..1]));
    // No target: such a delivery fails at once.
    let push = |name: usize| deliveries.push(name.to_string(), Sender::new(Own), []).unwrap();
    push(0);
    assert_eq!(deliveries.deliver_due(at(LATER)).await, 1);
    (1..=most + 2).for_each(push);
    for time in [START, START + 7] {
        assert_eq!(deliveries.deliver_due(at(time)).await, most + 2);
    }
    push(most + 3);
    let names = deliveries.reports().into_iter().map(|report| report.target);
    let remembered = [0].into_iter().chain(3..=most + 3).map(|name| name.to_string());
    assert!(names.eq(remembered));
    assert_eq!(deliveries.deliver_due(SystemTime::UNIX_EPOCH).await, 1);
}
