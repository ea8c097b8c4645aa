//! Shopify: webhooks of shops, to apps.
//!
//! Documented at <https://shopify.dev/docs/apps/build/webhooks/verify-deliveries>. **Run** in the table: Shopify's own library,
//! `@shopify/shopify-api`, judges so.
//!
//! | fact | value | source |
//! |---|---|---|
//! | authentication | `X-Shopify-Hmac-Sha256`: padded base64; HMAC-SHA256 over the body; the key is the text of the app's client secret | run, documented |
//! | type | `X-Shopify-Topic`, such as `orders/create`; **not signed** | run, documented |
//! | shop | `X-Shopify-Shop-Domain`, **not signed**: one client secret serves all shops of an app | run |
//! | delivery id | `X-Shopify-Webhook-Id`, **not signed**: [`Delivery::id`](crate::Delivery::id) is `None` | run, documented |
//! | body | JSON, the object itself | run |
//! | Events family | `Shopify-Hmac-Sha256`, `Shopify-Topic` and others, without `X-`: [`Shopify::events`] | run; documented as a developer preview |
//! | rotation | after a change of the client secret, up to an hour with the old one | documented |
//! | answer | within 5 seconds | unknown: others quote it |
//! | retries | 8 times within 4 hours; then a subscription that the API made is deleted | unknown: others quote it |
//! | replay | nothing that is signed has a time: a recorded request can be sent again | run |
//!
//! # Rotation
//!
//! Shopify goes on signing with the old client secret for up to an hour. Accept both for that time:
//! `Keys::from(new).or(old)`, as in [`Keys::or`]. A key that has leaked is accepted for as long as it is configured.
//!
//! # Duplicates, topics and shops
//!
//! The id, the topic and the shop are not signed. Whoever can replay a genuine body can send it under another id, another
//! topic, and as if from another shop. So no duplicate is recognised by the id, and the topic alone decides no right: see
//! [`Check::named`]. Take the shop from the body if it is there. [`Delivery::header`](crate::Delivery::header) has the
//! headers, for your logs. Shopify's library also requires the headers of the shop, the version of the API and the id. They
//! prove nothing, so this crate does without them.
//!
//! # Two families of headers
//!
//! By default only the `X-Shopify-` family is accepted. If a request has the signature headers of both families, then they must
//! be the same: Shopify's library refuses a request in which they disagree.
//!
//! ```
//! use tower::{Layer, ServiceExt};
//! use tower_webhook::{EventRouter, Payload, Sender, VerifyLayer, providers::shopify::Shopify};
//!
//! #[derive(serde::Deserialize, serde::Serialize)]
//! struct Order {
//!     id: u64,
//! }
//! impl Payload for Order {
//!     type Provider = Shopify;
//! }
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), tower_webhook::BoxError> {
//! let provider = Shopify::new("the client secret of the app")?;
//! let events = EventRouter::new().on_type("orders/create", async |e: Order| println!("order {}", e.id));
//! let hook = VerifyLayer::new(provider.clone()).layer(events);
//! let request = Sender::new(provider).event_as("orders/create", &Order { id: 820_982_911 })?;
//! assert_eq!(hook.oneshot(request).await?.status(), 200);
//! # Ok(()) }
//! ```
//!
//! To try it, cause the event in a development shop that has the app. A test notification from the notification settings of a
//! shop is not signed with the client secret of your app, so it is answered 401.
//!
//! Open: the pauses between attempts, so [`Emit::schedule`] is undocumented. Whether one request ever has both families of
//! headers.

use std::borrow::Cow;

use bytes::Bytes;
use http::{HeaderName, request::Parts};

use super::{insert, only};
use crate::{
    Draft, Emit, Outgoing, Provider,
    decode::Envelope,
    error::{ConfigError, SendError},
    scheme::{Check, Head, HmacSha256, Keys, Tag, VerifyError},
};

/// The sender Shopify.
#[derive(Clone, Debug)]
pub struct Shopify {
    keys: HmacSha256,
    accepts_events: bool,
}

impl Shopify {
    /// Accepts requests that are signed with any of the keys: the client secret of the app, as text.
    ///
    /// # Errors
    ///
    /// Those of [`HmacSha256::new`]: an unusable secret, one of fewer than 16 bytes
    /// ([`Secret::dangerous_short`](crate::scheme::Secret::dangerous_short) allows them), or more than
    /// [`MAX_KEYS`](crate::scheme::MAX_KEYS).
    pub fn new(keys: impl Into<Keys>) -> Result<Self, ConfigError> {
        Ok(Self { keys: HmacSha256::new(keys)?, accepts_events: false })
    }

    /// Also accepts the Events family of headers, such as `Shopify-Hmac-Sha256`. By default it is refused: Shopify documents it
    /// as a developer preview, at <https://shopify.dev/docs/apps/build/events/verify-deliveries>, so its names can change.
    ///
    /// If a request has the signature of this family, then its type is in `Shopify-Topic`, such as `Product`. What happened is
    /// in `Shopify-Action`, which is not signed either. As a [`Sender`](crate::Sender), writes this family.
    #[must_use]
    pub fn events(self) -> Self {
        Self { accepts_events: true, ..self }
    }

    /// The family that a request of this sender has.
    fn sent(&self) -> &'static Family {
        if self.accepts_events { &EVENTS } else { &WEBHOOKS }
    }
}

