//! The words of `serde_json` that a `DecodeError` is made of: if a version changes them, then a test here says so.

use std::fmt::Debug;

use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;

use super::*;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only what does not fit matters")]
struct Worded {
    needed: u8,
    number: Option<f64>,
    pair: Option<(u8, u8)>,
    word: Option<Word>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Word {
    One,
    Two,
}

impl Payload for Worded {
    type Provider = Acme;
}

#[test]
fn a_misfit_takes_over_the_words_that_repeat_no_value() {
    let router = EventRouter::new().on_type("worded", async |_: Worded| {});
    for (json, serde_words, path, words) in [
        ("{}", "missing field `needed`", "", "missing field `needed`"),
        (r#"{"needed":1,"needed":2}"#, "duplicate field `needed`", "", "duplicate field `needed`"),
        (
            r#"{"secret":1}"#,
            "unknown field `secret`, expected one of `needed`, `number`, `pair`, `word`",
            "",
            "unknown field",
        ),
        (
            r#"{"word":"secret"}"#,
            "unknown variant `secret`, expected `one` or `two`",
            ".word",
            "unknown variant",
        ),
        (
            r#"{"needed":"secret"}"#,
            r#"invalid type: string "secret", expected u8"#,
            ".needed",
            "expected u8",
        ),
        (r#"{"needed":null}"#, "invalid type: null, expected u8", ".needed", "expected u8"),
        (
            r#"{"needed":1.5}"#,
            "invalid type: floating point `1.5`, expected u8",
            ".needed",
            "expected u8",
        ),
        (
            r#"{"needed":300}"#,
            "invalid value: integer `300`, expected u8",
            ".needed",
            "expected u8",
        ),
        (
            r#"{"pair":[7]}"#,
            "invalid length 1, expected a tuple of size 2",
            ".pair",
            "expected a tuple of size 2",
        ),
        (r#"{"number":1e999}"#, "number out of range", ".number", "number out of range"),
    ] {
        assert_eq!(said::<Worded>(json), serde_words, "{json}");
        let body = format!(r#"{{"type":"worded","data":{json}}}"#);
        let reason = outcomes(dispatch(&router, adjacent(), body).unwrap()).remove(0);
        assert_eq!(reason, format!(r#"event "worded" at `[0].data{path}`: {words} (byte 24)"#));
    }
}

#[test]
fn json_that_is_broken_is_refused_in_the_words_of_serde_json() {
    for (json, words, at) in [
        ("trux", "expected ident", 3),
        ("[1 2]", "expected `,` or `]`", 3),
        ("[1,]", "expected value", 3),
        ("{7}", "key must be a string", 1),
        ("{\"a\" 7}", "expected `:`", 5),
        // Here `serde_json` names the byte in front of the fault.
        ("\"\u{1}\"", r"control character (\u0000-\u001F) found while parsing a string", 0),
        (r#""\x""#, "invalid escape", 2),
        ("[\r\n\n 01]", "invalid number", 6),
        ("[7", "EOF while parsing a list", 1),
    ] {
        assert_eq!(said::<IgnoredAny>(json), words, "{json}");
        let reason = refusal(Envelope::named("new"), json);
        assert_eq!(reason, format!("the body is not JSON ({words}) at byte {at}"), "{json}");
    }
}

/// No event gets that far: its depth is limited. But a type may decode text of its own.
#[test]
fn too_deep_is_called_so() {
    assert_eq!(said::<Value>(&"[".repeat(200)), "recursion limit exceeded");
}

/// How `serde_json` says that `json` is no `E`, without its line and column, which must be as they are counted.
#[track_caller]
fn said<E: DeserializeOwned + Debug>(json: &str) -> String {
    let error = serde_json::from_str::<E>(json).unwrap_err();
    let place = format!(" at line {} column {}", error.line(), error.column());
    error.to_string().strip_suffix(&place).unwrap().to_owned()
}
