//! C: events that are not what they should be, beside others that are.

use tower_webhook::{Event, Payload};

use super::*;

const GOOD: &str = r#"{"type":"SESSION_STARTED","data":{"name":"good"}}"#;

fn named(event: &str) -> String {
    format!(r#"{{"type":"SESSION_STARTED","data":{event}}}"#)
}

#[tokio::test]
async fn c5_c6_c8_c37_one_event_that_does_not_fit_spares_the_others() {
    let deep = format!("{}{}", "[".repeat(120), "]".repeat(120));
    let user = |id: &str| named(&format!(r#"{{"participants":[{{"userId":{id}}}]}}"#));
    for (row, event) in [
        ("C5", named(r#"{"name":"\ud800"}"#)),
        ("C5 the second half", named(r#"{"name":"\udc00"}"#)),
        ("C5 in the wrong order", named(r#"{"name":"\udc00\ud800"}"#)),
        ("C5 and a letter", named(r#"{"name":"\ud800a"}"#)),
        ("C6", r#"{"type":"SESSION_STARTED","type":"SESSION_STARTED","data":{}}"#.into()),
        ("C6 another", r#"{"type":"SESSION_STARTED","data":{},"type":"NEWS"}"#.into()),
        ("C6 escaped", r#"{"type":"SESSION_STARTED","typ\u0065":"NEWS","data":{}}"#.into()),
        ("C6", r#"{"type":"SESSION_STARTED","data":{},"data":{}}"#.into()),
        ("C6", named(r#"{"name":"a","name":"b"}"#)),
        ("C8", user("1e999999")),
        ("C8", user(&"7".repeat(400))),
        ("C8", user("-9223372036854775809")),
        ("C8", user("0.5")),
        ("C37", named(r#"{"name":7}"#)),
        ("C37", named(r#"{"name":[]}"#)),
        ("C37", named(r#"[1,2]"#)),
        ("C37", named(r#""text""#)),
        ("C37", named(r#"{"uuid":{}}"#)),
        ("deep", named(&format!(r#"{{"name":{deep}}}"#))),
        ("no data", r#"{"type":"SESSION_STARTED"}"#.into()),
    ] {
        let (status, seen) = received(format!("[{GOOD},{event},{GOOD}]")).await;
        assert_eq!(status, 200, "{row}: {event}");
        assert_eq!((seen[0].as_str(), seen[2].as_str(), seen.len()), ("good", "good", 3), "{row}");
        let why = [" at `[1]", "element `[1]`: has two members"];
        assert!(why.iter().any(|why| seen[1].contains(why)), "{row}: {}", seen[1]);
    }
}

#[tokio::test]
async fn c37_what_does_not_fit_is_told_and_not_acknowledged() {
    let bad = named(r#"{"name":[]}"#);
    let (status, seen) = received(format!("[{bad}]")).await;
    let why = r#"Some("SESSION_STARTED"): event "SESSION_STARTED" at `[0].data.name`: expected a string (byte 34)"#;
    assert_eq!((status, seen), (200, vec![why.to_owned()]), "C37: the fallback took it");
    let log = Log::default();
    let noted = log.clone();
    let no_fallback = EventRouter::new()
        .on(async move |event: SessionStarted| noted.note(event.name.unwrap_or_default()));
    let hook = VerifyLayer::new(loops()).layer(no_fallback);
    let answer = answer(hook, post(TOKEN, format!("[{bad},{GOOD},{bad}]"))).await;
    assert_eq!(answer.rejection(), Some(&Rejection::EventsFailed(2)), "C37");
    assert_eq!((answer.status(), log.seen()), (500, vec!["good".to_owned()]), "C37");
}

#[tokio::test]
async fn c6_a_list_that_stands_twice_is_refused() {
    for body in [
        r#"{"Notifications":[],"Notifications":[]}"#,
        r#"{"notifications":[],"notifications":[]}"#,
        r#"{"Notifications":[],"Notific\u0061tions":[]}"#,
        r#"{"Notifications":[{"Action":"a"}],"Id":"1","Notifications":null}"#,
    ] {
        assert_eq!(delivered(learn365(), signed(learn365(), body)).await.0, 400, "C6: {body}");
    }
}

#[tokio::test]
async fn c5_c8_c35_what_nobody_knows_is_kept_as_unknown() {
    let long = format!(r#"{{"type":"{}","data":{{}}}}"#, "a".repeat(900_000));
    let digits = "7".repeat(400);
    for (row, event, expected) in [
        ("C35", r#"{"type":"NEWS","data":{}}"#, r#"Some("NEWS"): unknown"#),
        ("C35", r#"{"type":"a\nb\u0000\u202e"}"#, r#"Some("a\nb\0\u{202e}"): unknown"#),
        ("C35", r#"{"type":"SESSION_STARTED "}"#, r#"Some("SESSION_STARTED "): unknown"#),
        ("C35", r#"{"type":""}"#, r#"Some(""): unknown"#),
        ("C35 long", &long, "None: unknown"),
        ("C35", r#"{"type":7}"#, "None: unknown"),
        ("C35", r#"{"type":["SESSION_STARTED"]}"#, "None: unknown"),
        ("C35", r#"{"type":null,"data":{}}"#, "None: unknown"),
        ("C5", r#"{"type":"\udc00"}"#, "None: unknown"),
        ("C35", r#"{"Type":"SESSION_STARTED"}"#, "None: unknown"),
        ("C35", "{}", "None: unknown"),
        ("C35", "[]", "None: unknown"),
        ("C35", "null", "None: unknown"),
        ("C8", "1e999999", "None: unknown"),
        ("C8", &digits, "None: unknown"),
    ] {
        let seen = received(format!("[{event}]")).await;
        assert_eq!(seen, (200, vec![expected.into()]), "{row}: {event:.40}");
    }
}

#[tokio::test]
async fn c5_c8_what_is_kept_is_kept_byte_for_byte() {
    let digits = "7".repeat(400);
    for event in [
        &format!(r#"{{"type":"NEWS","data":[{digits}, 1e999999, -0.0]}}"#),
        r#"{ "type" : "NEWS", "data" : "\ud800\/\u0041" }"#,
        r#"{"type":"NEWS","a":1,"a":2}"#,
    ] {
        let (status, events) = delivered(loops(), post(TOKEN, format!("[0, {event} ]"))).await;
        assert_eq!((status, events.len()), (200, 2), "C5, C8");
        assert_eq!(events[1].0.json(), event, "C5, C8");
    }
}

/// Names that mean something to other languages, and nothing here.
const SPECIAL: [&str; 6] =
    ["__proto__", "constructor", "toString", "hasOwnProperty", "$type", "prototype"];

#[tokio::test]
async fn c35_c38_names_that_are_special_elsewhere_are_names_like_any() {
    for name in SPECIAL {
        let unknown = received(format!(r#"[{{"type":"{name}","data":{{}}}}]"#)).await;
        assert_eq!(unknown, (200, vec![format!("Some({name:?}): unknown")]), "C35: {name}");
        let surplus = format!(
            r#"[{{"{name}":{{"type":"X"}},"type":"SESSION_STARTED","data":{{"{name}":{{"name":"X"}},"name":"good"}}}}]"#
        );
        assert_eq!(received(surplus).await, (200, vec!["good".into()]), "C38: {name}");
        let outer = format!(r#"{{"{name}":{{"Id":"x"}},"Id":"own","Notifications":[{{}}]}}"#);
        let (status, events) = delivered(learn365(), signed(learn365(), outer)).await;
        assert_eq!((status, events[0].1.id()), (200, Some("own")), "C38: {name}");
    }
    let log = Log::default();
    let events = SPECIAL.into_iter().fold(EventRouter::<Loops>::new(), |events, name| {
        let log = log.clone();
        events.on_type(name, async move |_: SessionStarted| log.note(name))
    });
    let all = SPECIAL.map(|name| format!(r#"{{"type":"{name}","data":{{}}}}"#)).join(",");
    let hook = VerifyLayer::new(loops()).layer(events);
    assert_eq!(answer(hook, post(TOKEN, format!("[{all}]"))).await.status(), 200, "C35");
    assert_eq!(log.seen(), SPECIAL, "C35: each its own handler");
}

#[tokio::test]
async fn c38_what_is_added_is_passed_over() {
    let surplus =
        r#"{"type":"SESSION_STARTED","x":1e999999,"data":{"name":"good","new":[{}]},"z":null}"#;
    for body in [surplus.to_owned(), format!("[{surplus}]")] {
        assert_eq!(received(body).await, (200, vec!["good".into()]), "C38");
    }
    for event in [r#"{"type":"NEW","data":{"a":[1]}}"#, r#"{"data":{"a":[1]},"type":"NEW"}"#] {
        let seen = received(format!("[{event}]")).await;
        assert_eq!(seen, (200, vec![r#"Some("NEW"): unknown"#.into()]), "C38: {event}");
    }
}

/// An event that keeps its text as it comes.
#[derive(serde::Deserialize)]
struct Note {
    text: Box<str>,
}

impl Payload for Note {
    type Provider = Loops;
}

impl Event for Note {
    const TYPE: &'static str = "NOTE";
}

#[tokio::test]
async fn c5_text_with_escapes_is_text() {
    let log = Log::default();
    let noted = log.clone();
    let events = EventRouter::new().on(async move |note: Note| noted.note(note.text));
    let hook = VerifyLayer::new(loops()).layer(events);
    for text in [r"a\u0041", r#"\"\\\/\b\f\n\r\t"#, r"\ud83d\ude00", "plain", r"\u0000"] {
        let body = format!(r#"[{{"type":"NOT\u0045","data":{{"text":"{text}"}}}}]"#);
        assert_eq!(answer(hook.clone(), post(TOKEN, body)).await.status(), 200, "C5: {text}");
    }
    assert_eq!(log.seen(), ["aA", "\"\\/\u{8}\u{c}\n\r\t", "\u{1f600}", "plain", "\0"]);
}
