//! Where events stand, and what tells one from another.

use std::borrow::Cow;

use tower_webhook::{
    EventRouter, Payload,
    decode::{Envelope, Members, events},
};

use super::*;

#[test]
fn adjacent_members_stand_in_any_order_and_once() {
    let cases: &[(&str, &[&str])] = &[
        (r#"{"type":"paid","data":{"total":3}}"#, &["paid 3"]),
        (r#"{"data":{"total":3},"type":"paid"}"#, &["paid 3"]),
        (
            r#"{"a":[{"type":"paid"}],"data":{"total":3},"b":"type","type":"paid","c":1}"#,
            &["paid 3"],
        ),
        (r#"{"type":"paid","data":{"total":3},"a":1}"#, &["paid 3"]),
        (r#" { "type" : "paid" , "data" : { "total" : 3 } } "#, &["paid 3"]),
        (r#"{"type":"paid", "data":{"total":3} }"#, &["paid 3"]),
        ("{\"type\":\"paid\"\n,\"data\": {\"total\":3}\n,\"a\":1}", &["paid 3"]),
        (r#"{"type":"p\u0061\u0069d","data":{"total":3}}"#, &["paid 3"]),
        (r#"{"d\u0061ta":{"total":3},"\u0074ype":"paid"}"#, &["paid 3"]),
        (
            r#"{"type":"paid","type":"paid","data":{"total":3}}"#,
            &["element `[0]`: has two members `type` (byte 0)"],
        ),
        (
            r#"{"type":"paid","data":{"total":3},"type":"new"}"#,
            &["element `[0]`: has two members `type` (byte 0)"],
        ),
        (
            r#"{"type":"new","data":{"total":3},"type":"paid"}"#,
            &["element `[0]`: has two members `type` (byte 0)"],
        ),
        (
            r#"{"type":"paid","data":{"total":"x"}}"#,
            &[r#"event "paid" at `[0].data.total`: expected u8 (byte 22)"#],
        ),
        (
            r#"{"type":"paid","data":{"total":"x"},"a":1}"#,
            &[r#"event "paid" at `[0].data.total`: expected u8 (byte 22)"#],
        ),
        (
            r#"{"type":"paid","data":{"total":"x"},"data":1}"#,
            &[r#"event "paid" at `[0]`: has two members `data` (byte 0)"#],
        ),
        (
            r#"{"type":"paid","data":{"total":"x"},"type":"paid"}"#,
            &["element `[0]`: has two members `type` (byte 0)"],
        ),
        (
            r#"{"data":{"total":3},"type":"paid","type":"x"}"#,
            &["element `[0]`: has two members `type` (byte 0)"],
        ),
        (
            r#"{"type":7,"data":{"total":3},"type":"paid"}"#,
            &["element `[0]`: has two members `type` (byte 0)"],
        ),
        (
            r#"{"type":"paid","data":{"total":3},"data":{"total":3}}"#,
            &[r#"event "paid" at `[0]`: has two members `data` (byte 0)"#],
        ),
        (
            r#"{"data":{"total":3},"type":"paid","data":null}"#,
            &[r#"event "paid" at `[0]`: has two members `data` (byte 0)"#],
        ),
        (r#"{"type":"paid"}"#, &[r#"event "paid" at `[0].data`: is missing (byte 0)"#]),
        (r#"{"type":"new","data":{"total":3}}"#, &[r#"raw Some("new")"#]),
        (r#"{"type":"new","data":{"total":3},"data":1}"#, &[r#"raw Some("new")"#]),
        (r#"{"data":{"total":3},"data":1,"type":"new"}"#, &[r#"raw Some("new")"#]),
        (r#"{"type":"new"}"#, &[r#"raw Some("new")"#]),
        (r#"{"Type":"paid","data":{"total":3}}"#, &["raw None"]),
        (r#"{"data":{"total":3}}"#, &["raw None"]),
        ("{}", &["raw None"]),
    ];
    for (body, expected) in cases {
        assert_eq!(seen(adjacent(), body), *expected, "{body}");
    }
}

#[test]
fn a_type_that_is_no_short_text_names_nothing() {
    for event_type in
        ["7", "null", "true", "[\"paid\"]", "{\"type\":\"paid\"}", "\"\\ud800\"", "\"paid\\udc00\""]
    {
        for body in [
            format!(r#"[{{"type":{event_type},"data":{{"total":3}}}}]"#),
            format!(r#"[{{"data":{{"total":3}},"type":{event_type}}}]"#),
        ] {
            assert_eq!(seen(adjacent(), &body), ["raw None"], "{body}");
        }
    }
    for (length, expected) in
        [(Envelope::MAX_TYPE, Some("é".repeat(128))), (Envelope::MAX_TYPE + 2, None)]
    {
        let event_type = "é".repeat(length / 2);
        for (envelope, body) in [
            (adjacent(), format!(r#"[{{"type":"{event_type}","data":1}}]"#)),
            (Envelope::flat("type"), format!(r#"{{"type":"{event_type}"}}"#)),
            (Envelope::shape(named), format!(r#"{{"type":"{event_type}"}}"#)),
        ] {
            assert_eq!(seen(envelope, body), [format!("raw {expected:?}")]);
        }
    }
}

#[test]
fn a_body_is_one_event_or_an_array() {
    let one = r#"{"type":"paid","data":{"total":3}}"#;
    let cases: &[(String, &[&str])] = &[
        (one.into(), &["paid 3"]),
        (format!(" \r\n\t{one} \r\n\t"), &["paid 3"]),
        (format!("\u{feff}{one}"), &["paid 3"]),
        (format!("\u{feff}\n[ {one} , {one} ]"), &["paid 3", "paid 3"]),
        (
            format!("[{one},7,\"paid\",null,true,[{one}],1e999,{one}]"),
            &[
                "paid 3", "raw None", "raw None", "raw None", "raw None", "raw None", "raw None",
                "paid 3",
            ],
        ),
        ("[]".into(), &[]),
    ];
    for (body, expected) in cases {
        assert_eq!(seen(adjacent(), body), *expected, "{body}");
    }
}

#[test]
fn a_list_stands_within_an_object_once() {
    let listed = |list: &str| seen(flat_within(), list);
    assert_eq!(listed(r#"{"Events":[{"Action":"paid","total":3}]}"#), ["paid 3"]);
    assert_eq!(
        listed(r#"{"a":1,"Ev\u0065nts":[{"total":3,"Action":"paid"},{}],"b":[]}"#),
        ["paid 3", "raw None"]
    );
    assert_eq!(listed("\u{feff}{\"Events\":[]}"), [""; 0]);
    for (body, expected) in [
        ("{}", "the body has no list of events at byte 2"),
        (r#"{"EVENTS":[]}"#, "the body has no list of events at byte 13"),
        (r#"{"Events":[],"Events":[]}"#, "the body has its list of events twice at byte 22"),
        (r#"{"events":[],"events":[]}"#, "the body has its list of events twice at byte 22"),
        (r#"{"Events":{}}"#, "the body has no list where one should be at byte 10"),
        (r#"{"Events":null}"#, "the body has no list where one should be at byte 10"),
        (r#"{"events":"x"}"#, "the body has no list where one should be at byte 10"),
        ("[]", "the body has no object where one should be at byte 0"),
        ("7", "the body has no object where one should be at byte 0"),
    ] {
        assert_eq!(refusal(flat_within(), body), expected, "{body}");
    }
}

#[test]
fn the_exact_spelling_wins_wherever_it_stands() {
    let (exact, camel) = (r#"[{"Action":"paid","total":1}]"#, r#"[{"Action":"paid","total":2}]"#);
    for (body, expected) in [
        (format!(r#"{{"Events":{exact},"events":{camel}}}"#), "paid 1"),
        (format!(r#"{{"events":{camel},"Events":{exact}}}"#), "paid 1"),
        (format!(r#"{{"events":{camel},"x":[{exact}]}}"#), "paid 2"),
        (r#"{"Events":[{"action":"new","Action":"paid","total":3}]}"#.into(), "paid 3"),
        (r#"{"Events":[{"Action":"paid","action":"new","total":3}]}"#.into(), "paid 3"),
        (r#"{"events":[{"action":"paid","total":3}]}"#.into(), "paid 3"),
        (r#"{"Events":[{"Action":7,"action":"paid","total":3}]}"#.into(), "raw None"),
        (r#"{"Events":[{"ACTION":"paid","total":3}]}"#.into(), "raw None"),
        (
            r#"{"Events":[{"action":"paid","action":"paid","total":3}]}"#.into(),
            "element `Events[0]`: has two members `Action` (byte 11)",
        ),
        (
            r#"{"Events":[{"Action":"paid","total":3,"Action":"paid"}]}"#.into(),
            "element `Events[0]`: has two members `Action` (byte 11)",
        ),
    ] {
        assert_eq!(seen(flat_within(), &body), [expected], "{body}");
    }
    let exact_only = Envelope::flat("Action").within("Events");
    assert_eq!(
        seen(exact_only.clone(), r#"{"Events":[{"action":"paid","total":3}]}"#),
        ["raw None"]
    );
    assert_eq!(
        refusal(exact_only, r#"{"events":[]}"#),
        "the body has no list of events at byte 13"
    );
}

#[test]
fn a_flat_name_is_its_objects_own_and_stands_once() {
    for (element, expected) in [
        (r#"{"total":3,"Action":"paid"}"#, "paid 3"),
        (r#"{"Action":"paid","total":3,"of":{"Action":"new"}}"#, "paid 3"),
        (r#"{"Action":"paid","total":3,"of":"\"Action\":\"new\""}"#, "paid 3"),
        (r#"{"of":{"Action":"new"},"Action":"paid","total":3}"#, "paid 3"),
        (r#"{"Action":"paid","total":3,"of":"Action"}"#, "paid 3"),
        (r#"{"Action":"paid","total":3,"of":["Reaction", "Actions"]}"#, "paid 3"),
        (r#"{"Action":"paid","total":3,"of":"\u2013\u00e6"}"#, "paid 3"),
        (r#"{"Action":"paid","total":3,"\u0042ction":"new"}"#, "paid 3"),
        (r#"{"\u0041ction":"p\u0061id","total":3}"#, "paid 3"),
        (
            r#"{"Action":"paid","total":3,"\u0041ction":"paid"}"#,
            "element `Events[0]`: has two members `Action` (byte 11)",
        ),
        (
            r#"{"Action":"paid","total":3,"Actions":1,"Action":"paid"}"#,
            "element `Events[0]`: has two members `Action` (byte 11)",
        ),
        (
            r#"{"Action":"paid","total":3,"Actio\u006e":"paid"}"#,
            "element `Events[0]`: has two members `Action` (byte 11)",
        ),
        (
            r#"{"Action":7,"total":3,"Action":"paid"}"#,
            "element `Events[0]`: has two members `Action` (byte 11)",
        ),
    ] {
        assert_eq!(seen(flat_within(), format!(r#"{{"Events":[{element}]}}"#)), [expected]);
    }
}

#[test]
fn beside_its_name_an_event_may_need_another_member() {
    for (element, expected) in [
        (r#"{"id":1,"action":"paid","total":3}"#, "paid 3"),
        (r#"{"action":"paid","total":3,"id":[]}"#, "paid 3"),
        (r#"{"action":"paid","id":null,"total":3}"#, "paid 3"),
        (r#"{"action":"paid","total":3}"#, "raw None"),
        (r#"{"of":{"id":1},"action":"paid","total":3}"#, "raw None"),
        (r#"{"id":1,"action":"paid","total":3,"id":1}"#, "raw None"),
        (r#"{"id":1,"action":"paid","total":3,"\u0069d":1}"#, "raw None"),
        (r#"{"id":1,"id":2,"action":"paid","total":3}"#, "raw None"),
        (r#"{"Id":1,"action":"paid","total":3}"#, "raw None"),
        (
            r#"{"id":1,"action":"paid","action":"paid","total":3}"#,
            "element `[0]`: has two members `action` (byte 1)",
        ),
    ] {
        assert_eq!(seen(Envelope::flat_beside("action", "id"), format!("[{element}]")), [expected]);
    }
}

#[test]
fn the_member_beside_may_be_in_camel_case_too() {
    for (element, expected) in [
        (r#"{"id":1,"action":"paid","total":3}"#, "paid 3"),
        (r#"{"id":1,"Action":"paid","total":3}"#, "paid 3"),
        (r#"{"Id":1,"id":2,"id":3,"Action":"paid","total":3}"#, "paid 3"),
        (r#"{"id":1,"Action":"paid","total":3,"id":2}"#, "raw None"),
        (r#"{"id":1,"Action":"paid","total":3,"Id":2}"#, "paid 3"),
    ] {
        let envelope = Envelope::flat_beside("Action", "Id").camel_case();
        assert_eq!(seen(envelope, format!("[{element}]")), [expected], "{element}");
    }
}

#[test]
fn a_name_and_data_of_one_key_are_two_members_of_it() {
    let body = r#"{"x":"paid","x":{"total":3}}"#;
    let expected = "element `[0]`: has two members `x` (byte 0)";
    assert_eq!(seen(Envelope::adjacent("x", "x"), body), [expected]);
}

#[test]
fn adjacent_members_may_be_in_camel_case_too() {
    let envelope = || Envelope::adjacent("Type", "Data").camel_case();
    for (body, expected) in [
        (r#"{"type":"paid","data":{"total":3}}"#, "paid 3"),
        (r#"{"data":{"total":3},"type":"paid"}"#, "paid 3"),
        (r#"{"Type":"paid","data":{"total":3}}"#, "paid 3"),
        (r#"{"type":"new","data":{"total":1},"Type":"paid","Data":{"total":3}}"#, "paid 3"),
        (r#"{"Data":{"total":3},"data":1,"Type":"paid","type":"new"}"#, "paid 3"),
        (r#"{"Type":"paid","Data":{"total":3},"type":"new","data":1}"#, "paid 3"),
        (
            r#"{"type":"paid","type":"paid","data":{"total":3}}"#,
            "element `[0]`: has two members `Type` (byte 0)",
        ),
        (
            r#"{"type":"paid","data":{"total":3},"data":1}"#,
            r#"event "paid" at `[0]`: has two members `Data` (byte 0)"#,
        ),
    ] {
        assert_eq!(seen(envelope(), body), [expected], "{body}");
    }
    assert_eq!(
        seen(Envelope::adjacent("Type", "Data"), r#"{"type":"paid","data":1}"#),
        ["raw None"]
    );
}

#[test]
fn an_object_with_too_many_members_is_refused_where_they_are_looked_at() {
    let members = |count: usize| (0..count).map(|n| format!("\"m{n}\":0,")).collect::<String>();
    let shaped = |count| format!(r#"{{{}"type":"paid","total":3}}"#, members(count));
    assert_eq!(seen(Envelope::shape(named), shaped(Members::MAX - 2)), ["paid 3"]);
    let refused = refusal(Envelope::shape(named), shaped(Members::MAX - 1));
    assert!(
        refused.starts_with("the body has an object with more than 1024 members at byte "),
        "{refused}"
    );
    let outer = |count| format!(r#"{{{}"Events":[]}}"#, members(count));
    assert_eq!(seen(flat_within(), outer(Members::MAX)), [""; 0]);
    refusal(flat_within(), outer(Members::MAX + 1));
}

#[test]
fn a_shape_names_events_by_their_members() {
    for (body, expected) in [
        (r#"{"total":3,"type":"paid"}"#, "paid 3"),
        (r#"[{"type":"paid","total":3,"x":{"type":"new"}}]"#, "paid 3"),
        (r#"{"type":"paid","type":"paid","total":3}"#, "raw None"),
        (r#"{"total":3}"#, "raw None"),
        (r#"{"type":["paid"]}"#, "raw None"),
        ("[[]]", "raw None"),
    ] {
        assert_eq!(seen(Envelope::shape(named), body), [expected], "{body}");
    }
}

fn named<'b>(members: &Members<'b>) -> Option<Cow<'b, str>> {
    members.text("type")
}

#[test]
fn a_shape_may_capture() {
    let types = std::collections::HashMap::from([("3", "paid"), ("4", "new")]);
    let envelope =
        Envelope::shape(move |members| Some((*types.get(members.raw("total")?)?).into()));
    let body = r#"[{"total":3},{"total":4},{"total":5}]"#;
    assert_eq!(seen(envelope.clone(), body), ["paid 3", r#"raw Some("new")"#, "raw None"]);
    assert!(format!("{envelope:?}").contains("Shape(Shape)"));
}

/// No event of such a body is handled, so none may be taken for handled.
#[test]
fn a_shape_that_panics_refuses_the_body() {
    let shape =
        || Envelope::shape(|all| all.raw("total").map(|total| total[..2].to_owned().into()));
    let refused = refusal(shape(), r#"[{"total":12},{"total":3},{"total":45}]"#);
    assert_eq!(refused, "the body has an element for which `Envelope::shape` panicked at byte 14");
    let found = tower_webhook::decode::events(&shape(), br#"{"total":3}"#);
    assert_eq!(found.unwrap_err().offset(), 0);
}

#[test]
fn a_shape_sees_camel_case_where_the_envelope_is_read_so() {
    let shape = || Envelope::shape(|members| members.text("Type"));
    let body = r#"{"type":"paid","total":3}"#;
    assert_eq!(seen(shape(), body), ["raw None"]);
    assert_eq!(seen(shape().camel_case(), body), ["paid 3"]);
}

#[test]
fn found_elements_are_the_bodys_own_bytes() {
    let body = "\u{feff}[ {\"type\" : \"p\\u0061id\", \"é\": 1.10 } ,\r\n7, [ ] ]".as_bytes();
    let elements: Vec<_> = events(&adjacent(), body)
        .unwrap()
        .into_iter()
        .map(|e| (e.event_type.map(Cow::into_owned), std::str::from_utf8(&body[e.range]).unwrap()))
        .collect();
    let first = "{\"type\" : \"p\\u0061id\", \"é\": 1.10 }";
    assert_eq!(elements, [(Some("paid".into()), first), (None, "7"), (None, "[ ]")]);

    let batch = dispatch(&EventRouter::new(), adjacent(), body).unwrap();
    let json: Vec<_> = batch.events().map(|event| event.json().clone()).collect();
    assert_eq!(json, [first, "7", "[ ]"]);
}

#[test]
fn more_events_than_allowed_are_refused() {
    let body = |count: usize| format!("[{}]", vec!["{}"; count].join(","));
    let router = EventRouter::<Acme>::new();
    assert_eq!(dispatch(&router, adjacent(), body(10_000)).unwrap().len(), 10_000);
    assert_eq!(
        dispatch(&router, adjacent(), body(10_001)).unwrap_err().to_string(),
        "the body has more than 10000 events at byte 30001"
    );
    let router = router.max_events(2);
    assert!(dispatch(&router, adjacent(), body(2)).is_ok());
    assert_eq!(
        dispatch(&router, adjacent(), body(3)).unwrap_err().to_string(),
        "the body has more than 2 events at byte 7"
    );
    let router = router.max_events(0);
    assert!(dispatch(&router, adjacent(), "[]").unwrap().is_empty());
    assert!(dispatch(&router, adjacent(), "{}").is_err());
}

/// Any JSON is an event.
#[derive(Deserialize)]
struct Any(serde_json::Value);

impl Payload for Any {
    type Provider = Acme;
}

#[test]
fn a_named_body_is_one_event_whatever_json_it_is() {
    let log = Log::default();
    let any = log.clone();
    let router = EventRouter::new()
        .on_type("any", async move |e: Any| any.note(e.0.to_string()))
        .on_type("paid", async |_: Paid| {});
    let bodies = [
        "{}",
        r#"{"type":"paid","type":"paid"}"#,
        "[]",
        r#"[{"type":"paid"},7]"#,
        "7",
        "null",
        "\"x\"",
    ];
    for body in bodies {
        let padded = format!("\u{feff} {body}\r\n");
        let found = events(&Envelope::named("any"), padded.as_bytes()).unwrap();
        assert_eq!(found.len(), 1, "{body}");
        assert_eq!(found[0].event_type.as_deref(), Some("any"));
        assert_eq!(&padded[found[0].range.clone()], body);
        let batch = dispatch(&router, Envelope::named("any"), padded).unwrap();
        assert_eq!(outcomes(batch), ["handled"], "{body}");
        let value = serde_json::from_str::<serde_json::Value>(body).unwrap().to_string();
        assert_eq!(log.seen().last(), Some(&value));
    }
    for (body, expected) in [
        (r#"{"total":"x"}"#, r#"event "paid" at `[0].total`: expected u8 (byte 0)"#),
        ("[3]", r#"event "paid" at `[0]`: expected struct Paid (byte 0)"#),
    ] {
        let batch = dispatch(&router, Envelope::named("paid"), body).unwrap();
        assert_eq!(outcomes(batch), [expected], "{body}");
    }
}

#[test]
fn a_named_body_must_be_json_and_within_the_limits() {
    for (body, expected) in [
        ("", "the body is cut short at byte 0: it is empty"),
        ("{} 7", "the body has text after its end at byte 3"),
        ("paid=3", "the body is not JSON (expected value) at byte 0: it looks like a form"),
    ] {
        for event_type in ["paid", "new"] {
            assert_eq!(refusal(Envelope::named(event_type), body), expected, "{body}");
        }
    }
    let deep = "[".repeat(128) + &"]".repeat(128);
    let expected = "the body is nested more than 127 deep at byte 0";
    let by_router = |event_type: &'static str| {
        dispatch(&listening(&Log::default()), Envelope::named(event_type), &deep).unwrap_err()
    };
    assert_eq!(by_router("paid").to_string(), expected);
    assert_eq!(by_router("new").to_string(), expected);
}

#[test]
fn a_name_that_can_be_no_type_names_nothing() {
    let long = "n".repeat(Envelope::MAX_TYPE + 1);
    for (event_type, expected) in
        [("", None), (&long, None), (&long[1..], Some(&long[1..])), ("new", Some("new"))]
    {
        let envelope = Envelope::named(event_type.to_owned());
        assert_eq!(seen(envelope, r#"{"total":3}"#), [format!("raw {expected:?}")]);
    }
}

#[test]
fn the_elements_of_a_list_are_of_the_named_type() {
    let envelope = || Envelope::named("paid").within("Events").camel_case();
    for list in ["Events", "events"] {
        let body = format!(r#"{{"{list}":[{{"total":3}},{{"type":"new","total":4}},7]}}"#);
        let misfit = format!(
            "event \"paid\" at `Events[2]`: expected struct Paid (byte {})",
            body.len() - 3
        );
        assert_eq!(seen(envelope(), body), ["paid 3", "paid 4", &misfit]);
    }
    assert_eq!(
        seen(envelope().within("pages"), r#"{"pages":[{"Events":[{"total":3}]},7]}"#),
        ["paid 3", "raw None"]
    );
    assert_eq!(refusal(envelope(), "[]"), "the body has no object where one should be at byte 0");
}
