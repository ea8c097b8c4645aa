//! All recordings, ours and the original receiver's verdict side by side.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use serde::Deserialize;
use serde_json::Value;
use tower_webhook::{providers::learn365::Learn365, scheme::Secret};

use super::{Received, described, receive, request};

/// The variants on which this receiver and the original one differ, as `verdicts.md` has them.
const DIFFERENT: [&str; 27] = [
    "mut-ct-text-vendor-json",
    "mut-ct-utf16-bom-utf8label",
    "mut-echo-get-html",
    "mut-echo-get-nul",
    "mut-echo-get-plus",
    "mut-echo-get-semicolon",
    "mut-echo-get-space-only",
    "mut-echo-get-twice",
    "mut-echo-get-unknown-id",
    "mut-enc-gzip-header",
    "mut-id-unknown",
    "mut-json-action-array",
    "mut-json-action-datelike",
    "mut-json-action-number",
    "mut-json-comment",
    "mut-json-depth-250",
    "mut-json-dup-keys",
    "mut-json-lone-surrogate-escape",
    "mut-json-lowercase-envelope",
    "mut-json-minimal",
    "mut-json-notifications-null",
    "mut-json-notifications-null-item",
    "mut-json-raw-control",
    "mut-json-trailing-garbage",
    "mut-json-unquoted-names",
    "mut-json-unterminated",
    "mut-path-extra",
];

/// A row of `verdicts.md`.
struct Documented {
    original: u16,
    here: u16,
    why: &'static str,
}

fn documented() -> BTreeMap<&'static str, Documented> {
    let rows = include_str!("../../../src/docs/verdicts.md")
        .lines()
        .filter(|line| line.starts_with("| `"));
    let parsed = rows.map(|row| {
        let cells: Vec<_> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [name, _, original, here, why] = cells[..] else { panic!("not five cells: {row}") };
        let status = |text: &str| text.parse().expect("a status");
        (name.trim_matches('`'), Documented { original: status(original), here: status(here), why })
    });
    parsed.collect()
}

#[test]
fn every_difference_is_documented_with_a_reason() {
    let documented = documented();
    assert_eq!(documented.keys().copied().collect::<Vec<_>>(), DIFFERENT);
    assert!(documented.values().all(|row| !row.why.is_empty()));
}

#[derive(Deserialize)]
struct Index {
    requests: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    name: String,
    file: String,
    provenance: String,
    method: String,
    secret: Option<String>,
    expected: String,
    delivery_id: Option<String>,
    attempt: Option<u32>,
    #[serde(default)]
    actions: Vec<String>,
    original_receiver: Value,
}

#[derive(Debug, PartialEq)]
enum Verdict {
    Accepted(Vec<String>),
    Echoed(String),
    Refused,
}

/// All entries of `provenance`, received here; those without a usable secret are counted and named.
async fn received(
    provenance: &str,
) -> Vec<(Entry, Learn365, http::Request<bytes::Bytes>, Received)> {
    let place = std::env::var("WEBHOOK_CAPTURES")
        .expect("WEBHOOK_CAPTURES names a directory of recordings");
    let read = |name: &str| std::fs::read(PathBuf::from(&place).join(name)).unwrap();
    let Index { requests } = serde_json::from_slice(&read("index.json")).unwrap();
    let (mut all, mut out_of_scope) = (Vec::new(), 0);
    for entry in requests.into_iter().filter(|entry| entry.provenance == provenance) {
        let Some(provider) = entry.receiver() else {
            println!("out of scope: {} has no secret that a receiver could be given", entry.name);
            out_of_scope += 1;
            continue;
        };
        let request = request(&read(&entry.file));
        assert_eq!(request.method(), entry.method.as_str(), "{}", entry.name);
        let received = receive(&provider, &request).await;
        all.push((entry, provider, request, received));
    }
    println!("{provenance}: {} in scope, {out_of_scope} out of scope", all.len());
    assert!(!all.is_empty(), "nothing was in scope");
    all
}

