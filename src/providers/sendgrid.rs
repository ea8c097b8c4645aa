//! SendGrid (Twilio): the Event Webhook, with its signature switched on. Feature `public-keys`.
//!
//! Documented at
//! <https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features>. **Run** in the
//! table: SendGrid's libraries for node and Python judge so.
//!
//! | fact | value | source |
//! |---|---|---|
//! | authentication | `X-Twilio-Email-Event-Webhook-Signature`: base64; ECDSA P-256 with SHA-256, in DER, over time and body with nothing between them | run, documented |
//! | key | base64 of `SubjectPublicKeyInfo`, from the settings; nobody but SendGrid has the private one | run |
//! | replay | `X-Twilio-Email-Event-Webhook-Timestamp`, seconds; signed. SendGrid's libraries do not look at it: see [`SendGrid::max_age`] | run |
//! | body | a list; each event has `event` (its type), `sg_event_id` and `timestamp`; it ends in a line break, which is signed | run |
//! | delivery id | none: [`Delivery::id`](crate::Delivery::id) is `None`. Each event has an id of its own, `sg_event_id`, which is signed | run |
//! | retries, answer | undocumented here | unknown |
//!
//! # Duplicates
//!
//! Recognise a duplicate by the event's `sg_event_id`, and never by the signature: one message has two of them that are right.
//!
//! ```
//! use tower_webhook::{EventRouter, Payload, VerifyLayer, providers::sendgrid::SendGrid};
//! use tower::Layer;
//!
//! #[derive(serde::Deserialize)]
//! struct Mail {
//!     email: String,
//!     sg_event_id: String,
//! }
//! impl Payload for Mail {
//!     type Provider = SendGrid;
//! }
//!
//! # fn app(public_key: &str) -> Result<axum::Router, tower_webhook::error::ConfigError> {
//! let events = EventRouter::new()
//!     .on_type("bounce", async |e: Mail| println!("{} bounced: {}", e.email, e.sg_event_id));
//! let hook = VerifyLayer::new(SendGrid::new(public_key)?).layer(events);
//! Ok(axum::Router::new().route_service("/webhooks/sendgrid", hook))
//! # }
//! ```
//!
//! # Open questions
//!
//! Whether a retry has a time of its own. The request of "Test Your Integration" in the settings: whether it is signed.

use std::{borrow::Cow, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use http::HeaderName;

use crate::{
    Provider,
    decode::Envelope,
    error::ConfigError,
    scheme::{Check, EcdsaP256, Head, PublicKeys, Timestamp, VerifyError},
};

/// The sender SendGrid. It only receives: nobody but SendGrid has the key to send.
#[derive(Clone, Debug)]
pub struct SendGrid {
    keys: EcdsaP256,
    max_age: Duration,
}

impl SendGrid {
    /// The default of [`SendGrid::max_age`]: one day.
    pub const MAX_AGE: Duration = Duration::from_secs(24 * 60 * 60);

    /// Accepts requests that are signed with any of these keys: the "Verification Key" of the settings, base64 without lines
    /// of PEM.
    ///
    /// # Errors
    ///
    /// A text that is no such key, or more than [`MAX_PUBLIC_KEYS`](crate::scheme::MAX_PUBLIC_KEYS).
    pub fn new(keys: impl Into<PublicKeys>) -> Result<Self, ConfigError> {
        let why = "this is no verification key of SendGrid: it is base64, without lines of PEM";
        let keys = keys.into().decoded(why, |text| STANDARD.decode(text).ok())?;
        Ok(Self { keys: EcdsaP256::new(keys)?, max_age: Self::MAX_AGE })
    }

    /// The largest age of a request, by its signed time. By default [`SendGrid::MAX_AGE`], a day: it is not known whether a retry
    /// has the time of the first attempt, and a shorter time might refuse it. A time more than five minutes ahead is always refused.
    #[must_use]
    pub fn max_age(self, age: Duration) -> Self {
        Self { max_age: age, ..self }
    }
}

impl Provider for SendGrid {
    fn authenticate(&self, head: &Head<'_>) -> Result<Check, VerifyError> {
        let signature = head.header(&SIGNATURE)?;
        let signature = STANDARD.decode(signature).map_err(|_| VerifyError::MalformedSignature)?;
        let time = head.public_header(&TIMESTAMP)?;
        // Nothing is between the time and the body. If a digit moves from one to the other, then the time is another one by far.
        Timestamp::seconds(time)?.between(self.max_age, AHEAD, head.now())?;
        self.keys.check([signature], time)
    }

    fn envelope(&self) -> Envelope {
        Envelope::flat("event")
    }

    fn name(&self) -> Cow<'static, str> {
        "sendgrid".into()
    }
}

static SIGNATURE: HeaderName = HeaderName::from_static("x-twilio-email-event-webhook-signature");
static TIMESTAMP: HeaderName = HeaderName::from_static("x-twilio-email-event-webhook-timestamp");
const AHEAD: Duration = Duration::from_secs(5 * 60);
