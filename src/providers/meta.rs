//! Meta: webhooks of apps, also those of WhatsApp.
//!
//! Documented at <https://developers.facebook.com/docs/graph-api/webhooks/getting-started>. **Run** in the table: Meta's own
//! library, `whatsapp`, computes the signature and answers the handshake so.
//!
//! | fact | value | source |
//! |---|---|---|
//! | authentication | `X-Hub-Signature-256`: `sha256=` and lower-case hex; HMAC-SHA256 over the body; the key is the text of the app secret | run, documented |
//! | body | `{"object", "entry": [{"id", "time", "changes": [{"field", "value"}]}]}` | documented |
//! | type | `field` of a change, such as `messages`; signed | documented |
//! | Pages | `entry[].messaging[]` instead of `changes` | unknown |
//! | delivery id | has no id; an id within `value`, such as that of a message, is signed | documented |
//! | handshake | `GET ?hub.mode=subscribe&hub.verify_token=…&hub.challenge=…`; 200 with the challenge, an integer | run, documented |
//! | retries | the whole request again; for some 36 hours | unknown: others say so |
//! | size | up to 1000 events in one request | unknown: others say so |
//! | replay | nothing that is signed has a time: a recorded request can be sent again | run |
//!
//! # Events
//!
//! Each change of each entry is an event. Its payload is its `value`. A handler does not see the `object`, and neither the `id`
//! nor the `time` of the entry: WhatsApp repeats what you need in the `value`.
//!
//! An entry without `changes` is one unknown event, with the entry as its [raw JSON](crate::RawEvent): so are the `messaging`
//! entries of Pages. Their form is not taken from a source, so decode them in the
//! [fallback](crate::EventRouter::fallback). An authentic body without a list `entry` is answered 400.
//!
//! # Duplicates
//!
//! Everything in the body is signed, and the body has no id of the delivery. If one event fails, then the whole request is
//! repeated. So recognise a duplicate by an id in the `value`.
//!
//! # Two secrets
//!
//! The verify token is a text that you choose, and type into the app's dashboard. Do not use the app secret: each
//! handshake has the verify token in its URL, and servers write URLs into their logs. The verify token proves no event.
//!
//! ```
//! use tower::{Layer, ServiceExt};
//! use tower_webhook::{EventRouter, Payload, Sender, VerifyLayer, providers::meta::Meta};
//!
//! #[derive(serde::Deserialize, serde::Serialize)]
//! struct Messages {
//!     messages: Vec<Message>,
//! }
//! #[derive(serde::Deserialize, serde::Serialize)]
//! struct Message {
//!     id: String,
//! }
//! impl Payload for Messages {
//!     type Provider = Meta;
//! }
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), tower_webhook::BoxError> {
//! let provider = Meta::new("the secret of the app", "a-verify-token-of-32-characters-")?;
//! let events = EventRouter::new().on_type("messages", async |e: Messages| println!("{} messages", e.messages.len()));
//! let hook = VerifyLayer::new(provider.clone()).layer(events);
//! let event = Messages { messages: vec![Message { id: "wamid.1".into() }] };
//! let request = Sender::new(provider).event_as("messages", &event)?;
//! assert_eq!(hook.oneshot(request).await?.status(), 200);
//! # Ok(()) }
//! ```
//!
//! To try it: the dashboard of the app verifies the callback URL when you save it. That is the handshake, which is not signed
//! and proves no event.
//!
//! Open: the form of `messaging`, the pauses between attempts, the time that Meta waits for an answer, and whether the tests
//! that the dashboard can send are signed.

use std::borrow::Cow;

use bytes::Bytes;
use http::{HeaderName, Method, Response, request::Parts};

use super::{insert, plain_text};
use crate::{
    Draft, Emit, Outgoing, Provider,
    decode::Envelope,
    error::{ConfigError, SendError},
    scheme::{Check, Head, HmacSha256, Keys, Tag, Timestamp, Token, VerifyError, after_prefix},
};

/// The sender Meta.
#[derive(Clone, Debug)]
pub struct Meta {
    keys: HmacSha256,
    verify_token: Token,
}

impl Meta {
    /// Accepts requests that are signed with any of the keys: the app secret, as text. Answers a handshake that has one of the
    /// verify tokens, each of 32 to 128 of the characters `A-Z a-z 0-9 - _`.
    ///
    /// # Errors
    ///
    /// For the keys those of [`HmacSha256::new`]: an unusable secret, one of fewer than 16 bytes, or more than
    /// [`MAX_KEYS`](crate::scheme::MAX_KEYS). For the verify tokens those of [`Token::query`].
    /// [`Secret::dangerous_short`](crate::scheme::Secret::dangerous_short) allows shorter ones of both.
    pub fn new(keys: impl Into<Keys>, verify_tokens: impl Into<Keys>) -> Result<Self, ConfigError> {
        let verify_token = Token::query("hub.verify_token", verify_tokens)?;
        Ok(Self { keys: HmacSha256::new(keys)?, verify_token })
    }
}

impl Provider for Meta {
    fn authenticate(&self, head: &Head<'_>) -> Result<Check, VerifyError> {
        let tag = Tag::hex(after_prefix(head.header(&SIGNATURE)?, "sha256=")?)?;
        Ok(self.keys.check(tag))
    }

    fn envelope(&self) -> Envelope {
        Envelope::adjacent("field", "value").within("changes").within("entry")
    }

    /// Repeats digits only, and at most 32 of them, so the answer can neither be markup nor anything else of use.
    fn handshake(&self, head: &Head<'_>) -> Option<Response<Bytes>> {
        if head.method() != Method::GET || head.query("hub.mode") != Ok("subscribe") {
            return None;
        }
        drop(self.verify_token.verify(head).ok()?);
        let challenge = head.query("hub.challenge").ok()?;
        let is_number = challenge.bytes().all(|byte| byte.is_ascii_digit());
        (is_number && (1..=MAX_CHALLENGE).contains(&challenge.len()))
            .then(|| plain_text(challenge.to_owned()))
    }

    fn name(&self) -> Cow<'static, str> {
        "meta".into()
    }
}

/// Writes all events into one entry of a Page, whose id is `1`.
impl Emit for Meta {
    fn encode(&self, events: &[Draft], outgoing: &Outgoing) -> Result<Bytes, SendError> {
        let time = Timestamp::from(outgoing.occurred_at).as_seconds();
        let changes: Vec<_> = events.iter().map(|event| event.adjacent("field", "value")).collect();
        let changes = changes.join(",");
        Ok(format!(
            r#"{{"object":"page","entry":[{{"id":"1","time":{time},"changes":[{changes}]}}]}}"#
        )
        .into())
    }

    fn sign(&self, head: &mut Parts, body: &[u8], _: &Outgoing) {
        insert(head, &SIGNATURE, &format!("sha256={}", self.keys.sign([body]).to_hex()));
    }
}

static SIGNATURE: HeaderName = HeaderName::from_static("x-hub-signature-256");
/// Meta documents an integer. This is the longest that is repeated, in digits.
const MAX_CHALLENGE: usize = 32;
