//! Twilio: webhooks of messages, calls and other products, as forms or as JSON.
//!
//! Documented at <https://github.com/twilio/twilio-node>, in `examples/WebhookSignatureValidation.md`. **Run** in the table:
//! Twilio's own libraries, `twilio` for Node and for Python, sign and judge so.
//!
//! | fact | value | source |
//! |---|---|---|
//! | authentication | `X-Twilio-Signature`: base64 of HMAC-SHA1; the key is the text of the auth token | run |
//! | signed, form | the URL as it was requested, and then the name and the value of each field, decoded, sorted by name and value, equal pairs once | run |
//! | signed, JSON | the URL alone. Its query has `bodySHA256`, the hash of the body in hex | run |
//! | SharedKey | HMAC-SHA256 with another secret. The request then has `X-Twilio-Webhooks-Signature-Settings: key=…,algorithm=HMAC_SHA256` | run, documented |
//! | port | Twilio signs the URL with its port or without it: both are tried | run |
//! | type | unknown: see below | |
//! | delivery id | unknown: [`Delivery::id`](crate::Delivery::id) is `None` | |
//! | retries, waits for the answer | unknown | |
//! | replay | nothing that is signed has a time: a recorded request can be sent again | run |
//!
//! # The URL
//!
//! The URL is signed, so you configure it as an [`Origin`]: the scheme, the host and the port under which Twilio reaches you. The
//! header `Host` is not read, because the client writes it. The path and the query come from the request.
//!
//! # What is not signed
//!
//! The names and values of a form run together: `From=1` and `Fro=m1` have the same signature. Whoever has recorded a request can
//! cut it into other fields, but cannot change the characters. A body that begins like JSON is never taken for a form, and JSON
//! without `bodySHA256` is refused: both libraries of the vendor accept it, although nothing proves it.
//!
//! The header with the settings is not signed. So it chooses nothing: [`Twilio::new`] refuses a request that has it, and
//! [`Twilio::shared_key`] one that does not name HMAC-SHA256. A SharedKey with HMAC-SHA1 is not supported.
//!
//! # Types
//!
//! No name of a type is known that all requests have. A form becomes a JSON object of texts, in which a repeated field is a list of
//! texts. By default it has no type, and goes to the [fallback](crate::EventRouter::fallback). If your requests have a field with
//! the type, such as the status of a message, then name it with [`Twilio::type_field`]. If the endpoint gets one kind of request,
//! then name that with [`Twilio::always`].
//!
//! If the answer needs a body, then put an ordinary handler behind the layer: see
//! [deployment](crate::_docs::deployment#an-answer-of-ones-own).
//!
//! ```
//! use tower::{Layer, ServiceExt};
//! use tower_webhook::{EventRouter, Sender, VerifyLayer, providers::twilio::Twilio, scheme::Origin};
//!
//! #[derive(serde::Deserialize, serde::Serialize)]
//! #[serde(rename_all = "PascalCase")]
//! struct Message {
//!     from: String,
//!     body: String,
//! }
//! tower_webhook::event!(Message: Twilio = "message");
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), tower_webhook::BoxError> {
//! let origin = Origin::new("https://hooks.example.com")?;
//! let provider = Twilio::new("the auth token of the account", origin)?.always("message");
//! let events = EventRouter::new().on(async |e: Message| println!("{}: {}", e.from, e.body));
//! let hook = VerifyLayer::new(provider.clone()).layer(events);
//! let message = Message { from: "+15550000001".into(), body: "1 + 1 = 2".into() };
//! let request = Sender::new(provider).to("/sms".parse()?).event(&message)?;
//! assert_eq!(hook.oneshot(request).await?.status(), 200);
//! # Ok(()) }
//! ```
//!
//! To try it: set the URL as the webhook of a phone number in the console, and send that number a message.
//!
//! # Open questions
//!
//! The names of the fields, types and ids of each product. Retries. The time that Twilio waits for the answer.

use std::{borrow::Cow, collections::BTreeSet};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, request::Parts};
use sha2::{Digest, Sha256};

use super::{fields, form, insert, json, object, only, with_parameter};
use crate::{
    Draft, Emit, Outgoing, Provider, Unpacked,
    decode::{DecodeError, Envelope, Form},
    error::{ConfigError, SendError},
    scheme::{
        Authentic, Check, Head, HmacSha1Legacy, HmacSha256, Keys, Origin, Pairs, Tag, VerifyError,
    },
};

/// The sender Twilio.
#[derive(Clone, Debug)]
pub struct Twilio {
    keys: Signing,
    origin: Origin,
    envelope: Envelope,
    type_field: Option<Cow<'static, str>>,
    sends_json: bool,
}

/// Each kind of secret has one algorithm.
#[derive(Clone, Debug)]
enum Signing {
    AuthToken(HmacSha1Legacy),
    SharedKey(HmacSha256),
}

impl Twilio {
    /// Accepts requests to this origin that are signed with any of the keys: the auth token of the account. There are two while
    /// it is changed.
    ///
    /// # Errors
    ///
    /// Those of [`HmacSha1Legacy::new`].
    pub fn new(auth_tokens: impl Into<Keys>, origin: Origin) -> Result<Self, ConfigError> {
        let (keys, envelope) =
            (Signing::AuthToken(HmacSha1Legacy::new(auth_tokens)?), Envelope::by_head());
        Ok(Self { keys, origin, envelope, type_field: None, sends_json: false })
    }

