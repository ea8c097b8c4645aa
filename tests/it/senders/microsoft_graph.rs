//! Microsoft Graph: a password in each item of the body, and a handshake that is asked with POST.

use http::Method;
use serde::{Deserialize, Serialize};
use tower::{Layer, ServiceExt};
use tower_webhook::{
    Body, Delivery, Draft, EventRouter, Payload, Provider, RawEvent, Sender, VerifyLayer,
    providers::microsoft_graph::MicrosoftGraph, scheme::Keys,
};

use super::matrix::{asked::*, *};
use crate::{
    list,
    support::{Log, OTHER_TOKEN, TOKEN, Traces},
};

#[derive(Debug, Deserialize, Serialize)]
struct Change {
    resource: String,
}

impl Payload for Change {
    type Provider = MicrosoftGraph;
}

fn graph(keys: impl Into<Keys>) -> MicrosoftGraph {
    MicrosoftGraph::new(keys).unwrap()
}

const FOREIGN: &str = "the-clientState-of-nobody-at-all";

pub(super) fn subject() -> impl Case {
    Subject {
        sender: list::microsoft_graph::subject,
        event_type: "updated",
        event: Change { resource: "users/1/messages/2".into() },
        unfit: r#"{"resource": 2}"#,
    }
}

pub(super) fn lifecycle() -> impl Case {
    Subject {
        sender: list::microsoft_graph::lifecycle,
        event_type: "subscriptionRemoved",
        event: Change { resource: String::new() },
        unfit: r#"{"resource": 2}"#,
    }
}

