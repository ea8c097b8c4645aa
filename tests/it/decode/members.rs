//! `Members::of`: the JSON that it accepts, and how a member is found.

use tower_webhook::decode::{Envelope, Members, events};

#[test]
fn members_are_those_of_one_object() {
    for json in ["{}", " \r\n\t{ } \r\n\t", r#"{"a":{"a":[]},"":7}"#, r#"{"a":1,"a":2}"#] {
        assert!(Members::of(json).is_some(), "{json}");
    }
    for json in [
        "",
        " ",
        "null",
        "7",
        "\"{}\"",
        "[]",
        "[{}]",
        "{",
        "}",
        "{}}",
        "{} 7",
        "{},",
        "{}{}",
        "\u{feff}{}",
        r#"{"a"}"#,
        r#"{"a":}"#,
        r#"{"a":1,}"#,
        r#"{a:1}"#,
        r#"{"a":tru}"#,
        r#"{"a":1 "b":2}"#,
    ] {
        assert!(Members::of(json).is_none(), "{json}");
    }
}

#[test]
fn a_member_is_found_by_its_exact_name_if_it_occurs_once() {
    let json = r#"{"a":"x\u0041\n","b":[1, 2],"c":null,"c":null,"\u0064":7,"e":"\ud800","f":300}"#;
    let members = Members::of(json).unwrap();
    assert_eq!(members.text("a").as_deref(), Some("xA\n"));
    assert_eq!((members.raw("b"), members.get::<Vec<u8>>("b")), (Some("[1, 2]"), Some(vec![1, 2])));
    assert_eq!((members.raw("d"), members.text("d")), (Some("7"), None));
    assert_eq!((members.raw("e"), members.text("e")), (Some(r#""\ud800""#), None));
    assert_eq!((members.get::<u8>("f"), members.get::<u16>("f")), (None, Some(300)));
    for name in ["c", "A", "B", "", "x"] {
        assert_eq!(members.raw(name), None, "{name}");
    }
}

#[test]
fn an_object_has_a_limited_number_of_members() {
    let json = |count| format!("{{{}}}", vec![r#""a":1"#; count].join(","));
    assert!(Members::of(&json(Members::MAX)).is_some());
    assert!(Members::of(&json(Members::MAX + 1)).is_none());
}

/// If the two disagreed, then an event with a member that excludes its type could be given that type.
#[test]
fn in_camel_case_a_member_is_there_if_it_is_found() {
    for (camel_case, json, expected) in [
        (true, r#"{"deleted":1}"#, "true true"),
        (true, r#"{"Deleted":1}"#, "true true"),
        (true, r#"{"deleted":1,"deleted":2}"#, "true false"),
        (true, r#"{"DELETED":1}"#, "false false"),
        (false, r#"{"deleted":1}"#, "false false"),
        (false, r#"{"Deleted":1}"#, "true true"),
    ] {
        let envelope = Envelope::shape(|members| {
            let (has, found) = (members.has("Deleted"), members.raw("Deleted").is_some());
            Some(format!("{has} {found}").into())
        });
        let envelope = if camel_case { envelope.camel_case() } else { envelope };
        let found = events(&envelope, json.as_bytes()).unwrap();
        assert_eq!(found[0].event_type.as_deref(), Some(expected), "{camel_case} {json}");
    }
}
