//! Learn365 emulated: registration, echo, deliveries, and the habits of the original sender.

mod api;
mod deliveries;
mod echo;
mod habits;
mod recorded;
mod refusals;

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{Method, Request};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};
use tower::Layer;
use tower_webhook::{
    Body, Delivery, EventRouter, RawEvent, VerifyLayer, providers::learn365::Learn365,
    providers::learn365::emulator::Emulator, scheme::Token, verify::Verify,
};

use crate::{
    captures,
    support::{Answer, Log, SECRET, answer, in_full},
};

const API_KEY: &str = "the API key that programs have to show";

fn emulator() -> Emulator {
    Emulator::new(Token::basic("api", API_KEY).unwrap())
}

/// So many seconds after the deliveries of a test begin.
fn after(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_773_480_413 + seconds)
}

/// What the API answers to whoever has its key.
async fn ask(emulator: &Emulator, method: Method, path: &str, body: impl Into<Bytes>) -> Answer {
    let key = STANDARD.encode(format!("api:{API_KEY}"));
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("authorization", format!("Basic {key}"))
        .body(Body::from(body.into()))
        .unwrap();
    answer(emulator.clone(), request).await
}

/// What the API answers to a new registration.
async fn create(emulator: &Emulator, wanted: &Value) -> Answer {
    ask(emulator, Method::POST, "/webhooks/registrations", wanted.to_string()).await
}

/// A registration for everything, under [`SECRET`].
fn wanted(uri: &str) -> Value {
    json!({"WebHookUri": uri, "Secret": SECRET})
}

/// [`wanted`], with other members, too.
fn wanted_with(uri: &str, members: Value) -> Value {
    let mut wanted = wanted(uri);
    let Value::Object(members) = members else { panic!("members of a registration") };
    wanted.as_object_mut().unwrap().extend(members);
    wanted
}

/// Registers, and returns the id.
async fn registered(emulator: &Emulator, wanted: &Value) -> String {
    let answer = create(emulator, wanted).await;
    assert_eq!(answer.status(), 201, "{}", answer.body);
    let place = answer.header("location").unwrap();
    place.strip_prefix("/webhooks/registrations/").unwrap().into()
}

/// What the refusal of a registration says.
async fn refused(emulator: &Emulator, wanted: &Value) -> String {
    let answer = create(emulator, wanted).await;
    assert_eq!(answer.status(), 400, "{wanted}");
    told(&answer)
}

/// The `Message` of a refusal, which has nothing else.
#[track_caller]
fn told(answer: &Answer) -> String {
    told_in(answer, "Message")
}

#[track_caller]
fn told_in(answer: &Answer, name: &str) -> String {
    assert_eq!(answer.header("content-type"), Some("application/json; charset=utf-8"));
    let message: HashMap<String, String> = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(message.len(), 1, "{message:?}");
    message[name].clone()
}

type Hook = Verify<Learn365, EventRouter<Learn365>>;

/// A receiver of this crate that notes the type of every event, its delivery's id, attempt and properties.
fn hook(log: &Log) -> Hook {
    hook_under(SECRET, log)
}

fn hook_under(secret: &str, log: &Log) -> Hook {
    let log = log.clone();
    let events = EventRouter::new().fallback(async move |event: RawEvent, delivery: Delivery| {
        log.note(format!(
            "{} {} {} {}",
            event.event_type().unwrap_or_default(),
            delivery.id().unwrap_or_default(),
            delivery.sender_attempt().unwrap_or_default(),
            delivery.properties().unwrap_or_default(),
        ));
    });
    VerifyLayer::new(Learn365::new(secret).unwrap()).layer(events)
}

/// An endpoint that keeps what it gets, and answers as it is told.
struct Endpoint {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Request<Bytes>>>>,
}

impl Endpoint {
    /// Answers an echo as it must, and everything else with 200.
    async fn new() -> Self {
        Self::answering(|_| said("200 OK", "")).await
    }

    /// Answers an echo as it must, and everything else with what `answer` says: see [`Endpoint::raw`].
    async fn answering(answer: impl Fn(&Request<Bytes>) -> String + Send + 'static) -> Self {
        Self::raw(move |request| match echo(request) {
            Some(token) => said("200 OK", token),
            None => answer(request),
        })
        .await
    }

    /// Answers with the bytes that `answer` returns, and closes the connection. Without any there is no answer.
    async fn raw(answer: impl Fn(&Request<Bytes>) -> String + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, seen) = (listener.local_addr().unwrap(), Arc::<Mutex<Vec<_>>>::default());
        let kept = seen.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let mut stream = BufReader::new(stream);
                let request = captures::request(&message(&mut stream).await);
                let answer = answer(&request);
                kept.lock().unwrap().push(request);
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        Self { address, seen }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Every request so far, echoes included.
    fn seen(&self) -> Vec<Request<Bytes>> {
        self.seen.lock().unwrap().clone()
    }

    /// Every request so far that is not an echo.
    fn delivered(&self) -> Vec<Request<Bytes>> {
        let mut all = self.seen();
        all.retain(|request| echo(request).is_none());
        all
    }
}

/// The token that a GET wants to hear again.
fn echo(request: &Request<Bytes>) -> Option<&str> {
    (request.method() == Method::GET).then_some(())?;
    request.uri().query()?.strip_prefix("echo=")
}

/// An answer; further lines of its head may follow its status.
fn said(head: &str, body: &str) -> String {
    format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// A request or answer: its head, and as much of a body as that says.
async fn message(stream: &mut BufReader<TcpStream>) -> Vec<u8> {
    let mut message = head(stream).await;
    let text = std::str::from_utf8(&message).unwrap().to_ascii_lowercase();
    let length = text.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    stream.read_exact(&mut body).await.unwrap();
    message.append(&mut body);
    message
}

/// A head, up to its empty line.
async fn head(stream: &mut BufReader<TcpStream>) -> Vec<u8> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    head
}
