//! The emulator's API, called in any order: it keeps exactly what it said that it took.

#![cfg_attr(fuzzing, no_main)]

use std::{collections::BTreeSet, sync::LazyLock};

use bytes::Bytes;
use http::{Method, Request, Response, header};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::Service;
use tower_webhook::{Body, providers::learn365::emulator::Emulator, scheme::Token};
use tower_webhook_fuzz::{
    Input, fuzz_target,
    peer::{self, Reply, answering},
    run,
};

fn property(data: &[u8]) {
    let mut input = Input::new(data);
    let mut emulator = Emulator::new(CREDENTIALS.clone());
    if input.flag() {
        emulator = emulator.camel_case();
    }
    let mut kept = BTreeSet::<String>::new();
    while !input.is_empty() {
        let method = input.pick(&METHODS).clone();
        let choice = usize::from(input.byte());
        let id = kept.iter().nth(choice).cloned().unwrap_or_default();
        let echo = echo(&mut input);
        let body = registration(&id, input.flag(), input.piece());
        let path = format!("/webhooks/registrations/{id}");
        let answer = call(&mut emulator, &method, &path, body, echo.clone());
        match (method, answer.status().as_u16()) {
            (Method::POST, 201) => {
                let place = answer.headers()[header::LOCATION].to_str().expect("it is text");
                let id = place.strip_prefix("/webhooks/registrations/").expect("it is the API's");
                assert!(passes(&echo) && kept.insert(id.to_owned()));
            }
            (Method::PUT, 200) => assert!(passes(&echo) && kept.contains(&id)),
            (Method::DELETE, 200) if id.is_empty() => kept.clear(),
            (Method::DELETE, 200) => assert!(kept.remove(&id)),
            (Method::GET, 200) | (_, 400 | 404 | 405) => {}
            (method, status) => panic!("{method} was answered {status}"),
        }
        assert_eq!(listed(&mut emulator), kept);
    }
}

/// How the endpoint answers when it is tried.
fn echo(input: &mut Input<'_>) -> Reply {
    let genuine = !input.byte().is_multiple_of(8);
    let visible = |byte: &&u8| matches!(byte, b' '..=b'~');
    let content_type = input.piece().iter().filter(visible).map(|byte| char::from(*byte)).collect();
    Reply::Echo { genuine, content_type }
}

fn passes(echo: &Reply) -> bool {
    let Reply::Echo { genuine, content_type } = echo else { return false };
    let charset = |parameter: &str| {
        let behind = parameter.trim().to_ascii_lowercase();
        Some(behind.strip_prefix("charset")?.trim_start().strip_prefix('=')?.trim().to_owned())
    };
    *genuine && content_type.split(';').skip(1).filter_map(charset).all(|one| one == "utf-8")
}

/// JSON from the input. What could be reached on this machine is only the peer.
fn registration(id: &str, usable: bool, bytes: &[u8]) -> Vec<u8> {
    let uri = format!("http://127.0.0.1:{}/hooks", peer::port());
    if usable {
        let secret = String::from_utf8_lossy(bytes);
        let wanted = json!({"Id": id, "WebHookUri": uri, "Secret": secret, "Filters": ["*"]});
        return wanted.to_string().into();
    }
    let Ok(Value::Object(mut wanted)) = serde_json::from_slice(bytes) else {
        return bytes.to_vec();
    };
    for name in ["WebHookUri", "webHookUri"] {
        if wanted.get(name).and_then(Value::as_str).is_some_and(|uri| uri.contains("://")) {
            wanted.insert(name.into(), uri.clone().into());
        }
    }
    Value::from(wanted).to_string().into()
}

fn listed(emulator: &mut Emulator) -> BTreeSet<String> {
    let answer =
        call(emulator, &Method::GET, "/webhooks/registrations", Vec::new(), Reply::Registered);
    let all: Vec<Value> = serde_json::from_slice(answer.body()).expect("it is a list");
    let id = |one: &Value| one.get("Id").or_else(|| one.get("id"))?.as_str().map(Into::into);
    all.iter().map(|one| id(one).expect("all have one")).collect()
}

fn call(
    emulator: &mut Emulator,
    method: &Method,
    path: &str,
    body: Vec<u8>,
    echo: Reply,
) -> Response<Bytes> {
    let request = Request::builder().method(method).uri(path);
    let request = request.header(header::AUTHORIZATION, AUTHORIZATION).body(Body::from(body));
    let answer = answering(echo, emulator.call(request.expect("it is one")));
    let (head, body) = answer.unwrap_or_else(|never| match never {}).into_parts();
    let body = run(body.collect()).unwrap_or_else(|never| match never {}).to_bytes();
    Response::from_parts(head, body)
}

static CREDENTIALS: LazyLock<Token> = LazyLock::new(|| {
    Token::basic("hook", "0123456789abcdef0123456789ABC-_f").expect("it is long enough")
});
/// `hook:` and the key.
const AUTHORIZATION: &str = "Basic aG9vazowMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OUFCQy1fZg==";
const METHODS: [Method; 5] =
    [Method::POST, Method::PUT, Method::GET, Method::DELETE, Method::PATCH];

fuzz_target!(property);