/// An item of this type with this state, and the body with these items.
fn item(state: &str, change: &str) -> String {
    format!(r#"{{"clientState":"{state}","changeType":"{change}"}}"#)
}

fn body(items: &[&str]) -> String {
    format!(r#"{{"value":[{}]}}"#, items.join(","))
}

/// What a receiver answers, and which events reach it. The answer to a request that is refused is empty.
async fn judged(body: impl Into<String>) -> (u16, Vec<String>) {
    let request = recorded("/in", &[("content-type", "application/json")], body.into());
    let (status, answer, seen) = answered(graph(TOKEN), request).await;
    assert!(status != 202 || answer.is_empty(), "{answer}");
    let types = seen.iter().map(|event| event.split(' ').next().unwrap().to_owned());
    (status, types.collect())
}

#[tokio::test]
async fn a_request_has_one_notification_with_the_state() {
    let (good, foreign) = (item(TOKEN, "a"), item(FOREIGN, "b"));
    let nested = format!(r#"{{"resourceData":{good},"changeType":"a"}}"#);
    for (name, body, status) in [
        ("genuine", body(&[&good]), 200),
        ("beside other members", format!(r#"{{"a":[1],"value":[{good}],"b":{{}}}}"#), 200),
        ("an escaped name", body(&[&good.replace("client", r"cli\u0065nt")]), 200),
        ("an escaped state", body(&[&good.replace(TOKEN, &escaped(TOKEN))]), 200),
        ("foreign", body(&[&foreign]), 202),
        ("no state", body(&[r#"{"changeType":"a"}"#]), 202),
        ("an empty state", body(&[&item("", "a")]), 202),
        ("a prefix", body(&[&item(&TOKEN[1..], "a")]), 202),
        ("longer", body(&[&item(&format!("{TOKEN}0"), "a")]), 202),
        ("a blank", body(&[&item(&format!(" {TOKEN}"), "a")]), 202),
        (
            "in a list",
            body(&[&good.replace(&format!("\"{TOKEN}\""), &format!("[\"{TOKEN}\"]"))]),
            202,
        ),
        ("twice", body(&[&good.replace('}', &format!(r#","clientState":"{TOKEN}"}}"#))]), 202),
        ("twice, once null", body(&[&good.replace('}', r#","clientState":null}"#)]), 202),
        ("deeper", body(&[&nested]), 202),
        ("beside the list", format!(r#"{{"clientState":"{TOKEN}","value":[{{}}]}}"#), 202),
        ("no list", format!(r#"{{"value":{good}}}"#), 202),
        ("an item alone", good.clone(), 202),
        ("a list alone", format!("[{good}]"), 202),
        ("two lists", format!(r#"{{"value":[{good}],"value":[{good}]}}"#), 202),
        ("another list", format!(r#"{{"values":[{good}]}}"#), 202),
        ("an empty list", body(&[]), 202),
        ("an empty object", "{}".into(), 202),
        ("broken off", body(&[&good]).trim_end_matches('}').into(), 202),
        ("text behind", format!("{} {{}}", body(&[&good])), 202),
        ("an empty body", String::new(), 202),
    ] {
        let (found, seen) = judged(body).await;
        let events: &[&str] = if status == 200 { &[r#"Some("a")"#] } else { &[] };
        assert_eq!(
            (found, &*seen),
            (status, &*events.iter().map(|e| (*e).to_owned()).collect::<Vec<_>>()),
            "{name}"
        );
    }
}

/// As JSON, with each character as an escape.
fn escaped(text: &str) -> String {
    text.bytes().map(|byte| format!(r"\u{byte:04x}")).collect()
}

/// A genuine item carries no foreign one in, wherever that is.
#[tokio::test]
async fn foreign_items_among_genuine_ones_are_dropped_and_told() {
    let (a, b, foreign) = (item(TOKEN, "a"), item(TOKEN, "b"), item(FOREIGN, "c"));
    for (items, dropped) in [
        (vec![&*a, &b], None),
        (vec![&*foreign, &a, &b], Some("1 of 3")),
        (vec![&*a, &foreign, &b], Some("1 of 3")),
        (vec![&*a, &b, &foreign, "7", "[]", "null", "{}"], Some("5 of 7")),
    ] {
        let traces = Traces::here();
        let expected = [r#"Some("a")"#, r#"Some("b")"#].map(str::to_owned).to_vec();
        assert_eq!(judged(body(&items)).await, (200, expected), "{items:?}");
        let told: Vec<_> =
            traces.seen().into_iter().filter(|line| line.contains("dropped")).collect();
        let line = dropped.map(|n| {
            format!("WARN message=microsoft_graph: {n} notifications dropped, without a known `clientState`")
        });
        assert_eq!(told, line.into_iter().collect::<Vec<_>>(), "{items:?}");
    }
}

/// What a handler sees: neither a state nor a wrong name of one.
#[tokio::test]
async fn handlers_get_the_name_of_the_state_and_not_the_state() {
    let provider = graph(Keys::named("sofia", TOKEN).or(Keys::named("varna", OTHER_TOKEN)));
    let (sofia, varna, foreign) = (item(TOKEN, "a"), item(OTHER_TOKEN, "b"), item(FOREIGN, "c"));
    for (items, expected) in [
        (vec![&*sofia], &["Some(\"sofia\")"][..]),
        (vec![&*varna, &varna], &["Some(\"varna\")"; 2]),
        (vec![&*foreign, &varna, &foreign], &["Some(\"varna\")"]),
        // One name would be wrong for one of them.
        (vec![&*sofia, &varna], &["None"; 2]),
        (vec![&*sofia, &varna, &sofia], &["None"; 3]),
    ] {
        let log = Log::default();
        let seen = log.clone();
        let events = EventRouter::new().fallback(async move |raw: RawEvent, of: Delivery| {
            let json = str::from_utf8(raw.json()).unwrap();
            assert!(![TOKEN, OTHER_TOKEN].iter().any(|state| json.contains(state)), "{json}");
            assert!(json.contains(r#""clientState":null"#), "{json}");
            assert_eq!(of.id(), None);
            seen.note(format!("{:?}", of.key_id()));
        });
        let hook = VerifyLayer::new(provider.clone()).layer(events);
        let request = recorded("/in", &[], body(&items));
        assert_eq!(hook.oneshot(request).await.unwrap().status(), 200);
        assert_eq!(log.seen(), expected);
    }
    let shown = format!("{provider:?}");
    assert!(![TOKEN, OTHER_TOKEN].iter().any(|state| shown.contains(state)), "{shown}");
}

/// A text that is the state, or ends in it with a quote in front, is the sender's own affair.
#[tokio::test]
async fn only_the_state_itself_is_replaced() {
    let quoted = format!(r#""of":"\"{TOKEN}""#);
    let good = format!(r#"{{"changeType":"{TOKEN}",{quoted},"clientState":"{TOKEN}"}}"#);
    let request = recorded("/in", &[], body(&[&good]));
    let (status, _, seen) = answered(graph(TOKEN), request).await;
    let kept = format!(r#"{{"changeType":"{TOKEN}",{quoted},"clientState":null}}"#);
    assert_eq!((status, seen), (200, vec![format!("{:?} None {kept}", Some(TOKEN))]));
}

#[tokio::test]
async fn the_type_is_the_change_or_the_lifecycle_event() {
    let with = |members: &str| format!(r#"{{"clientState":"{TOKEN}"{members}}}"#);
    let items = [
        with(r#","changeType":"created""#),
        with(r#","lifecycleEvent":"missed""#),
        with(r#","lifecycleEvent":"reauthorizationRequired","changeType":"updated""#),
        with(r#","changeType":"a","changeType":"b""#),
        with(r#","changeType":7"#),
        with(""),
    ];
    let items: Vec<_> = items.iter().map(String::as_str).collect();
    let types = [r#"Some("created")"#, r#"Some("missed")"#, "None", "None", "None", "None"];
    assert_eq!(judged(body(&items)).await, (200, types.map(str::to_owned).to_vec()));

    let sender = Sender::new(graph(TOKEN));
    for (event_type, member) in [
        ("updated", "changeType"),
        ("subscriptionRemoved", "lifecycleEvent"),
        ("missed", "lifecycleEvent"),
        ("reauthorizationRequired", "lifecycleEvent"),
    ] {
        let sent = sender.raw(event_type, r#"{"subscriptionId":"1"}"#).unwrap();
        let expected = format!(
            r#"{{"value":[{{"clientState":"{TOKEN}","{member}":"{event_type}","subscriptionId":"1"}}]}}"#
        );
        assert_eq!(sent.into_body().into_bytes(), expected);
    }
    let two = [Draft::raw("updated", "{}").unwrap(), Draft::raw("missed", "{}").unwrap()];
    assert!(sender.batch(&two).is_err());
    assert!(sender.raw("updated", r#"{"clientState":"x"}"#).is_err());
}

/// After the proof, so that the operator is told: a stranger gets 202 for them.
#[tokio::test]
async fn rich_notifications_are_refused_with_a_reason() {
    let good = item(TOKEN, "a");
    let rich = good.replace('}', r#","encryptedContent":{"data":"x"}}"#);
    let foreign = rich.replace(TOKEN, FOREIGN);
    let tokens = |list: &str| format!(r#"{{"value":[{list}],"validationTokens":["eyJ"]}}"#);
    for (name, body, status) in [
        ("encrypted", body(&[&rich]), 400),
        ("encrypted and not", body(&[&good, &rich]), 400),
        ("with tokens", tokens(&good), 400),
        ("both", tokens(&rich), 400),
        ("foreign", body(&[&foreign]), 202),
        ("foreign, with tokens", tokens(&foreign), 202),
        // It is dropped, and so it is no reason to refuse the other.
        ("foreign beside a genuine one", body(&[&good, &foreign]), 200),
    ] {
        let traces = Traces::here();
        let (found, seen) = judged(body).await;
        assert_eq!((found, seen.len()), (status, usize::from(status == 200)), "{name}");
        let told = traces.seen().iter().any(|line| {
            line.starts_with("WARN")
                && line.contains("the body has rich notifications, which cannot")
        });
        assert_eq!(told, status == 400, "{name}: {:?}", traces.seen());
    }
}

#[tokio::test]
async fn the_number_of_notifications_is_limited() {
    let most = MicrosoftGraph::MAX_NOTIFICATIONS;
    let (good, foreign) = (item(TOKEN, "a"), "0");
    for (count, status) in [(most, 200), (most + 1, 400)] {
        let mut items = vec![foreign; count - 1];
        items.insert(0, &good);
        assert_eq!(judged(body(&items)).await.0, status, "{count}");
    }
    // The genuine one is behind the last that is looked at.
    let mut items = vec![foreign; most];
    items.push(&good);
    assert_eq!(judged(body(&items)).await.0, 202);
}

/// As from an inbox, if a state was taken out of the configuration since: no event is lost without a word.
#[test]
fn a_body_without_a_known_state_is_not_unpacked() {
    let error = graph(TOKEN).unpack(body(&[&item(FOREIGN, "a")]).into()).unwrap_err();
    assert_eq!(error.to_string(), "the body has no notification with a known `clientState`");
    let error = graph(TOKEN).unpack("{}".into()).unwrap_err();
    assert_eq!(error.to_string(), "the body has no list of events at byte 2");
    let all = vec!["0"; MicrosoftGraph::MAX_NOTIFICATIONS + 1];
    let error = graph(TOKEN).unpack(body(&all).into()).unwrap_err();
    assert_eq!(error.to_string(), "the body has more than 4096 notifications");
}

#[tokio::test]
async fn the_validation_token_comes_back_decoded() {
    let longest = "a".repeat(1024);
    for (query, expected) in [
        ("validationToken=abc", "abc"),
        (
            "validationToken=Validation%3A%20Testing%20Request-Id%3A%201",
            "Validation: Testing Request-Id: 1",
        ),
        ("validationToken=a%2Bb+c", "a+b c"),
        ("tenant=7&validationToken=abc", "abc"),
        ("validationToken=%C3%A4", "ä"),
        // Harmless as plain text that no browser sniffs.
        ("validationToken=%3Cscript%3E1%3C%2Fscript%3E", "<script>1</script>"),
        (&*format!("validationToken={longest}"), &longest),
    ] {
        let hook = VerifyLayer::new(graph(TOKEN)).layer(EventRouter::new());
        let answer = hook.oneshot(recorded(&format!("/in?{query}"), &[], "")).await.unwrap();
        let headers = answer.headers().clone();
        assert_eq!(answer.status(), 200, "{query}");
        assert_eq!(crate::support::text(answer).await, expected, "{query}");
        assert_eq!(headers["content-type"], "text/plain; charset=utf-8");
        assert_eq!(headers["x-content-type-options"], "nosniff");
    }
    for query in [
        "validationToken=",
        "validationToken",
        "validationToken=a&validationToken=a",
        "validationtoken=abc",
        "validationToken=%FF",
        "validationToken=a%0D%0Ab",
        "validationToken=%00",
        &*format!("validationToken={longest}a"),
        "tenant=7",
        "",
    ] {
        let request = recorded(&format!("/in?{query}"), &[], "");
        let (status, answer, seen) = answered(graph(TOKEN), request).await;
        assert_eq!((status, &*answer, seen.len()), (202, "", 0), "{query}");
    }
    for method in [Method::GET, Method::PUT] {
        let request = asking(method, "/in?validationToken=abc", &[], Body::default().into_bytes());
        assert_eq!(status(graph(TOKEN), request).await, 405);
    }
    // The query of the endpoint itself comes back on every POST.
    let request = recorded("/in?tenant=7", &[], body(&[&item(TOKEN, "a")]));
    assert_eq!(status(graph(TOKEN), request).await, 200);
}

#[test]
fn a_state_is_long_and_visible() {
    for state in ["", " ", "short", "a-state-with blanks-of-32-letters", &"a".repeat(129)] {
        assert!(MicrosoftGraph::new(state).is_err(), "{state:?}");
    }
}