impl Provider for Shopify {
    fn authenticate(&self, head: &Head<'_>) -> Result<Check, VerifyError> {
        // Both are read, so that handlers see neither.
        let (webhooks, events) = (head.header(&WEBHOOKS.signature), head.header(&EVENTS.signature));
        let has_events = head.has(&EVENTS.signature);
        let (family, signature) = match has_events && self.accepts_events {
            true => (&EVENTS, events.clone()),
            false => (&WEBHOOKS, webhooks.clone()),
        };
        let tag = Tag::base64(signature?)?;
        if has_events && head.has(&WEBHOOKS.signature) {
            let both = Tag::base64(webhooks?)?.matches(Tag::base64(events?)?.as_bytes());
            if !bool::from(both) {
                return Err(VerifyError::SignatureMismatch);
            }
        }
        self.keys.check(tag).named(head.public_header(&family.topic)?)
    }

    fn envelope(&self) -> Envelope {
        Envelope::by_head()
    }

    fn name(&self) -> Cow<'static, str> {
        "shopify".into()
    }
}

/// Announces a shop and a version of the API that are made up, because Shopify's library requires them.
impl Emit for Shopify {
    fn encode(&self, events: &[Draft], _: &Outgoing) -> Result<Bytes, SendError> {
        Ok(only(events)?.json.clone().into())
    }

    fn announce(&self, head: &mut Parts, events: &[Draft], outgoing: &Outgoing) {
        let family = self.sent();
        if let [event] = events {
            insert(head, &family.topic, &event.event_type);
        }
        insert(head, &family.shop, "example.myshopify.com");
        insert(head, &family.version, "unstable");
        insert(head, &family.webhook_id, &outgoing.id);
        if self.accepts_events {
            insert(head, &family.event_id, &outgoing.id);
        }
    }

    fn sign(&self, head: &mut Parts, body: &[u8], _: &Outgoing) {
        insert(head, &self.sent().signature, &self.keys.sign([body]).to_base64());
    }
}

/// The headers of one family.
struct Family {
    signature: HeaderName,
    topic: HeaderName,
    shop: HeaderName,
    version: HeaderName,
    webhook_id: HeaderName,
    event_id: HeaderName,
}

static WEBHOOKS: Family = Family {
    signature: HeaderName::from_static("x-shopify-hmac-sha256"),
    topic: HeaderName::from_static("x-shopify-topic"),
    shop: HeaderName::from_static("x-shopify-shop-domain"),
    version: HeaderName::from_static("x-shopify-api-version"),
    webhook_id: HeaderName::from_static("x-shopify-webhook-id"),
    event_id: HeaderName::from_static("x-shopify-event-id"),
};
static EVENTS: Family = Family {
    signature: HeaderName::from_static("shopify-hmac-sha256"),
    topic: HeaderName::from_static("shopify-topic"),
    shop: HeaderName::from_static("shopify-shop-domain"),
    version: HeaderName::from_static("shopify-api-version"),
    webhook_id: HeaderName::from_static("shopify-webhook-id"),
    event_id: HeaderName::from_static("shopify-event-id"),
};