/// The deliveries that the original sender made and its receiver takes: name, receiver, request.
pub(crate) async fn delivered() -> Vec<(String, Learn365, http::Request<bytes::Bytes>)> {
    let all =
        received("captured").await.into_iter().filter(|(entry, ..)| entry.expected == "accept");
    all.map(|(entry, provider, request, _)| (entry.name, provider, request)).collect()
}

impl Entry {
    fn receiver(&self) -> Option<Learn365> {
        Learn365::new(Secret::new(self.secret.as_ref()?).ok()?.dangerous_short()).ok()
    }

    fn ours(&self, received: &Received) -> Verdict {
        match (received.status.as_u16(), self.method.as_str()) {
            (200, "GET") => Verdict::Echoed(received.body.clone()),
            (200, _) => Verdict::Accepted(received.kinds.clone()),
            _ => Verdict::Refused,
        }
    }

    fn original_status(&self) -> Option<u64> {
        self.original_receiver.get("status")?.as_u64()
    }

    /// What the original receiver made of it; `None` if nobody asked it.
    fn original(&self) -> Option<Verdict> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let answer = &self.original_receiver;
        match (self.original_status()?, answer.get("actions"), answer.get("body")) {
            (200, Some(Value::Array(actions)), _) => {
                Some(Verdict::Accepted(actions.iter().map(text).collect()))
            }
            (200, _, Some(body)) => Some(Verdict::Echoed(text(body))),
            (200, ..) => panic!("{}: 200 with neither actions nor a body", self.name),
            _ => Some(Verdict::Refused),
        }
    }
}

#[tokio::test]
#[ignore = "reads the recordings in the directory that WEBHOOK_CAPTURES names"]
async fn what_the_sender_sent_gets_the_verdict_expected() {
    let mut counts = BTreeMap::<String, usize>::new();
    for (entry, provider, request, received) in received("captured").await {
        let name = &entry.name;
        let ours = entry.ours(&received);
        match entry.expected.as_str() {
            "accept" => {
                assert_eq!(ours, Verdict::Accepted(entry.actions.clone()), "{name}: {received:?}");
                let delivery = described(&provider, request.body());
                assert_eq!(delivery.id(), entry.delivery_id.as_deref(), "{name}");
                assert_eq!(delivery.sender_attempt(), entry.attempt, "{name}");
            }
            "echo" => {
                let token = request.uri().query().unwrap().strip_prefix("echo=").unwrap();
                assert_eq!(ours, Verdict::Echoed(token.into()), "{name}: {received:?}");
            }
            "reject" => assert_eq!(ours, Verdict::Refused, "{name}: {received:?}"),
            other => panic!("{name} expects `{other}`"),
        }
        let original = match entry.original() {
            None => "not asked",
            Some(original) if original == ours => "the same",
            Some(original) => panic!("{name}: {original:?} there, {ours:?} here"),
        };
        *counts
            .entry(format!("{} (original receiver: {original})", entry.expected))
            .or_default() += 1;
    }
    println!("{counts:#?}");
}

#[tokio::test]
#[ignore = "reads the recordings in the directory that WEBHOOK_CAPTURES names"]
async fn variants_differ_from_the_original_receiver_where_documented() {
    let documented = documented();
    let mut counts = BTreeMap::<&str, usize>::new();
    let mut different = BTreeSet::new();
    for (entry, _, _, received) in received("mutated").await {
        let (original, ours) =
            (entry.original().expect("the original receiver's verdict"), entry.ours(&received));
        let kind = match (&original, &ours) {
            (original, ours) if original != ours => "different",
            (_, Verdict::Refused) => "refused by both",
            (_, _) => "accepted by both, to the same effect",
        };
        *counts.entry(kind).or_default() += 1;
        if kind == "different" {
            println!("{}: {original:?} there, {} {ours:?} here", entry.name, received.status);
            if let Some(row) = documented.get(entry.name.as_str()) {
                assert_eq!(entry.original_status(), Some(row.original.into()), "{}", entry.name);
                assert_eq!(received.status, row.here, "{}", entry.name);
            }
            different.insert(entry.name);
        }
    }
    println!("{counts:#?}");
    assert_eq!(different.iter().map(String::as_str).collect::<Vec<_>>(), DIFFERENT);
}
