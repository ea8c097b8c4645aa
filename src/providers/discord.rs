//! Discord: interactions that are sent to an endpoint. Feature `public-keys`.
//!
//! **Run** in the table: Discord's libraries for node and Python (`discord-interactions`) judge so.
//!
//! | fact | value | source |
//! |---|---|---|
//! | authentication | `X-Signature-Ed25519`: hex; Ed25519 over time and body with nothing between them | run |
//! | key | hex of 32 bytes, from the application's settings; nobody but Discord has the private one | run |
//! | replay | `X-Signature-Timestamp`, seconds; signed. Discord's libraries do not look at it: see [`Discord::max_age`] | run |
//! | body | an object whose `type` is a number; the type of the event is its text, such as `2` | run |
//! | ping | type 1, signed; answered `{"type":1}`, and reaches no handler | run |
//! | delivery id, retries | undocumented here: [`Delivery::id`](crate::Delivery::id) is `None` | unknown |
//!
//! A request that is not authentic is answered 401: Discord probes an endpoint with such (second hand).
//!
//! An interaction is answered in the body of the answer. An [`EventRouter`](crate::EventRouter) gives none, so put a handler of your
//! own behind the layer: see [`verify`](crate::verify).
//!
//! ```
//! use tower::Layer;
//! use tower_webhook::{VerifyLayer, providers::discord::Discord};
//!
//! # fn app(public_key: &str) -> Result<axum::Router, tower_webhook::error::ConfigError> {
//! async fn interaction(body: axum::body::Bytes) -> &'static str {
//!     r#"{"type": 4, "data": {"content": "hello"}}"#
//! }
//! let hook = VerifyLayer::new(Discord::new(public_key)?);
//! Ok(axum::Router::new().route("/discord", axum::routing::post(interaction).layer(hook)))
//! # }
//! ```

use std::{borrow::Cow, time::Duration};

use bytes::Bytes;
use http::{HeaderName, Response, header};

use super::json;
use crate::{
    Provider,
    decode::{Envelope, Members},
    error::ConfigError,
    scheme::{Authentic, Check, Ed25519, Head, PublicKeys, Tag, Timestamp, VerifyError},
};

/// The sender Discord. It only receives: nobody but Discord has the key to send.
#[derive(Clone, Debug)]
pub struct Discord {
    keys: Ed25519,
    max_age: Duration,
}

impl Discord {
    /// The default of [`Discord::max_age`]: five minutes.
    pub const MAX_AGE: Duration = Duration::from_secs(5 * 60);

    /// Accepts requests that are signed with any of these keys: the "Public Key" of the application, 64 hexadecimal digits.
    ///
    /// # Errors
    ///
    /// A text that is no such key, or more than [`MAX_PUBLIC_KEYS`](crate::scheme::MAX_PUBLIC_KEYS).
    pub fn new(keys: impl Into<PublicKeys>) -> Result<Self, ConfigError> {
        let why = "this is no public key of Discord: it has 64 hexadecimal digits";
        let keys = keys.into().decoded(why, |text| base16ct::mixed::decode_vec(text).ok())?;
        Ok(Self { keys: Ed25519::new(keys)?, max_age: Self::MAX_AGE })
    }

    /// The largest age of a request, by its signed time. By default [`Discord::MAX_AGE`], five minutes: no document sets one, and
    /// an interaction must be answered at once. A time more than five minutes ahead is always refused.
    #[must_use]
    pub fn max_age(self, age: Duration) -> Self {
        Self { max_age: age, ..self }
    }
}

impl Provider for Discord {
    fn authenticate(&self, head: &Head<'_>) -> Result<Check, VerifyError> {
        let signature = Tag::hex(head.header(&SIGNATURE)?)?;
        let time = head.public_header(&TIMESTAMP)?;
        // Nothing is between the time and the body: see SendGrid.
        Timestamp::seconds(time)?.between(self.max_age, Self::MAX_AGE, head.now())?;
        self.keys.check([signature.as_bytes().to_vec()], time)
    }

    fn envelope(&self) -> Envelope {
        Envelope::shape(|members| {
            let number = || members.raw("type").filter(|raw| is_number(raw)).map(Cow::Borrowed);
            members.text("type").or_else(number)
        })
    }

    fn answer(&self, _: &Authentic, body: &[u8]) -> Option<Response<Bytes>> {
        let members = Members::of(str::from_utf8(body).ok()?)?;
        members.raw("type").filter(|raw| *raw == "1")?;
        let pong = Response::builder().header(header::CONTENT_TYPE, json());
        pong.body(Bytes::from_static(br#"{"type":1}"#)).ok()
    }

    fn name(&self) -> Cow<'static, str> {
        "discord".into()
    }
}

fn is_number(raw: &str) -> bool {
    raw.bytes().all(|byte| byte.is_ascii_digit())
}

static SIGNATURE: HeaderName = HeaderName::from_static("x-signature-ed25519");
static TIMESTAMP: HeaderName = HeaderName::from_static("x-signature-timestamp");
