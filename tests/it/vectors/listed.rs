//! Many senders' vectors, in a file that is not part of this project.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;
use tower_webhook::{error::ConfigError, scheme::VerifyError};

use super::{at, head, senders, verdict};

#[derive(Deserialize)]
struct Vector {
    name: String,
    scheme: String,
    secret: Option<String>,
    headers: BTreeMap<String, String>,
    body: Option<String>,
    body_base64: Option<String>,
    timestamp: Option<u64>,
    valid: bool,
    must_fail_at: Option<String>,
}

enum Outcome {
    Accepted,
    Refused(VerifyError),
    Misconfigured(ConfigError),
    OutOfScope(&'static str),
}

impl Vector {
    fn outcome(&self) -> Outcome {
        let Some(secret) = &self.secret else {
            return Outcome::OutOfScope("a public key, no secret");
        };
        let Some(sender) = senders::sender(&self.scheme, secret) else {
            return Outcome::OutOfScope("a scheme that has no sender here");
        };
        let headers = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let Some(head) = head(headers) else {
            return Outcome::OutOfScope("a header that HTTP cannot carry");
        };
        let sender = match sender {
            Ok(sender) => sender,
            Err(error) => return Outcome::Misconfigured(error),
        };
        let now = at(self.timestamp.unwrap_or_default());
        match verdict(|head| sender.authenticate(head), &head, &self.bytes(), now) {
            Ok(()) => Outcome::Accepted,
            Err(error) => Outcome::Refused(error),
        }
    }

    fn bytes(&self) -> Vec<u8> {
        match (&self.body, &self.body_base64) {
            (Some(text), None) => text.clone().into(),
            (None, Some(text)) => STANDARD.decode(text).unwrap(),
            _ => panic!("`{}` has no body, or two", self.name),
        }
    }

    /// Whether `outcome` is what the list says; `None` where it is not ours to judge.
    fn agrees(&self, outcome: &Outcome) -> Option<bool> {
        let early = self.must_fail_at.as_deref() == Some("construction");
        match outcome {
            Outcome::Accepted => Some(self.valid),
            Outcome::Refused(_) => Some(!self.valid && !early),
            Outcome::Misconfigured(_) => Some(!self.valid && early),
            Outcome::OutOfScope(_) => None,
        }
    }
}

#[test]
#[ignore = "reads the file that WEBHOOK_VECTORS names"]
fn every_vector_of_a_supported_scheme_gets_its_verdict() {
    let path =
        std::env::var("WEBHOOK_VECTORS").expect("WEBHOOK_VECTORS names a JSON file of vectors");
    let all: Vec<Vector> = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let mut counts = BTreeMap::<String, usize>::new();
    let mut deviating = Vec::new();
    for vector in &all {
        let outcome = vector.outcome();
        let line = match &outcome {
            Outcome::Accepted => format!("{}: accepted", vector.scheme),
            Outcome::Refused(_) => format!("{}: refused", vector.scheme),
            Outcome::Misconfigured(_) => format!("{}: refused as configuration", vector.scheme),
            Outcome::OutOfScope(why) => {
                println!("out of scope: {} ({}): {why}", vector.name, vector.scheme);
                "out of scope".into()
            }
        };
        *counts.entry(line).or_default() += 1;
        if vector.agrees(&outcome) == Some(false) {
            deviating.push(format!("{}: valid {}, {}", vector.name, vector.valid, outcome.text()));
        }
    }
    println!("{} vectors: {counts:#?}", all.len());
    assert_eq!(deviating, [""; 0]);
    assert!(counts.keys().any(|line| line.ends_with("accepted")), "nothing was in scope");
}

impl Outcome {
    fn text(&self) -> String {
        match self {
            Self::Accepted => "accepted".into(),
            Self::Refused(error) => error.to_string(),
            Self::Misconfigured(error) => error.to_string(),
            Self::OutOfScope(why) => (*why).into(),
        }
    }
}
