//! A sender of your own in thirty lines: Acme signs `id.body`, and its body is `{"event": …, "payload": …}`.
//!
//! `cargo run --example own_provider`
//!
//! `src/docs/own_sender.md` explains each step.

use bytes::Bytes;
use http::{HeaderValue, request::Parts};
use serde::{Deserialize, Serialize};
use tower::{Layer, ServiceExt};
use tower_webhook::{
    BoxError, Delivery, Draft, Emit, EventRouter, Outgoing, Provider, Sender, VerifyLayer,
    decode::Envelope,
    error::SendError,
    scheme::{Check, Head, HmacSha256, Tag, VerifyError},
    sender::conformance,
};

/// Signs with HMAC-SHA256 over `id.body`, in hex.
struct Acme(HmacSha256);

impl Provider for Acme {
    fn authenticate(&self, head: &Head<'_>) -> Result<Check, VerifyError> {
        let id = head.public_header("acme-delivery")?;
        if id.contains('.') {
            return Err(VerifyError::Other(
                "the id contains a dot, so its end is not signed".into(),
            ));
        }
        let tag = Tag::hex(head.header("acme-signature")?)?;
        Ok(self.0.check(tag).prefix(id).prefix(".").id(id))
    }

    fn envelope(&self) -> Envelope {
        Envelope::adjacent("event", "payload")
    }
}

#[derive(Deserialize, Serialize)]
struct OrderShipped {
    parcels: u32,
}

tower_webhook::event!(OrderShipped: Acme = "order.shipped");

/// Makes requests for tests. A receiver does not need it.
impl Emit for Acme {
    fn encode(&self, events: &[Draft], _: &Outgoing) -> Result<Bytes, SendError> {
        let [event] = events else { return Err(SendError::NotOneEvent(events.len())) };
        Ok(event.adjacent("event", "payload").into())
    }

    fn sign(&self, head: &mut Parts, body: &[u8], outgoing: &Outgoing) {
        let tag = self.0.sign([outgoing.id.as_bytes(), b".", body]);
        let values = [("acme-delivery", outgoing.id.clone()), ("acme-signature", tag.to_hex())];
        for (name, value) in values {
            head.headers.insert(name, HeaderValue::try_from(value).expect("ids are visible ASCII"));
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let acme = || HmacSha256::new("invented for this example").map(Acme);
    let events = EventRouter::new().on(async |e: OrderShipped, delivery: Delivery| {
        println!("{} parcels shipped, delivery {}", e.parcels, delivery.id().unwrap_or_default());
    });
    let hook = VerifyLayer::new(acme()?).layer(events);
    let genuine = Sender::new(acme()?).id("order-7").event(&OrderShipped { parcels: 3 })?;
    let answer = hook.oneshot(genuine).await?.status();
    println!("answer: {answer}");
    assert_eq!(answer, 200);

    println!("\nThe genuine request must be accepted, and each forged one must be refused:");
    let with_another_key = Acme(HmacSha256::new("invented for this example, too")?);
    let report = conformance(&acme()?, &with_another_key);
    print!("{report}");
    report.assert_passed();
    println!("\nNext, each step explained: src/docs/own_sender.md");
    Ok(())
}
