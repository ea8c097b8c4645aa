//! LiveKit: webhooks of a LiveKit server, or of LiveKit Cloud.
//!
//! Documented at <https://docs.livekit.io/server/webhooks>. **Run** in the table: LiveKit's own libraries, `livekit-server-sdk` and
//! `livekit-api`, sign and judge so. **Source**: it was read in the server's code, `livekit/protocol`.
//!
//! | fact | value | source |
//! |---|---|---|
//! | authentication | `Authorization`: a JSON Web Token without `Bearer` in front; HS256; the key is the text of the API secret | run, source |
//! | claims | `iss` is the API key, `sha256` is padded base64 of the SHA-256 of the body, `nbf` is the time of signing, `exp` is 5 minutes later | run, source |
//! | required | `iss`, `exp` and `sha256` | run |
//! | body | JSON, `application/webhook+json` | run, source |
//! | type | `event` in the body, such as `room_started`, signed | run, documented |
//! | delivery id | `id` in the body, signed | source |
//! | retries | with the same token. How often and when is unknown | source |
//! | answer | the status is not looked at after the last retry. A delivery that has waited for more than 30 seconds, or behind 200 others, is dropped: a slow receiver loses events | source |
//! | waits for the answer | unknown | |
//! | replay | until the token expires | run |
//!
//! # The token
//!
//! The API key in `iss` chooses the secret, and the signature is then verified with that secret alone. Any other algorithm than
//! HS256 is refused, although one of the two libraries takes more. So is a token without `sha256`: a participant's token for a room
//! is signed with the same secret, and would prove any body. The token is a header, so it is not longer than
//! [`max_header_bytes`](crate::VerifyLayer::max_header_bytes).
//!
//! The clocks may differ by [`LiveKit::LEEWAY`], 10 seconds. The libraries allow 10 and 60 seconds. This crate takes the smaller
//! value, because the larger one would leave more time to send a recorded request again.
//!
//! # Duplicates and types
//!
//! The id is signed. An [`Inbox`](crate::inbox::Inbox) behind the layer takes a delivery once per id. Without an inbox, take
//! `Option<`[`EventKey`](crate::router::EventKey)`>` as an argument, and skip an event whose key you have stored.
//! [`Delivery::id`](crate::Delivery::id) is for logs.
//!
//! The type is signed, too. A retry has the token of the first attempt. If it arrives more than 5 minutes and 10 seconds after
//! that, then the token has expired and the retry is refused.
//!
//! ```
//! use tower::{Layer, ServiceExt};
//! use tower_webhook::{EventRouter, Sender, VerifyLayer, providers::livekit::LiveKit};
//!
//! #[derive(serde::Deserialize, serde::Serialize)]
//! struct RoomStarted {
//!     room: Room,
//! }
//! #[derive(serde::Deserialize, serde::Serialize)]
//! struct Room {
//!     name: String,
//! }
//! tower_webhook::event!(RoomStarted: LiveKit = "room_started");
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), tower_webhook::BoxError> {
//! let provider = LiveKit::new("APIxyzabcdefghi", "the API secret of that API key")?;
//! let events = EventRouter::new().on(async |e: RoomStarted| println!("{} has started", e.room.name));
//! let hook = VerifyLayer::new(provider.clone()).layer(events);
//! let request = Sender::new(provider).event(&RoomStarted { room: Room { name: "lesson".into() } })?;
//! assert_eq!(hook.oneshot(request).await?.status(), 200);
//! # Ok(()) }
//! ```
//!
//! To try it: set the URL as a webhook in the server's configuration or in the project's settings, and join a room. LiveKit Cloud has
//! "Send a test event" among the actions of a webhook. It is unknown how that event is signed.

use std::{borrow::Cow, sync::Arc, time::Duration};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use bytes::Bytes;
use http::{HeaderValue, header::AUTHORIZATION, request::Parts};
use sha2::{Digest, Sha256};

use super::{id_in, only};
use crate::{
    Draft, Emit, Outgoing, Provider,
    decode::{Envelope, Members},
    error::{ConfigError, SendError},
    scheme::{Authentic, Check, Head, HmacSha256, Keys, Tag, Timestamp, VerifyError},
    sender::quoted,
};

/// The sender LiveKit.
#[derive(Clone, Debug)]
pub struct LiveKit {
    /// Each with its API key. There is at least one.
    projects: Vec<(Arc<str>, HmacSha256)>,
    leeway: Duration,
}

impl LiveKit {
    /// The default of [`LiveKit::leeway`]: 10 seconds.
    pub const LEEWAY: Duration = Duration::from_secs(10);

    /// Accepts requests of this API key, signed with its API secret. There are several secrets while the secret is changed. The
    /// API key is in [`Delivery::key_id`](crate::Delivery::key_id).
    ///
    /// # Errors
    ///
    /// An empty API key, and those of [`HmacSha256::new`].
    pub fn new(
        api_key: impl Into<Arc<str>>,
        secrets: impl Into<Keys>,
    ) -> Result<Self, ConfigError> {
        Self { projects: Vec::new(), leeway: Self::LEEWAY }.or(api_key, secrets)
    }

    /// Also accepts requests of another API key, with its own secrets. A [`Sender`](crate::Sender) uses the first API key.
    ///
    /// # Errors
    ///
    /// As [`LiveKit::new`], and if the API key was given before.
    pub fn or(
        mut self,
        api_key: impl Into<Arc<str>>,
        secrets: impl Into<Keys>,
    ) -> Result<Self, ConfigError> {
        let api_key = api_key.into();
        if api_key.is_empty() {
            return Err(ConfigError::new("the API key is empty"));
        }
        if self.projects.iter().any(|(known, _)| *known == api_key) {
            let why =
                "the API key is given twice: give all of its secrets at once, with `Keys::or`";
            return Err(ConfigError::new(why));
        }
        let secrets = HmacSha256::new(Keys::named(api_key.clone(), secrets))?;
        self.projects.push((api_key, secrets));
        Ok(self)
    }

    /// How long after `exp` and before `nbf` a token is still accepted. By default [`LiveKit::LEEWAY`], 10 seconds.
    #[must_use]
    pub fn leeway(self, leeway: Duration) -> Self {
        Self { leeway, ..self }
    }

    /// The proof of the token, and its claims.
    fn claims(&self, token: &str) -> Result<(Authentic, String), VerifyError> {
        let (signed, tag) = token.rsplit_once('.').ok_or(VerifyError::MalformedSignature)?;
        let (header, claims) = signed.split_once('.').ok_or(VerifyError::MalformedSignature)?;
        // The algorithm is the receiver's choice, never the token's.
        if !is_hs256(&text(header)?) {
            return Err(VerifyError::UnsupportedSignature);
        }
        let claims = text(claims)?;
        let secrets = self.secrets(&claims).ok_or(VerifyError::UnsupportedSignature)?;
        Ok((secrets.verify(Tag::base64url(tag)?, [signed])?, claims))
    }

    /// The secrets of the API key that the claims name. Nothing has proven the claims yet.
    fn secrets(&self, claims: &str) -> Option<&HmacSha256> {
        let issuer = Members::of(claims)?.text("iss")?;
        let (_, secrets) = self.projects.iter().find(|(api_key, _)| **api_key == *issuer)?;
        Some(secrets)
    }
}

impl Provider for LiveKit {
    fn authenticate(&self, head: &Head<'_>) -> Result<Check, VerifyError> {
        let (proof, claims) = self.claims(head.header(&AUTHORIZATION)?)?;
        let claims = Members::of(&claims).ok_or(VerifyError::MalformedSignature)?;
        in_time(&claims, self.leeway, Timestamp::from(head.now()).as_seconds())?;
        let hash = claims.text("sha256").ok_or_else(|| VerifyError::Other(NO_HASH.into()))?;
        let hash = Tag::base64(&hash)?;
        Ok(Check::whole(move |body| {
            if !bool::from(hash.matches(&Sha256::digest(body))) {
                return Err(VerifyError::SignatureMismatch);
            }
            Ok(match id_in(body, "id") {
                Some(id) => proof.id(&id),
                None => proof,
            })
        }))
    }

    fn envelope(&self) -> Envelope {
        Envelope::flat("event")
    }

    fn name(&self) -> Cow<'static, str> {
        "livekit".into()
    }
}

