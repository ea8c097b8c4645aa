//! D, G: nobody is told what a request carries: not its sender, not the operator, not whoever prints a delivery.

use std::collections::BTreeSet;

use tower_webhook::{
    Body, Draft,
    providers::{
        learn365::Learn365, standard_webhooks::StandardWebhooks, synthesis_vr::SynthesisVr,
    },
    scheme::Token,
};

use super::*;

/// Stands wherever something may leak from, the keys included: long enough for any of them.
const BIRD: &str = "canary-canary-canary-canary-canary-canary";
/// It as hex, in base64, and as a list of bytes.
const FEATHERS: [&str; 4] = ["canary", "63616e617279", "y2fuyxj5", "99, 97, 110, 97, 114, 121"];

#[track_caller]
fn assert_silent(row: &str, told: &str) {
    let told = told.to_lowercase();
    assert!(FEATHERS.iter().all(|feather| !told.contains(feather)), "{row}: {told}");
}

const CREDENTIALS: [&str; 3] = ["authorization", "cookie", "proxy-authorization"];

/// `request` with a canary in its query, and for each credential that it has not.
fn carrying(mut request: Request<Body>) -> Request<Body> {
    *request.uri_mut() = format!("{}?a={BIRD}", request.uri()).parse().unwrap();
    CREDENTIALS.into_iter().fold(request, credited)
}

fn credited(request: Request<Body>, name: &'static str) -> Request<Body> {
    let given = request.headers().contains_key(name);
    if given { request } else { with(request, name, Some(BIRD)) }
}

/// `body`, signed with the canary and full of canaries.
fn caught(body: &str) -> Request<Body> {
    let body = body.replace("BIRD", BIRD);
    carrying(signed(Learn365::new(BIRD).unwrap(), body))
}

/// Refused in silence: all that is answered over HTTP/1.1, and the one line that is traced.
async fn refused(row: &str, status: u16, request: String) {
    let hook = VerifyLayer::new(Learn365::new(BIRD).unwrap()).layer(EventRouter::new());
    let (server, traces) = (Server::start(hook).await, Traces::here());
    let answer = server.say(request).await;
    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "D18: {row}: {answer}");
    let end = format!(r#"","status":{status}}}"#);
    assert!(answer.ends_with(&end) && answer.contains("\r\n\r\n{\"title\":\""), "D18: {row}");
    assert_silent(row, &answer);
    let traced = traces.seen();
    assert_eq!(traced.len(), 1, "G1: {row}: {traced:?}");
    assert_silent(row, &traced[0]);
}

