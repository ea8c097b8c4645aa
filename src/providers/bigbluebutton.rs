//! BigBlueButton 3.4.0 and later: webhooks of a server for online lessons.
//!
//! Published at <https://github.com/bigbluebutton/bbb-webhooks>. **Run** in the table: the sender itself was run in version 3.5.0,
//! and in 3.3.1 for the older checksum. **Source**: it was read in its code.
//!
//! | fact | value | source |
//! |---|---|---|
//! | authentication | the query parameter `checksum`, the last one: the hash of the callback URL as it was registered, the body, and the secret of the server | run |
//! | hash | SHA-1 by default; SHA-256, SHA-384 or SHA-512 by the server's configuration. It is a plain hash, not an HMAC | run |
//! | body | a form with `domain`, `event` and `timestamp`, in this order; `event` is JSON, an object in `[ ]` | run |
//! | type | `data.id` of that object, such as `meeting-created`, signed | run |
//! | delivery id | none; `timestamp` is that of the first attempt | source |
//! | statuses | 2xx **and 401** count as delivered; 400, 404, 410 and 500 are repeated | run |
//! | retries | after 1, 2, 5, 10 and 30 seconds in the code. A shipped configuration has 12, from 0.1 to 60 seconds, and repeats those of permanent hooks every 60 seconds | source |
//! | redirects | followed, 10 at most | source |
//! | waits for the answer | 5 seconds | source |
//! | replay | nothing that is signed is compared with the time: a recorded request can be sent again | run |
//! | token instead | the server's secret itself, as Bearer, if the server has `auth2_0: true`; there is no checksum then | run |
//!
//! # 404 instead of 401
//!
//! The sender takes a 401 for a delivery. With a wrong secret, every event would be lost, and nobody would see it. So a request that
//! is not authentic is answered 404: the sender repeats it, so that there is time to correct the secret. With the shipped
//! configuration it does so for 5 minutes. After the last attempt, the sender deletes the registration of a hook that is not permanent: the
//! hook is gone when the sender starts again.
//!
//! # The callback URL
//!
//! It is signed as the text that was registered, so you configure the same text. The request does not say it: the header `Host` is
//! not read. The query of the request must be that of the callback URL, followed by `checksum`. The path is not compared,
//! because a router or a proxy may have cut off a part of it. So do not read a tenant from the path.
//!
//! The sender signs the text. Then it escapes `'` and all characters that are not ASCII in the query that it requests. So register a
//! URL in which they are percent-encoded. Another one is an error here, also if they are in its path.
//!
//! The URL and the body are hashed without anything between them. So a body that does not begin with `domain=` is refused.
//! Otherwise a request to a longer callback URL could be sent to a shorter one.
//!
//! # Older versions
//!
//! In versions 3.0 to 3.3.1 the checksum is the same for every body. It proves nothing, and is refused here. Versions before 3.0
//! sign another text than the form, which is not built. For both, put a [`Token`] into the callback URL:
//! [`BigBlueButton::by_token`]. The token proves who sends, and nothing about the content.
//!
//! # Duplicates
//!
//! There is no id, so [`Delivery::id`](crate::Delivery::id) is `None`. A retry has the same body as the first attempt.
//!
//! ```
//! use tower::{Layer, ServiceExt};
//! use tower_webhook::{EventRouter, Sender, VerifyLayer, providers::bigbluebutton::BigBlueButton};
//!
//! #[derive(serde::Deserialize, serde::Serialize)]
//! struct MeetingEnded {
//!     data: Data,
//! }
//! #[derive(serde::Deserialize, serde::Serialize)]
//! struct Data {
//!     attributes: serde_json::Value,
//! }
//! tower_webhook::event!(MeetingEnded: BigBlueButton = "meeting-ended");
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), tower_webhook::BoxError> {
//! let provider = BigBlueButton::new("https://hooks.example.com/bbb?tenant=7", "the secret of the server")?.sha256();
//! let events = EventRouter::new().on(async |e: MeetingEnded| println!("{} ended", e.data.attributes));
//! let hook = VerifyLayer::new(provider.clone()).layer(events);
//! let event = MeetingEnded { data: Data { attributes: "a meeting".into() } };
//! let request = Sender::new(provider).to("/bbb".parse()?).event(&event)?;
//! assert_eq!(hook.oneshot(request).await?.status(), 200);
//! # Ok(()) }
//! ```
//!
//! To try it: register the callback URL at the server, and create a meeting.
//!
//! # Raw hooks
//!
//! A hook with `getRaw` gets the server's own messages, `{"envelope", "core"}`. They have no type here and go to the
//! [fallback](crate::EventRouter::fallback). Their name, such as `MeetingCreatedEvtMsg`, is in `envelope.name`. The `user-left` that the
//! sender makes for each user when a meeting ends has the usual shape.

use std::{borrow::Cow, fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, StatusCode, Uri, request::Parts};
use serde_json::{Map, Value, json};
use sha2::Digest;
use zeroize::Zeroizing;

use super::{form, only, with_parameter};
use crate::{
    Draft, Emit, Outgoing, Policy, Provider, Schedule, Unpacked,
    decode::{DecodeError, Envelope, Form, Members},
    error::{ConfigError, SendError},
    scheme::{Authentic, Check, Head, Keys, MAX_KEYS, Secret, Tag, Timestamp, Token, VerifyError},
};

/// The sender BigBlueButton.
#[derive(Clone, Debug)]
pub struct BigBlueButton(Proof);

#[derive(Clone, Debug)]
enum Proof {
    Checksum(Checksum),
    Token(Token),
}

#[derive(Clone)]
struct Checksum {
    callback_url: Arc<str>,
    /// The query of the callback URL, and the name of the parameter behind it.
    query: Arc<str>,
    secrets: Arc<[(Option<Arc<str>>, Secret)]>,
    hash: fn([&[u8]; 3]) -> Vec<u8>,
}

impl BigBlueButton {
    /// Accepts requests with a checksum over this callback URL and any of the keys: the secret of the server, as text. The URL is
    /// the one that was registered, with its query and without the checksum. The hash is SHA-1, as it is by default on the server.
    ///
    /// # Errors
    ///
    /// A text that is not an absolute URL of `http` or `https`, has a fragment, or has a `'` or a character that is not ASCII. An
    /// unusable [`Secret`], one of fewer than 16 bytes, or more than [`MAX_KEYS`].
    pub fn new(
        callback_url: impl Into<Arc<str>>,
        secrets: impl Into<Keys>,
    ) -> Result<Self, ConfigError> {
        let callback_url = callback_url.into();
        let is_escaped = callback_url.is_ascii() && !callback_url.contains(['#', '\'']);
        let url = callback_url.parse::<Uri>().ok().filter(|_| is_escaped);
        let url = url.filter(|url| matches!(url.scheme_str(), Some("http" | "https")));
        let url = url.ok_or_else(|| ConfigError::new(NO_URL))?;
        let query = url.query().map(|query| format!("{query}&")).unwrap_or_default();
        let secrets = secrets.into().prepare(MAX_KEYS, NAME, |secret| {
            let bytes = Zeroizing::new(secret.bytes().to_vec());
            secret.at_least(MIN_SECRET, bytes.len(), ["byte", "bytes"])?;
            Ok((bytes, secret.clone()))
        })?;
        let (query, secrets) = (format!("{query}checksum=").into(), secrets.into());
        let hash = sum::<sha1::Sha1>;
        Ok(Self(Proof::Checksum(Checksum { callback_url, query, secrets, hash })))
    }

    /// Accepts requests that have the token, of any version, and no checksum: a [`Token`] in the callback URL, or
    /// [`Token::bearer`] with the server's secret, if the server has `auth2_0: true`.
    pub fn by_token(token: Token) -> Self {
        Self(Proof::Token(token))
    }

    /// The checksum is SHA-256, and no other. Has no effect on a token.
    #[must_use]
    pub fn sha256(self) -> Self {
        self.hash(sum::<sha2::Sha256>)
    }

    /// The checksum is SHA-384, and no other. Has no effect on a token.
    #[must_use]
    pub fn sha384(self) -> Self {
        self.hash(sum::<sha2::Sha384>)
    }

    /// The checksum is SHA-512, and no other. Has no effect on a token.
    #[must_use]
    pub fn sha512(self) -> Self {
        self.hash(sum::<sha2::Sha512>)
    }

    fn hash(mut self, hash: fn([&[u8]; 3]) -> Vec<u8>) -> Self {
        if let Proof::Checksum(checksum) = &mut self.0 {
            checksum.hash = hash;
        }
        self
    }
}

impl Checksum {
    fn of(&self, body: &[u8], secret: &Secret) -> Vec<u8> {
        (self.hash)([self.callback_url.as_bytes(), body, secret.bytes()])
    }

    /// Compares the checksums of all secrets, whichever of them matches.
    fn judge(&self, given: Tag, body: &[u8]) -> Result<Authentic, VerifyError> {
        let mut found = Err(VerifyError::SignatureMismatch);
        for (name, secret) in self.secrets.iter().rev() {
            if given.matches(&self.of(body, secret)).into() {
                found = Ok(Authentic::by_key(name.as_deref()));
            }
        }
        if body.starts_with(b"domain=") { found } else { Err(VerifyError::SignatureMismatch) }
    }
}

fn sum<D: Digest>(parts: [&[u8]; 3]) -> Vec<u8> {
    parts.into_iter().fold(D::new(), D::chain_update).finalize().to_vec()
}

impl Provider for BigBlueButton {
    fn authenticate(&self, head: &Head<'_>) -> Result<Check, VerifyError> {
        let checksum = match &self.0 {
            Proof::Token(token) => return token.verify(head).map(Check::from),
            Proof::Checksum(checksum) => checksum.clone(),
        };
        let given = head.uri().query().and_then(|query| query.strip_prefix(&*checksum.query));
        let given = Tag::hex(given.ok_or(VerifyError::MissingQuery("checksum".into()))?)?;
        Ok(Check::whole(move |body| checksum.judge(given, body)))
    }

    fn envelope(&self) -> Envelope {
        Envelope::shape(|event| Members::of(event.raw("data")?)?.text("id"))
    }

    fn unpack(&self, body: Bytes) -> Result<Unpacked, DecodeError> {
        Ok(Form::parse(&body)?.take("event")?.into())
    }

    fn policy(&self) -> Policy {
        Policy::default().refusal_status(StatusCode::NOT_FOUND)
    }

    fn name(&self) -> Cow<'static, str> {
        NAME.into()
    }
}

