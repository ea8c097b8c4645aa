//! Requests of which the vendors' own libraries have said whether they are genuine, in a folder that is not part of this project.

use std::{collections::BTreeMap, fs};

use base64::{Engine, engine::general_purpose::STANDARD};
use http::Request;
use serde::Deserialize;
use serde_json::{Map, Value};
use tower::{Layer, ServiceExt};
use tower_webhook::{
    Body, EventRouter, Provider, RawEvent, VerifyLayer,
    clock::ManualClock,
    error::ConfigError,
    providers::github::GitHub,
    scheme::{Keys, Secret},
};

use crate::support::{Log, text};

#[derive(Deserialize)]
struct Vector {
    name: String,
    scheme: String,
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body_base64: String,
    keys: Map<String, Value>,
    now: u64,
    expected: String,
    answer: Option<Reply>,
}

/// What a challenge must be answered.
#[derive(Deserialize)]
struct Reply {
    status: u16,
    body: Option<String>,
}

/// What became of a request.
#[derive(Debug, PartialEq)]
enum Outcome {
    Misconfigured,
    /// So many events were handled.
    Accepted(usize),
    /// No event was handled. The status and the body.
    Answered(u16, String),
}

impl Vector {
    /// `None`: a sender that this crate does not have.
    async fn outcome(&self) -> Option<Outcome> {
        Some(match &*self.scheme {
            "github" => self.judged(GitHub::new(self.keys())).await,
            _ => return None,
        })
    }

    async fn judged<P: Provider>(&self, provider: Result<P, ConfigError>) -> Outcome {
        let Ok(provider) = provider else { return Outcome::Misconfigured };
        let log = Log::default();
        let seen = log.clone();
        let events = EventRouter::new().fallback(async move |event: RawEvent| {
            seen.note(event.event_type().unwrap_or_default());
        });
        let layer = VerifyLayer::new(provider).clock(ManualClock::at_unix_seconds(self.now));
        let response = layer.layer(events).oneshot(self.request()).await.unwrap();
        let status = response.status().as_u16();
        match log.seen().len() {
            0 => Outcome::Answered(status, text(response).await),
            events => Outcome::Accepted(events),
        }
    }

    fn request(&self) -> Request<Body> {
        let mut request = Request::builder().method(&*self.method).uri(&self.target);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        request.body(STANDARD.decode(&self.body_base64).unwrap().into()).unwrap()
    }

    /// The secrets, of which some are shorter than this crate likes them.
    fn keys(&self) -> Keys {
        let several = self.keys.get("secrets").and_then(Value::as_array).into_iter().flatten();
        let all = several.chain(self.keys.get("secret")).map(|secret| secret.as_str().unwrap());
        all.map(short).reduce(Keys::or).unwrap()
    }

    fn is_as_expected(&self, outcome: &Outcome) -> bool {
        match (&*self.expected, outcome) {
            ("accept", Outcome::Accepted(_)) | ("reject", Outcome::Misconfigured) => true,
            ("reject", Outcome::Answered(status, _)) => *status >= 400,
            ("answer", Outcome::Answered(status, body)) => {
                let reply = self.answer.as_ref().unwrap();
                let expected = reply.body.as_deref().unwrap_or_default();
                *status == reply.status && body.contains(expected)
            }
            ("either", _) => true,
            _ => false,
        }
    }
}

fn short(secret: &str) -> Keys {
    // One that cannot be used stays a text, and its constructor refuses it.
    Secret::new(secret).map_or_else(|_| secret.into(), |usable| usable.dangerous_short().into())
}

#[tokio::test]
#[ignore = "reads the folder that WEBHOOK_SDK_VECTORS names"]
async fn every_request_gets_the_verdict_of_a_strict_receiver() {
    let folder = std::env::var("WEBHOOK_SDK_VECTORS").expect("WEBHOOK_SDK_VECTORS names a folder");
    let (mut counts, mut deviating) = (BTreeMap::<String, usize>::new(), Vec::new());
    for file in fs::read_dir(folder).unwrap() {
        let all = fs::read_to_string(file.unwrap().path()).unwrap();
        for vector in serde_json::from_str::<Vec<Vector>>(&all).unwrap() {
            let Some(outcome) = vector.outcome().await else {
                *counts.entry("of senders that are not here".to_owned()).or_default() += 1;
                continue;
            };
            if vector.expected == "either" {
                println!("{}: {outcome:?}", vector.name);
            }
            if !vector.is_as_expected(&outcome) {
                deviating.push(format!("{}: {}, {outcome:?}", vector.name, vector.expected));
            }
            *counts.entry(format!("{}: {}", vector.scheme, vector.expected)).or_default() += 1;
        }
    }
    println!("{counts:#?}");
    assert_eq!(deviating, [""; 0]);
    assert!(counts.keys().any(|line| line.ends_with("accept")), "nothing was tried");
}
