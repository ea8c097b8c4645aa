//! What the emulator sends is what the original sent.

use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, HeaderValue};
use sha2::Sha256;
use tower_webhook::{Draft, Sender, sender::deliver};

use super::*;
use crate::captures::{RECORDED_SECRET, described, recording};

const UNIT_TEST_SECRET: &str = "123456789012345678901234567890123456789012345678";

/// What a recorded delivery was registered with, and what it tells of.
struct Recorded {
    name: &'static str,
    secret: &'static str,
    uri: &'static str,
    headers: Value,
    properties: &'static str,
    events: Vec<Draft>,
}

/// A recording that is like most of them but for its name.
fn plain(name: &'static str) -> Recorded {
    Recorded {
        name,
        secret: RECORDED_SECRET,
        uri: "http://{address}/webhooks/learn365",
        headers: json!({}),
        properties: "{}",
        events: vec![Draft::raw("CourseCompleted", "{}").unwrap()],
    }
}

/// Recordings whose headers can stand in a request.
fn sendable() -> Vec<Recorded> {
    let headed = |name, headers| Recorded { headers, ..plain(name) };
    vec![
        Recorded {
            secret: UNIT_TEST_SECRET,
            uri: "http://{address}/hook",
            headers: json!({"h1": "hv1", "Content-Language": "da"}),
            properties: r#"{"p1":"pv1"}"#,
            events: vec![
                Draft::raw("a1", r#"{"d1":"dv1"}"#).unwrap(),
                Draft::raw("a1", r#"{"d2":"http://localhost"}"#).unwrap(),
            ],
            ..plain("unit-vector")
        },
        Recorded {
            headers: json!({
                "X-Tenant": "contoso",
                "Authorization": "Bearer abc.def",
                "User-Agent": "LMS365/1.0 (webhooks)",
                "Accept": "text/plain",
                "Content-Language": "da",
            }),
            ..plain("headers-custom")
        },
        headed("headers-ms-signature", json!({"ms-signature": "sha256=00"})),
        headed("headers-connection-close", json!({"Connection": "close"})),
        headed("headers-content-md5", json!({"Content-MD5": "AAAAAAAAAAAAAAAAAAAAAA=="})),
        headed("headers-host", json!({"Host": "evil.example"})),
        Recorded {
            headers: json!({"Expect": "100-continue"}),
            events: vec![only_event("headers-expect-100")],
            ..plain("headers-expect-100")
        },
        Recorded {
            uri: "http://{address}/webhooks/learn365/contoso?code=abc&x=1",
            ..plain("uri-query")
        },
        Recorded { uri: "http://user:pass@{address}/webhooks/learn365", ..plain("uri-userinfo") },
        Recorded {
            properties: r#"{"tenant":"contoso","n":42,"nothing":null,"nested":{"a":[1,{"b":true}],"å":"你好"},"list":[1,"two",null,2.50]}"#,
            ..plain("properties-nested")
        },
    ]
}

/// Recordings of registrations with a header that cannot, or is empty.
fn left_out() -> Vec<Recorded> {
    vec![
        Recorded { headers: json!({"bad header": "x"}), ..plain("headers-bad-name") },
        Recorded { headers: json!({"X-Inject": "a\r\nX-Evil: 1"}), ..plain("headers-crlf") },
        Recorded { headers: json!({"Expect": ""}), ..plain("headers-expect-empty") },
    ]
}

/// The event of a recording that has one, as it was written.
fn only_event(name: &str) -> Draft {
    let body = String::from_utf8(recording(name).into_body().into()).unwrap();
    let (_, event) = body.split_once(r#""Action": "CourseCompleted","#).unwrap();
    let (event, _) = event.rsplit_once("}\r\n  ]").unwrap();
    Draft::raw("CourseCompleted", &format!("{{{event}}}")).unwrap()
}

/// By other means than those of the crate.
fn signature(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body);
    format!("sha256={}", base16ct::upper::encode_string(&mac.finalize().into_bytes()))
}

/// A request as text; headers in alphabetical order, since the original's order is the runtime's.
fn shown(request: &Request<Bytes>) -> String {
    let mut lines: Vec<_> = request
        .headers()
        .iter()
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
        .collect();
    lines.sort();
    let body = std::str::from_utf8(request.body()).unwrap();
    format!("{} {}\n{}\n\n{body}", request.method(), request.uri(), lines.join("\n"))
}

/// A request to `endpoint`, as if that were where the recordings were made.
fn at_recorded_address(mut sent: Request<Bytes>, endpoint: &Endpoint) -> Request<Bytes> {
    if sent.headers()["host"] == endpoint.address.to_string() {
        sent.headers_mut().insert("host", HeaderValue::from_static("127.0.0.1:18080"));
    }
    sent
}

/// A delivery without its random id, and what depends on that: a signature that is good, and the body's length.
fn with_any_id(delivery: &Request<Bytes>, secret: &str) -> String {
    let described = described(&Learn365::new(secret).unwrap(), delivery.body());
    let good = signature(secret, delivery.body());
    let length = format!("content-length: {}\n", delivery.body().len());
    shown(delivery)
        .replacen(described.id().unwrap(), "(any id)", 1)
        .replacen(&good, "(good)", 1)
        .replacen(&length, "", 1)
}

impl Recorded {
    fn uri(&self, endpoint: &Endpoint) -> String {
        self.uri.replace("{address}", &endpoint.address.to_string())
    }

    /// The registration, as text: its properties are to stay as they are.
    fn registration(&self, endpoint: &Endpoint) -> String {
        format!(
            r#"{{"WebHookUri": "{}", "Secret": "{}", "Headers": {}, "Properties": {}}}"#,
            self.uri(endpoint),
            self.secret,
            self.headers,
            self.properties
        )
    }
}

#[tokio::test]
async fn a_sender_that_is_told_the_id_sends_every_recorded_byte() {
    let endpoint = Endpoint::new().await;
    for recorded in sendable() {
        let original = recording(recorded.name);
        let learn365 = Learn365::new(recorded.secret).unwrap();
        let id = described(&learn365, original.body()).id().unwrap().to_owned();
        let headers: HashMap<String, String> =
            serde_json::from_value(recorded.headers.clone()).unwrap();
        let sender = Sender::new(learn365)
            .to(recorded.uri(&endpoint).parse().unwrap())
            .id(id)
            .properties(recorded.properties)
            .headers(HeaderMap::try_from(&headers).unwrap());
        deliver(sender.batch(&recorded.events).unwrap()).await.unwrap();
        let sent = endpoint.delivered().pop().unwrap();
        assert_eq!(
            shown(&at_recorded_address(sent, &endpoint)),
            shown(&original),
            "{}",
            recorded.name
        );
    }
}

#[tokio::test]
async fn what_is_registered_is_delivered_as_recorded() {
    let endpoint = Endpoint::new().await;
    for recorded in sendable().into_iter().chain(left_out()) {
        let emulator = emulator();
        let registration = recorded.registration(&endpoint);
        let answer = ask(&emulator, Method::POST, "/webhooks/registrations/", registration).await;
        assert_eq!(answer.status(), 201, "{}: {}", recorded.name, answer.body);
        assert_eq!(emulator.emit_batch(&recorded.events).unwrap(), 1);
        assert_eq!(emulator.deliver_due(after(0)).await, 1);
        let sent = at_recorded_address(endpoint.delivered().pop().unwrap(), &endpoint);
        assert_eq!(
            with_any_id(&sent, recorded.secret),
            with_any_id(&recording(recorded.name), recorded.secret),
            "{}",
            recorded.name
        );
    }
}

#[tokio::test]
async fn an_echo_asks_as_recorded() {
    let endpoint = Endpoint::new().await;
    for (name, path, headers) in [
        ("echo-query", "/webhooks/learn365/contoso?tenant=contoso&code=abc", json!({})),
        (
            "echo-headers",
            "/webhooks/learn365",
            json!({"X-Tenant": "contoso", "Authorization": "Bearer abc", "Content-Language": "da"}),
        ),
    ] {
        registered(&emulator(), &wanted_with(&endpoint.url(path), json!({"Headers": headers})))
            .await;
        let (sent, original) = (endpoint.seen().pop().unwrap(), recording(name));
        let (token, recorded) = (echo(&sent).unwrap().to_owned(), echo(&original).unwrap());
        assert!(token.len() == 32 && token.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')));
        let sent = shown(&at_recorded_address(sent, &endpoint)).replace(&token, recorded);
        assert_eq!(sent, shown(&original), "{name}");
    }
}

#[tokio::test]
async fn two_notifications_for_three_registrations() {
    let (endpoint, emulator) = (Endpoint::new().await, emulator());
    for (path, members) in [
        ("one", json!({"Filters": ["coursecompleted"]})),
        ("two", json!({"Filters": ["*"]})),
        ("three", json!({"IsPaused": true})),
    ] {
        let mut wanted = wanted_with(&endpoint.url(&format!("/webhooks/learn365/{path}")), members);
        wanted["Secret"] = RECORDED_SECRET.into();
        registered(&emulator, &wanted).await;
    }
    let events = [("CourseCompleted", r#"{"k": 1}"#), ("CourseStarted", r#"{"k": 2}"#)];
    let events = events.map(|(kind, json)| Draft::raw(kind, json).unwrap());
    assert_eq!(emulator.emit_batch(&events).unwrap(), 2);
    assert_eq!(emulator.deliver_due(after(0)).await, 2);
    let mut sent = endpoint.delivered();
    sent.sort_by_key(|request| request.uri().path().to_owned());
    let [one, two] = sent.try_into().unwrap();
    assert_eq!(two.uri(), "/webhooks/learn365/two");
    assert_eq!(
        with_any_id(&at_recorded_address(one, &endpoint), RECORDED_SECRET),
        with_any_id(&recording("manager-notify.2"), RECORDED_SECRET)
    );
}

#[tokio::test]
async fn three_attempts_of_one_delivery() {
    let endpoint = Endpoint::answering(|_| said("503 Service Unavailable", "")).await;
    let mut wanted = wanted(&endpoint.url("/webhooks/learn365"));
    wanted["Secret"] = RECORDED_SECRET.into();
    let emulator = emulator();
    registered(&emulator, &wanted).await;
    emulator.emit_batch(&[only_event("retry.1")]).unwrap();
    for seconds in [0, 60, 300] {
        emulator.deliver_due(after(seconds)).await;
    }
    let sent = endpoint.delivered();
    assert_eq!(sent.len(), 3);
    for (sent, name) in sent.into_iter().zip(["retry.1", "retry.2", "retry.3"]) {
        assert_eq!(
            with_any_id(&at_recorded_address(sent, &endpoint), RECORDED_SECRET),
            with_any_id(&recording(name), RECORDED_SECRET),
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_redirect_is_followed_as_recorded() {
    let endpoint = Endpoint::answering(|request| match request.method() {
        &Method::POST => said("302 Found\r\nLocation: /moved?y=1", ""),
        _ => said("200 OK", ""),
    })
    .await;
    let emulator = emulator();
    registered(&emulator, &wanted(&endpoint.url("/webhooks/learn365"))).await;
    emulator.emit_batch(&[Draft::raw("CourseCompleted", "{}").unwrap()]).unwrap();
    emulator.deliver_due(after(0)).await;
    let [post, get] = endpoint.delivered().try_into().unwrap();
    let mut original = recording("redirect-302.2");
    let kept = post.headers()["ms-signature"].clone();
    original.headers_mut().insert("ms-signature", kept);
    assert_eq!(shown(&at_recorded_address(get, &endpoint)), shown(&original));
}
