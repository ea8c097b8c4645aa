//! Requests that the vendors' libraries have judged, most of them altered. `.ci/sdks vectors` makes them, with invented keys.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::recorded::Recorded;

const VECTORS: &str = include_str!("../../vectors/vendors.json");

#[derive(Deserialize)]
struct Vector {
    altered: Vec<String>,
    /// What each library says.
    accepted_by: BTreeMap<String, bool>,
    expected: String,
    /// Why this crate does not say what a library says.
    reason: Option<String>,
    #[serde(flatten)]
    request: Recorded,
}

fn all() -> Vec<Vector> {
    serde_json::from_str(VECTORS).unwrap()
}

#[tokio::test]
async fn each_request_gets_its_verdict() {
    let mut deviating = Vec::new();
    for vector in all() {
        let outcome = vector.request.outcome().await.unwrap();
        if outcome.in_words() != vector.expected {
            let Vector { altered, expected, request, .. } = vector;
            deviating.push(format!("{} {altered:?}: {expected}, {outcome:?}", request.sender));
        }
    }
    assert_eq!(deviating, [""; 0]);
}

/// A verdict that no library gives has a reason, in the table that the requests come from.
#[test]
fn without_a_reason_the_verdict_is_that_of_all_libraries() {
    for Vector { altered, accepted_by, expected, reason, request } in all() {
        assert!(!accepted_by.is_empty());
        let alike = accepted_by.values().all(|accepted| *accepted == (expected == "accepted"));
        assert!(alike || reason.is_some(), "{} {altered:?}", request.sender);
    }
}

/// Of each sender there are requests as they were signed, and forged ones.
#[test]
fn each_sender_has_both_verdicts() {
    let verdicts = |expected: &str| -> BTreeSet<_> {
        let all = all().into_iter().filter(|vector| vector.expected == expected);
        all.map(|vector| vector.request.sender).collect()
    };
    let accepted = verdicts("accepted");
    assert_eq!(accepted, verdicts("refused"));
    assert_eq!(accepted.len(), 18, "{accepted:?}");
}
