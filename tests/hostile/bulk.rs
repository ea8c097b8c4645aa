//! C: authentic bodies of very many elements, or nested very deep.

use super::*;

const MILLION: usize = 1_000_000;

/// The answer to `body`, signed, where so many bytes and events are taken.
async fn answered<P: Emit + Clone>(
    provider: P,
    body: Vec<u8>,
    (bytes, events): (usize, usize),
) -> (u16, Option<String>) {
    let request = signed(provider.clone(), body);
    let layer = VerifyLayer::new(provider).max_body_bytes(bytes);
    let layer = layer.clock(ManualClock::at_unix_seconds(NOW));
    let hook = layer.layer(EventRouter::new().max_events(events));
    let answer = answer(hook, request).await;
    (answer.status(), answer.rejection().map(ToString::to_string))
}

const USUAL: (usize, usize) = (1 << 20, 10_000);
const ENOUGH: (usize, usize) = (64 << 20, MILLION);

fn too_many(most: usize, at: usize) -> (u16, Option<String>) {
    let why = format!("not decodable: the body has more than {most} events at byte {at}");
    (400, Some(why))
}

/// Learn365's list of `count` of these.
fn list(element: &str, count: usize) -> Vec<u8> {
    let elements = vec![element; count].join(",");
    format!(r#"{{"Notifications":[{elements}]}}"#).into()
}

#[tokio::test]
async fn c9_more_events_than_allowed_are_refused() {
    let start = list("", 0).len() - 2;
    assert_eq!(answered(learn365(), list("1", 10_000), USUAL).await, (200, None), "C9");
    let refused = answered(learn365(), list("1", 10_001), USUAL).await;
    assert_eq!(refused, too_many(10_000, start + 20_000), "C9");
    assert_eq!(answered(learn365(), list("1", 1), (1 << 20, 0)).await, too_many(0, start), "C9");
    let few = answered(learn365(), list("{}", 3), (1 << 20, 2)).await;
    assert_eq!(few, too_many(2, start + 6), "C9");
}

#[tokio::test]
async fn c9_a_million_events_are_answered() {
    let start = list("", 0).len() - 2;
    let body = list("1", MILLION);
    let too_long = (413, Some("the body is longer than 1048576 bytes".into()));
    assert_eq!(answered(learn365(), body.clone(), USUAL).await, too_long, "C9");
    let refused = answered(learn365(), body.clone(), (ENOUGH.0, USUAL.1)).await;
    assert_eq!(refused, too_many(10_000, start + 20_000), "C9");
    assert_eq!(answered(learn365(), body, ENOUGH).await, (200, None), "C9");
}

#[tokio::test]
async fn c9_a_million_elements_within_one_event_are_answered() {
    let body = [r#"{"type":"a","data":["#, &vec!["1"; MILLION].join(","), "]}"].concat();
    let judged = answered(standard_webhooks(), body.into(), ENOUGH).await;
    assert_eq!(judged, (200, None), "C9: passed over");
    let log = Log::default();
    let noted = log.clone();
    let events = EventRouter::new().on(async move |event: SessionStarted| {
        noted.note(event.participants.unwrap_or_default().len().to_string());
    });
    let hook = VerifyLayer::new(loops()).max_body_bytes(ENOUGH.0).layer(events);
    let many = vec!["{}"; MILLION].join(",");
    let body = format!(r#"{{"type":"SESSION_STARTED","data":{{"participants":[{many}]}}}}"#);
    assert_eq!(answer(hook, post(TOKEN, body)).await.status(), 200, "C9: decoded");
    assert_eq!(log.seen(), ["1000000"], "C9: decoded");
}

/// Nested in each of these ways, 200,000 deep.
fn nested() -> [(&'static str, String); 4] {
    let nest = |open: &str, inner: &str, close: &str, depth| {
        [&open.repeat(depth), inner, &close.repeat(depth)].concat()
    };
    [
        ("arrays", nest("[", "", "]", 200_000)),
        ("objects", nest(r#"{"a":"#, "1", "}", 200_000)),
        ("both", nest(r#"[{"a":"#, "1", "}]", 100_000)),
        ("behind others", nest("[1,{},", "1", "]", 200_000)),
    ]
}

/// The answer of a sender with a MAC to what is nested so, refused as too deep.
async fn too_deep<P: Emit + Clone>(
    provider: P,
    row: &str,
    (before, after): (&str, &str),
    deep: &str,
) {
    let body = [before, deep, after].concat();
    let (status, why) = answered(provider, body.into(), ENOUGH).await;
    let why = why.unwrap_or_default();
    assert_eq!(status, 400, "C9: {row}: {before}: {why}");
    assert!(why.contains("is nested more than 127 deep"), "C9: {row}: {before}: {why}");
}

#[tokio::test]
async fn c9_what_is_nested_200_000_deep_is_refused_and_overflows_nothing() {
    let [(_, arrays), ..] = nested();
    for place in [
        ("", ""),
        (r#"{"data":"#, r#","type":"a"}"#),
        (r#"{"x":"#, r#","type":"a","data":1}"#),
        (r#"{"type":"#, "}"),
        ("[{},", ",{}]"),
    ] {
        too_deep(standard_webhooks(), "arrays", place, &arrays).await;
    }
    for place in [
        (r#"{"Notifications":"#, "}"),
        (r#"{"Notifications":[],"x":"#, "}"),
        (r#"{"Properties":"#, r#","Notifications":[]}"#),
    ] {
        too_deep(learn365(), "arrays", place, &arrays).await;
    }
    for (row, deep) in nested() {
        too_deep(standard_webhooks(), row, (r#"{"type":"a","data":"#, "}"), &deep).await;
    }
}

#[tokio::test]
async fn c9_c33_deep_data_of_a_known_event_runs_nothing() {
    let log = Log::default();
    let noted = log.clone();
    let events = EventRouter::new().on(async move |_: SessionStarted| noted.note("ran"));
    let server =
        Server::start(VerifyLayer::new(loops()).max_body_bytes(ENOUGH.0).layer(events)).await;
    let [(_, arrays), ..] = nested();
    for (before, after) in [("", ""), (r#"{"name":"#, "}"), (r#"{"x":"#, "}")] {
        let event = format!(r#"{{"type":"SESSION_STARTED","data":{before}{arrays}{after}}}"#);
        let body = format!(r#"[{{"type":"SESSION_STARTED","data":{{}}}},{event}]"#);
        assert_eq!(ask(&server, post(TOKEN, body)).await.status(), 400, "C9: {before}");
    }
    for (row, deep) in nested() {
        let never_closed = deep[..deep.len() / 2].to_owned();
        assert_eq!(ask(&server, post(TOKEN, never_closed)).await.status(), 400, "C33: {row}");
    }
    assert!(log.seen().is_empty(), "C9");
}
