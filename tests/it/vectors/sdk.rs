//! Requests of which the vendors' own libraries have said whether they are genuine, in a folder that is not part of this project.

use std::{collections::BTreeMap, fs};

use serde::Deserialize;

use super::{
    recorded::{Outcome, Recorded},
    users,
};

#[derive(Deserialize)]
struct Vector {
    name: String,
    #[serde(flatten)]
    request: Recorded,
    expected: String,
    answer: Option<Reply>,
}

/// What a challenge must be answered.
#[derive(Deserialize)]
struct Reply {
    status: u16,
    body: Option<String>,
}

impl Vector {
    fn is_as_expected(&self, outcome: &Outcome) -> bool {
        match (&*self.expected, outcome) {
            ("accept", Outcome::Accepted(_)) => true,
            ("reject", Outcome::Misconfigured | Outcome::Refused(_)) => true,
            ("accept", Outcome::Undecodable) => SIGNED_ONLY.contains(&&*self.name),
            // A challenge that is not answered.
            ("reject", Outcome::Answered(status, _)) => *status >= 400,
            // A batch without events.
            ("accept", Outcome::Answered(200, _)) => self.request.body() == b"[]",
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

/// Requests that only the signature was tried of: their body is none that this sender sends.
const SIGNED_ONLY: [&str; 1] = ["meta-unicode"];

#[tokio::test]
#[ignore = "reads the folder that WEBHOOK_SDK_VECTORS names"]
async fn every_request_gets_the_verdict_of_a_strict_receiver() {
    let folder = std::env::var("WEBHOOK_SDK_VECTORS").expect("WEBHOOK_SDK_VECTORS names a folder");
    let (mut counts, mut deviating) = (BTreeMap::<String, usize>::new(), Vec::new());
    for file in fs::read_dir(folder).unwrap() {
        let all = fs::read_to_string(file.unwrap().path()).unwrap();
        for vector in serde_json::from_str::<Vec<Vector>>(&all).unwrap() {
            let outcome = match vector.request.outcome().await {
                Some(outcome) => outcome,
                None => users::outcome(&vector.request).await,
            };
            if vector.expected == "either" {
                println!("{}: {outcome:?}", vector.name);
            }
            if !vector.is_as_expected(&outcome) {
                deviating.push(format!("{}: {}, {outcome:?}", vector.name, vector.expected));
            }
            *counts
                .entry(format!("{}: {}", vector.request.sender, vector.expected))
                .or_default() += 1;
        }
    }
    println!("{counts:#?}");
    assert_eq!(deviating, [""; 0]);
    assert!(counts.keys().any(|line| line.ends_with("accept")), "nothing was tried");
}
