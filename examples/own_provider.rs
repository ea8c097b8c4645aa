//! A sender that this crate does not know, in thirty lines: Acme signs `id.body` and sends `{"event", "payload"}`.
//!
//! `cargo run --example own_provider`

use bytes::Bytes;
use http::{HeaderValue, StatusCode, request::Parts};
use serde::{Deserialize, Serialize};
use tower::{Layer, ServiceExt};
use tower_webhook::{
    BoxError, Delivery, Draft, Emit, EventRouter, Outgoing, Provider, Sender, VerifyLayer,
    decode::Envelope,
    error::SendError,
    scheme::{Check, Head, HmacSha256, Tag, VerifyError},
    sender::{Tamper, conformance},
};

// -- begin
/// HMAC-SHA256 over `id.body`, in hex.
struct Acme(HmacSha256);

impl Provider for Acme {
    fn authenticate(&self, head: &Head<'_>) -> Result<Check, VerifyError> {
        let id = head.public_header("acme-delivery")?;
        if id.contains('.') {
            return Err(VerifyError::Other(
                "the id holds a dot: where it ends is not signed".into(),
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
// -- end

/// What the tests need to speak for Acme; a receiver does without.
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
    let stranger = Acme(HmacSha256::new("invented by somebody else")?);
    let report = conformance(&acme()?, &stranger);
    report.assert_passed();
    print!("{report}");

    let (tx, mut shipped) = tokio::sync::mpsc::channel(1);
    let events = EventRouter::new().on(async move |e: OrderShipped, delivery: Delivery| {
        tx.send((e.parcels, delivery.id().map(str::to_owned))).await
    });
    let hook = VerifyLayer::new(acme()?).layer(events);

    let order = OrderShipped { parcels: 3 };
    let genuine = Sender::new(acme()?).id("order-7").event(&order)?;
    let answer = hook.clone().oneshot(genuine).await?.status();
    let handled = shipped.try_recv()?;
    println!("genuine: {answer}, {} parcels in delivery {:?}", handled.0, handled.1);
    assert_eq!((answer, handled), (StatusCode::OK, (3, Some("order-7".to_owned()))));

    let forged = Sender::new(acme()?).tampered(Tamper::BodyAltered).event(&order)?;
    let answer = hook.oneshot(forged).await?.status();
    println!("forged: {answer}");
    assert_eq!((answer, shipped.try_recv().is_err()), (StatusCode::UNAUTHORIZED, true));
    Ok(())
}
