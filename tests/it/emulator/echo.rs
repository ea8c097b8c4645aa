//! Which answers pass the echo, and what a receiver of this crate answers to a hostile one.

use super::*;
use crate::support::{serve, url};

/// An endpoint that answers an echo with `answer`, in which `TOKEN` stands for the token.
async fn echoing(answer: String) -> Endpoint {
    let answers = move |request: &Request<Bytes>| match echo(request) {
        Some(token) => answer.replace("TOKEN", token),
        None => panic!("{request:?} is not an echo"),
    };
    Endpoint::raw(answers).await
}

/// [`said`], where the body is a token of 32 characters and a few others.
fn says(head: &str, before: &str, after: &str) -> String {
    let length = before.len() + 32 + after.len();
    format!("HTTP/1.1 {head}\r\nContent-Length: {length}\r\n\r\n{before}TOKEN{after}")
}

fn typed(media_type: &str) -> String {
    says(&format!("200 OK\r\nContent-Type: {media_type}"), "", "")
}

#[tokio::test]
async fn the_token_passes() {
    for answer in [
        says("200 OK", "", ""),
        says("201 Created", "", ""),
        says("202 Accepted", "", ""),
        says("200 OK", "\u{feff}", ""),
        typed("text/plain"),
        typed("text/plain; charset=utf-8"),
        typed("text/plain; charset=UTF-8"),
        typed("text/plain;Charset=utf-8"),
        typed("text/html; charset=utf-8; version=1"),
        typed("application/json"),
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n20\r\nTOKEN\r\n0\r\n\r\n".into(),
    ] {
        let endpoint = echoing(answer.clone()).await;
        let wanted = wanted(&endpoint.url("/hook"));
        let passed = create(&emulator(), &wanted).await;
        assert_eq!((passed.status(), endpoint.seen().len()), (201, 1), "{answer}: {}", passed.body);
    }
}

#[tokio::test]
async fn nothing_else_does() {
    let other = "the answer is not exactly the value of `echo`";
    let charset = "the charset of the answer is not plainly `utf-8`";
    for (answer, why) in [
        (says("200 OK", "", "\n"), other),
        (says("200 OK", " ", ""), other),
        (says("200 OK", "\"", "\""), other),
        (says("200 OK", "\u{feff}\u{feff}", ""), other),
        (said("200 OK", ""), other),
        (said("200 OK", "another"), other),
        (said("204 No Content", ""), other),
        (says("300 Multiple Choices", "", ""), "the answer is 300 Multiple Choices"),
        (says("302 Found", "", ""), "the answer is 302 Found"),
        (says("404 Not Found", "", ""), "the answer is 404 Not Found"),
        (says("500 Internal Server Error", "", ""), "the answer is 500 Internal Server Error"),
        (typed("text/plain; charset=utf8"), charset),
        (typed("text/plain; charset=\"utf-8\""), charset),
        (typed("text/plain; charset="), charset),
        (typed("text/plain; charset=klingon"), charset),
        (typed("text/plain; version=1; CHARSET=iso-8859-1"), charset),
        (says("200 OK\r\nContent-Encoding: gzip", "", ""), "the answer is compressed"),
        (String::new(), "the request could not be delivered"),
    ] {
        let (endpoint, emulator) = (echoing(answer.clone()).await, emulator());
        let why = format!("The WebHook cannot be registered: WebHook verification failed: {why}");
        assert_eq!(refused(&emulator, &wanted(&endpoint.url("/hook"))).await, why, "{answer}");
        let there = ask(&emulator, Method::GET, "/webhooks/registrations", "").await;
        assert_eq!(there.body, "[]");
    }
}

#[tokio::test]
async fn the_token_in_other_letters_does_not() {
    let endpoint = Endpoint::raw(|request| {
        let token = echo(request).unwrap();
        assert!(
            token.bytes().any(|b| b.is_ascii_lowercase()),
            "a token in a million has no letter"
        );
        said("200 OK", &token.to_uppercase())
    })
    .await;
    let why = refused(&emulator(), &wanted(&endpoint.url("/hook"))).await;
    assert!(why.ends_with(": the answer is not exactly the value of `echo`"), "{why}");
}