#[tokio::test]
async fn d18_g1_no_refusal_repeats_anything() {
    let good = caught(r#"{"Notifications":[{"Action":"BIRD"}]}"#);
    let header = |name, value: &str| with(good.clone(), name, Some(value));
    let hex = "63616e617279".repeat(6);
    for (row, status, request) in [
        ("no signature", 401, with(good.clone(), MS, None)),
        ("text", 401, header(MS, BIRD)),
        ("not ASCII", 401, header(MS, &format!("{BIRD}é"))),
        ("another hash", 401, header(MS, &format!("sha1={hex}"))),
        ("another signature", 401, header(MS, &format!("sha256={}", &hex[..64]))),
        ("another body", 401, good.clone().map(|_| Body::from(BIRD))),
        ("a long signature", 431, header(MS, &BIRD.repeat(300))),
        ("another type", 415, header("content-type", BIRD)),
        ("a coding", 415, header("content-encoding", BIRD)),
        ("text behind", 400, caught(r#"{"Notifications":[]}BIRD"#)),
        ("no JSON", 400, caught(r#"{"BIRD":BIRD}"#)),
        ("no list", 400, caught(r#"{"Notifications":"BIRD"}"#)),
        ("a name twice", 400, caught(r#"{"BIRD":1,"Notifications":[],"Notifications":["BIRD"]}"#)),
    ] {
        refused(row, status, written(request).await).await;
    }
    let good = written(good).await;
    refused("another method", 405, good.replacen("POST", "PUT", 1)).await;
    refused("a length", 413, good.replace("-length: ", "-length: 9999999")).await;
}

#[tokio::test]
async fn d18_g1_a_token_is_repeated_nowhere() {
    let wrong = format!("wrong-{BIRD}");
    let at = |uri: &str| Request::post(uri).body(Body::from(BIRD)).unwrap();
    let headed = |name, value: &str| with(at("/"), name, Some(value));
    let basic = format!("Basic {}", STANDARD.encode(format!("user:{wrong}")));
    for (row, status, token, request) in [
        ("path", 404, Token::path(BIRD), at(&format!("/{wrong}"))),
        ("the good path", 400, Token::path(BIRD), at(&format!("/{BIRD}"))),
        ("query", 401, Token::query("t", BIRD), at(&format!("/?t={wrong}"))),
        ("query twice", 401, Token::query("t", BIRD), at(&format!("/?t={BIRD}&t={BIRD}"))),
        ("header", 401, Token::header("x-t", BIRD), headed("x-t", &wrong)),
        ("bearer", 401, Token::bearer(BIRD), headed("authorization", &format!("Bearer {wrong}"))),
        ("another scheme", 401, Token::bearer(BIRD), headed("authorization", BIRD)),
        ("basic", 401, Token::basic("user", BIRD), headed("authorization", &basic)),
    ] {
        let hook = VerifyLayer::new(SynthesisVr::new(token.unwrap())).layer(EventRouter::new());
        for request in [request.clone(), over_http2(request)] {
            let answer = answer(hook.clone(), request).await;
            assert_eq!((answer.status(), answer.traced.len()), (status, 1), "G1: {row}");
            assert_silent(row, &format!("{answer:?}"));
        }
    }
}

#[tokio::test]
async fn d18_g1_what_handlers_say_is_not_answered() {
    let events = EventRouter::new()
        .on(async |_: SessionStarted| Err::<(), _>(BIRD))
        .fallback(async |event: RawEvent| -> () { panic!("{:?}", event.json()) });
    let server = Server::start(VerifyLayer::new(loops()).layer(events)).await;
    for (row, kind) in [("an error", "SESSION_STARTED"), ("a panic", "NEWS")] {
        let body = format!(r#"[{{"type":"{kind}","data":{{"name":"{BIRD}"}}}}]"#);
        let answer = server.say(written(post(TOKEN, body)).await).await;
        assert!(answer.starts_with("HTTP/1.1 500 "), "D18: {row}: {answer}");
        assert_silent(row, &answer);
    }
}

#[tokio::test]
async fn g1_what_does_not_fit_is_shown_without_what_it_says() {
    for data in [
        format!(r#""{BIRD}""#),
        format!(r#"{{"uuid":["{BIRD}"]}}"#),
        format!(r#"{{"participants":[{{"userId":"{BIRD}"}}]}}"#),
        format!(r#"{{"{BIRD}":1,"uuid":7}}"#),
        format!(r#"{{"uuid":"a","uuid":"{BIRD}"}}"#),
    ] {
        let log = Log::default();
        let noted = log.clone();
        let events = EventRouter::new().on(async |_: SessionStarted| {}).fallback(
            async move |event: RawEvent, delivery: Delivery| {
                let error = event.error().unwrap();
                noted.note(format!("{event:?} {delivery:?} {error} {error:?}"));
            },
        );
        let event = format!(r#"{{"type":"SESSION_STARTED","data":{data}}}"#);
        let hook = VerifyLayer::new(loops()).layer(events);
        let taken = answer(hook, carrying(post(TOKEN, event))).await;
        assert_eq!((taken.status(), taken.traced.len()), (200, 0), "G1: {data}");
        assert_eq!(log.seen().len(), 1, "G1: {data}");
        assert_silent(&data, &log.seen()[0]);
    }
}

/// The headers that a handler of `provider` is not shown. Whatever else it may print is silent.
async fn hidden<P: Emit + Clone>(provider: P) -> Vec<String> {
    let event = Draft::raw("a", &format!(r#"{{"uuid":"{BIRD}","{BIRD}":1}}"#)).unwrap();
    let request = sender(provider.clone()).batch(&[event]).unwrap();
    let request = CREDENTIALS.into_iter().fold(request, credited);
    let (status, events) = delivered(provider, request).await;
    let [(event, delivery)] = &events[..] else { panic!("{status}: {events:?}") };
    assert_silent("G1", &format!("{event:?} {delivery:?} {event:#?} {delivery:#?}"));
    let (hidden, open): (Vec<_>, Vec<_>) =
        delivery.headers().partition(|(_, value)| *value == "[redacted]");
    assert!(open.iter().any(|(name, _)| *name == "host"), "G2: what is no secret is shown");
    assert_silent("G2", &format!("{open:?}"));
    let mut names: Vec<_> = hidden.into_iter().map(|(name, _)| name.to_string()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn g1_g2_a_handler_is_shown_no_credentials() {
    let and = |read: &[&'static str]| {
        let mut all = [&CREDENTIALS, read].concat();
        all.sort_unstable();
        all
    };
    assert_eq!(hidden(Learn365::new(BIRD).unwrap()).await, and(&[MS]), "G2");
    let standard = StandardWebhooks::new(STANDARD.encode(BIRD)).unwrap();
    assert_eq!(hidden(standard).await, and(&[SW]), "G2: its id and its time are no secrets");
    let in_header = Loops::new(Token::header("x-token", BIRD).unwrap());
    assert_eq!(hidden(in_header).await, and(&["x-token"]), "G2");
    let in_path = Loops::new(Token::path(BIRD).unwrap());
    assert_eq!(hidden(in_path).await, and(&[]), "G2");
    let as_basic = SynthesisVr::new(Token::basic(BIRD, BIRD).unwrap());
    assert_eq!(hidden(as_basic).await, and(&[]), "G2");
}

/// What is traced of requests that differ by what a stranger chose: one line, however many they are. What a sender
/// chose makes no more lines than there is room for, but for those at debug.
#[tokio::test]
async fn c35_g4_what_strangers_choose_makes_no_new_lines() {
    let events = EventRouter::new().on(async |_: SessionStarted| {});
    let server = Server::start(VerifyLayer::new(loops()).layer(events)).await;
    let traces = Traces::here();
    let chosen = ["aaaa", "\\n\\u0000", "\\u202e", "${jndi", "<b>x"];
    for (index, text) in chosen.into_iter().cycle().take(100).enumerate() {
        let text = format!("{text:_<10}{index:02}");
        let unknown = post(TOKEN, format!(r#"{{"type":"{text}","data":1}}"#));
        let path = format!("{index:05}-{OTHER_TOKEN}");
        let misfit = format!(r#"{{"type":"SESSION_STARTED","{text}":0,"data":7}}"#);
        for (request, status) in
            [(unknown, 200), (post(&path, text.clone()), 404), (post(TOKEN, misfit), 500)]
        {
            let request = with(request, "x-event", Some(&format!("{index}")));
            assert_eq!(server.send(request).await.unwrap().status(), status, "G4: {text}");
        }
    }
    let ignored = |line: &String| line.contains("webhook event ignored");
    let (ignored, lines): (Vec<_>, Vec<_>) = traces.seen().into_iter().partition(ignored);
    let seen = ignored.iter().filter(|line| !line.starts_with("DEBUG ")).count();
    assert_eq!((ignored.len(), seen), (100, 32), "G4: {ignored:?}");
    assert!(ignored.iter().all(|line| !line.contains('\n') && line.is_ascii()), "C35: {ignored:?}");
    assert_eq!(lines.len(), 200, "G4: one line for each refusal");
    let distinct: BTreeSet<_> = lines.iter().collect();
    assert!(
        distinct.iter().all(|line| !line.contains('\n') && line.is_ascii()),
        "C35: {distinct:?}"
    );
    assert_eq!(distinct.len(), 2, "G4: {distinct:?}");
}
