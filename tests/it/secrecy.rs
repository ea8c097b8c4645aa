//! Secrets, tokens, signatures, bodies and personal data stay where they are.

mod debug;

use bytes::Bytes;
use http::Request;
use tower::Layer;
use tower_webhook::{
    Body, Delivery, EventRouter, Provider, RawEvent, Sender, VerifyLayer,
    decode::Envelope,
    providers::{
        learn365::Learn365,
        loops::{Loops, SessionStarted},
    },
    scheme::{Authentic, Check, Head, Token, VerifyError},
};

use crate::support::*;

/// Long enough for any scheme, and good in any place.
const CANARY: &str = "canary-canary-canary-canary-canary-canary";

/// That text as it is, in hex, in base64, and as a list of bytes.
const TRACES: [&str; 5] =
    ["canary", "63616e617279", "63616E617279", "Y2FuYXJ5", "99, 97, 110, 97, 114, 121"];

#[track_caller]
fn assert_silent(what: &str, told: &str) {
    for trace in TRACES {
        assert!(!told.contains(trace), "{what}: {told}");
    }
}

/// Reads these headers, some as secrets, some not, and some in a handshake only.
#[derive(Default)]
struct Reader {
    secret: &'static [&'static str],
    public: &'static [&'static str],
    shaking: &'static [&'static str],
}

impl Provider for Reader {
    fn authenticate(&self, head: &Head<'_>) -> Result<Check, VerifyError> {
        self.public.iter().try_for_each(|name| head.public_header(*name).map(drop))?;
        self.secret.iter().try_for_each(|name| head.header(*name).map(drop))?;
        Ok(Authentic::dangerous_assert().into())
    }

    fn handshake(&self, head: &Head<'_>) -> Option<http::Response<Bytes>> {
        let read: Vec<_> = self.shaking.iter().map(|name| head.header(*name)).collect();
        assert_eq!(read.len(), self.shaking.len());
        None
    }

    fn envelope(&self) -> Envelope {
        Envelope::flat("type")
    }
}

/// The headers that a handler sees, as `name: value`, in alphabetical order.
async fn shown<P: Provider>(provider: P, mut request: Request<Body>) -> Vec<String> {
    let log = Log::default();
    let noted = log.clone();
    for name in ["authorization", "proxy-authorization", "cookie"] {
        if !request.headers().contains_key(name) {
            request.headers_mut().insert(name, CANARY.parse().unwrap());
        }
    }
    request.headers_mut().insert("x-other", "other".parse().unwrap());
    // What a proxy adds: it is shown to whoever asks for headers, and not to a log.
    request.headers_mut().insert("x-original-uri", "/hook/PATHTOKEN".parse().unwrap());
    let events = EventRouter::new().fallback(async move |_: RawEvent, delivery: Delivery| {
        assert_silent(
            "headers",
            &format!("{delivery:?} {:?}", delivery.headers().collect::<Vec<_>>()),
        );
        assert!(!format!("{delivery:?}").contains("PATHTOKEN"), "{delivery:?}");
        for (name, value) in delivery.headers().filter(|(name, _)| *name != "x-original-uri") {
            noted.note(format!("{name}: {}", value.to_str().unwrap()));
        }
    });
    let answer = answer(VerifyLayer::new(provider).layer(events), request).await;
    assert_eq!(answer.status(), 200);
    let mut shown = log.seen();
    shown.sort();
    shown
}

/// What is shown if `redacted` are hidden beside the credentials, and `open` are not.
fn hidden(redacted: &[&str], open: &[&str]) -> Vec<String> {
    let credentials = ["authorization", "proxy-authorization", "cookie"];
    let redacted = credentials
        .iter()
        .chain(redacted)
        .map(|name| format!("{}: [redacted]", name.to_lowercase()));
    let mut all: Vec<_> = redacted.chain(open.iter().map(|&line| line.to_owned())).collect();
    all.sort();
    all
}