/// Adds what the payload lacks: `data` with `type`, `id`, and `event` with the time.
impl Emit for BigBlueButton {
    fn encode(&self, events: &[Draft], outgoing: &Outgoing) -> Result<Bytes, SendError> {
        let event = only(events)?;
        let millis = Timestamp::from(outgoing.occurred_at).as_seconds().saturating_mul(1000);
        let object = serde_json::from_str::<Map<_, _>>(&event.json);
        let mut object = object.map_err(|error| SendError::Encode(error.into()))?;
        if let Value::Object(data) = object.entry("data").or_insert_with(|| json!({})) {
            data.entry("type").or_insert_with(|| "event".into());
            data.entry("id").or_insert_with(|| event.event_type.clone().into());
            data.entry("event").or_insert_with(|| json!({ "ts": millis }));
        }
        let form = Form::default().with("domain", "bbb.example.com");
        let form = form.with("event", Value::from(vec![object]).to_string());
        Ok(form.with("timestamp", millis.to_string()).to_string().into())
    }

    fn sign(&self, head: &mut Parts, body: &[u8], _: &Outgoing) {
        let checksum = match &self.0 {
            Proof::Token(token) => return token.apply(head),
            Proof::Checksum(checksum) => checksum,
        };
        let Some((_, secret)) = checksum.secrets.first() else { return };
        let sum = base16ct::lower::encode_string(&checksum.of(body, secret));
        let name = if head.uri.query().is_some() { "checksum=" } else { &checksum.query };
        head.uri = with_parameter(&head.uri, &format!("{name}{sum}"));
    }

    /// That of the code. Not to be expressed here: the sender ends a delivery after a 401, and not after a 410.
    fn schedule(&self) -> Schedule {
        let retries = [1, 2, 5, 10, 30].map(Duration::from_secs).to_vec();
        Schedule::retrying(retries).answer_timeout(Duration::from_secs(5)).follows_redirects()
    }

    fn content_type(&self) -> HeaderValue {
        form()
    }
}

impl fmt::Debug for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checksum").finish_non_exhaustive()
    }
}

const NAME: &str = "bigbluebutton";
const MIN_SECRET: usize = 16;
const NO_URL: &str = "the callback URL is not an absolute URL of `http` or `https`, has a fragment, or is not escaped";
