//! GitHub: the type in a header that is not signed, HMAC-SHA256 of a body that is JSON or a form.

use serde::{Deserialize, Serialize};
use tower_webhook::{Payload, providers::github::GitHub, scheme::Keys};

use super::matrix::*;
use crate::list;

#[derive(Debug, Deserialize, Serialize)]
struct Push {
    #[serde(rename = "ref")]
    reference: String,
}

impl Payload for Push {
    type Provider = GitHub;
}

fn github(keys: impl Into<Keys>) -> GitHub {
    GitHub::new(keys).unwrap()
}

const SECRET: &str = "the secret of the hook";

pub(super) fn subject() -> impl Case {
    Subject {
        sender: list::github::subject,
        event_type: "push",
        event: Push { reference: "refs/heads/main".into() },
        unfit: r#"{"ref": 1}"#,
    }
}

pub(super) fn form() -> impl Case {
    Subject {
        sender: list::github::form,
        event_type: "push",
        event: Push { reference: "refs/heads/a&b=c+d e%".into() },
        unfit: r#"{"ref": 1}"#,
    }
}

const PUSH: &str = r#"{"ref":"refs/heads/main","action":null,"repository":{"id":1,"full_name":"example-org/example"}}"#;
const PUSH_AS_FORM: &str = "payload=%7B%22ref%22%3A%22refs%2Fheads%2Fmain%22%2C%22action%22%3Anull%2C%22repository%22%3A%7B%22id%22%3A1%2C%22full_name%22%3A%22example-org%2Fexample%22%7D%7D";

/// The key, the name of the header, the signature, the body, the status.
type Vector = (&'static str, &'static str, &'static str, &'static str, u16);

#[tokio::test]
async fn recorded_requests_are_judged_as_by_the_sender() {
    let vectors: [Vector; 5] = [
        (
            "hnOCaSE4sDPDmT4jQcWcZlPMSlJLgDP7NSVF7UeB",
            "x-hub-signature-256",
            "sha256=277672aaf3bc190f72c8ed9dcd986dc280c09740a84ef56b5a3daa8ba5c54e76",
            r#"{"zen":"made up","hook_id":1}"#,
            200,
        ),
        (
            "pc9Ami4g6pUuZauUI6LiuYxDlcp0Z9mc1NL8zfVP",
            "x-hub-signature-256",
            "sha256=b87b6ad7e1ec3b213ddf421ea4a8a397ce0eb94d81a615baba835e1d2e9dfe57",
            PUSH_AS_FORM,
            200,
        ),
        // The JSON is signed, and not the form that it is in.
        (
            "JSs7tCyUcjLf7qdVN6wXUJQT9sHV0loRrNoBQxE3",
            "x-hub-signature-256",
            "sha256=64de695dd4ce38e0a0e951be4698102f6b65eb97d7d887eefc6413ecf28b5a9f",
            PUSH_AS_FORM,
            401,
        ),
        (
            "8DibrKqn0s91U6x2fZKMBb0osA9a2xL8G22uPm9g",
            "x-hub-signature",
            "sha1=c28b66f88c59cace6269bed2d980626045a118dd",
            PUSH,
            401,
        ),
        (
            "vGHStKcnqQruKoyqYT1PombHlaL1SOMXdZxRraL0",
            "x-hub-signature-256",
            "sha512=a36648dc19aafb9777dd8394f16451a97ce278b589d0b213603f38d7f86ba519d5962ea10d46e457719c68b1a70685fd56171b4fa19664841fc4e57b1541114f",
            PUSH,
            401,
        ),
    ];
    for (key, header, tag, body, status) in vectors {
        let headers = [("x-github-event", "push"), (header, tag)];
        assert_eq!(replayed(github(key), 0, &headers, body).await.status(), status, "{tag}");
    }
}

/// It is not signed, so that a request sent again under another id would count as another one.
#[tokio::test]
async fn the_id_in_the_header_is_not_taken_for_that_of_the_delivery() {
    use tower::{Layer, ServiceExt};
    use tower_webhook::{Delivery, EventRouter, RawEvent, Sender, VerifyLayer};

    use crate::support::Log;

    let log = Log::default();
    let seen = log.clone();
    let events = EventRouter::new().fallback(async move |_: RawEvent, delivery: Delivery| {
        let sent = delivery.headers().find(|(name, _)| *name == "x-github-delivery");
        seen.note(format!("{:?} {:?}", delivery.id(), sent.unwrap().1));
    });
    let hook = VerifyLayer::new(github(SECRET)).layer(events);
    let request = Sender::new(github(SECRET)).id("d-1").raw("push", "{}").unwrap();
    assert_eq!(hook.oneshot(request).await.unwrap().status(), 200);
    assert_eq!(log.seen(), [r#"None "d-1""#]);
}

/// Signed, and neither JSON nor a form that has one field `payload`.
#[tokio::test]
async fn a_form_without_its_field_is_refused() {
    use tower::{Layer, ServiceExt};
    use tower_webhook::{EventRouter, Sender, VerifyLayer};

    let hook = VerifyLayer::new(github(SECRET)).layer(EventRouter::new());
    for body in ["payload=%7B%7D&payload=%7B%7D", "other=%7B%7D", "[]", "payload=7B", ""] {
        let mut request = Sender::new(github(SECRET)).body(body).unwrap();
        request.headers_mut().insert("x-github-event", "push".parse().unwrap());
        assert_eq!(hook.clone().oneshot(request).await.unwrap().status(), 400, "{body}");
    }
}