#[tokio::test]
async fn headers_that_authentication_read_are_redacted_and_others_are_not() {
    let signed = Sender::new(learn365()).body(r#"{"Notifications":[{}]}"#).unwrap();
    let content_type = "content-type: application/json; charset=utf-8";
    let expected = hidden(&["ms-signature"], &[content_type, "x-other: other"]);
    assert_eq!(shown(learn365(), signed).await, expected);

    let signed = Sender::new(standard_webhooks()).id("msg_1").body("{}").unwrap();
    let timestamp = signed.headers()["webhook-timestamp"].to_str().unwrap();
    let timestamp = format!("webhook-timestamp: {timestamp}");
    let open =
        ["content-type: application/json", "webhook-id: msg_1", &timestamp, "x-other: other"];
    assert_eq!(shown(standard_webhooks(), signed).await, hidden(&["webhook-signature"], &open));

    let by_path = post(TOKEN, "{}");
    assert_eq!(shown(loops(), by_path).await, hidden(&[], &["x-other: other"]));
}

#[tokio::test]
async fn a_token_in_a_header_of_any_name_is_redacted() {
    for name in ["x-token", "X-Token", "webhook-key"] {
        let provider = Loops::new(Token::header(name, CANARY).unwrap());
        let mut request = post("", "{}");
        request
            .headers_mut()
            .insert(http::HeaderName::try_from(name).unwrap(), CANARY.parse().unwrap());
        let expected = hidden(&[&name.to_lowercase()], &["x-other: other"]);
        assert_eq!(shown(provider, request).await, expected, "{name}");
    }
    let provider = Loops::new(Token::bearer(CANARY).unwrap());
    let mut request = post("", "{}");
    request.headers_mut().insert("authorization", format!("Bearer {CANARY}").parse().unwrap());
    assert_eq!(shown(provider, request).await, hidden(&[], &["x-other: other"]));
}

#[tokio::test]
async fn however_many_headers_were_read_those_are_redacted_and_no_others() {
    const MANY: [&str; 12] = [
        "x-1",
        "x-2",
        "x-3",
        "x-4",
        "X-5",
        "x-6",
        "x-seven-of-them",
        "X-Seven-Of-These",
        "x-9",
        "x-10",
        "x-11",
        "x-12",
    ];
    for count in 0..=MANY.len() {
        let secret = &MANY[..count];
        let mut request = post("", "{}");
        for name in secret {
            request
                .headers_mut()
                .insert(name.parse::<http::HeaderName>().unwrap(), CANARY.parse().unwrap());
        }
        let reader = Reader { secret, ..Reader::default() };
        assert_eq!(shown(reader, request).await, hidden(secret, &["x-other: other"]));
    }
}

#[tokio::test]
async fn what_is_no_secret_is_shown_and_what_a_handshake_reads_does_not_count() {
    let mut request = post("", "{}");
    for name in ["x-topic", "x-both", "x-shaken"] {
        request.headers_mut().insert(name, "told".parse().unwrap());
    }
    let reader = Reader {
        secret: &["x-both"],
        public: &["x-topic", "x-both"],
        shaking: &["x-shaken", "x-1", "x-2", "x-3", "x-4", "x-5", "x-6"],
    };
    let open = ["x-other: other", "x-shaken: told", "x-topic: told"];
    assert_eq!(shown(reader, request).await, hidden(&["x-both"], &open));
    let reader = Reader { public: &["authorization"], ..Reader::default() };
    let expected = hidden(&[], &["x-other: other"]);
    assert_eq!(shown(reader, post("", "{}")).await, expected, "credentials stay hidden");
}

/// Everything that a refusal tells: to the stranger, to the operator, to the code behind.
#[track_caller]
fn assert_tells_nothing(what: &str, status: u16, answer: &Answer) {
    assert_eq!(answer.status(), status, "{what}");
    assert_eq!(answer.traced.len(), 1, "{what}: the operator is told");
    let rejection = answer.rejection().unwrap();
    assert_silent(what, &format!("{answer:?} {rejection:?} {rejection}"));
}

#[tokio::test]
async fn a_refusal_repeats_nothing_of_the_request() {
    let by = |token: Token| VerifyLayer::new(Loops::new(token)).layer(EventRouter::new());
    let wrong = format!("wrong-{CANARY}");
    let to = |uri: String| Request::post(uri).body(Body::from(CANARY)).unwrap();
    let headed = |name: &str, value: String| {
        Request::post("/").header(name, value).body(Body::from(CANARY)).unwrap()
    };
    let path = by(Token::path(CANARY).unwrap());
    let query = by(Token::query("token", CANARY).unwrap());
    let header = by(Token::header("x-token", CANARY).unwrap());
    let bearer = by(Token::bearer(CANARY).unwrap());
    let basic = by(Token::basic("user", CANARY).unwrap());
    let signed = VerifyLayer::new(Learn365::new(CANARY).unwrap()).layer(EventRouter::new());
    let rows = [
        ("path", 404, path.clone(), to(format!("/{wrong}"))),
        ("body", 400, path, to(format!("/{CANARY}"))),
        ("query", 401, query, to(format!("/?token={wrong}"))),
        ("header", 401, header, headed("x-token", wrong.clone())),
        ("bearer", 401, bearer, headed("authorization", format!("Bearer {wrong}"))),
        ("basic", 401, basic, headed("authorization", format!("Basic {wrong}"))),
    ];
    for (what, status, hook, request) in rows {
        assert_tells_nothing(what, status, &answer(hook, request).await);
    }
    let hex = "63616e617279".repeat(5);
    for signature in
        [format!("sha256={hex}abcd"), wrong.clone(), format!("sha1={hex}"), hex.clone()]
    {
        let request = headed("ms-signature", signature.clone());
        assert_tells_nothing(&signature, 401, &answer(signed.clone(), request).await);
    }
}

#[tokio::test]
async fn an_event_that_does_not_fit_is_reported_without_what_it_says() {
    let events = EventRouter::new().on(async |_: SessionStarted| {});
    let hook = VerifyLayer::new(loops()).layer(events);
    let data = [
        format!(r#""{CANARY}""#),
        format!(r#"{{"uuid":["{CANARY}"]}}"#),
        format!(r#"{{"participants":"{CANARY}"}}"#),
        format!(r#"{{"participants":[{{"userId":"{CANARY}"}}]}}"#),
        format!(r#"{{"{CANARY}":1,"uuid":7}}"#),
        format!(r#"{{"participants":[{{"email":{{"{CANARY}":1}}}}]}}"#),
    ];
    for data in data {
        let body = format!(r#"[{{"type":"SESSION_STARTED","data":{data}}}]"#);
        assert_tells_nothing(&data, 500, &answer(hook.clone(), post(TOKEN, body)).await);
    }
}
