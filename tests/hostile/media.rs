//! C: what the head says of the body: its type and its coding.

use std::borrow::Cow;

use tower_webhook::Draft;

use super::*;

/// An event as `provider` sends it, its headers `name` replaced by `values`.
fn labelled<P: Emit>(provider: P, name: &'static str, values: &[&str]) -> Request<Body> {
    let event = Draft::raw("a", r#"{"uuid":"1"}"#).unwrap();
    let mut request = with(sender(provider).batch(&[event]).unwrap(), name, None);
    for value in values {
        let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
        request.headers_mut().append(name, value);
    }
    request
}

/// Has each sender's event labelled so: the answer, and whether the event reached its handler.
async fn each(name: &'static str, values: &[&str]) -> [(Cow<'static, str>, u16, bool); 5] {
    async fn one<P: Emit + Clone>(
        provider: P,
        name: &'static str,
        values: &[&str],
    ) -> (Cow<'static, str>, u16, bool) {
        let request = labelled(provider.clone(), name, values);
        let (status, events) = delivered(provider.clone(), request).await;
        (provider.name(), status, !events.is_empty())
    }
    [
        one(learn365(), name, values).await,
        one(standard_webhooks(), name, values).await,
        one(loops(), name, values).await,
        one(synthesis_vr(), name, values).await,
        one(teachstack(), name, values).await,
    ]
}

/// Of the senders, the one that always declares JSON. Standard Webhooks recommends it, and demands nothing.
const DECLARING: [&str; 1] = ["learn365"];

/// 415 where the sender always declares a type; elsewhere it is handled as JSON. Never 200 with the event dropped.
async fn where_documented(row: &str, values: &[&str]) {
    for (sender, status, handled) in each("content-type", values).await {
        let expected = if DECLARING.contains(&&*sender) { (415, false) } else { (200, true) };
        assert_eq!((status, handled), expected, "{row}: {sender}: {values:?}");
    }
}

#[tokio::test]
async fn c30_c32_a_type_other_than_json_is_refused_where_json_is_documented() {
    for (row, values) in [
        ("C30 missing", &[][..]),
        ("C30", &["text/plain"]),
        ("C30", &["application/xml"]),
        ("C30", &["json"]),
        ("C30 empty", &[""]),
        ("C30 not ASCII", &["application/jsön"]),
        ("C32", &["application/json", "application/json"]),
        ("C32 the second one", &["application/json", "text/plain"]),
        ("C32 the first one", &["text/plain", "application/json"]),
        ("C32 joined by a proxy", &["application/json, application/json"]),
    ] {
        where_documented(row, values).await;
    }
}

#[tokio::test]
async fn c14_c17_c18_other_forms_are_refused_where_json_is_documented() {
    for (row, value) in [
        ("C14", "application/x-ndjson"),
        ("C14", "application/json-seq"),
        ("C14", "application/jsonl"),
        ("C17", "application/x-www-form-urlencoded"),
        ("C18", "multipart/form-data; boundary=x"),
        ("C18", "multipart/mixed; boundary=\"application/json\""),
    ] {
        where_documented(row, &[value]).await;
    }
}

#[tokio::test]
async fn c31_a_type_of_json_is_one_in_any_spelling() {
    for value in [
        "application/json; charset=utf-8",
        "application/json;charset=\"UTF-8\"",
        "application/cloudevents+json",
        "application/vnd.x+json",
        "APPLICATION/JSON",
        "text/json",
    ] {
        for (sender, status, handled) in each("content-type", &[value]).await {
            assert_eq!((status, handled), (200, true), "C31: {sender}: {value}");
        }
    }
}

#[tokio::test]
async fn c2_a_charset_does_not_make_the_body_another() {
    let utf16: Vec<u8> =
        r#"{"Notifications":[]}"#.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for charset in ["utf-16", "utf-16le", "utf-32", "iso-8859-1"] {
        let value = format!("application/json; charset={charset}");
        let request = with(signed(learn365(), utf16.clone()), "content-type", Some(&value));
        assert_eq!(judged(learn365(), request).await, Ok(400), "C2: {charset}");
        let request = with(learn365_request(), "content-type", Some(&value));
        assert_eq!(judged(learn365(), request).await, Ok(200), "C2: JSON is UTF-8: {charset}");
    }
}

#[tokio::test]
async fn c19_no_coding_but_identity_is_taken_from_any_sender() {
    for values in [
        &["gzip"][..],
        &["br"],
        &["deflate"],
        &["zstd"],
        &["aws-chunked"],
        &["GZIP"],
        &["identity, gzip"],
        &["gzip", "identity"],
        &["identity", "gzip"],
        &[""],
    ] {
        for (sender, status, handled) in each("content-encoding", values).await {
            assert_eq!((status, handled), (415, false), "C19: {sender}: {values:?}");
        }
    }
    for values in [&["identity"][..], &["Identity"], &[]] {
        for (sender, status, handled) in each("content-encoding", values).await {
            assert_eq!((status, handled), (200, true), "C19: {sender}: {values:?}");
        }
    }
}

#[tokio::test]
async fn c19_what_is_compressed_stays_so_and_the_operator_is_told_which_header_says_so() {
    let compressed = &b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03"[..];
    let request = with(signed(learn365(), compressed), "content-encoding", Some("gzip"));
    let answer = answer(receiver(learn365()), request.clone()).await;
    answer.is_refused(415, &Rejection::ContentEncoding);
    assert!(answer.traced[0].contains("header `content-encoding`"), "C19: {:?}", answer.traced);
    let unlabelled = with(request.clone(), "content-encoding", None);
    assert_eq!(judged(learn365(), unlabelled).await, Ok(400), "C19");
    let unsigned = with(request, MS, None);
    let missing = Err(VerifyError::MissingHeader(MS.into()));
    assert_eq!(judged(learn365(), unsigned).await, missing, "C19: signed or nothing");
}
