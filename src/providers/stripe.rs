//! Stripe: webhooks and event destinations, with snapshot events and thin events.
//!
//! Documented at <https://docs.stripe.com/webhooks>. **Run** in the table: Stripe's own libraries for Node and Python sign and judge
//! so. **Source**: the code of these libraries.
//!
//! | fact | value | source |
//! |---|---|---|
//! | authentication | `Stripe-Signature: t=<seconds>,v1=<hex>`: HMAC-SHA256 over `t.body`. There may be several `v1`, of which one must match, in any order. Other versions are ignored. A blank in the list is refused | run |
//! | key | the whole text of the signing secret, with `whsec_`. It is not base64 | run |
//! | replay | `t` is signed, and must be within 5 minutes of the clock. Stripe's libraries do not check the future. This crate does | run |
//! | type | `type`, signed | run |
//! | delivery id | `id` in the body, signed. It is unknown whether a retry has the same | run, unknown |
//! | snapshot event | `object: "event"`, with the object in `data.object` | run |
//! | thin event | `object: "v2.core.event"`, with `related_object` and without `data.object`. Same signature | run, source |
//! | retries | for up to three days, with growing pauses. The pauses are unknown | documented |
//! | answer | the time that Stripe waits for it is unknown | unknown |
//! | media type | unknown. Each is accepted | unknown |
//!
//! Requests without a `t`, or with two, are refused: Stripe's libraries disagree about which of the two counts.
//!
//! # Snapshot events and thin events
//!
//! Stripe has two kinds of events. Both have their type in `type`, so an [`EventRouter`](crate::EventRouter) routes both, and the type
//! that your handler takes decides how an event is decoded:
//!
//! - A **snapshot event** has the changed object in `data.object`. Write a type for that object, such as `Invoice`, and take
//!   [`Snapshot<Invoice>`](Snapshot): `e.data.object` is the invoice. One type serves all events about invoices.
//! - A **thin event** has no `data.object`. Write a type for the whole event, and make it a [`Payload`]. Do the same for a snapshot
//!   event if you need other members of it, such as `created`.
//!
//! If an event has no `data.object`, then it does not fit a `Snapshot`, and the handler is not called.
//! [`RawEvent`](crate::RawEvent) is the whole event for both kinds.
//!
//! ```
//! use serde::{Deserialize, Serialize};
//! use tower::{Layer, ServiceExt};
//! use tower_webhook::{EventRouter, Sender, VerifyLayer, event, providers::stripe::{Snapshot, Stripe}};
//!
//! #[derive(Deserialize, Serialize)]
//! struct Invoice {
//!     total: u64,
//! }
//!
//! #[derive(Deserialize, Serialize)]
//! struct MeterFailed {
//!     related_object: Meter,
//! }
//! #[derive(Deserialize, Serialize)]
//! struct Meter {
//!     id: String,
//! }
//! event!(MeterFailed: Stripe = "v1.billing.meter.error_report_triggered");
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), tower_webhook::BoxError> {
//! let provider = Stripe::new("whsec_the_signing_secret_of_the_endpoint")?;
//! let events = EventRouter::new()
//!     .on_type("invoice.paid", async |e: Snapshot<Invoice>| println!("{} paid", e.data.object.total))
//!     .on(async |e: MeterFailed| println!("{} failed", e.related_object.id));
//! let hook = VerifyLayer::new(provider.clone()).layer(events);
//! let request = Sender::new(provider).event_as("invoice.paid", &Snapshot::new(Invoice { total: 3 }))?;
//! assert_eq!(hook.oneshot(request).await?.status(), 200);
//! # Ok(()) }
//! ```
//!
//! # Duplicates
//!
//! The id is signed. An [`Inbox`](crate::inbox::Inbox) behind the layer takes a delivery once per id. Without an inbox, take
//! `Option<`[`EventKey`](crate::router::EventKey)`>` as an argument, and skip an event whose key you have stored.
//! [`Delivery::id`](crate::Delivery::id) is for logs.
//!
//! The id is the `id` of the event. It is `None` if the body has no `id`, has it twice, or has one of more than 256 bytes.
//!
//! To try it: `stripe listen --forward-to localhost:3000/hook` and `stripe trigger invoice.paid` of Stripe's command-line tool. It
//! prints a signing secret of its own. In the dashboard, an event destination can send an event again.
//!
//! # Open questions
//!
//! Whether a retry has the same `id`. The pauses between retries, and the time that Stripe waits for an answer.

use std::{borrow::Cow, time::Duration};

use bytes::Bytes;
use http::{HeaderName, request::Parts};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{insert, members, only, with_id_in};
use crate::{
    Draft, Emit, Outgoing, Payload, Provider, Unpacked,
    decode::{DecodeError, Envelope, object},
    error::{ConfigError, SendError},
    scheme::{Check, Head, HmacSha256, Keys, Pairs, Tag, Timestamp, VerifyError},
};

/// The sender Stripe.
#[derive(Clone, Debug)]
pub struct Stripe {
    keys: HmacSha256,
    tolerance: Duration,
}

impl Stripe {
    /// The default tolerance of timestamps: 5 minutes.
    pub const TOLERANCE: Duration = Duration::from_secs(5 * 60);

    /// Accepts requests that are signed with any of the keys: the signing secret of the endpoint, as text, with its `whsec_`.
    ///
    /// # Errors
    ///
    /// Those of [`HmacSha256::new`]: an unusable secret, one of fewer than 16 bytes
    /// ([`Secret::dangerous_short`](crate::scheme::Secret::dangerous_short) allows them), or more than
    /// [`MAX_KEYS`](crate::scheme::MAX_KEYS).
    pub fn new(keys: impl Into<Keys>) -> Result<Self, ConfigError> {
        Ok(Self { keys: HmacSha256::new(keys)?, tolerance: Self::TOLERANCE })
    }

    /// The maximum difference between a timestamp and the clock, in the past and in the future. If it is exceeded, the
    /// request is refused. By default [`Stripe::TOLERANCE`], 5 minutes.
    #[must_use]
    pub fn tolerance(self, tolerance: Duration) -> Self {
        Self { tolerance, ..self }
    }
}

impl Provider for Stripe {
    fn authenticate(&self, head: &Head<'_>) -> Result<Check, VerifyError> {
        let list = head.header(&SIGNATURE)?;
        if list.contains([' ', '\t']) {
            return Err(VerifyError::MalformedSignature);
        }
        let pairs = Pairs::parse(list)?;
        let time = pairs.one("t")?;
        Timestamp::seconds(time)?.within(self.tolerance, head.now())?;
        let check = self.keys.check_any(pairs.all("v1").map(Tag::hex))?;
        Ok(check.prefix(time).prefix("."))
    }

    fn envelope(&self) -> Envelope {
        Envelope::flat("type")
    }

    fn unpack(&self, body: Bytes) -> Result<Unpacked, DecodeError> {
        Ok(with_id_in(body, "id"))
    }

    fn name(&self) -> Cow<'static, str> {
        "stripe".into()
    }
}

