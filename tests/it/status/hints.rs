//! What else is odd about a request that is refused: the operator is told, since the reason alone may mislead.

use axum::Router;

use super::*;

/// What is traced of the one refusal.
fn hint(answer: &Answer) -> Option<&str> {
    let [line] = &answer.traced[..] else { panic!("{:?}", answer.traced) };
    line.split_once(" hint=\"").map(|(_, hint)| hint.trim_end_matches('"'))
}

#[tokio::test]
async fn a_malformed_echo_is_no_mere_wrong_method() {
    for (uri, expected) in [
        ("/?echo=a%20b", Some("a GET with a query may be a handshake whose token is malformed")),
        ("/", None),
    ] {
        let request = Request::get(uri).body(Body::default()).unwrap();
        let told = answer(hook(learn365()), request).await;
        assert_eq!((told.status(), hint(&told)), (405, expected), "{uri}");
    }
}

#[tokio::test]
async fn a_token_that_was_cut_off_is_not_a_wrong_one() {
    let nested = Router::new().nest_service("/hooks/{token}", hook(loops()));
    let request = |path: &str| Request::post(path).body(Body::default()).unwrap();
    let told = answer(nested, request(&format!("/hooks/{TOKEN}")).map(axum::body::Body::new)).await;
    let cut_off = "the path is empty: has `nest` or a proxy cut off the token?";
    assert_eq!((told.status(), hint(&told)), (404, Some(cut_off)));

    let told = answer(hook(loops()), request(&format!("/hook/{TOKEN}/"))).await;
    let slash = "the path ends in a slash: was it added after the token?";
    assert_eq!((told.status(), hint(&told)), (404, Some(slash)));
    assert_eq!(hint(&answer(hook(loops()), request("/hook/other")).await), None);
}

#[tokio::test]
async fn a_body_that_was_changed_on_its_way_is_not_a_forged_one() {
    let unpacked =
        "there is a header `content-encoding`: was the body compressed or decompressed on its way?";
    for (coding, body, expected) in [
        (Some("gzip"), "{}", Some(unpacked)),
        (Some("identity"), "{}", None),
        (None, "", Some("it is empty")),
        (None, "eyJOb3RpZmljYXRpb25zIjpbXX0=", Some("it looks like base64")),
        (None, "payload=%7B%7D", Some("it looks like a form")),
        (None, r#"{"Notifications":[] }"#, None),
    ] {
        let mut request = signed_by_learn365(r#"{"Notifications":[]}"#);
        *request.body_mut() = Body::from(body);
        if let Some(coding) = coding {
            request.headers_mut().insert(header::CONTENT_ENCODING, coding.parse().unwrap());
        }
        let told = answer(hook(learn365()), request).await;
        told.is_refused(401, &unauthentic(VerifyError::SignatureMismatch));
        assert_eq!(hint(&told), expected, "{body}");
    }
}

#[tokio::test]
async fn of_an_authentic_body_that_is_not_json_it_is_said_what_it_looks_like() {
    for (body, message) in [
        (
            "type=paid&total=3",
            "the body is not JSON (expected ident) at byte 1: it looks like a form",
        ),
        (
            "{\"type\":\"a\"}\n{\"type\":\"b\"}\n",
            "the body has text after its end at byte 13: it looks like one JSON text per line (NDJSON)",
        ),
        ("", "the body is cut short at byte 0: it is empty"),
        (
            "W3sidHlwZSI6InBhaWQifV0=",
            "the body is not JSON (expected value) at byte 0: it looks like base64",
        ),
        ("<xml/>", "the body is not JSON (expected value) at byte 0: it looks like XML or HTML"),
    ] {
        let told = answer(hook(loops()), post(TOKEN, body)).await;
        let reason = told.rejection().map(ToString::to_string);
        assert_eq!(reason, Some(format!("not decodable: {message}")));
    }
}
