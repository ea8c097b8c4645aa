//! Standard Webhooks, the open standard that many senders follow, and Svix.
//!
//! Specified at <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>. Requests with a
//! symmetric signature, `v1`, are those of [`StandardWebhooks`]. With the feature `public-keys`, requests with an Ed25519 signature,
//! `v1a`, are those of `StandardWebhooksV1a`. Each skips signatures of other versions. If there is none of its own, then the
//! request is refused.
//!
//! | fact | value |
//! |---|---|
//! | authentication | `webhook-signature`: a list of `v1,<base64>`, separated by spaces; HMAC-SHA256 over `id.timestamp.body` |
//! | replay | `webhook-timestamp`, seconds, at most [`TOLERANCE`](StandardWebhooks::TOLERANCE) off in either direction |
//! | delivery id | `webhook-id`, signed; the same on every attempt |
//! | body | `{"type", "timestamp", "data"}`, or the members of `data` beside `type` and `timestamp`; `application/json` is recommended, and any media type is accepted |
//! | answer | 2xx; a 410 disables the endpoint; 429, 502 and 504 throttle; `Retry-After` is heeded |
//! | Svix | the same under `svix-id`, `svix-timestamp`, `svix-signature`: its libraries were run |
//!
//! # Duplicates
//!
//! The id is signed. An [`Inbox`](crate::inbox::Inbox) behind the layer takes a delivery once per id. Without an inbox, take
//! `Option<`[`EventKey`](crate::router::EventKey)`>` as an argument, and skip an event whose key you have stored.
//! [`Delivery::id`](crate::Delivery::id) is for logs.
//!
//! # Events
//!
//! The events are yours:
//!
//! ```
//! use tower::{Layer, ServiceExt};
//! use tower_webhook::{Event, EventRouter, Payload, Sender, VerifyLayer, providers::standard_webhooks::StandardWebhooks};
//!
//! #[derive(Debug, serde::Deserialize, serde::Serialize)]
//! struct InvoicePaid {
//!     total: u64,
//! }
//! impl Payload for InvoicePaid {
//!     type Provider = StandardWebhooks;
//! }
//! impl Event for InvoicePaid {
//!     const TYPE: &'static str = "invoice.paid";
//! }
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), tower_webhook::BoxError> {
//! let provider = StandardWebhooks::new("whsec_c2VjcmV0IG9mIGF0IGxlYXN0IDI0IGJ5dGVz")?;
//! let events = EventRouter::new().on(async |e: InvoicePaid| println!("{} paid", e.total));
//! let hook = VerifyLayer::new(provider.clone()).layer(events);
//! let request = Sender::new(provider).event(&InvoicePaid { total: 3 })?;
//! assert_eq!(hook.oneshot(request).await?.status(), 200);
//! # Ok(()) }
//! ```

use std::{borrow::Cow, time::Duration};

use base64::{
    Engine,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use bytes::Bytes;
use http::request::Parts;
use zeroize::Zeroizing;

mod body;
mod headers;
#[cfg(feature = "public-keys")]
mod v1a;

use self::body::{squashed, wrapped};
use self::headers::{Names, Signed, is_id};
#[cfg(feature = "public-keys")]
pub use self::v1a::StandardWebhooksV1a;
use super::{insert, only};
use crate::{
    Draft, Emit, Outgoing, Provider, Schedule,
    decode::Envelope,
    error::{ConfigError, SendError},
    scheme::{Check, Head, HmacSha256, Keys, Secret, Tag, Timestamp, VerifyError},
};

/// A sender that follows the standard.
#[derive(Clone, Debug)]
pub struct StandardWebhooks {
    keys: HmacSha256,
    tolerance: Duration,
    names: &'static Names,
    or_names: Option<&'static Names>,
    is_squashed: bool,
}

impl StandardWebhooks {
    /// The default tolerance of timestamps: 5 minutes.
    pub const TOLERANCE: Duration = Duration::from_secs(5 * 60);

    /// Accepts requests that are signed with any of the keys. A key is base64 of at least 24 bytes in the standard alphabet,
    /// with or without `whsec_` in front, and with or without padding.
    ///
    /// # Errors
    ///
    /// An unusable [`Secret`], a text that is not such base64, fewer than 24 bytes, a key of the asymmetric half (`whpk_`,
    /// `whsk_`), or more than [`MAX_KEYS`](crate::scheme::MAX_KEYS).
    pub fn new(keys: impl Into<Keys>) -> Result<Self, ConfigError> {
        Self::raw(keys.into().decoded(NAME, key))
    }

    /// As [`StandardWebhooks::new`], for a sender that takes the text of its secret, or bytes, for the key, and decodes nothing.
    ///
    /// # Errors
    ///
    /// Those of [`HmacSha256::new`].
    pub fn raw(keys: impl Into<Keys>) -> Result<Self, ConfigError> {
        let keys = HmacSha256::new(keys)?;
        let (tolerance, names) = (Self::TOLERANCE, &headers::STANDARD);
        Ok(Self { keys, tolerance, names, or_names: None, is_squashed: false })
    }

    /// The headers are `svix-id`, `svix-timestamp` and `svix-signature` instead of `webhook-id` and so on.
    #[must_use]
    pub fn svix_headers(self) -> Self {
        Self { names: &headers::SVIX, ..self }
    }

    /// A request may have `svix-id` and so on instead of `webhook-id` and so on. All three are of one family: that of
    /// `webhook-signature`, if there is one.
    #[must_use]
    pub fn or_svix_headers(self) -> Self {
        Self { or_names: Some(&headers::SVIX), ..self }
    }

    /// The members of the event are beside `type` and `timestamp`, and not in `data`.
    #[must_use]
    pub fn squashed(self) -> Self {
        Self { is_squashed: true, ..self }
    }

    /// The maximum difference between a timestamp and the clock, in the past and in the future. If it is exceeded, the
    /// request is refused. By default [`StandardWebhooks::TOLERANCE`], 5 minutes.
    #[must_use]
    pub fn tolerance(self, tolerance: Duration) -> Self {
        Self { tolerance, ..self }
    }

    /// The maximum number of signatures in one request. If there are more, the answer is 401. By default
    /// [`MAX_TAGS`](crate::scheme::MAX_TAGS), 16.
    #[must_use]
    pub fn max_signatures(self, most: usize) -> Self {
        Self { keys: self.keys.max_tags(most), ..self }
    }
}

impl Provider for StandardWebhooks {
    fn authenticate(&self, head: &Head<'_>) -> Result<Check, VerifyError> {
        let signed = Signed::of(head, self.names, self.or_names, self.tolerance)?;
        let mut joined = false;
        let tags = signed.signatures("v1,").map(|one| {
            // A proxy joins a header that was sent twice like this.
            Tag::base64(one).inspect_err(|_| joined |= one.contains(','))
        });
        let mut check = self.keys.check_any(tags)?;
        if joined {
            return Err(VerifyError::MalformedSignature);
        }
        for part in signed.parts() {
            check.feed(part.as_bytes());
        }
        check.set_id(signed.id);
        Ok(check)
    }

    fn envelope(&self) -> Envelope {
        match self.is_squashed {
            true => Envelope::flat("type"),
            false => Envelope::adjacent("type", "data"),
        }
    }

    fn name(&self) -> Cow<'static, str> {
        NAME.into()
    }
}

impl Emit for StandardWebhooks {
    fn encode(&self, events: &[Draft], outgoing: &Outgoing) -> Result<Bytes, SendError> {
        let event = only(events)?;
        if !is_id(&outgoing.id) {
            return Err(SendError::Encode(self.names.no_id().into()));
        }
        let time = Timestamp::from(outgoing.occurred_at).to_rfc3339();
        Ok(match self.is_squashed {
            true => squashed(event, &time)?.into(),
            false => wrapped(event, &time).into(),
        })
    }

    fn sign(&self, head: &mut Parts, body: &[u8], outgoing: &Outgoing) {
        let (id, now) = (&*outgoing.id, Timestamp::from(outgoing.now).as_seconds().to_string());
        let tag = self.keys.sign([id.as_bytes(), b".", now.as_bytes(), b".", body]);
        insert(head, &self.names.id, id);
        insert(head, &self.names.timestamp, &now);
        insert(head, &self.names.signature, &format!("v1,{}", tag.to_base64()));
    }

    /// The example schedule of the specification, which lets each sender choose, and the longest timeout that it
    /// recommends. A 410 disables the endpoint. After a 429, 502 or 504, a sender should "throttle": with `Retry-After`, it
    /// waits so long. The specification does not say what it does without, so here it does nothing more.
    fn schedule(&self) -> Schedule {
        let schedule = Schedule::retrying(&RETRIES[..]).answer_timeout(Duration::from_secs(30));
        schedule.gone_disables_endpoint().heeds_retry_after()
    }
}

/// The key, from a secret in the notation of the standard.
fn key(mut secret: Secret) -> Result<Secret, ConfigError> {
    let text = std::str::from_utf8(secret.bytes()).map_err(|_| ConfigError::new(NOT_BASE64))?;
    if text.starts_with("whpk_") || text.starts_with("whsk_") {
        return Err(ConfigError::new(
            "this is a key for Ed25519 signatures, not a shared secret: use one with `whsec_`",
        ));
    }
    // Some dashboards show the version of the scheme in front.
    let text = text.strip_prefix("v1,").unwrap_or(text);
    let text = text.strip_prefix("whsec_").unwrap_or(text);
    let key = Zeroizing::new(BASE64.decode(text).map_err(|_| secret.unusable(NOT_BASE64))?);
    secret.at_least(MIN_KEY, key.len(), ["byte once decoded", "bytes once decoded"])?;
    if text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        secret.doubt_text();
    }
    secret.replaced(&key)
}

const NAME: &str = "standard_webhooks";
const MIN_KEY: usize = 24;
/// 5 seconds, 5 and 30 minutes, 2, 5, 10, 14, 20 and 24 hours.
const RETRIES: [Duration; 9] = [
    Duration::from_secs(5),
    Duration::from_secs(300),
    Duration::from_secs(1_800),
    Duration::from_secs(7_200),
    Duration::from_secs(18_000),
    Duration::from_secs(36_000),
    Duration::from_secs(50_400),
    Duration::from_secs(72_000),
    Duration::from_secs(86_400),
];
const NOT_BASE64: &str =
    "the secret is not base64 of the standard alphabet, with or without `whsec_` in front";
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);
