//! The client of Learn365's registration API: what it asks for, and what it makes of every answer.

mod api;
mod bases;
mod ensure;
mod refused;
mod repeated;
mod tls;
mod wanted;

use std::{
    collections::VecDeque,
    error::Error,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
};
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, Uri};
use serde_json::Value;
use tokio::net::TcpListener;
use tower_webhook::{
    emulator::Emulator,
    providers::learn365::{Filter, Registration, Registrations},
    scheme::Token,
};

use crate::support::{SECRET, serve};

const KEY: &str = "an-api-key-of-the-tests-0123456789";
/// User `api` with that key, in base64.
const ENCODED: &str = "YXBpOmFuLWFwaS1rZXktb2YtdGhlLXRlc3RzLTAxMjM0NTY3ODk=";
const URI: &str = "https://example.com/hooks/tenant-7";

fn wanted() -> Registration {
    Registration::new(URI, SECRET, [Filter::CourseCompleted]).unwrap()
}

fn registrations(address: SocketAddr) -> Registrations {
    Registrations::new(&format!("http://{address}"), KEY).unwrap()
}

/// An emulator, and a client of it.
async fn emulated() -> (Emulator, Registrations) {
    let emulator = Emulator::new(Token::basic("api", KEY).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(emulator.clone().serve(listener));
    (emulator, registrations(address))
}

/// The last in the chain of causes.
fn root_cause<'a>(error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    error.source().map_or(error, root_cause)
}

/// A server of the API that plays answers in turn, and keeps what it was asked. Without a further answer it is a teapot.
struct Stub {
    address: SocketAddr,
    script: Arc<Mutex<Script>>,
}

#[derive(Default)]
struct Script {
    answers: VecDeque<(StatusCode, String)>,
    asked: Vec<Asked>,
}

#[derive(Clone, Debug)]
struct Asked {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
}

impl Stub {
    async fn playing<S: Into<String>>(answers: impl IntoIterator<Item = (u16, S)>) -> Self {
        let answer =
            |(status, body): (u16, S)| (StatusCode::from_u16(status).unwrap(), body.into());
        let answers = answers.into_iter().map(answer).collect();
        let script = Arc::new(Mutex::new(Script { answers, asked: Vec::new() }));
        let app = Router::new().fallback(play).with_state(script.clone());
        Self { address: serve(app).await, script }
    }

    fn registrations(&self) -> Registrations {
        registrations(self.address)
    }

    fn asked(&self) -> Vec<Asked> {
        self.script.lock().unwrap().asked.clone()
    }

    /// Method and path of each request.
    fn lines(&self) -> Vec<String> {
        self.asked().iter().map(Asked::line).collect()
    }

    /// The only request.
    #[track_caller]
    fn only(&self) -> Asked {
        let [only] = <[Asked; 1]>::try_from(self.asked()).unwrap();
        only
    }
}

async fn play(State(script): State<Arc<Mutex<Script>>>, request: Request) -> (StatusCode, String) {
    let (head, body) = request.into_parts();
    let body = whole(body).await;
    let asked = Asked { method: head.method, uri: head.uri, headers: head.headers, body };
    let mut script = script.lock().unwrap();
    script.asked.push(asked);
    script.answers.pop_front().unwrap_or((StatusCode::IM_A_TEAPOT, String::new()))
}

async fn whole(body: Body) -> Bytes {
    to_bytes(body, usize::MAX).await.unwrap()
}

impl Asked {
    fn line(&self) -> String {
        format!("{} {}", self.method, self.uri)
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}
