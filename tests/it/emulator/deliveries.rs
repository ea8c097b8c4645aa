//! From an event to the end of its deliveries: filters, attempts, redirects, reports.

mod attempts;
mod redirects;

use tower_webhook::{
    Body, Draft,
    providers::learn365::{CourseCompleted, CourseStarted},
    sender::{Attempt, DeliveryReport, DeliveryStatus},
};

use super::*;

const COMPLETED: &str = "CourseCompleted";

/// The one delivery that an emulator knows of.
#[track_caller]
fn report(emulator: &Emulator) -> DeliveryReport {
    let [report] = emulator.reports().try_into().unwrap();
    report
}

fn emit(emulator: &Emulator) -> usize {
    emulator.emit(&CourseCompleted::default()).unwrap()
}

/// `path: type type …` for each delivery that arrived, in alphabetical order.
fn arrived(endpoint: &Endpoint) -> Vec<String> {
    let shown = |request: &Request<Bytes>| {
        let body: Value = serde_json::from_slice(request.body()).unwrap();
        let events = body["Notifications"].as_array().unwrap();
        let kinds: Vec<_> = events.iter().map(|event| event["Action"].as_str().unwrap()).collect();
        format!("{}: {}", request.uri().path(), kinds.join(" "))
    };
    let mut all: Vec<_> = endpoint.delivered().iter().map(shown).collect();
    all.sort();
    all
}

#[tokio::test]
async fn filters_match_whole_names_in_either_case() {
    let (emulator, endpoint) = (emulator(), Endpoint::new().await);
    for (path, members) in [
        ("exact", json!({"Filters": ["CourseCompleted"]})),
        ("lower", json!({"Filters": ["coursecompleted"]})),
        ("several", json!({"Filters": ["UserDeleted", "COURSECOMPLETED"]})),
        ("all", json!({"Filters": ["*"]})),
        ("all-too", json!({"Filters": ["UserDeleted", "*"]})),
        ("none", json!({})),
        ("another", json!({"Filters": ["CourseStarted"]})),
        ("paused", json!({"Filters": ["*"], "IsPaused": true})),
    ] {
        registered(&emulator, &wanted_with(&endpoint.url(&format!("/{path}")), members)).await;
    }
    assert_eq!(emit(&emulator), 6);
    assert_eq!(emulator.emit(&CourseStarted::default()).unwrap(), 4);
    assert_eq!(emulator.emit_batch(&[Draft::raw("courseSTARTED", "{}").unwrap()]).unwrap(), 4);
    assert_eq!(emulator.emit_batch(&[Draft::raw("Course", "{}").unwrap()]).unwrap(), 3);
    assert_eq!(emulator.emit_batch(&[]).unwrap(), 0);
    assert_eq!(emulator.deliver_due(after(0)).await, 17);
    let of = |path: &str, kinds: &[&str]| {
        kinds.iter().map(|kind| format!("/{path}: {kind}")).collect::<Vec<_>>()
    };
    let everything = ["Course", COMPLETED, "CourseStarted", "courseSTARTED"];
    let expected = [
        of("all", &everything),
        of("all-too", &everything),
        of("another", &["CourseStarted", "courseSTARTED"]),
        of("exact", &[COMPLETED]),
        of("lower", &[COMPLETED]),
        of("none", &everything),
        of("several", &[COMPLETED]),
    ];
    let mut expected = expected.concat();
    expected.sort();
    assert_eq!(arrived(&endpoint), expected);
}

#[tokio::test]
async fn several_events_travel_in_one_delivery() {
    let (emulator, endpoint) = (emulator(), Endpoint::new().await);
    for (path, filters) in [
        ("all", json!(["*"])),
        ("two", json!(["CourseCompleted", "UserDeleted"])),
        ("one", json!(["CourseStarted"])),
        ("nothing", json!(["UserCreated"])),
    ] {
        let members = json!({"Filters": filters});
        registered(&emulator, &wanted_with(&endpoint.url(&format!("/{path}")), members)).await;
    }
    let events =
        ["UserDeleted", "CourseStarted", COMPLETED].map(|kind| Draft::raw(kind, "{}").unwrap());
    assert_eq!(emulator.emit_batch(&events).unwrap(), 3);
    assert_eq!(emulator.deliver_due(after(0)).await, 3);
    assert_eq!(
        arrived(&endpoint),
        [
            "/all: UserDeleted CourseStarted CourseCompleted",
            "/one: CourseStarted",
            "/two: UserDeleted CourseCompleted",
        ]
    );
    let reported: Vec<_> =
        emulator.reports().iter().map(|report| report.event_types.join(" ")).collect();
    assert_eq!(
        reported,
        [
            "UserDeleted CourseStarted CourseCompleted",
            "UserDeleted CourseCompleted",
            "CourseStarted"
        ]
    );
    let mut ids: Vec<_> = emulator.reports().into_iter().map(|report| report.id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 3, "each registration gets a delivery of its own");
}

