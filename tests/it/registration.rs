//! The client of Learn365's registration API: what it asks for, and what it makes of every answer.

mod api;
mod bases;
mod ensure;
mod refused;
mod repeated;
mod tls;
mod wanted;

use std::{error::Error, net::SocketAddr};

use axum::{Router, extract::Request};
use bytes::Bytes;
use http::StatusCode;
use serde_json::Value;
use tokio::net::TcpListener;
use tower_webhook::{
    providers::learn365::emulator::Emulator,
    providers::learn365::{Filter, Registration, RegistrationClient},
    scheme::Token,
};

use crate::support::{Arrived, SECRET, client_of, endpoint, root_cause, serve};

const KEY: &str = "an-api-key-of-the-tests-0123456789";
/// User `api` with that key, in base64.
const ENCODED: &str = "YXBpOmFuLWFwaS1rZXktb2YtdGhlLXRlc3RzLTAxMjM0NTY3ODk=";
const URI: &str = "https://example.com/hooks/tenant-7";

fn wanted() -> Registration {
    Registration::new(URI, SECRET, [Filter::CourseCompleted]).unwrap()
}

fn registrations(address: SocketAddr) -> RegistrationClient {
    RegistrationClient::new(&format!("http://{address}"), KEY).unwrap()
}

/// An emulator, and a client of it.
async fn emulated() -> (Emulator, RegistrationClient) {
    let emulator = Emulator::new(Token::basic("api", KEY).unwrap());
    let client = client_of(&emulator, KEY).await;
    (emulator, client)
}

/// A server of the API that plays answers in turn, and keeps what it was asked. Without a further answer it is a teapot.
struct Stub {
    address: SocketAddr,
    arrived: Arrived,
}

/// A request that it got.
#[derive(Debug)]
struct Asked(http::Request<Bytes>);

impl Stub {
    async fn playing<S: Into<String>>(answers: impl IntoIterator<Item = (u16, S)>) -> Self {
        let answer =
            |(status, body): (u16, S)| (StatusCode::from_u16(status).unwrap(), body.into());
        let answers: Vec<(StatusCode, String)> = answers.into_iter().map(answer).collect();
        let none = (StatusCode::IM_A_TEAPOT, String::new());
        let play = move |_: &_, before| answers.get(before).unwrap_or(&none).clone();
        let (address, arrived) = endpoint(play).await;
        Self { address, arrived }
    }

    fn registrations(&self) -> RegistrationClient {
        registrations(self.address)
    }

    fn asked(&self) -> Vec<Asked> {
        self.arrived.all().into_iter().map(Asked).collect()
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

impl Asked {
    fn line(&self) -> String {
        format!("{} {}", self.0.method(), self.0.uri())
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.0.headers().get(name).map(|value| value.to_str().unwrap())
    }

    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_slice(self.0.body()).unwrap()
    }
}
