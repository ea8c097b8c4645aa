//! A: headers that are repeated, of another family, in another spelling, or not signed.

use super::*;

/// A good request of each sender that signs, and its headers that are read.
fn good() -> [(&'static str, Request<Body>); 4] {
    [MS, "webhook-id", "webhook-timestamp", SW]
        .map(|name| (name, if name == MS { learn365_request() } else { whsec_request() }))
}

async fn judged_by_name(name: &str, request: Request<Body>) -> Result<u16, VerifyError> {
    match name {
        MS => judged(learn365(), request).await,
        _ => judged(standard_webhooks(), request).await,
    }
}

#[tokio::test]
async fn a15_a_repeated_header_has_no_first_or_last_that_wins() {
    for (name, good) in good() {
        let value = good.headers()[name].clone();
        let others = [value.clone(), HeaderValue::from_static(""), HeaderValue::from_static("x")];
        for other in others {
            for values in [[&value, &other], [&other, &value]] {
                let mut request = with(good.clone(), name, None);
                for value in values {
                    request.headers_mut().append(name, value.clone());
                }
                let judged = judged_by_name(name, request).await;
                assert_eq!(
                    judged,
                    Err(VerifyError::RepeatedHeader(name.into())),
                    "A15: {values:?}"
                );
            }
        }
        // Of a list, the signature that can be read counts: see A12.
        if name != SW {
            let joined = format!("{0}, {0}", value.to_str().unwrap());
            let judged = judged_by_name(name, with(good, name, Some(&joined))).await;
            assert!(judged.is_err(), "A15: joined by a proxy: {name}");
        }
    }
}

#[tokio::test]
async fn a15_a21_the_spelling_of_a_name_does_not_matter() {
    let server = Server::start(receiver(learn365())).await;
    let good = written(learn365_request()).await;
    let line = format!("{MS}: {}\r\n", signature(&learn365_request(), MS));
    let rows = [
        ("as it is", good.clone(), "200 OK"),
        ("A21", good.replace(MS, "Ms-SIGNATURE"), "200 OK"),
        ("A21", good.replace("content-", "CONTENT-"), "200 OK"),
        ("A15", good.replace(&line, &(line.to_uppercase() + &line)), "401 Unauthorized"),
        ("A15 apart", good.replace("host", &format!("{line}host")), "401 Unauthorized"),
        ("a name that is not ASCII", good.replace(MS, "ms-signatüre"), "400 Bad Request"),
        ("a blank in the name", good.replace(MS, "ms-signature "), "400 Bad Request"),
        ("an underscore", good.replace(MS, "ms_signature"), "401 Unauthorized"),
        ("blanks around the value", good.replace(": sha", ":\t  sha"), "200 OK"),
    ];
    for (row, request, status) in rows {
        let answer = server.say(request).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{row}: {answer}");
    }
}

#[tokio::test]
async fn a2_no_byte_outside_of_visible_ascii_is_read() {
    for (name, good) in good() {
        let value = good.headers()[name].as_bytes().to_vec();
        for odd in [&b"\xff"[..], b"\xc3\xa9", b"\x80", "\u{feff}".as_bytes(), "１".as_bytes()] {
            let mut request = good.clone();
            let odd = HeaderValue::from_bytes(&[&value, odd].concat()).unwrap();
            request.headers_mut().insert(name, odd);
            let judged = judged_by_name(name, request).await;
            assert_eq!(judged, Err(VerifyError::MalformedHeader(name.into())), "A2");
        }
    }
}

/// By construction there is one MAC for each key, and signatures are compared with it once the body is complete: the
/// number of signatures does not change how often a body is hashed. It is bounded all the same.
#[test]
fn a12_thousands_of_signatures_are_refused_before_the_body() {
    let good = signature(&whsec_request(), SW);
    let too_many = VerifyError::TooManySignatures;
    let too_long = VerifyError::HeaderTooLong(SW.into());
    let mut all = Vec::new();
    for (bad, count, error) in [
        ("v1,AAAA ", 16, too_many.clone()),
        ("v1,AAAA ", 1_000, too_many.clone()),
        ("v1,", 17, VerifyError::MalformedSignature),
        ("v1,AAAA, ", 800, too_many),
        ("v1,AAAA ", 1_100, too_long.clone()),
        ("v1,AAAA ", 1_900, too_long),
    ] {
        let signatures = bad.repeat(count) + &good;
        for turn in [|request| request, over_http2] {
            let request = with(whsec_request(), SW, Some(&signatures));
            let error = error.clone();
            all.push(async move || {
                let (_feeder, body) = fed();
                let request = turn(request.map(|_| body));
                let answer = answer(receiver(standard_webhooks()), request).await;
                assert_eq!(verdict(&answer), Err(error), "A12: {count} times {bad:?}");
            });
        }
    }
    at_once(all);
}

#[tokio::test]
async fn a12_as_many_signatures_as_allowed_are_looked_at() {
    let good = signature(&whsec_request(), SW);
    let as_many_as_allowed = "v1,AAAA ".repeat(15) + &good;
    let request = with(whsec_request(), SW, Some(&as_many_as_allowed));
    assert_eq!(judged(standard_webhooks(), request).await, Ok(200), "A12");
}

/// HTTP/1.1 brings them as far as the layer. HTTP/2 answers for itself, or hangs up.
#[tokio::test]
async fn a12_a14_tens_of_thousands_of_bytes_of_signatures_are_a_head_too_long() {
    let server = Server::start(receiver(standard_webhooks())).await;
    for (count, over_http_2) in [(500, Some(431)), (5_000, None)] {
        let signatures = format!("{} ", signature(&whsec_request(), SW)).repeat(count);
        let request = with(whsec_request(), SW, Some(&signatures));
        let ours = ask(&server, request.clone()).await;
        assert_eq!(verdict(&ours), Err(VerifyError::HeaderTooLong(SW.into())), "A14: {count}");
        let theirs = server.send(over_http2(request)).await.ok();
        let status = theirs.as_ref().map(|answer| answer.status().as_u16());
        assert_eq!(status, over_http_2, "A14: {count}");
        let refused = theirs.and_then(|answer| answer.extensions().get::<Rejection>().cloned());
        assert_eq!(refused, None, "A14: it does not reach the layer");
        assert_eq!(ask(&server, over_http2(whsec_request())).await.status(), 200, "A14: alive");
    }
}

#[tokio::test]
async fn a23_one_family_of_headers_counts() {
    let mut both = whsec_request();
    for name in ["svix-id", "svix-timestamp", "svix-signature"] {
        both = with(both, name, Some("v1,contradicts"));
    }
    assert_eq!(judged(standard_webhooks(), both).await, Ok(200), "A23");
    let mut svix = whsec_request();
    let families = [
        ("webhook-id", "svix-id"),
        ("webhook-timestamp", "svix-timestamp"),
        (SW, "svix-signature"),
    ];
    for (name, theirs) in families {
        let value = signature(&svix, name);
        svix = with(svix, theirs, Some(&value));
        let mut mixed = with(svix.clone(), name, None);
        let missing = Err(VerifyError::MissingHeader(name.into()));
        assert_eq!(judged(standard_webhooks(), mixed.clone()).await, missing, "A23: {name}");
        mixed = with(mixed, name, Some("x"));
        assert!(judged(standard_webhooks(), mixed).await.is_err(), "A23: {name} contradicts");
    }
}

#[tokio::test]
async fn a34_the_id_and_the_time_are_signed() {
    let odd =
        VerifyError::Other("header `webhook-id` is empty, or holds a dot, a blank or a tab".into());
    let mismatch = VerifyError::SignatureMismatch;
    for (name, value, error) in [
        ("webhook-id", "msg_other", mismatch.clone()),
        ("webhook-timestamp", "1700000001", mismatch.clone()),
        ("webhook-timestamp", "01700000000", mismatch),
        ("webhook-id", "", odd.clone()),
        ("webhook-id", "msg.1", odd.clone()),
    ] {
        let request = with(whsec_request(), name, Some(value));
        let judged = judged(standard_webhooks(), request).await;
        assert_eq!(judged, Err(error), "A34: {name}: {value}");
    }
    // A dot could be moved from the id to the time, were it allowed to be signed.
    assert_eq!(judged(standard_webhooks(), stamped("msg.1", "1700000000")).await, Err(odd), "A34");
}

/// Headers that name events and deliveries elsewhere.
const UNSIGNED: [(&str, &str); 10] = [
    ("webhook-id", "other"),
    ("x-event-type", "other"),
    ("x-event-key", "other"),
    ("x-github-event", "ping"),
    ("x-github-delivery", "other"),
    ("x-webhook-id", "other"),
    ("ms-action", "other"),
    ("x-http-method-override", "GET"),
    ("x-original-url", "/other"),
    ("prefer", "respond-async"),
];

#[tokio::test]
async fn a34_what_is_not_signed_changes_neither_route_nor_id() {
    let body = r#"{"Id":"own","Attempt":2,"Notifications":[{"Action":"CourseCompleted"}]}"#;
    let signed = signed(learn365(), body);
    let by_path = post(TOKEN, r#"{"type":"SESSION_STARTED"}"#);
    for (name, value) in UNSIGNED {
        let request = with(signed.clone(), name, Some(value));
        let (status, events) = delivered(learn365(), request).await;
        let [(event, delivery)] = &events[..] else { panic!("A34: {name}: {events:?}") };
        let known = (event.event_type(), delivery.id(), delivery.sender_attempt());
        assert_eq!((status, known), (200, (Some("CourseCompleted"), Some("own"), Some(2))), "A34");
        let request = with(by_path.clone(), name, Some(value));
        let (status, events) = delivered(loops(), request).await;
        let [(event, delivery)] = &events[..] else { panic!("A34: {name}: {events:?}") };
        let known = (event.event_type(), delivery.id());
        assert_eq!((status, known), (200, (Some("SESSION_STARTED"), None)), "A34: {name}");
    }
}
