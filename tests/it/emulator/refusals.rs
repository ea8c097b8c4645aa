//! What is refused at registration, and how far the emulator reaches.

use std::task::Poll;

use tower_webhook::providers::learn365::{CourseCompleted, RegistrationClient};

use super::*;
use crate::support::{nested, polled};

/// An address that is this machine's, but does not say so.
fn unspecified(endpoint: &Endpoint) -> String {
    format!("http://0.0.0.0:{}/", endpoint.address.port())
}

#[tokio::test]
async fn a_registration_that_the_original_would_not_take() {
    let (emulator, endpoint) = (emulator(), Endpoint::new().await);
    let url = endpoint.url("/");
    let uri = "the URI is not absolute, or does not begin with `http://` or `https://`";
    let many: HashMap<_, _> = (0..101).map(|n| (format!("x-{n}"), "1")).collect();
    let short = "the secret has 31 characters, and the sender takes 32 to 64";
    for (wanted, why) in [
        (json!({"WebHookUri": url, "Secret": "a".repeat(31)}), short),
        (
            json!({"WebHookUri": url, "Secret": "a".repeat(65)}),
            "the secret has 65 characters, and the sender takes 32 to 64",
        ),
        (json!({"WebHookUri": url, "Secret": "😀".repeat(15) + "a"}), short),
        (json!({"WebHookUri": url}), "the secret is missing"),
        (json!({"WebHookUri": url, "Secret": null}), "the secret is missing"),
        (json!({"WebHookUri": url, "Secret": ""}), "the secret is missing"),
        (wanted_with(&url, json!({"Headers": many})), "there are too many headers"),
        (wanted(""), uri),
        (wanted("/hook"), uri),
        (wanted("127.0.0.1/hook"), uri),
        (wanted("ftp://127.0.0.1/hook"), uri),
        (
            wanted_with(&url, json!({"Filters": ["a", "CourseCompleted", "b"]})),
            "The following filters are not valid: 'a, b'.",
        ),
        (
            wanted_with(&url, json!({"Filters": ["Course", "CourseCompleted2", " *"]})),
            "The following filters are not valid: 'Course, CourseCompleted2,  *'.",
        ),
    ] {
        let why = format!("The WebHook cannot be registered: {why}");
        assert_eq!(refused(&emulator, &wanted).await, why, "{wanted}");
    }
    assert_eq!(endpoint.seen().len(), 0, "nothing is tried that cannot be registered");
}

#[tokio::test]
async fn a_secret_has_32_to_64_units() {
    let (emulator, endpoint) = (emulator(), Endpoint::new().await);
    for secret in
        ["a".repeat(32), "a".repeat(64), "你".repeat(32), "😀".repeat(16), "😀".repeat(32)]
    {
        let wanted = json!({"WebHookUri": endpoint.url("/"), "Secret": secret});
        assert_eq!(create(&emulator, &wanted).await.status(), 201, "{secret}");
    }
}

#[tokio::test]
async fn a_body_that_is_no_registration() {
    let emulator = emulator();
    for body in [
        &b""[..],
        b"{",
        b"[]",
        b"null",
        b"\"WebHookUri\"",
        b"{}",
        br#"{"Secret": "0123456789abcdef0123456789abcdef"}"#,
        br#"{"WebHookUri": 7}"#,
        br#"["7", "http://127.0.0.1/", "0123456789abcdef0123456789abcdef"]"#,
        br#"{"WebHookUri": "http://127.0.0.1/", "Headers": {"a": 1}}"#,
        b"WebHookUri=http://127.0.0.1/",
        b"{\"WebHookUri\": \"\xff\"}",
    ] {
        for (method, path) in
            [(Method::POST, "/webhooks/registrations"), (Method::PUT, "/webhooks/registrations/7")]
        {
            let answer = ask(&emulator, method, path, body).await;
            assert_eq!(answer.status(), 400);
            assert_eq!(told(&answer), "The body is not a registration.", "{}", body.escape_ascii());
        }
    }
}

