//! D: challenges, which are answered without a signature.

use http_body_util::Empty;

use super::*;

fn get(uri: &str) -> Request<Empty<Bytes>> {
    Request::get(uri).body(Empty::new()).unwrap()
}

#[tokio::test]
async fn d4_a_challenge_is_echoed_as_plain_text_if_it_is_plain() {
    let longest = "a".repeat(128);
    for echo in ["0", "01234567-89ab-CDEF", &longest] {
        for turn in [|request| request, over_http2] {
            let request = turn(get(&format!("/?echo={echo}")));
            let answer = answer(receiver(learn365()), request).await;
            assert_eq!((answer.status(), answer.body.as_str()), (200, echo), "D4");
            assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"), "D4");
            assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "D4");
        }
    }
}

#[tokio::test]
async fn d4_a_challenge_that_is_more_than_plain_is_none() {
    let too_long = "a".repeat(129);
    let markup = ["%3Cscript%3E", "<b>", "\"'`", "%0d%0aset-cookie:a=b", "{{7*7}}", "${jndi:x}"];
    let odd = ["", "a%20b", "a+b", "a.b", "a_b", "é", "1&echo=2", "1&echo=1", "%61", &too_long];
    for query in markup.into_iter().chain(odd) {
        let request = get("/").map(|_| Body::default());
        let request = written(request).await.replace("GET / ", &format!("GET /?echo={query} "));
        let server = Server::start(receiver(learn365())).await;
        let answer = server.say(request).await;
        let status = if query.contains(['<', '"', '{']) { "40" } else { "405 Method Not Allowed" };
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "D4: {query}: {answer}");
        assert!(!answer.contains("jndi") && !answer.contains("cookie"), "D4: {answer}");
    }
}

#[tokio::test]
async fn d4_a_challenge_is_for_the_sender_that_documents_one() {
    let refused = |answer: Answer| answer.is_refused(405, &Rejection::Method);
    refused(answer(receiver(loops()), get("/?echo=1")).await);
    refused(answer(receiver(synthesis_vr()), get("/?echo=1")).await);
    refused(answer(receiver(teachstack()), get("/?echo=1")).await);
    refused(answer(receiver(standard_webhooks()), get("/?echo=1")).await);
    let mut redirected = learn365_request();
    *redirected.method_mut() = http::Method::GET;
    refused(answer(receiver(learn365()), redirected).await);
}

#[tokio::test]
async fn d6_a_challenge_opens_nothing() {
    let server = Server::start(receiver(learn365())).await;
    let token = "0123456789-0123456789-0123456789-0123456789";
    assert_eq!(server.send(get(&format!("/?echo={token}"))).await.unwrap().status(), 200);
    let by_token = tower_webhook::providers::learn365::Learn365::new(token).unwrap();
    let forged = signed(by_token, r#"{"Notifications":[]}"#);
    let mut aimed = learn365_request();
    *aimed.uri_mut() = format!("/?echo={token}").parse().unwrap();
    for (row, request, error) in [
        ("signed with it", forged, VerifyError::SignatureMismatch),
        ("unsigned, with it", with(aimed, MS, None), VerifyError::MissingHeader(MS.into())),
    ] {
        let answer = ask(&server, request).await;
        assert_eq!(verdict(&answer), Err(error), "D6: {row}");
    }
}
