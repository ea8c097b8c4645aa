//! C: authentic bodies that are not one JSON text in UTF-8.

use super::*;

const GOOD: &str = r#"{"type":"SESSION_STARTED","data":{"name":"good"}}"#;

/// All of these are answered 400 and run nothing: alone, as the list of an authentic delivery of Learn365, and as the data
/// of one that follows Standard Webhooks.
async fn runs_nothing<const N: usize>(rows: [(&str, Vec<u8>); N]) {
    for (row, body) in rows {
        assert_eq!(received(body.clone()).await, (400, vec![]), "{row}");
        let listed = [br#"{"Notifications":"#, &body[..], b"}"].concat();
        let signed_list = signed(learn365(), listed);
        assert_eq!(judged(learn365(), signed_list).await, Ok(400), "{row}: signed");
        let data = [br#"{"type":"a","data":"#, &body[..], b"}"].concat();
        let signed_data = signed(standard_webhooks(), data);
        assert_eq!(judged(standard_webhooks(), signed_data).await, Ok(400), "{row}: signed");
    }
}

#[tokio::test]
async fn c2_c3_what_is_not_utf8_is_authentic_and_not_decodable() {
    let utf16 = |bytes: fn(u16) -> [u8; 2]| GOOD.encode_utf16().flat_map(bytes).collect::<Vec<_>>();
    let utf32 = GOOD.chars().flat_map(|c| u32::from(c).to_be_bytes()).collect();
    let text = |bytes: &[u8]| [&b"[\""[..], bytes, b"\"]"].concat();
    runs_nothing([
        ("C2", utf16(u16::to_le_bytes)),
        ("C2 big-endian", utf16(u16::to_be_bytes)),
        ("C2 marked", [&[0xff, 0xfe], &utf16(u16::to_le_bytes)[..]].concat()),
        ("C2 UTF-32", utf32),
        ("C3", text(b"\xff")),
        ("C3 a surrogate", text(b"\xed\xa0\x80")),
        ("C3 overlong", text(b"\xc0\x80")),
        ("C3 cut short", text(b"\xe2\x82")),
        ("C3 beyond Unicode", text(b"\xf4\x90\x80\x80")),
        ("C3 Latin-1", text(b"caf\xe9")),
        ("C3 behind the end", [GOOD.as_bytes(), b"\xff"].concat()),
        ("C3 in a name", b"{\"\xff\":1}".to_vec()),
    ])
    .await;
    let not_utf8 = signed(learn365(), &b"\xff\xfe"[..]);
    let answer = answer(receiver(learn365()), not_utf8).await;
    let told = answer.rejection().unwrap().to_string();
    assert_eq!(told, "not decodable: the body is not UTF-8 at byte 0", "C3");
}

#[tokio::test]
async fn c3_what_is_not_utf8_is_not_looked_at_before_it_is_authentic() {
    let bytes = &b"\xff\xfe\x00"[..];
    for (request, error) in [
        (post("", bytes), VerifyError::MissingHeader(MS.into())),
        (learn365_request().map(|_| Body::from(bytes.to_vec())), VerifyError::SignatureMismatch),
    ] {
        assert_eq!(judged(learn365(), request).await, Err(error), "C3");
    }
    let anyone = judged(Loops::dangerous_unauthenticated(), post("", bytes)).await;
    assert_eq!(anyone, Ok(400), "C3");
}

#[tokio::test]
async fn c11_c13_c14_c17_c18_what_is_not_one_text_runs_nothing() {
    let bytes = |text: String| text.into_bytes();
    let part = "--x\r\ncontent-type: application/json\r\n\r\n[]\r\n--x--";
    runs_nothing([
        ("C11", Vec::new()),
        ("C11 blank", b" \r\n".to_vec()),
        ("C11 NUL", b"\0".to_vec()),
        ("C11 a byte order mark", b"\xef\xbb\xbf".to_vec()),
        ("C13", bytes(format!("[{GOOD}]x"))),
        ("C13 another", bytes(format!("[{GOOD}][]"))),
        ("C13 NUL", bytes(format!("[{GOOD}]\0"))),
        ("C13 a bracket", bytes(format!("[{GOOD}]]"))),
        ("C13 a comment", bytes(format!("[{GOOD}]//"))),
        ("C14", bytes(format!("{GOOD}\n{GOOD}\n"))),
        ("C14 a record separator", bytes(format!("\x1e{GOOD}\n"))),
        ("C17", b"payload=%5B%5D".to_vec()),
        ("C18", part.into()),
        ("two byte order marks", bytes(format!("\u{feff}\u{feff}[{GOOD}]"))),
        ("a byte order mark inside", bytes(format!("[\u{feff}{GOOD}]"))),
    ])
    .await;
    for body in ["", "[]", "{}", "null", r#""Notifications""#] {
        let request = signed(learn365(), body);
        assert_eq!(judged(learn365(), request).await, Ok(400), "C11: no list: {body}");
    }
}

#[tokio::test]
async fn c33_what_is_broken_anywhere_runs_nothing() {
    let broken = |end: &str| format!("[{GOOD},{end}").into_bytes();
    runs_nothing([
        ("C33 cut", broken(&GOOD[..20])),
        ("C33 cut in an escape", broken(r#""\u00"#)),
        ("C33 cut in a name", broken(r#"{"ty"#)),
        ("C33 never closed", broken(&"[".repeat(1_000))),
        ("C33 comma", broken("]")),
        ("C33 comma in an object", broken(r#"{"a":1,}]"#)),
        ("C33 two commas", broken(",1]")),
        ("C33 escape", broken(r#""\x"]"#)),
        ("C33 escape in a name", broken(r#"{"\x":1}]"#)),
        ("C33 a raw line break", broken("\"\n\"]")),
        ("C33 a raw NUL", broken("\"\0\"]")),
        ("C33 no colon", broken(r#"{"a" 1}]"#)),
        ("C33 no value", broken(r#"{"a":}]"#)),
        ("C33 a name without quotes", broken("{a:1}]")),
        ("C33 single quotes", broken("{'a':1}]")),
        ("C33 a number with a zero", broken("01]")),
        ("C33 a number with a plus", broken("+1]")),
        ("C33 a number in hex", broken("0x1]")),
        ("C33 a bare point", broken(".5]")),
        ("C33 not a number", broken("NaN]")),
        ("C33 infinite", broken("-Infinity]")),
        ("C33 the wrong bracket", broken(r#"{"a":1]"#)),
        ("C33 a comment", broken("/**/1]")),
    ])
    .await;
}

#[tokio::test]
async fn c10_c15_what_is_merely_unusual_is_accepted() {
    let handled = || vec!["good".to_owned()];
    for (row, body, expected) in [
        ("a lone object", GOOD.to_owned(), handled()),
        ("C10", "[]".into(), vec![]),
        ("C10 blanks", " \r\n[\t] \r\n".into(), vec![]),
        ("a byte order mark", format!("\u{feff}[{GOOD}]"), handled()),
        ("escapes in names", GOOD.replace("type", r"typ\u0065"), handled()),
        ("escapes in the type", GOOD.replace("STARTED", r"ST\u0041RTED"), handled()),
    ] {
        assert_eq!(received(body).await, (200, expected), "{row}");
    }
    for body in ["\u{feff}{\"Notifications\":[]}", "{\"Notifications\" : [ ] }\r\n"] {
        let request = signed(learn365(), body);
        assert_eq!(judged(learn365(), request.clone()).await, Ok(200), "C10, C15: {body:?}");
        let trimmed = request.map(|_| Body::from(r#"{"Notifications":[]}"#));
        let mismatch = Err(VerifyError::SignatureMismatch);
        assert_eq!(judged(learn365(), trimmed).await, mismatch, "C15: all bytes are signed");
    }
}
