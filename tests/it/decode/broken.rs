//! Text that is no JSON, or not all of it, or too much of it.

use serde_json::Value;
use tower::{Layer, ServiceExt};
use tower_webhook::{Rejection, VerifyLayer};

use super::*;
use crate::support::*;

const GOOD: &str = r#"[{"type":"paid","data":{"total":3,"é":"\u00e9\ud83d\ude00"}}, {"data":[1.5e3,null,false],"type":"x"}]"#;

#[test]
fn broken_text_is_told_by_what_and_where() {
    let cases: &[(&str, &str)] = &[
        ("", "is cut short at byte 0"),
        (" \r\n", "is cut short at byte 3"),
        ("\u{feff}", "is cut short at byte 3"),
        ("\u{feff}\u{feff}[]", "is not JSON (expected value) at byte 3"),
        ("[", "is cut short at byte 1"),
        ("[7", "lacks a comma or its end at byte 2"),
        ("7", "is no object and no list at byte 0"),
        (" \"paid\"", "is no object and no list at byte 1"),
        ("null", "is no object and no list at byte 0"),
        ("[7,", "is cut short at byte 3"),
        ("[7,]", "is not JSON (expected value) at byte 3"),
        ("[7 8]", "lacks a comma or its end at byte 3"),
        ("[7]]", "has text after its end at byte 3"),
        ("[7]\0", "has text after its end at byte 3"),
        ("[7]\u{feff}", "has text after its end at byte 3"),
        ("{} {}", "has text after its end at byte 3"),
        ("{}\n{}\n", "has text after its end at byte 3"),
        ("[}", "is not JSON (expected value) at byte 1"),
        ("{]", "lacks a member name at byte 1"),
        ("{a:1}", "lacks a member name at byte 1"),
        ("{'a':1}", "lacks a member name at byte 1"),
        ("{\"a\" 1}", "lacks a colon at byte 5"),
        ("{\"a\":1,}", "lacks a member name at byte 7"),
        ("{\"a\":1 \"b\":2}", "lacks a comma or its end at byte 7"),
        ("{\"a\":01}", "is not JSON (invalid number) at byte 6"),
        (r#"{"paid","data":{"total":3}}"#, "lacks a colon at byte 7"),
        (r#"{"type":xpaid","data":{"total":3}}"#, "is not JSON (expected value) at byte 8"),
        (r#"{"type":7paid","data":{"total":3}}"#, "lacks a comma or its end at byte 9"),
        (r#"{"type": paid","data":{"total":3}}"#, "is not JSON (expected value) at byte 9"),
        (r#"{"type": ","data":1}"#, "lacks a comma or its end at byte 12"),
        (r#"{"type":é"}"#, "is not JSON (expected value) at byte 8"),
        (r#"{"type":é","data":1}"#, "is not JSON (expected value) at byte 8"),
        (r#"{"type":"paid","data":{"total":3},}"#, "lacks a member name at byte 34"),
        (r#"{"type":"paid","data":{"total":3}"#, "lacks a comma or its end at byte 33"),
        (r#"{"type":"paid","data":{"total":3}]"#, "lacks a comma or its end at byte 33"),
        (r#"{"type":"paid","data":}"#, "is not JSON (expected value) at byte 22"),
        (
            "{\"type\":\"pa\nid\"}",
            "is not JSON (control character (\\u0000-\\u001F) found while parsing a string)",
        ),
        (
            "{\"ty\tpe\":1}",
            "is not JSON (control character (\\u0000-\\u001F) found while parsing a string)",
        ),
        (
            "[\"\u{0}\"]",
            "is not JSON (control character (\\u0000-\\u001F) found while parsing a string)",
        ),
        ("[\"\\x\"]", "is not JSON (invalid escape)"),
        ("[\"\\u12g4\"]", "is not JSON (invalid escape)"),
        ("[\"abc", "is not JSON (EOF while parsing a string)"),
        ("[nan]", "is not JSON (expected ident)"),
        ("[NaN]", "is not JSON (expected value)"),
        ("[+1]", "is not JSON (expected value)"),
        ("[1.]", "is not JSON (invalid number)"),
        ("[-]", "is not JSON (invalid number)"),
        ("[/**/]", "is not JSON (expected value)"),
        ("type=paid", "is not JSON (expected ident)"),
    ];
    for (body, expected) in cases {
        let told = refusal(adjacent(), body);
        assert!(told.starts_with(&format!("the body {expected}")), "{body:?}: {told}");
    }
    assert_eq!(refusal(adjacent(), b"[\"\xff\"]"), "the body is not UTF-8 at byte 2");
    let utf16: Vec<u8> = "[]".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(refusal(adjacent(), utf16), "the body is not JSON (expected value) at byte 1");
}

#[test]
fn every_beginning_of_a_body_is_refused() {
    for end in (0..GOOD.len()).filter(|&end| GOOD.is_char_boundary(end)) {
        assert!(dispatch(&listening(&Log::default()), adjacent(), &GOOD[..end]).is_err(), "{end}");
        assert!(events(&adjacent(), &GOOD.as_bytes()[..end]).is_err(), "{end}");
    }
    assert_eq!(seen(adjacent(), GOOD), ["paid 3", r#"raw Some("x")"#]);
}

#[test]
fn a_name_that_json_escapes_is_found_escaped_only() {
    for (type_key, data_key) in [("ty\\pe", "data"), ("type", "d\\ata"), ("ty\\pe", "d\\ata")] {
        let envelope = || Envelope::adjacent(type_key, data_key);
        let unescaped = format!(r#"{{"{type_key}":"paid","{data_key}":{{"total":3}}}}"#);
        assert!(events(&envelope(), unescaped.as_bytes()).is_err(), "{unescaped}");
        assert_eq!(seen(envelope(), unescaped.replace('\\', r"\\")), ["paid 3"]);
    }
}

/// What most events look like is read in a way of its own.
#[test]
fn an_event_with_a_byte_too_many_too_few_or_changed_is_read_if_it_is_json() {
    let router = listening(&Log::default());
    for (envelope, event) in [
        (adjacent(), r#"{"type":"paid","data":{"total":3}}"#),
        (adjacent(), r#"{"type":"new","data":{"total":3},"a":1}"#),
        (Envelope::flat("Action"), r#"{"id":"a","Action":"paid","total":3}"#),
    ] {
        let good = event.as_bytes();
        for at in 0..good.len() {
            let without = [&good[..at], &good[at + 1..]].concat();
            let other = (0..=u8::MAX).flat_map(|byte| {
                [&good[at..], &good[at + 1..]].map(|rest| [&good[..at], &[byte], rest].concat())
            });
            for body in other.chain([without]) {
                let text = std::str::from_utf8(&body);
                let json = text.is_ok_and(|text| serde_json::from_str::<Value>(text).is_ok());
                assert_eq!(events(&envelope, &body).is_ok(), json, "{text:?}");
                assert_eq!(dispatch(&router, envelope.clone(), &body).is_ok(), json, "{text:?}");
            }
        }
    }
}

#[tokio::test]
async fn nothing_runs_unless_all_of_it_is_json() {
    let log = Log::default();
    let provider = Acme(adjacent());
    let hook = VerifyLayer::new(provider).layer(listening(&log));
    let good = r#"{"type":"paid","data":{"total":3}}"#;
    for body in [
        format!("[{good},{good}"),
        format!("[{good},{{]"),
        format!("{good}{good}"),
        format!("[{good},\"\u{1}\"]"),
    ] {
        let response = hook.clone().oneshot(post("", body)).await.unwrap();
        assert_eq!(response.status(), 400);
        assert!(matches!(response.extensions().get(), Some(Rejection::Undecodable(_))));
    }
    assert_eq!(log.seen(), [""; 0]);
    assert_eq!(hook.oneshot(post("", good)).await.unwrap().status(), 200);
    assert_eq!(log.seen(), ["paid 3"]);
}

#[test]
fn what_no_type_can_hold_is_no_broken_text() {
    for value in
        ["1e999", "-1e999", &"9".repeat(400), "\"\\ud800\"", "\"\\udc00\\ud800\"", "1e-999"]
    {
        let paid = r#"{"type":"paid","data":{"total":3}}"#;
        let body = format!(r#"[{{"type":"new","data":{value}}},{value},{paid}]"#);
        assert_eq!(
            seen(adjacent(), &body),
            [r#"raw Some("new")"#, "raw None", "paid 3"],
            "{value}"
        );
        let body = format!(r#"[{{"type":"paid","data":{{"total":{value}}}}},{paid}]"#);
        let told = seen(adjacent(), &body);
        assert!(told[0].starts_with(r#"event "paid" at `[0].data.total`: "#), "{told:?}");
        assert_eq!(told[1], "paid 3");
    }
    assert_eq!(seen(adjacent(), r#"{"\ud800":1,"type":"paid","data":{"total":3}}"#), ["paid 3"]);
}

#[test]
fn depth_is_limited_and_overflows_nothing() {
    let deep = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    let unknown = |depth| format!(r#"{{"type":"new","data":{}}}"#, deep(depth));
    let known = |depth| format!(r#"{{"type":"paid","data":{{"total":3,"x":{}}}}}"#, deep(depth));
    let flat = |depth| format!(r#"{{"type":"paid","total":3,"x":{}}}"#, deep(depth));
    let listed =
        |depth| format!(r#"{{"Events":[{{"Action":"paid","total":3}}],"x":{}}}"#, deep(depth));
    let unused =
        |depth| format!(r#"{{"Events":[{{"Action":"paid","total":3}}],"events":{}}}"#, deep(depth));
    let unused_first =
        |depth| format!(r#"{{"events":{},"Events":[{{"Action":"paid","total":3}}]}}"#, deep(depth));
    assert_eq!(seen(flat_within(), unused(127)), ["paid 3"]);
    assert_eq!(seen(flat_within(), unused_first(127)), ["paid 3"]);
    assert_eq!(seen(adjacent(), unknown(126)), [r#"raw Some("new")"#]);
    assert_eq!(seen(adjacent(), known(125)), ["paid 3"]);
    assert_eq!(seen(Envelope::flat("type"), flat(126)), ["paid 3"]);
    assert_eq!(seen(flat_within(), listed(127)), ["paid 3"]);
    for deeper in [1, 5_000, 100_000] {
        let told = "the body is nested more than 127 deep at byte";
        assert_eq!(refusal(adjacent(), unknown(126 + deeper)), format!("{told} 0"));
        assert_eq!(refusal(adjacent(), known(125 + deeper)), format!("{told} 0"));
        assert_eq!(refusal(Envelope::flat("type"), flat(126 + deeper)), format!("{told} 0"));
        assert_eq!(refusal(flat_within(), listed(127 + deeper)), format!("{told} 44"));
        assert_eq!(refusal(flat_within(), unused(127 + deeper)), format!("{told} 49"));
        assert_eq!(refusal(flat_within(), unused_first(127 + deeper)), format!("{told} 10"));
        let second = format!("[7,{}]", unknown(126 + deeper));
        assert_eq!(refusal(adjacent(), second), format!("{told} 3"));
    }
    for depth in [5_000, 100_000] {
        assert!(dispatch(&listening(&Log::default()), adjacent(), "[".repeat(depth)).is_err());
        assert!(
            dispatch(&listening(&Log::default()), adjacent(), "{\"data\":".repeat(depth)).is_err()
        );
    }
}

#[test]
fn a_known_event_may_be_as_deep_as_its_type_can_be_read() {
    let deep = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    let router = EventRouter::new().on_type("tree", async |_: Tree| {});
    let tree = |depth| {
        dispatch(&router, adjacent(), format!(r#"{{"type":"tree","data":{}}}"#, deep(depth)))
    };
    assert_eq!(outcomes(tree(126).unwrap()), ["handled"]);
    for depth in [127, 100_000] {
        assert_eq!(
            tree(depth).unwrap_err().to_string(),
            "the body is nested more than 127 deep at byte 0"
        );
    }
}

#[derive(Deserialize)]
struct Tree(#[expect(dead_code, reason = "only its depth matters")] Vec<Self>);

impl Payload for Tree {
    type Provider = Acme;
}