#[tokio::test]
async fn what_is_no_event_is_refused_at_once() {
    let (emulator, endpoint) = (emulator(), Endpoint::new().await);
    registered(&emulator, &wanted(&endpoint.url("/"))).await;
    let error = emulator.emit_batch(&[Draft::raw(COMPLETED, "7").unwrap()]).unwrap_err();
    assert_eq!(in_full(&error), "the request cannot be encoded: the payload is not an object");
    assert_eq!(emulator.reports(), []);
}

#[tokio::test]
async fn what_was_emitted_goes_where_it_was_wanted_then() {
    let (emulator, endpoint) =
        (emulator(), Endpoint::answering(|_| said("500 Internal Server Error", "")).await);
    let updated = registered(&emulator, &wanted(&endpoint.url("/old"))).await;
    let deleted = registered(&emulator, &wanted(&endpoint.url("/deleted"))).await;
    assert_eq!(emit(&emulator), 2);
    emulator.deliver_due(after(0)).await;
    let first = endpoint.delivered();

    let members =
        json!({"Id": updated, "IsPaused": true, "Secret": "b".repeat(40), "Headers": {"a": "b"}});
    let new = wanted_with(&endpoint.url("/new"), members).to_string();
    let place = |id: &str| format!("/webhooks/registrations/{id}");
    assert_eq!(ask(&emulator, Method::PUT, &place(&updated), new).await.status(), 200);
    assert_eq!(ask(&emulator, Method::DELETE, &place(&deleted), "").await.status(), 200);

    assert_eq!(emit(&emulator), 0);
    assert_eq!(emulator.deliver_due(after(60)).await, 2);
    let mut second = endpoint.delivered().split_off(first.len());
    second.sort_by_key(|request| request.uri().path().to_owned());
    let paths: Vec<_> = second.iter().map(|request| request.uri().path()).collect();
    assert_eq!(paths, ["/deleted", "/old"]);
    for request in second {
        assert!(!request.headers().contains_key("a"));
        let answer = answer(hook(&Log::default()), request.map(Body::from)).await;
        assert_eq!(answer.status(), 200, "signed under the secret of then");
    }
}

#[tokio::test]
async fn a_report_says_what_was_tried() {
    let endpoint = Endpoint::answering(|request| {
        let second = String::from_utf8_lossy(request.body()).contains("\"Attempt\": 2");
        said(if second { "200 OK" } else { "503 Service Unavailable" }, "")
    })
    .await;
    let emulator = emulator();
    let registration = registered(&emulator, &wanted(&endpoint.url("/"))).await;
    let events = [COMPLETED, "UserDeleted"].map(|kind| Draft::raw(kind, "{}").unwrap());
    emulator.emit_batch(&events).unwrap();
    let queued = report(&emulator);
    let (id, to) = (&queued.id, format!("of CourseCompleted, UserDeleted to {registration}"));
    assert!(id.len() == 32 && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')), "{id}");
    assert_eq!(queued.to_string(), format!("delivery {id} {to}: not yet attempted"));
    assert_eq!((queued.status, emulator.next_retry()), (DeliveryStatus::Queued, None));

    emulator.deliver_due(after(0)).await;
    let retrying = report(&emulator);
    assert_eq!(
        (retrying.status, emulator.next_retry()),
        (DeliveryStatus::Retrying(after(60)), Some(after(60)))
    );
    assert_eq!(
        retrying.to_string(),
        format!(
            "delivery {id} {to}: to be attempted again at 2026-03-14T09:27:53Z\n  \
             attempt 1 at 2026-03-14T09:26:53Z: 503 Service Unavailable"
        )
    );

    emulator.deliver_due(after(61)).await;
    let delivered = report(&emulator);
    assert_eq!((delivered.status, emulator.next_retry()), (DeliveryStatus::Delivered, None));
    assert_eq!((&delivered.id, &delivered.target), (id, &registration));
    assert_eq!(delivered.event_types, [COMPLETED, "UserDeleted"]);
    let facts = |one: &Attempt| (one.number, one.at, one.redirects, one.method.clone());
    let attempts: Vec<_> = delivered.attempts.iter().map(facts).collect();
    assert_eq!(attempts, [(1, after(0), 0, Method::POST), (2, after(61), 0, Method::POST)]);
    assert_eq!(
        delivered.to_string(),
        format!(
            "delivery {id} {to}: delivered\n  \
             attempt 1 at 2026-03-14T09:26:53Z: 503 Service Unavailable\n  \
             attempt 2 at 2026-03-14T09:27:54Z: 200 OK"
        )
    );
}