#[tokio::test]
async fn a_body_has_a_mebibyte_at_most() {
    let (emulator, endpoint) = (emulator(), Endpoint::new().await);
    let path = "/webhooks/registrations";
    let padded = |length: usize| {
        let wanted = wanted(&endpoint.url("/")).to_string();
        let padding = " ".repeat(length - wanted.len());
        wanted + &padding
    };
    let answer = ask(&emulator, Method::POST, path, padded(1024 * 1024 + 1)).await;
    assert_eq!(
        (answer.status(), told(&answer).as_str()),
        (400, "The body broke off, or is too long.")
    );
    let answer = ask(&emulator, Method::POST, path, padded(1024 * 1024)).await;
    assert_eq!(answer.status(), 201);
}

#[tokio::test]
async fn properties_that_would_not_fit_into_a_delivery() {
    let (emulator, endpoint) = (emulator(), Endpoint::new().await);
    let with = |properties: String| {
        wanted(&endpoint.url("/")).to_string().replacen(
            '{',
            &format!("{{\"Properties\":{properties},"),
            1,
        )
    };
    let long =
        |length: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(length - r#"{"a":""}"#.len()));
    let path = "/webhooks/registrations";
    for (properties, why) in [
        (nested(128), "the properties are nested more than 127 deep"),
        (nested(50_000), "the properties have more than 64 KiB"),
        (nested(30_000), "the properties are nested more than 127 deep"),
        (long(64 * 1024 + 1), "the properties have more than 64 KiB"),
    ] {
        let answer = ask(&emulator, Method::POST, path, with(properties)).await;
        let why = format!("The WebHook cannot be registered: {why}");
        assert_eq!((answer.status(), told(&answer)), (400, why));
    }
    assert_eq!(endpoint.seen().len(), 0);
    for properties in [nested(127), long(64 * 1024)] {
        assert_eq!(ask(&emulator, Method::POST, path, with(properties)).await.status(), 201);
    }
    assert_eq!(emulator.emit(&CourseCompleted::default()).unwrap(), 2);
}

#[tokio::test]
async fn other_machines_are_not_registered() {
    let (emulator, endpoint) = (emulator(), Endpoint::new().await);
    let beyond = "this emulator sends to its own machine only";
    for uri in [
        &unspecified(&endpoint),
        "http://192.0.2.1/",
        "https://localhost.example.com/",
        "http://127.0.0.1@192.0.2.1/",
    ] {
        let why = refused(&emulator, &wanted(uri)).await;
        assert_eq!(why, format!("The WebHook cannot be registered: {beyond}"), "{uri}");
    }
    assert_eq!(endpoint.seen().len(), 0);
    let allowed = super::emulator().dangerous_beyond_loopback();
    let answer = create(&allowed, &wanted(&unspecified(&endpoint))).await;
    assert!(!answer.body.contains(beyond), "{}", answer.body);
}

#[tokio::test]
async fn no_redirect_leads_to_other_machines() {
    let elsewhere = Endpoint::new().await;
    let location = format!("302 Found\r\nLocation: {}", unspecified(&elsewhere));
    let endpoint = Endpoint::raw(move |_| said(&location, "")).await;
    let beyond = "WebHook verification failed: the target is not on this machine";
    let why = refused(&emulator(), &wanted(&endpoint.url("/"))).await;
    assert_eq!(why, format!("The WebHook cannot be registered: {beyond}"));
    assert_eq!(elsewhere.seen().len(), 0);
    let allowed = emulator().dangerous_beyond_loopback();
    let why = refused(&allowed, &wanted(&endpoint.url("/"))).await;
    assert_ne!(why, format!("The WebHook cannot be registered: {beyond}"));
}

#[tokio::test]
async fn it_is_served_to_this_machine_only() {
    let open = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let address = open.local_addr().unwrap();
    let Poll::Ready(Err(error)) = polled(&mut Box::pin(emulator().serve(open))) else {
        panic!("it is served")
    };
    assert_eq!(
        error.to_string(),
        format!(
            "{address} is open to other machines: call `Emulator::dangerous_beyond_loopback` if this is intended"
        )
    );
    let open = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let base = format!("http://127.0.0.1:{}", open.local_addr().unwrap().port());
    tokio::spawn(emulator().dangerous_beyond_loopback().serve(open));
    let filters = RegistrationClient::new(&base, API_KEY).unwrap().filters().await.unwrap();
    assert_eq!(filters.len(), 12);
}