/// A part of the token, decoded.
fn text(part: &str) -> Result<String, VerifyError> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| VerifyError::MalformedSignature)?;
    String::from_utf8(bytes).map_err(|_| VerifyError::MalformedSignature)
}

/// Whether the header of a token names the one algorithm of this sender, and no extension that must be understood.
fn is_hs256(header: &str) -> bool {
    Members::of(header)
        .is_some_and(|header| header.text("alg").as_deref() == Some("HS256") && !header.has("crit"))
}

/// Whether the token is valid at `now`, in seconds. Without `nbf` it is valid from the beginning, without `exp` it never is.
fn in_time(claims: &Members<'_>, leeway: Duration, now: u64) -> Result<(), VerifyError> {
    let seconds = |name| {
        let number = claims.raw(name).ok_or(VerifyError::MalformedTimestamp)?;
        Timestamp::seconds(number).map(Timestamp::as_seconds)
    };
    let (expires, leeway) = (seconds("exp")?, leeway.as_secs());
    if now >= expires.saturating_add(leeway) {
        return Err(VerifyError::TimestampTooOld { skew: now.saturating_sub(expires) });
    }
    let begins = if claims.has("nbf") { seconds("nbf")? } else { now };
    if begins > now.saturating_add(leeway) {
        return Err(VerifyError::TimestampInFuture { skew: begins.saturating_sub(now) });
    }
    Ok(())
}

