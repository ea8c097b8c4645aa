//! What is sent: bodies of about 500 bytes, no two with the same id.

use std::{convert::Infallible, sync::Arc, time::SystemTime};

use bytes::Bytes;
use http::Request;
use sha2::{Digest, Sha256};
use tower::{Layer, Service};
use tower_webhook::{
    Emit, Outgoing, Provider, VerifyLayer,
    inbox::{Enqueued, Inbox, NewDelivery, Record, Store},
    providers::synthesis_vr::SynthesisVr,
};

use crate::{
    common::{
        events,
        requests::{Frames, STANDARD_WEBHOOKS, signed_with, unsigned},
    },
    load::{Done, SendOne},
};

/// The sender of nearly all.
pub(crate) fn source() -> Arc<str> {
    STANDARD_WEBHOOKS.name().into()
}

fn id(number: u64) -> String {
    format!("msg_{:016x}{number:016x}", u64::from(std::process::id()))
}

fn body(number: u64) -> Bytes {
    let folders = "/school-of-performing-arts".repeat(12);
    let sha256 = format!("{number:064x}");
    format!(
        r#"{{"type":"file.saved","timestamp":"2026-11-28T12:00:00Z","data":{{"path":"{folders}/{number}.svg","owner":7685,"bytes":123456,"sha256":"{sha256}"}}}}"#
    )
    .into()
}

const HEADERS: &str = "host: hooks.example.com\r\nuser-agent: Sender/1.0\r\naccept: */*\r\n\
    content-type: application/json\r\ncontent-length: 503\r\nwebhook-timestamp: 1795000000\r\nwebhook-signature: redacted\r\n";

/// As the inbox gives it to its store.
pub(crate) fn new(number: u64) -> NewDelivery {
    let (id, body) = (id(number), body(number));
    let record = Record {
        source: source(),
        tenant: None,
        key_id: None,
        id: Some(id.as_str().into()),
        event_type: None,
        received_at: SystemTime::now(),
        headers: HEADERS.into(),
        digest: Sha256::digest(&body).into(),
        body,
    };
    NewDelivery { record, key: Some(Sha256::digest(&id).into()), order_key: None }
}

/// Straight to the store.
pub(crate) fn to_store(store: Arc<dyn Store>) -> SendOne {
    Arc::new(move |_, number| {
        let storing = store.enqueue(new(number));
        Box::pin(async move {
            let stored = storing.await;
            assert!(matches!(stored, Ok(Enqueued::New(_))), "{stored:?}");
        })
    })
}

/// As signed requests to the layer and the inbox behind it, without a network.
pub(crate) fn to_inbox(inbox: &Inbox) -> SendOne {
    let hook = VerifyLayer::new(STANDARD_WEBHOOKS.clone()).layer(inbox.clone());
    Arc::new(move |_, number| answered(hook.clone(), signed(number)))
}

/// The same from another sender.
pub(crate) fn of_another(inbox: &Inbox) -> SendOne {
    let hook = VerifyLayer::new(SynthesisVr::dangerous_unauthenticated()).layer(inbox.clone());
    Arc::new(move |_, _| answered(hook.clone(), unsigned(events::synthesis_vr(1))))
}

fn signed(number: u64) -> Request<Frames> {
    let outgoing = Outgoing::new(id(number), SystemTime::now());
    signed_with(body(number), |head, body| {
        STANDARD_WEBHOOKS.sign(head, body, &outgoing);
    })
}

fn answered<S, B>(mut hook: S, request: Request<Frames>) -> Done<()>
where
    S: Service<Request<Frames>, Response = http::Response<B>, Error = Infallible> + Send + 'static,
    S::Future: Send,
    B: Send,
{
    Box::pin(async move {
        let Ok(answer) = hook.call(request).await;
        assert_eq!(answer.status(), 200);
    })
}
