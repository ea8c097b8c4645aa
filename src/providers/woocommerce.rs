//! WooCommerce: webhooks of shops that run on WordPress.
//!
//! **Source** in the table: the class `WC_Webhook` in <https://github.com/woocommerce/woocommerce>.
//!
//! | fact | value | source |
//! |---|---|---|
//! | authentication | `X-WC-Webhook-Signature`: padded base64; HMAC-SHA256 over the body | source |
//! | key | the text of the secret. WordPress stores some characters as entities, and decodes them before it signs | source, run |
//! | type | `X-WC-Webhook-Topic`, such as `order.created` or `action.` and the name of a hook; **not signed** | source |
//! | delivery id | `X-WC-Webhook-Delivery-ID`, **not signed**, and not unique: [`Delivery::id`](crate::Delivery::id) is `None` | source |
//! | body | JSON of the resource. A deleted one is `{"id": n}`, a custom action is `{"action", "arg"}` | source |
//! | ping | on saving, an **unsigned** form `webhook_id=n`; an answer other than 200 is shown as an error | source |
//! | request | HTTP/1.0, no redirects are followed | source |
//! | retries | none. More than 5 failures in a row switch the webhook off | source |
//! | answer | 200 to 302 within 60 seconds counts as delivered | source |
//! | replay | nothing that is signed has a time: a recorded request can be sent again | source |
//!
//! A plugin of the shop can change the hash algorithm. Only the default, SHA-256, is accepted.
//!
//! # The secret
//!
//! Configure it as it was typed. The database of the shop can show `&amp;`, `&lt;`, `&gt;`, `&quot;` or `&#039;` for `&`, `<`, `>`,
//! `"` or `'`. Signatures are made with the characters.
//!
//! # Duplicates and types
//!
//! Neither the delivery id nor the topic is signed. The delivery id is a hash of the webhook's id and the second, so two
//! deliveries within one second share it: never recognise a duplicate by it. Whoever can replay a genuine body can send it
//! under another topic. So the topic alone decides no right: see [`Check::named`].
//!
//! # Failures
//!
//! A failed delivery is lost, and the sixth failure in a row switches the webhook off. If your handlers can fail, put an
//! [inbox](crate::inbox) behind the layer: it answers before they run. If they run without one and take longer than 60 seconds,
//! then the answer is 202, and they go on.
//!
//! # The ping
//!
//! When a webhook is saved, WooCommerce sends a form without a signature, and shows an error if the answer is not 200. It can
//! prove nothing. So it is answered as a [handshake](Provider::handshake), by its head alone: its body is never looked at, no
//! handler sees it, and the answer is empty. Anybody can send such a request, and learns by the answer only that this may be a
//! receiver of WooCommerce.
//!
//! A request is a ping if it is a POST without any of the headers of the signature and the topic, with the media type of a form,
//! and with a `Content-Length` of at most 64 bytes. Every other request without a signature is answered 401: a small form
//! cannot be mistaken for a delivery, which is JSON. Behind a proxy that takes `Content-Length` away, the ping is answered 401,
//! and the webhook works nevertheless. [`WooCommerce::refuse_pings`] switches this answer off.
//!
//! ```
//! use tower::{Layer, ServiceExt};
//! use tower_webhook::{EventRouter, Payload, Sender, VerifyLayer, providers::woocommerce::WooCommerce};
//!
//! #[derive(serde::Deserialize, serde::Serialize)]
//! struct Order {
//!     id: u64,
//! }
//! impl Payload for Order {
//!     type Provider = WooCommerce;
//! }
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), tower_webhook::BoxError> {
//! let provider = WooCommerce::new("the secret of the webhook")?;
//! let events = EventRouter::new().on_type("order.created", async |e: Order| println!("order {}", e.id));
//! let hook = VerifyLayer::new(provider.clone()).layer(events);
//! let request = Sender::new(provider).event_as("order.created", &Order { id: 31 })?;
//! assert_eq!(hook.oneshot(request).await?.status(), 200);
//! # Ok(()) }
//! ```
//!
//! To try it: save a webhook in the settings of WooCommerce, which sends the ping, and then change a resource of its topic.
//! The ping is not signed. All deliveries are.

use std::{borrow::Cow, time::Duration};

use bytes::Bytes;
use http::{HeaderName, Method, Response, header, request::Parts};

use super::{insert, only};
use crate::{
    Draft, Emit, Outgoing, Policy, Provider, Schedule,
    decode::Envelope,
    error::{ConfigError, SendError},
    scheme::{Check, Head, HmacSha256, Keys, Tag, VerifyError},
};

/// The sender WooCommerce.
#[derive(Clone, Debug)]
pub struct WooCommerce {
    keys: HmacSha256,
    answers_pings: bool,
}

impl WooCommerce {
    /// Accepts requests that are signed with any of the keys: the secret of the webhook, as it was typed.
    ///
    /// # Errors
    ///
    /// Those of [`HmacSha256::new`]: an unusable secret, one of fewer than 16 bytes
    /// ([`Secret::dangerous_short`](crate::scheme::Secret::dangerous_short) allows them), or more than
    /// [`MAX_KEYS`](crate::scheme::MAX_KEYS).
    pub fn new(keys: impl Into<Keys>) -> Result<Self, ConfigError> {
        Ok(Self { keys: HmacSha256::new(keys)?, answers_pings: true })
    }

    /// Answers the unsigned ping 401, as every other request without a signature. By default it is answered 200: see the
    /// [docs of this module](self#the-ping).
    #[must_use]
    pub fn refuse_pings(self) -> Self {
        Self { answers_pings: false, ..self }
    }
}

impl Provider for WooCommerce {
    fn authenticate(&self, head: &Head<'_>) -> Result<Check, VerifyError> {
        let tag = Tag::base64(head.header(&SIGNATURE)?)?;
        self.keys.check(tag).named(head.public_header(&TOPIC)?)
    }

    fn envelope(&self) -> Envelope {
        Envelope::by_head()
    }

    fn handshake(&self, head: &Head<'_>) -> Option<Response<Bytes>> {
        (self.answers_pings && is_ping(head)).then(Response::default)
    }

    fn policy(&self) -> Policy {
        Policy::default().never_resends(ANSWER_TIMEOUT)
    }

    fn name(&self) -> Cow<'static, str> {
        "woocommerce".into()
    }
}