/// A payload may have its own `id` and `createdAt`. Otherwise they are added.
impl Emit for LiveKit {
    fn encode(&self, events: &[Draft], outgoing: &Outgoing) -> Result<Bytes, SendError> {
        let event = only(events)?.flat("event")?;
        let members = Members::of(&event).unwrap_or_default();
        let time = Timestamp::from(outgoing.occurred_at).as_seconds().to_string();
        let mut body = String::from("{");
        for (name, value) in [("id", &outgoing.id), ("createdAt", &time)] {
            if !members.has(name) {
                body += &format!("{}:{},", quoted(name), quoted(value));
            }
        }
        Ok((body + event.get(1..).unwrap_or_default()).into())
    }

    fn sign(&self, head: &mut Parts, body: &[u8], outgoing: &Outgoing) {
        let Some((api_key, secrets)) = self.projects.first() else { return };
        let now = Timestamp::from(outgoing.now).as_seconds();
        let (hash, issuer) = (STANDARD.encode(Sha256::digest(body)), quoted(api_key));
        let expires = now.saturating_add(LIFETIME);
        let claims = format!(r#"{{"sha256":"{hash}","iss":{issuer},"exp":{expires},"nbf":{now}}}"#);
        let signed =
            [r#"{"alg":"HS256"}"#, &claims].map(|part| URL_SAFE_NO_PAD.encode(part)).join(".");
        let token = format!("{signed}.{}", secrets.sign([&signed]).to_base64url());
        if let Ok(mut value) = HeaderValue::try_from(token) {
            value.set_sensitive(true);
            head.headers.insert(AUTHORIZATION, value);
        }
    }

    fn content_type(&self) -> HeaderValue {
        HeaderValue::from_static("application/webhook+json")
    }
}

const NO_HASH: &str = "the token has no hash of the body: it may be the token of a participant";
/// The lifetime of a token, in seconds.
const LIFETIME: u64 = 300;