    /// As [`Twilio::new`], for an account whose requests are signed with the secret of a SharedKey and HMAC-SHA256. A request that
    /// is signed with the auth token is refused.
    ///
    /// # Errors
    ///
    /// Those of [`HmacSha256::new`].
    pub fn shared_key(keys: impl Into<Keys>, origin: Origin) -> Result<Self, ConfigError> {
        let keys = keys.into();
        let shared = Signing::SharedKey(HmacSha256::new(keys.clone())?);
        Ok(Self { keys: shared, ..Self::new(keys, origin)? })
    }

    /// The name of the field, or of the member of the JSON, that has the type of the event. By default the type is unknown.
    #[must_use]
    pub fn type_field(self, name: impl Into<Cow<'static, str>>) -> Self {
        let name = name.into();
        Self { envelope: Envelope::flat(name.clone()), type_field: Some(name), ..self }
    }

    /// The type of every request, for an endpoint that gets one kind of event. By default the type is unknown.
    #[must_use]
    pub fn always(self, event_type: impl Into<Cow<'static, str>>) -> Self {
        Self { envelope: Envelope::named(event_type), type_field: None, ..self }
    }

    /// As a [`Sender`](crate::Sender), writes JSON instead of forms. A receiver takes both.
    #[must_use]
    pub fn json(self) -> Self {
        Self { sends_json: true, ..self }
    }
}

impl Signing {
    /// Refuses a request whose settings are those of another kind of secret. They are not signed, so they choose nothing.
    fn fits(&self, head: &Head<'_>) -> Result<(), VerifyError> {
        let fits = match self {
            Self::AuthToken(_) => !head.has(&SETTINGS),
            Self::SharedKey(_) => {
                Pairs::parse(head.public_header(&SETTINGS)?)?.one("algorithm")? == "HMAC_SHA256"
            }
        };
        if fits { Ok(()) } else { Err(VerifyError::UnsupportedSignature) }
    }

    fn verify(&self, tag: Tag, parts: [&str; 2]) -> Result<Authentic, VerifyError> {
        match self {
            Self::AuthToken(keys) => keys.verify(tag, parts),
            Self::SharedKey(keys) => keys.verify(tag, parts),
        }
    }
}

impl Provider for Twilio {
    fn authenticate(&self, head: &Head<'_>) -> Result<Check, VerifyError> {
        let tag = Tag::base64(head.header(&SIGNATURE)?)?;
        self.keys.fits(head)?;
        let hash = match head.query("bodySHA256") {
            Err(VerifyError::MissingQuery(_)) => None,
            hash => Some(Tag::hex(hash?)?),
        };
        let (keys, urls) = (self.keys.clone(), self.origin.urls(head));
        Ok(Check::whole(move |body| {
            let fields = signed_fields(hash, body)?;
            let [one, other] = urls.map(|url| keys.verify(tag, [&*url, &*fields]));
            one.or(other)
        }))
    }

    fn envelope(&self) -> Envelope {
        self.envelope.clone()
    }

    fn unpack(&self, body: Bytes) -> Result<Unpacked, DecodeError> {
        if is_json(&body) { Ok(body.into()) } else { Ok(object(&Form::parse(&body)?).into()) }
    }

    fn name(&self) -> Cow<'static, str> {
        "twilio".into()
    }
}

/// The part of the body that is signed, behind the URL. A body is a form or JSON, and never both: otherwise its fields could be
/// signed, and its JSON handled.
fn signed_fields(hash: Option<Tag>, body: &[u8]) -> Result<String, VerifyError> {
    if let Some(hash) = hash {
        let proven = is_json(body) && hash.matches(&Sha256::digest(body)).into();
        return if proven { Ok(String::new()) } else { Err(VerifyError::SignatureMismatch) };
    }
    if is_json(body) {
        return Err(VerifyError::Other("nothing signs the JSON".into()));
    }
    let form = Form::parse(body).map_err(|_| VerifyError::SignatureMismatch)?;
    let pairs: BTreeSet<_> = form.pairs().collect();
    Ok(pairs.into_iter().flat_map(|(name, value)| [name, value]).collect())
}

fn is_json(body: &[u8]) -> bool {
    matches!(body.first(), Some(b'{' | b'['))
}

/// A value that is not a text is written into a form as its JSON.
impl Emit for Twilio {
    fn encode(&self, events: &[Draft], _: &Outgoing) -> Result<Bytes, SendError> {
        let event = only(events)?;
        let flat = self.type_field.as_ref().map(|name| event.flat(name));
        let json = flat.unwrap_or_else(|| Ok(event.json.clone()))?;
        if self.sends_json {
            return Ok(json.into());
        }
        Ok(fields(&json)?.to_string().into())
    }

    fn announce(&self, head: &mut Parts, _: &[Draft], _: &Outgoing) {
        if let Signing::SharedKey(_) = self.keys {
            insert(head, &SETTINGS, "key=key,algorithm=HMAC_SHA256");
        }
    }

    fn sign(&self, head: &mut Parts, body: &[u8], outgoing: &Outgoing) {
        if is_json(body) {
            let hash = base16ct::lower::encode_string(&Sha256::digest(body));
            head.uri = with_parameter(&head.uri, &format!("bodySHA256={hash}"));
        }
        // None of JSON.
        let fields = signed_fields(None, body).unwrap_or_default();
        let signed = [self.origin.url(&Head::new(head, outgoing.now)), fields];
        let tag = match &self.keys {
            Signing::AuthToken(keys) => keys.sign(signed),
            Signing::SharedKey(keys) => keys.sign(signed),
        };
        insert(head, &SIGNATURE, &tag.to_base64());
    }

    fn content_type(&self) -> HeaderValue {
        if self.sends_json { json() } else { form() }
    }
}

static SIGNATURE: HeaderName = HeaderName::from_static("x-twilio-signature");
static SETTINGS: HeaderName = HeaderName::from_static("x-twilio-webhooks-signature-settings");
