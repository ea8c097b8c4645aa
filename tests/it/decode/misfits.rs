//! An event that does not fit spares its siblings, keeps its bytes, and is told without a word of what it says.

use serde::{Deserializer, de};
use tower_webhook::{
    RawEvent,
    providers::{
        learn365::{CourseCompleted, CoursePublished, UserCreated},
        loops::{Loops, SessionStarted},
        synthesis_vr::{SessionCreated, SynthesisVr},
        teachstack::{PeerJoined, RecordingProcessed, Teachstack},
    },
};

use super::*;
use crate::support::*;

const CANARY: &str = "CANARY-3f9a";

#[test]
fn a_misfit_spares_its_siblings() {
    let log = Log::default();
    let (good, bad) =
        (r#"{"type":"paid","data":{"total":3}}"#, r#"{"type":"paid","data":{"total":300}}"#);
    let body = format!("[{good},{bad},{good}]");
    let misfit = r#"event "paid" at `[1].data.total`: expected u8 (byte 58)"#;
    assert_eq!(seen(adjacent(), &body), ["paid 3", misfit, "paid 3"]);

    let paid = log.clone();
    let router = EventRouter::new()
        .on_type("paid", async move |e: Paid| paid.note(format!("paid {}", e.total)));
    let batch = dispatch(&router, adjacent(), &body).unwrap();
    assert_eq!(batch.events().nth(1).unwrap().json(), bad);
    assert_eq!(outcomes(batch), ["handled", misfit, "handled"]);
    assert_eq!(log.seen(), ["paid 3", "paid 3"]);
}

/// Takes whatever stands there, but only numbers.
#[derive(Deserialize)]
struct Numbers(
    #[expect(dead_code, reason = "only its keys matter")] std::collections::HashMap<String, u8>,
);

impl Payload for Numbers {
    type Provider = Acme;
}

#[derive(Deserialize)]
struct List(#[expect(dead_code, reason = "only what does not fit matters")] Vec<u8>);

impl Payload for List {
    type Provider = Acme;
}

#[test]
fn a_misfit_in_a_list_is_named_by_its_index() {
    let router = EventRouter::new().on_type("list", async |_: List| {});
    for misfit in ["\"\"", "\"é\"", "-1", "null"] {
        let body = format!(r#"{{"type":"list","data":[1,{misfit},3]}}"#);
        let told = outcomes(dispatch(&router, adjacent(), body).unwrap());
        assert_eq!(told, [r#"event "list" at `[0].data[1]`: expected u8 (byte 22)"#], "{misfit}");
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Strict {}

impl Payload for Strict {
    type Provider = Acme;
}

#[test]
fn a_path_is_short_and_one_line_and_names_no_unknown_field() {
    let router = EventRouter::new()
        .on_type("numbers", async |_: Numbers| {})
        .on_type("strict", async |_: Strict| {});
    let told = |event_type: &str, key: &str| {
        let key = serde_json::Value::from(key);
        let data = format!(r#"[{{"data":{{{key}:"x"}},"type":"{event_type}"}}]"#);
        outcomes(dispatch(&router, adjacent(), data).unwrap()).remove(0)
    };
    let key = format!("a\nb{}", "c".repeat(5_000));
    let numbers = told("numbers", &key);
    assert!(numbers.contains("`[0].data.a\\nbccc") && numbers.len() < 400, "{numbers}");
    assert!(told("numbers", "a..").contains("`[0].data.a..`"), "a key is shown as it is");
    for key in [CANARY, &format!("{CANARY}.b"), &format!("{CANARY}[0]."), "", "."] {
        let strict = r#"event "strict" at `[0].data`: unknown field (byte 9)"#;
        assert_eq!(told("strict", key), strict, "{key}");
    }
}

#[test]
fn the_fallback_gets_a_misfit_byte_for_byte() {
    let log = Log::default();
    let seen = log.clone();
    let router = EventRouter::<Acme>::new().on_type("paid", async |_: Paid| {}).fallback(
        async move |e: RawEvent| {
            assert_eq!(e.error().unwrap().event_type(), Some("paid"));
            assert_eq!(e.error().unwrap().path(), Some("[1].data.total"));
            assert_eq!(e.error().unwrap().offset(), 14);
            seen.note(std::str::from_utf8(e.json()).unwrap());
        },
    );
    let bad = "{ \"data\" :{\"total\": -1.50, \"é\":\"\\u00e9\"},\r\n\"type\":\"p\\u0061id\" }";
    let batch = dispatch(&router, adjacent(), format!("[1, {bad} ,2]")).unwrap();
    assert_eq!(batch.len(), 3);
    drop(outcomes(batch));
    assert_eq!(log.seen()[0], bad);
}

#[test]
fn a_misfit_is_named_by_event_path_and_byte() {
    let started = EventRouter::new().on(async |_: SessionStarted| {});
    let lists =
        EventRouter::new().on(async |_: CoursePublished| {}).on(async |_: CourseCompleted| {});
    let sessions = EventRouter::new().on(async |_: SessionCreated| {});
    let learn = |event: &str| format!(r#"{{"Notifications":[{event}]}}"#);

    let body = format!(
        r#"[7,{{"type":"SESSION_STARTED","data":{{"participants":[{{"userId":"{CANARY}"}}]}}}}]"#
    );
    assert_eq!(
        misfit(&started, &Loops::dangerous_unauthenticated(), body),
        r#"event "SESSION_STARTED" at `[1].data.participants[0].userId`: expected i64 (byte 36)"#
    );
    let body = format!(r#"{{"type":"SESSION_STARTED","data":"{CANARY}"}}"#);
    assert_eq!(
        misfit(&started, &Loops::dangerous_unauthenticated(), body),
        r#"event "SESSION_STARTED" at `[0].data`: expected an object (byte 33)"#
    );
    let body =
        learn(&format!(r#"{{"Action":"CourseCompleted","Course":{{"Published":"{CANARY}"}}}}"#));
    assert_eq!(
        misfit(&lists, &learn365(), body),
        r#"event "CourseCompleted" at `Notifications[0].Course.Published`: expected a boolean (byte 18)"#
    );
    let body = learn(&format!(r#"{{"Action":"CoursePublished","Published":"{CANARY}"}}"#));
    assert_eq!(
        misfit(&lists, &learn365(), body),
        r#"event "CoursePublished" at `Notifications[0].Published`: expected a boolean (byte 18)"#
    );
    let body = learn(r#"{"Action":"CoursePublished","Title":"a","Title":"b"}"#);
    assert_eq!(
        misfit(&lists, &learn365(), body),
        r#"event "CoursePublished" at `Notifications[0]`: duplicate field `Title` (byte 18)"#
    );
    let body = format!(r#"[{{"uuid":"u","action":"create","stations":"{CANARY}"}}]"#);
    assert_eq!(
        misfit(&sessions, &SynthesisVr::dangerous_unauthenticated(), body),
        r#"event "create" at `[0].stations`: expected i64 (byte 1)"#
    );
}

/// As `serde` reads it by itself, a list is a struct by position.
#[test]
fn a_list_is_no_object_at_any_depth() {
    let loops = |list: &str| {
        let events = EventRouter::new().on(async |_: SessionStarted| {});
        let body = format!(r#"{{"type":"SESSION_STARTED","data":{list}}}"#);
        misfit(&events, &Loops::dangerous_unauthenticated(), body)
    };
    let told = |path: &str| {
        format!(r#"event "SESSION_STARTED" at `[0].data{path}`: expected an object (byte 33)"#)
    };
    for list in ["[]", r#"["u-1","Bob","loop"]"#, "[null]", r#"["u-1","Bob","loop",[]]"#] {
        assert_eq!(loops(list), told(""), "{list}");
    }
    assert_eq!(loops(r#"{"participants":[{},[]]}"#), told(".participants[1]"));

    let learn = |member: &str| {
        let events =
            EventRouter::new().on(async |_: CourseCompleted| {}).on(async |_: UserCreated| {});
        misfit(&events, &learn365(), format!(r#"{{"Notifications":[{{{member}}}]}}"#))
    };
    for (member, at) in [
        (r#""Action":"CourseCompleted","Course":["1","t"]"#, "Course"),
        (r#""Action":"CourseCompleted","Course":[]"#, "Course"),
        (r#""Action":"CourseCompleted","Users":[{},["1"]]"#, "Users[1]"),
        (r#""Action":"UserCreated","UserFieldValues":[[]]"#, "UserFieldValues[0]"),
    ] {
        let told = learn(member);
        assert!(
            told.ends_with(&format!("`Notifications[0].{at}`: expected an object (byte 18)")),
            "{told}"
        );
    }

    let events =
        EventRouter::new().on(async |_: PeerJoined| {}).on(async |_: RecordingProcessed| {});
    for event_type in ["peer.joined", "recording.processed"] {
        let body = format!(r#"{{"event_name":"{event_type}","data":["7"]}}"#);
        let told = misfit(&events, &Teachstack::dangerous_unauthenticated(), body);
        assert_eq!(
            told,
            format!(r#"event "{event_type}" at `[0].data`: expected an object (byte 0)"#)
        );
    }
    assert!(serde_json::from_str::<SessionStarted>("[]").is_err(), "without a router, too");
}

/// A type of the user's own.
#[derive(Debug, Deserialize)]
struct Order {
    #[expect(dead_code, reason = "only what does not fit matters")]
    #[serde(default, deserialize_with = "tower_webhook::decode::object")]
    payer: Option<Paid>,
    #[expect(dead_code, reason = "only what does not fit matters")]
    #[serde(default)]
    by_position: Option<Paid>,
}

impl Payload for Order {
    type Provider = Acme;
}

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "only what does not fit matters")]
struct Wrapped(Order);

impl Payload for Wrapped {
    type Provider = Acme;
}

#[test]
fn a_list_is_no_payload_of_a_struct_and_no_field_that_says_so() {
    let router = EventRouter::new()
        .on_type("order", async |_: Order| {})
        .on_type("wrapped", async |_: Wrapped| {});
    let told = |event_type: &str, data: &str| {
        let body = format!(r#"{{"type":"{event_type}","data":{data}}}"#);
        outcomes(dispatch(&router, adjacent(), body).unwrap()).remove(0)
    };
    for event_type in ["order", "wrapped"] {
        let fails = |path: &str, wanted: &str| {
            let byte = r#"{"type":"","data":"#.len() + event_type.len();
            format!(
                r#"event "{event_type}" at `[0].data{path}`: expected struct {wanted} (byte {byte})"#
            )
        };
        assert_eq!(told(event_type, "[]"), fails("", "Order"));
        assert_eq!(told(event_type, r#"{"payer":[3]}"#), fails(".payer", "Paid"));
        assert_eq!(told(event_type, r#"{"payer":{"total":3}}"#), "handled");
        assert_eq!(told(event_type, r#"{"payer":null}"#), "handled");
        assert_eq!(told(event_type, r#"{"by_position":[3]}"#), "handled", "as `serde` has it");
    }
}

/// The one misfit in `body`, which repeats nothing of it.
#[track_caller]
fn misfit<P: Provider>(router: &EventRouter<P>, provider: &P, body: String) -> String {
    let batch = router
        .dispatch(provider, Delivery::new(Authentic::dangerous_assert()), body.into())
        .unwrap();
    let mut told: Vec<_> =
        outcomes(batch).into_iter().filter(|told| told.starts_with("ev")).collect();
    assert!(told.len() == 1 && !told[0].contains(CANARY), "{told:?}");
    told.remove(0)
}

/// Refuses in every way that a `Deserialize` can, each time with what it read.
#[derive(Debug)]
struct Talkative;

impl Payload for Talkative {
    type Provider = Acme;
}

impl<'de> Deserialize<'de> for Talkative {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (way, text) = <(u8, String)>::deserialize(deserializer)?;
        let unexpected = de::Unexpected::Str(&text);
        Err(match way {
            0 => de::Error::custom(&text),
            1 => de::Error::custom(format!("cannot read {text}")),
            2 => de::Error::invalid_value(unexpected, &"a date"),
            3 => de::Error::invalid_type(unexpected, &"a date"),
            4 => de::Error::unknown_variant(&text, &[]),
            5 => de::Error::unknown_variant(&text, &["a", "b"]),
            6 => de::Error::unknown_field(&text, &[]),
            7 => de::Error::unknown_field(&text, &["a"]),
            _ => de::Error::missing_field("total"),
        })
    }
}

#[test]
fn no_error_repeats_a_value() {
    let router = EventRouter::new().on_type("talk", async |_: Talkative| {});
    let texts = [
        CANARY.to_owned(),
        format!("x, expected {CANARY}"),
        format!("{CANARY} at line 1 column 2"),
        format!("x at line 1, expected {CANARY} at line 2 column 3"),
        format!("`, expected {CANARY}"),
        format!("a`, expected {CANARY} at line 1 column 1"),
        format!("\\\", expected {CANARY} at line 1 column 1"),
    ];
    for (way, text) in (0..9).flat_map(|way| texts.iter().map(move |text| (way, text))) {
        let json = serde_json::Value::from(text.as_str());
        let batch =
            dispatch(&router, adjacent(), format!(r#"[{{"type":"talk","data":[{way},{json}]}}]"#))
                .unwrap();
        let reason = match way {
            // `serde_json` takes "at line" in another's words for its own, and cuts them off.
            2 | 3 if text.contains(" column ") => "does not fit",
            2 | 3 => "expected a date",
            4 | 5 => "unknown variant",
            6 | 7 => "unknown field",
            8 => "missing field `total`",
            _ => "does not fit",
        };
        let expected = format!(r#"event "talk" at `[0].data`: {reason} (byte 23)"#);
        assert_eq!(outcomes(batch), [expected], "{way} {text:?}");
    }
}

/// Decodes without a look at its input.
struct Blind;

/// Panics while it decodes.
struct Panics;

/// Takes a misfit inside for nothing there.
#[derive(Debug, Deserialize)]
struct Lenient {
    #[serde(default, deserialize_with = "or_nothing")]
    inner: Option<Paid>,
    #[serde(default)]
    total: u8,
}

impl<'de> Deserialize<'de> for Blind {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Ok(Self)
    }
}

impl<'de> Deserialize<'de> for Panics {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        panic!("by design")
    }
}

fn or_nothing<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Paid>, D::Error> {
    Ok(Paid::deserialize(deserializer).ok())
}

impl Payload for Blind {
    type Provider = Acme;
}

impl Payload for Panics {
    type Provider = Acme;
}

impl Payload for Lenient {
    type Provider = Acme;
}

#[test]
fn careless_types_harm_themselves_only() {
    let router = EventRouter::new()
        .on_type("blind", async |_: Blind| {})
        .on_type("panics", async |_: Panics| {})
        .on_type("paid", async |_: Paid| {});
    let paid = r#"{"type":"paid","data":{"total":3}}"#;

    for data in ["\"x\"", "[1,[2]]", "{}", r#"{"type":"paid","data":{"total":4}}"#] {
        for (event_type, outcome) in
            [("blind", "handled"), ("panics", "its handler or its decoding panicked")]
        {
            let body = format!(
                r#"[{{"type":"{event_type}","data":{data}}},{{"data":{data},"type":"{event_type}"}},{paid}]"#
            );
            let batch = dispatch(&router, adjacent(), &body).unwrap();
            assert_eq!(outcomes(batch), [outcome, outcome, "handled"], "{body}");
            let body = format!(
                r#"[{{"type":"{event_type}","total":{data}}},{{"type":"paid","total":3}}]"#
            );
            let batch = dispatch(&router, Envelope::flat("type"), &body).unwrap();
            assert_eq!(outcomes(batch), [outcome, "handled"], "{body}");
        }
    }
    for event_type in ["blind", "panics"] {
        for data in ["tru", "{\"a\":}", "\"\\x\"", "[1,]"] {
            let body = format!(r#"[{{"type":"{event_type}","data":{data}}},{paid}]"#);
            assert!(dispatch(&router, adjacent(), &body).is_err(), "{body}");
        }
    }
}

#[test]
fn a_type_that_swallows_errors_spares_its_siblings() {
    let router = EventRouter::new()
        .on_type("lenient", async |e: Lenient| assert!(e.inner.is_none() && e.total < 2))
        .on_type("panics", async |_: Panics| {})
        .on_type("paid", async |_: Paid| {});
    let others = r#"{"type":"panics","data":[1]},{"type":"paid","data":{"total":3}}"#;
    for inner in
        [r#"{"total":"x","b":2}"#, r#"{"total":-1,"type":"paid","data":{}}"#, r#"[[],{"total":3}]"#]
    {
        let body =
            format!(r#"[{{"type":"lenient","data":{{"inner":{inner},"total":1}}}},{others}]"#);
        let batch = dispatch(&router, adjacent(), &body);
        assert_eq!(
            outcomes(batch.unwrap())[1..],
            ["its handler or its decoding panicked", "handled"],
            "{body}"
        );
    }
}

thread_local! {
    static ALIVE: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// Counts those that have been decoded and not dropped.
struct Counted;

impl<'de> Deserialize<'de> for Counted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        de::IgnoredAny::deserialize(deserializer)?;
        ALIVE.set(ALIVE.get() + 1);
        Ok(Self)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        ALIVE.set(ALIVE.get() - 1);
    }
}

impl Payload for Counted {
    type Provider = <Paid as Payload>::Provider;
}

#[test]
fn what_is_no_event_in_the_end_is_not_kept() {
    let router = EventRouter::new().max_events(1).on_type("counted", async |_: Counted| {});
    let data = r#","data":{}"#.repeat(1000);
    for (envelope, body, alive) in [
        (adjacent(), format!(r#"{{"type":"counted"{data}}}"#), 0),
        (adjacent(), r#"{"type":"counted","data":{},"type":"counted"}"#.into(), 0),
        (adjacent(), r#"{"type":"counted","data":{}}"#.into(), 1),
        (Envelope::flat("type"), r#"{"type":"counted","type":"counted"}"#.into(), 0),
        (Envelope::flat("type"), r#"{"type":"counted","of":"type"}"#.into(), 1),
        (Envelope::flat_beside("type", "id"), r#"{"id":1,"type":"counted","id":2}"#.into(), 0),
    ] {
        let batch = dispatch(&router, envelope, &body).unwrap();
        assert_eq!((batch.len(), ALIVE.get()), (1, alive), "{}", &body[..30]);
        drop(batch);
        assert_eq!(ALIVE.get(), 0);
    }
}
