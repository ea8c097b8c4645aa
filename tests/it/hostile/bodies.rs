//! C: authentic bodies that are not what they should be.

use super::*;

const GOOD: &str = r#"{"type":"SESSION_STARTED","data":{"name":"good"}}"#;

#[tokio::test]
async fn what_is_not_utf8_json_as_a_whole_runs_nothing() {
    let utf16: Vec<u8> = GOOD.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let utf16_marked = [&[0xff, 0xfe], utf16.as_slice()].concat();
    let bytes = |text: String| text.into_bytes();
    let rows: [(&str, Vec<u8>); 19] = [
        ("C2", utf16),
        ("C2 marked", utf16_marked),
        ("C3", [&b"[\""[..], b"\xff\"]"].concat()),
        ("C3 surrogate in UTF-8", [&b"[\""[..], b"\xed\xa0\x80\"]"].concat()),
        ("C3 overlong", [&b"[\""[..], b"\xc0\x80\"]"].concat()),
        ("C9", bytes(format!("[{}1]", "1,".repeat(10_000)))),
        ("C11", Vec::new()),
        ("C11 blank", b" \r\n".to_vec()),
        ("C11 a byte order mark", b"\xef\xbb\xbf".to_vec()),
        ("C13", bytes(format!("[{GOOD}]x"))),
        ("C13 another", bytes(format!("[{GOOD}][]"))),
        ("C13 NUL", bytes(format!("[{GOOD}]\0"))),
        ("C14", bytes(format!("{GOOD}\n{GOOD}\n"))),
        ("C17", b"payload=%5B%5D".to_vec()),
        ("C18", b"--x\r\ncontent-type: application/json\r\n\r\n[]\r\n--x--".to_vec()),
        ("C33 cut", bytes(format!("[{GOOD},{}", &GOOD[..20]))),
        ("C33 comma", bytes(format!("[{GOOD},]"))),
        ("C33 escape", bytes(format!(r#"[{GOOD},"\x"]"#))),
        ("two byte order marks", bytes(format!("\u{feff}\u{feff}[{GOOD}]"))),
    ];
    for (row, body) in rows {
        assert_eq!(received(body).await, (400, vec![]), "{row}");
    }
}

#[tokio::test]
async fn a_signature_is_over_bytes_whatever_they_mean() {
    let not_utf8 = Sender::new(learn365()).body(&b"\xff\xfe"[..]).unwrap();
    assert_eq!(judged(learn365(), not_utf8).await, Ok(400), "C3: authentic, not decodable");
    let trailing = Sender::new(learn365()).body("{\"Notifications\":[]}\r\n").unwrap();
    assert_eq!(judged(learn365(), trailing.clone()).await, Ok(200), "C15");
    let trimmed = trailing.map(|_| Full::from(r#"{"Notifications":[]}"#));
    assert_eq!(judged(learn365(), trimmed).await, Err(VerifyError::SignatureMismatch), "C15");
    for body in [r#"{"Notifications":[],"Notifications":[]}"#, "{}", "[]", ""] {
        let request = Sender::new(learn365()).body(body).unwrap();
        assert_eq!(judged(learn365(), request).await, Ok(400), "C6, C11: {body}");
    }
}

#[tokio::test]
async fn one_element_that_does_not_fit_spares_the_others() {
    let named = |event: &str| format!(r#"{{"type":"SESSION_STARTED","data":{event}}}"#);
    let deep = format!("{}{}", "[".repeat(120), "]".repeat(120));
    let digits = "7".repeat(400);
    let rows = [
        ("C5", named(r#"{"name":"\ud800"}"#)),
        ("C6", r#"{"type":"SESSION_STARTED","type":"SESSION_STARTED","data":{}}"#.into()),
        ("C6", r#"{"type":"SESSION_STARTED","data":{},"data":{}}"#.into()),
        ("C6", named(r#"{"name":"a","name":"b"}"#)),
        ("C8", named(r#"{"participants":[{"userId":1e999999}]}"#)),
        ("C8", named(&format!(r#"{{"participants":[{{"userId":{digits}}}]}}"#))),
        ("C8", named(r#"{"participants":[{"userId":-9223372036854775809}]}"#)),
        ("C37", named(r#"{"name":7}"#)),
        ("C37", named(r#"[1,2]"#)),
        ("deep", named(&format!(r#"{{"name":{deep}}}"#))),
        ("no data", r#"{"type":"SESSION_STARTED"}"#.into()),
    ];
    for (row, event) in rows {
        let (status, seen) = received(format!("[{GOOD},{event},{GOOD}]")).await;
        assert_eq!(status, 200, "{row}: {event}");
        assert_eq!((seen[0].as_str(), seen[2].as_str(), seen.len()), ("good", "good", 3), "{row}");
        assert!(!seen[1].ends_with("unknown") && seen[1] != "good", "{row}: {}", seen[1]);
    }
}

#[tokio::test]
async fn what_nobody_knows_is_kept_as_unknown() {
    let long = format!(r#"{{"type":"{}","data":{{}}}}"#, "a".repeat(900_000));
    let rows = [
        (r#"{"type":"NEWS","data":{}}"#, r#"Some("NEWS"): unknown"#),
        (r#"{"type":"a\nb\u0000\u202e"}"#, r#"Some("a\nb\0\u{202e}"): unknown"#),
        (&long, "None: unknown"),
        (r#"{"type":7}"#, "None: unknown"),
        (r#"{"type":null,"data":{}}"#, "None: unknown"),
        (r#"{"type":"\udc00"}"#, "None: unknown"),
        ("{}", "None: unknown"),
        ("[]", "None: unknown"),
        ("null", "None: unknown"),
        ("1e999999", "None: unknown"),
    ];
    for (event, expected) in rows {
        assert_eq!(received(format!("[{event}]")).await, (200, vec![expected.into()]), "C35");
    }
}

#[tokio::test]
async fn what_is_merely_unusual_is_accepted() {
    let handled = || vec!["good".to_owned()];
    let surplus =
        r#"{"type":"SESSION_STARTED","x":1e999999,"data":{"name":"good","new":[{}]},"z":null}"#;
    let rows = [
        ("a lone object", GOOD.to_owned(), handled()),
        ("C10", "[]".into(), vec![]),
        ("C10 blanks", " \r\n[\t] \r\n".into(), vec![]),
        ("C38", format!("[{surplus}]"), handled()),
        ("C8 in a field that nobody reads", surplus.into(), handled()),
        ("a byte order mark", format!("\u{feff}[{GOOD}]"), handled()),
        ("escapes in names", GOOD.replace("type", r"typ\u0065"), handled()),
        ("escapes in the type", GOOD.replace("STARTED", r"ST\u0041RTED"), handled()),
    ];
    for (row, body, expected) in rows {
        assert_eq!(received(body).await, (200, expected), "{row}");
    }
    let most = format!("[{}1]", "1,".repeat(9_999));
    assert_eq!(received(most).await.1.len(), 10_000, "C9");
}

#[tokio::test]
async fn a_media_type_of_json_is_one_in_any_spelling() {
    for (value, status) in [
        ("application/json; charset=utf-8", 200),
        ("application/cloudevents+json", 200),
        ("application/vnd.x+json", 200),
        ("APPLICATION/JSON", 200),
        ("application/x-ndjson", 415),
        ("multipart/form-data; boundary=x", 415),
        ("application/x-www-form-urlencoded", 415),
        ("", 415),
    ] {
        let request = with(learn365_request(), "content-type", Some(value));
        assert_eq!(judged(learn365(), request).await, Ok(status), "C31, C14, C17, C18: {value}");
    }
    let mut twice = learn365_request();
    twice.headers_mut().append("content-type", HeaderValue::from_static("application/json"));
    assert_eq!(judged(learn365(), twice).await, Ok(415), "C32");
}