/// Whether the head is that of the unsigned ping. Its body is not known yet.
fn is_ping(head: &Head<'_>) -> bool {
    let is_short = |length: &str| {
        let is_number = length.bytes().all(|byte| byte.is_ascii_digit());
        is_number && length.parse().is_ok_and(|bytes: usize| (1..=MAX_PING).contains(&bytes))
    };
    head.method() == Method::POST
        && ![&SIGNATURE, &TOPIC].into_iter().any(|name| head.has(name))
        && head.public_header(&header::CONTENT_TYPE).is_ok_and(is_form)
        && head.public_header(&header::CONTENT_LENGTH).is_ok_and(is_short)
}

/// With or without parameters, such as a charset.
fn is_form(media_type: &str) -> bool {
    let (essence, _) = media_type.split_once(';').unwrap_or((media_type, ""));
    essence.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

impl Emit for WooCommerce {
    fn encode(&self, events: &[Draft], _: &Outgoing) -> Result<Bytes, SendError> {
        Ok(only(events)?.json.clone().into())
    }

    fn announce(&self, head: &mut Parts, events: &[Draft], outgoing: &Outgoing) {
        if let [event] = events {
            let (resource, what) = event.event_type.split_once('.').unwrap_or_default();
            insert(head, &TOPIC, &event.event_type);
            insert(head, &RESOURCE, resource);
            insert(head, &EVENT, what);
        }
        insert(head, &SOURCE, "https://shop.example/");
        insert(head, &ID, "1");
        insert(head, &DELIVERY, &outgoing.id);
    }

    fn sign(&self, head: &mut Parts, body: &[u8], _: &Outgoing) {
        insert(head, &SIGNATURE, &self.keys.sign([body]).to_base64());
    }

    fn schedule(&self) -> Schedule {
        Schedule::once().answer_timeout(ANSWER_TIMEOUT)
    }
}

static SIGNATURE: HeaderName = HeaderName::from_static("x-wc-webhook-signature");
static TOPIC: HeaderName = HeaderName::from_static("x-wc-webhook-topic");
static RESOURCE: HeaderName = HeaderName::from_static("x-wc-webhook-resource");
static EVENT: HeaderName = HeaderName::from_static("x-wc-webhook-event");
static SOURCE: HeaderName = HeaderName::from_static("x-wc-webhook-source");
static ID: HeaderName = HeaderName::from_static("x-wc-webhook-id");
static DELIVERY: HeaderName = HeaderName::from_static("x-wc-webhook-delivery-id");
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);
/// `webhook_id=` and a number of up to 20 digits are 31 bytes.
const MAX_PING: usize = 64;
