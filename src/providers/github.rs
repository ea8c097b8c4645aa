//! GitHub: webhooks of repositories, organizations and apps.
//!
//! Documented at <https://docs.github.com/en/webhooks>. **Run** in the table: GitHub's own library, `@octokit/webhooks`, signs and
//! judges so.
//!
//! | fact | value | source |
//! |---|---|---|
//! | authentication | `X-Hub-Signature-256`: `sha256=` and lower-case hex; HMAC-SHA256 over the body; the key is the text of the secret | run, documented |
//! | older signature | `X-Hub-Signature`: `sha1=…`, sent beside the newer one; ignored, except by [`GitHub::sha1_legacy`] | run, documented |
//! | type | `X-GitHub-Event`, such as `pull_request`; **not signed**. The body has an `action` beside it | run, documented |
//! | delivery id | `X-GitHub-Delivery`, **not signed**: [`Delivery::id`](crate::Delivery::id) is `None` | run, documented |
//! | body | JSON, or a form with the JSON in its field `payload`; the form is what is signed; up to 25 MB | run, documented |
//! | retries | none. One that is requested by hand has the `X-GitHub-Delivery` of the first | documented |
//! | answer | 2xx within 10 seconds | documented |
//! | replay | nothing that is signed has a time: a recorded request can be sent again | run |
//!
//! # Duplicates and types
//!
//! Neither the id nor the type is signed. Whoever can replay a genuine body can send it under another id and another type. So no
//! duplicate is recognised by the id, and the type alone decides no right: see [`Check::named`]. The header is there for your
//! logs: [`Delivery::headers`](crate::Delivery::headers) has it.
//!
//! # Large bodies
//!
//! A push of many commits can have more than the 1 MiB that the layer takes by default: see
//! [`max_body_bytes`](crate::VerifyLayer::max_body_bytes).
//!
//! ```
//! use tower::{Layer, ServiceExt};
//! use tower_webhook::{EventRouter, Payload, Sender, VerifyLayer, providers::github::GitHub};
//!
//! #[derive(serde::Deserialize, serde::Serialize)]
//! struct Push {
//!     #[serde(rename = "ref")]
//!     reference: String,
//! }
//! impl Payload for Push {
//!     type Provider = GitHub;
//! }
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), tower_webhook::BoxError> {
//! let provider = GitHub::new("the secret of the webhook")?;
//! let events = EventRouter::new().on_type("push", async |e: Push| println!("{} was pushed", e.reference));
//! let hook = VerifyLayer::new(provider.clone()).layer(events);
//! let request = Sender::new(provider).event_as("push", &Push { reference: "refs/heads/main".into() })?;
//! assert_eq!(hook.oneshot(request).await?.status(), 200);
//! # Ok(()) }
//! ```
//!
//! To try it: "Recent Deliveries" of the webhook's settings sends any delivery again, signed. A new webhook gets a `ping`, an
//! ordinary signed event.

use std::{borrow::Cow, time::Duration};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, request::Parts};

use super::{form, insert, json, only};
use crate::{
    Draft, Emit, Outgoing, Policy, Provider, Schedule, Unpacked,
    decode::{DecodeError, Envelope, Form},
    error::{ConfigError, SendError},
    scheme::{Check, Head, HmacSha1Legacy, HmacSha256, Keys, Tag, VerifyError, after_prefix},
};

/// The sender GitHub.
#[derive(Clone, Debug)]
pub struct GitHub {
    keys: HmacSha256,
    legacy: Option<HmacSha1Legacy>,
    sends_forms: bool,
}

impl GitHub {
    /// Accepts requests that are signed with any of the keys: the secret of the webhook, as text.
    ///
    /// # Errors
    ///
    /// Those of [`HmacSha256::new`]: an unusable secret, one of fewer than 16 bytes
    /// ([`Secret::dangerous_short`](crate::scheme::Secret::dangerous_short) allows them), or more than
    /// [`MAX_KEYS`](crate::scheme::MAX_KEYS).
    pub fn new(keys: impl Into<Keys>) -> Result<Self, ConfigError> {
        Ok(Self { keys: HmacSha256::new(keys)?, legacy: None, sends_forms: false })
    }

    /// As [`GitHub::new`]. Also accepts a request that has the older signature alone, HMAC-SHA1 in `X-Hub-Signature`: that of
    /// servers and proxies from before 2020. If a request has both, then the newer one must match.
    ///
    /// # Errors
    ///
    /// As [`GitHub::new`].
    pub fn sha1_legacy(keys: impl Into<Keys>) -> Result<Self, ConfigError> {
        let keys = keys.into();
        Ok(Self { legacy: Some(HmacSha1Legacy::new(keys.clone())?), ..Self::new(keys)? })
    }

    /// As a [`Sender`](crate::Sender), writes forms (`application/x-www-form-urlencoded`) instead of JSON. A receiver takes
    /// both.
    #[must_use]
    pub fn form(self) -> Self {
        Self { sends_forms: true, ..self }
    }

    fn check(&self, head: &Head<'_>) -> Result<Check, VerifyError> {
        // Both are read, so that handlers see neither.
        let (newer, older) = (head.header(&SIGNATURE), head.header(&OLDER));
        if let Some(legacy) = &self.legacy
            && !head.has(&SIGNATURE)
        {
            return Ok(legacy.check(Tag::hex(after_prefix(older?, "sha1=")?)?));
        }
        Ok(self.keys.check(Tag::hex(after_prefix(newer?, "sha256=")?)?))
    }
}

impl Provider for GitHub {
    fn authenticate(&self, head: &Head<'_>) -> Result<Check, VerifyError> {
        self.check(head)?.named(head.public_header(&EVENT)?)
    }

    fn envelope(&self) -> Envelope {
        Envelope::by_head()
    }

    fn unpack(&self, body: Bytes) -> Result<Unpacked, DecodeError> {
        match body.starts_with(b"{") {
            true => Ok(body.into()),
            false => Ok(Form::parse(&body)?.take("payload")?.into()),
        }
    }

    fn policy(&self) -> Policy {
        Policy::default().never_resends(ANSWER_TIMEOUT)
    }

    fn name(&self) -> Cow<'static, str> {
        "github".into()
    }
}

impl Emit for GitHub {
    fn encode(&self, events: &[Draft], _: &Outgoing) -> Result<Bytes, SendError> {
        let json = only(events)?.json.clone();
        Ok(match self.sends_forms {
            true => Form::default().with("payload", json).to_string().into(),
            false => json.into(),
        })
    }

    fn announce(&self, head: &mut Parts, events: &[Draft], outgoing: &Outgoing) {
        if let [event] = events {
            insert(head, &EVENT, &event.event_type);
        }
        insert(head, &DELIVERY, &outgoing.id);
    }

    fn sign(&self, head: &mut Parts, body: &[u8], _: &Outgoing) {
        insert(head, &SIGNATURE, &format!("sha256={}", self.keys.sign([body]).to_hex()));
    }

    fn schedule(&self) -> Schedule {
        Schedule::once().answer_timeout(ANSWER_TIMEOUT)
    }

    fn content_type(&self) -> HeaderValue {
        if self.sends_forms { form() } else { json() }
    }
}

static SIGNATURE: HeaderName = HeaderName::from_static("x-hub-signature-256");
static OLDER: HeaderName = HeaderName::from_static("x-hub-signature");
static EVENT: HeaderName = HeaderName::from_static("x-github-event");
static DELIVERY: HeaderName = HeaderName::from_static("x-github-delivery");
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