impl Emit for Stripe {
    /// If the payload has no member `object`, then the event says `object: "event"`, as a snapshot event does.
    fn encode(&self, events: &[Draft], outgoing: &Outgoing) -> Result<Bytes, SendError> {
        let mut event = only(events)?.flat("type")?;
        if members(event.as_bytes()).is_some_and(|all| !all.has("object")) {
            event = Draft::new("event", event).flat("object")?;
        }
        Ok(Draft::new(&outgoing.id, event).flat("id")?.into())
    }

    fn sign(&self, head: &mut Parts, body: &[u8], outgoing: &Outgoing) {
        let time = Timestamp::from(outgoing.now).as_seconds().to_string();
        let tag = self.keys.sign([time.as_bytes(), b".", body]).to_hex();
        insert(head, &SIGNATURE, &format!("t={time},v1={tag}"));
    }
}

static SIGNATURE: HeaderName = HeaderName::from_static("stripe-signature");

/// A snapshot event about an object of the type `T`, which is yours. See the [module](self).
///
/// It has no other member of the event. The id is [`Delivery::id`](crate::Delivery::id). If you need other members, then make
/// a type of your own a [`Payload`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(bound(deserialize = "T: Deserialize<'de>"))]
#[non_exhaustive]
pub struct Snapshot<T> {
    /// What the event is about.
    #[serde(deserialize_with = "object")]
    pub data: SnapshotData<T>,
}

/// The member `data` of a [`Snapshot`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(bound(deserialize = "T: Deserialize<'de>"))]
#[non_exhaustive]
pub struct SnapshotData<T> {
    /// The object, as it was at the time of the event.
    #[serde(deserialize_with = "object")]
    pub object: T,
}

impl<T> Snapshot<T> {
    /// A snapshot event about `object`, to be sent in a test.
    pub fn new(object: T) -> Self {
        Self { data: SnapshotData { object } }
    }
}

impl<T: DeserializeOwned + Send + 'static> Payload for Snapshot<T> {
    type Provider = Stripe;
}
