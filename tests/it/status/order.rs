//! Of two faults, the one that is judged earlier is answered.

use http::HeaderMap;
use tower_webhook::providers::learn365::Learn365;

use super::*;

const LIMIT: usize = 1_000;

/// A good request of Learn365, until it is spoilt.
struct Draft {
    method: &'static str,
    uri: &'static str,
    headers: HeaderMap,
    body: String,
    signer: Option<Learn365>,
    places: usize,
}

type Spoil = fn(&mut Draft);

/// In the order of judgement. No rejection: the answer is the handshake's.
fn faults() -> Vec<(Spoil, Option<Rejection>)> {
    let broken_json = undecodable(&learn365(), &EventRouter::new(), "{");
    vec![
        (|draft| (draft.method, draft.uri) = ("GET", "/?echo=1"), None),
        (|draft| draft.method = "PUT", Some(Rejection::Method)),
        (|draft| draft.put("content-length", "1001"), Some(Rejection::BodyTooLarge(LIMIT))),
        (|draft| draft.signer = None, missing_signature()),
        (|draft| draft.places = 0, Some(Rejection::Busy)),
        (|draft| draft.body = " ".repeat(LIMIT + 1), Some(Rejection::BodyTooLarge(LIMIT))),
        (|draft| draft.signer = Learn365::new(OTHER_SECRET).ok(), mismatch()),
        (|draft| draft.put("content-encoding", "gzip"), Some(Rejection::ContentEncoding)),
        (|draft| draft.put("content-type", "text/plain"), Some(Rejection::MediaType)),
        (|draft| draft.body = "{".into(), Some(Rejection::Undecodable(broken_json))),
    ]
}

/// How many of them are found before the body is read.
const BEFORE_THE_BODY: usize = 5;

fn missing_signature() -> Option<Rejection> {
    Some(unauthentic(VerifyError::MissingHeader("ms-signature".into())))
}

fn mismatch() -> Option<Rejection> {
    Some(unauthentic(VerifyError::SignatureMismatch))
}

impl Draft {
    fn new() -> Self {
        let body = r#"{"Notifications":[]}"#.into();
        let mut draft = Self {
            method: "POST",
            uri: "/",
            headers: HeaderMap::new(),
            body,
            signer: Some(learn365()),
            places: 1,
        };
        draft.put("content-type", "application/json");
        draft
    }

    fn put(&mut self, name: &'static str, value: &'static str) {
        self.headers.insert(name, HeaderValue::from_static(value));
    }

    async fn answer(mut self, body_is_read: bool) -> Answer {
        if let Some(signer) = self.signer {
            let signed = Sender::new(signer).body(self.body.clone()).unwrap();
            self.headers.insert("ms-signature", signed.headers()["ms-signature"].clone());
        }
        let mut request = Request::builder().method(self.method).uri(self.uri);
        *request.headers_mut().unwrap() = self.headers;
        let layer = VerifyLayer::new(learn365()).max_body_bytes(LIMIT).max_bodies(self.places);
        let hook = layer.layer(EventRouter::new());
        if !body_is_read {
            return answer(hook, unread(request.body(()).unwrap())).await;
        }
        let (feeder, body) = fed();
        feeder.send(Ok(self.body.into())).unwrap();
        drop(feeder);
        answer(hook, request.body(body).unwrap()).await
    }
}

#[tokio::test(start_paused = true)]
async fn the_earlier_fault_wins() {
    let faults = faults();
    for (earlier, (spoil_first, expected)) in faults.iter().enumerate() {
        for (later, (spoil_too, _)) in faults.iter().enumerate().skip(earlier) {
            let mut draft = Draft::new();
            spoil_too(&mut draft);
            spoil_first(&mut draft);
            let answer = draft.answer(earlier >= BEFORE_THE_BODY).await;
            assert_eq!(answer.rejection(), expected.as_ref(), "fault {earlier} before {later}");
            assert_eq!(answer.traced.len(), usize::from(expected.is_some()));
        }
    }
}

#[tokio::test]
async fn without_a_fault_there_is_no_refusal() {
    let answer = Draft::new().answer(true).await;
    assert_eq!((answer.status(), answer.rejection()), (200, None));
}