#[tokio::test]
async fn the_token_passes_after_redirects() {
    for status in ["301 Moved Permanently", "302 Found", "303 See Other", "307 Temporary Redirect"]
    {
        let endpoint =
            Endpoint::raw(move |request| match (request.uri().path(), request.uri().query()) {
                ("/old", Some(query)) => {
                    said(&format!("{status}\r\nLocation: /new?token={query}"), "")
                }
                (_, query) => said("200 OK", query.unwrap().strip_prefix("token=echo=").unwrap()),
            })
            .await;
        let answer = create(&emulator(), &wanted(&endpoint.url("/old"))).await;
        assert_eq!((answer.status(), endpoint.seen().len()), (201, 2), "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_waited_for_100_seconds() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}/", silent.local_addr().unwrap());
    let asked = tokio::time::Instant::now();
    let why = refused(&emulator(), &wanted(&uri)).await;
    assert_eq!(
        why,
        "The WebHook cannot be registered: WebHook verification failed: no answer in time"
    );
    assert_eq!(asked.elapsed().as_secs(), 100);
}

#[tokio::test]
async fn a_receiver_of_this_crate_passes() {
    let log = Log::default();
    let app = axum::Router::new().route_service("/hooks/learn365", hook(&log));
    let uri = url(serve(app).await, "/hooks/learn365?tenant=7").to_string();
    let wanted =
        wanted_with(&uri, json!({"Headers": {"Content-Type": "text/plain", "X-Tenant": "7"}}));
    assert_eq!(create(&emulator(), &wanted).await.status(), 201);
    assert_eq!(log.seen(), [""; 0]);
}

/// The head and the body of what a receiver of this crate answers to a request without a body.
async fn answered(request_line: &str) -> (String, String) {
    let log = Log::default();
    let address = serve(axum::Router::new().route_service("/hook", hook(&log))).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request =
        format!("{request_line} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert_eq!(log.seen(), [""; 0], "{request_line}");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.into(), body.into())
}

#[tokio::test]
async fn a_receiver_does_not_echo_what_is_no_token() {
    let refusal = r#"{"title":"Method Not Allowed","status":405}"#;
    for query in [
        "echo=%3Cscript%3Ealert(1)%3C/script%3E",
        "echo=a%0D%0ASet-Cookie:%20b=c",
        "echo=a%0d%0a%0d%0ahtml",
        "echo=%00",
        "echo=a%C2%85b",
        "echo=a+b",
        &format!("echo={}", "a".repeat(129)),
        "echo=a1&echo=a1",
        "echo=a1&Echo=a1&echo=a1",
        "ECHO=a1",
        "echo=",
    ] {
        let (head, body) = answered(&format!("GET /hook?{query}")).await;
        assert!(head.starts_with("HTTP/1.1 405 Method Not Allowed\r\n"), "{query}: {head}");
        assert_eq!(body, refusal, "{query}");
        assert!(!head.contains("alert") && !head.to_lowercase().contains("set-cookie"), "{head}");
    }
}

#[tokio::test]
async fn markup_as_it_is_does_not_come_back() {
    for query in ["echo=<b>alert</b>", "echo=\"alert\""] {
        let (head, body) = answered(&format!("GET /hook?{query}")).await;
        assert!(!head.starts_with("HTTP/1.1 2"), "{head}");
        assert!(!head.contains("alert") && !body.contains("alert"), "{query}: {body}");
    }
}

#[tokio::test]
async fn only_a_get_is_echoed() {
    let (head, body) = answered("GET /hook?echo=a1").await;
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert_eq!(body, "a1");
    for method in ["HEAD", "OPTIONS", "PUT", "DELETE", "PATCH"] {
        let (head, body) = answered(&format!("{method} /hook?echo=a1")).await;
        assert!(head.starts_with("HTTP/1.1 405 Method Not Allowed\r\n"), "{method}: {head}");
        assert!(!body.contains("a1"), "{method}: {body}");
    }
}
