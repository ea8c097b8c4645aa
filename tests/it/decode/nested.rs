//! Lists of events in the elements of a list.

use tower_webhook::{
    Described, EventRouter, Payload,
    decode::{Envelope, Members, events},
};

use super::{
    agreement::{Random, blank, value},
    *,
};

fn nested() -> Envelope {
    adjacent().within("changes").within("entry")
}

const PAID: &str = r#"{"type":"paid","data":{"total":3}}"#;

#[test]
fn each_element_of_the_outer_list_has_its_list() {
    for (entries, expected) in [
        (String::new(), &[][..]),
        (r#"{"changes":[]}"#.into(), &[]),
        (format!(r#"{{"id":"1","changes":[{PAID}]}}"#), &["paid 3"]),
        (
            format!(r#"{{"changes":[{PAID},{PAID}],"id":"1"}}, {{"changes":[{PAID}]}}"#),
            &["paid 3"; 3],
        ),
        (format!(r#" {{ "ch\u0061nges" : [ {PAID} , 7 ] }} "#), &["paid 3", "raw None"]),
        (format!(r#"{{"a":{{"changes":[7]}},"changes":[{PAID}]}}"#), &["paid 3"]),
    ] {
        let body = format!(r#"{{"object":"page","entry":[{entries}],"time":7}}"#);
        assert_eq!(seen(nested(), &body), expected, "{body}");
    }
}

#[test]
fn an_element_without_its_list_is_an_unknown_event() {
    for element in [
        "7",
        "null",
        "\"changes\"",
        "[]",
        "[{\"changes\":[]}]",
        "{}",
        r#"{"id":"1","change":[{"type":"paid","data":{"total":3}}]}"#,
        r#"{"Changes":[]}"#,
        r#"{"changes":null}"#,
        r#"{"changes":{"type":"paid","data":{"total":3}}}"#,
        r#"{"type":"paid","data":{"total":3}}"#,
    ] {
        let body =
            format!(r#"{{"entry":[{{"changes":[{PAID}]}}, {element} ,{{"changes":[{PAID}]}}]}}"#);
        assert_eq!(seen(nested(), &body), ["paid 3", "raw None", "paid 3"], "{element}");
        let found = events(&nested(), body.as_bytes()).unwrap();
        assert_eq!(&body[found[1].range.clone()], element);
    }
}

#[test]
fn a_body_whose_lists_are_not_clear_is_refused() {
    for (body, expected) in [
        ("{}", "the body has no list of events at byte 2"),
        (r#"{"changes":[]}"#, "the body has no list of events at byte 14"),
        (r#"{"entry":7}"#, "the body has no list where one should be at byte 9"),
        (r#"[{"changes":[]}]"#, "the body has no object where one should be at byte 0"),
        (r#"{"entry":[],"entry":[]}"#, "the body has its list of events twice at byte 20"),
        (
            r#"{"entry":[{"changes":[],"changes":[]}]}"#,
            "the body has its list of events twice at byte 34",
        ),
        (
            r#"{"entry":[7,{"changes":7,"changes":[]}]}"#,
            "the body has its list of events twice at byte 35",
        ),
        (r#"{"entry":[{"changes":[}]}"#, "the body is not JSON (expected value) at byte 22"),
        (r#"{"entry":[{"changes":[]]}"#, "the body lacks a comma or its end at byte 23"),
    ] {
        assert_eq!(refusal(nested(), body), expected, "{body}");
    }
}

#[test]
fn in_each_list_the_exact_spelling_wins() {
    let envelope = || adjacent().within("Changes").within("Entry").camel_case();
    for (body, expected) in [
        (format!(r#"{{"entry":[{{"changes":[{PAID}]}}]}}"#), "paid 3"),
        (format!(r#"{{"Entry":[{{"changes":[{PAID}]}}],"entry":[7]}}"#), "paid 3"),
        (format!(r#"{{"entry":[{{"changes":[7],"Changes":[{PAID}]}}]}}"#), "paid 3"),
        (format!(r#"{{"entry":[{{"Changes":7,"changes":[{PAID}]}}]}}"#), "raw None"),
    ] {
        assert_eq!(seen(envelope(), &body), [expected], "{body}");
    }
    let body = r#"{"entry":[{"changes":[],"changes":[]}]}"#;
    assert_eq!(refusal(envelope(), body), "the body has its list of events twice at byte 34");
}

#[test]
fn an_error_names_the_index_in_each_list() {
    let bad = r#"{"type":"paid","data":{"total":"x"}}"#;
    let body = format!(r#"{{"entry":[{{"changes":[{PAID}]}},7,{{"changes":[{PAID},{bad}]}}]}}"#);
    let at = body.find(r#"{"total":"x"}"#).unwrap();
    let expected =
        format!(r#"event "paid" at `entry[2].changes[1].data.total`: expected u8 (byte {at})"#);
    assert_eq!(seen(nested(), body), ["paid 3", "raw None", "paid 3", &expected]);

    let three = nested().within("pages");
    let body = format!(r#"{{"pages":[{{"entry":[7]}},{{"entry":[{{"changes":[{bad}]}}]}}]}}"#);
    let seen = seen(three, body);
    assert!(seen[1].contains("`pages[1].entry[0].changes[0].data.total`"), "{seen:?}");
}

/// Hides its errors, so that the body is read a second time.
#[derive(Deserialize)]
#[serde(from = "Hidden")]
struct Hiding;

struct Hidden;

impl<'de> Deserialize<'de> for Hidden {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        drop(Vec::<Paid>::deserialize(deserializer));
        Ok(Self)
    }
}

impl From<Hidden> for Hiding {
    fn from(_: Hidden) -> Self {
        Self
    }
}

impl Payload for Hiding {
    type Provider = Acme;
}

#[test]
fn a_type_that_hides_errors_spares_the_other_lists() {
    let router = EventRouter::new()
        .on_type("hiding", async |_: Hiding| {})
        .on_type("paid", async |_: Paid| {});
    let hiding = r#"{"type":"hiding","data":[{"total":"x"},{"a":[1]}]}"#;
    let body = format!(r#"{{"entry":[{{"changes":[{hiding}]}},{{"changes":[{PAID}]}}]}}"#);
    let misfit = r#"event "hiding" at `entry[0].changes[0].data`: does not fit (byte 46)"#;
    assert_eq!(outcomes(dispatch(&router, nested(), body).unwrap()), [misfit, "handled"]);
}

#[test]
fn limits_count_the_events_of_all_lists_and_the_depth_of_each_member() {
    let entry = format!(r#"{{"changes":[{PAID},{PAID}]}}"#);
    let body = |entries: &str| format!(r#"{{"entry":[{entries}]}}"#);
    let router = EventRouter::<Acme>::new().max_events(3).max_depth(4);
    let result = |entries: &str| {
        dispatch(&router, nested(), body(entries))
            .map(|batch| batch.len())
            .map_err(|e| e.to_string())
    };
    assert_eq!(result(&format!("{entry},7")), Ok(3));
    for entries in [format!("{entry},{entry}"), format!("{entry},7,{{}}")] {
        let why = result(&entries).unwrap_err();
        assert!(why.starts_with("the body has more than 3 events at byte "), "{why}");
    }
    assert_eq!(result(r#"{"a":[[[[]]]],"changes":[]}"#), Ok(0));
    for deep in [r#"{"a":[[[[[]]]]],"changes":[]}"#, r#"{"a":[[[[]]]]}"#, "[[[[[]]]]]"] {
        let why = result(deep).unwrap_err();
        assert!(why.starts_with("the body is nested more than 4 deep at byte "), "{why}");
    }
}

#[test]
fn the_outermost_object_is_described() {
    /// Takes the id from the object around all lists.
    struct Pages;

    impl Provider for Pages {
        fn authenticate(&self, _: &Head<'_>) -> Result<Check, VerifyError> {
            Ok(Authentic::dangerous_assert().into())
        }

        fn envelope(&self) -> Envelope {
            nested()
        }

        fn describe<'b>(&self, outer: &Members<'b>) -> Described<'b> {
            Described::default().id(outer.text("id").unwrap_or("none".into()))
        }
    }

    let log = Log::default();
    let ids = log.clone();
    let router =
        EventRouter::<Pages>::new().fallback(async move |_: RawEvent, delivery: Delivery| {
            ids.note(delivery.id().unwrap_or_default());
        });
    let body = Bytes::from(r#"{"entry":[{"id":"inner","changes":[{}]}],"id":"outer"}"#);
    let delivery = Delivery::new(Authentic::dangerous_assert());
    drop(outcomes(router.dispatch(&Pages, delivery, body).unwrap()));
    assert_eq!(log.seen(), ["outer"]);
}

/// The events of nested lists are those of one list that has them all.
#[test]
fn nested_lists_are_one_list() {
    let mut count = 0;
    for seed in 0..300 {
        let mut random = Random::new(seed);
        let (mut entries, mut all) = (Vec::new(), Vec::new());
        for _ in 0..random.below(5) {
            let changes: Vec<_> = (0..random.below(4)).map(|_| value(&mut random, 3)).collect();
            if random.below(4) == 0 {
                let odd = random.one_of(&["7", "[]", r#"{"id":[{"type":"paid"}]}"#]);
                entries.push(odd.to_owned());
                all.push(odd.to_owned());
            }
            let (before, after) = (member(&mut random, ","), member(&mut random, ""));
            let comma = if after.is_empty() { "" } else { "," };
            let changes_list = changes.join(",");
            entries.push(format!(r#"{{{before}"changes":[{changes_list}]{comma}{after}}}"#));
            all.extend(changes);
        }
        count += all.len();
        let body = format!(r#"{{"entry":[{}]{}}}"#, entries.join(","), blank(&mut random));
        let flattened = format!("[{}]", all.join(","));
        assert_eq!(texts(&nested(), &body), texts(&adjacent(), &flattened), "{body}");
        let unplaced = |seen: Vec<String>| -> Vec<String> {
            seen.into_iter().map(|text| text.split('`').next().unwrap().to_owned()).collect()
        };
        assert_eq!(
            unplaced(seen(nested(), &body)),
            unplaced(seen(adjacent(), &flattened)),
            "{body}"
        );
    }
    assert!(count > 500, "{count} events");
}

/// Another member of an element, or nothing.
fn member(random: &mut Random, end: &str) -> String {
    let member =
        random.one_of(&["", r#""id":"1""#, r#""type":"paid""#, r#""data":{"changes":[7]}"#]);
    if member.is_empty() { String::new() } else { format!("{member}{end}") }
}

/// The type and the text of each event.
#[track_caller]
fn texts(envelope: &Envelope, body: &str) -> Vec<(Option<String>, String)> {
    let found = events(envelope, body.as_bytes()).unwrap();
    found.into_iter().map(|e| (e.event_type.map(Into::into), body[e.range].to_owned())).collect()
}
