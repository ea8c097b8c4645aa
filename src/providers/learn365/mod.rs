//! Learn365 (LMS365), a learning platform on ASP.NET WebHooks.
//!
//! The vendor documents registration, seven events and their origin at
//! <https://helpcenter.zensai.com/hc/en-us/articles/115000764449-Learn365-webhooks>, and four more events and all
//! fields in its connector, <https://learn.microsoft.com/connectors/lms365>. The rest was read in the published source
//! of ASP.NET WebHooks, and recorded from it.
//!
//! | fact | value |
//! |---|---|
//! | authentication | `ms-signature: sha256=<64 hex digits>`: HMAC-SHA256 over the body; the key is the secret as typed |
//! | replay | no timestamp is signed, so a recorded request stays valid |
//! | delivery id | `Id`: the same on every attempt. `Attempt` counts from 1, so body and signature differ |
//! | body | `application/json`; `{"Id", "Attempt", "Properties", "Notifications": [{"Action", …}]}` |
//! | retries | after 1 and after 4 further minutes, unless the answer was 2xx or 410. After the third attempt, the delivery is lost |
//! | handshake | `GET ?echo=<token>` at registration, unsigned. It replaces the whole query of the URL |
//!
//! The order of deliveries is not guaranteed.
//!
//! ```
//! use tower::Layer;
//! use tower_webhook::{Delivery, EventRouter, VerifyLayer};
//! use tower_webhook::providers::learn365::{CourseCompleted, Learn365};
//!
//! # fn app(secret: &str) -> Result<axum::Router, tower_webhook::error::ConfigError> {
//! let events = EventRouter::new().on(async |e: CourseCompleted, delivery: Delivery| {
//!     println!("{:?}: {:?} completed, attempt {:?}", delivery.id(), e.course, delivery.sender_attempt());
//! });
//! let hook = VerifyLayer::new(Learn365::new(secret)?).layer(events);
//! Ok(axum::Router::new().route_service("/webhooks/learn365", hook))
//! # }
//! ```
//!
//! # Duplicates
//!
//! The id is signed. An [`Inbox`](crate::inbox::Inbox) behind the layer takes a delivery once per id. Without an inbox, take
//! `Option<`[`EventKey`](crate::router::EventKey)`>` as an argument, and skip an event whose key you have stored.
//! [`Delivery::id`](crate::Delivery::id) is for logs.
//!
//! # Registering
//!
//! The endpoint is registered with the sender by its registration API. Feature `client-tls` has a client of that API,
//! `RegistrationClient`. Feature `emulator` has an `emulator` of the sender. All steps are described in `_docs::learn365`.
//!
//! # Spelling
//!
//! A setting of the sender's host renames the four keys of the envelope and `Action` to camelCase. Both spellings are
//! read. If both are in one object, then the exact spelling is used.
//!
//! # Open questions
//!
//! The exact `Action` texts and header in a capture of Learn365 itself. The meaning of the values of `EnrollmentStatus`.
//! Whether one event can have several users. Whether the retry schedule is that of ASP.NET WebHooks.

#[cfg(feature = "client-tls")]
mod client;
#[cfg(feature = "emulator")]
pub mod emulator;
mod events;
#[cfg(any(feature = "client-tls", feature = "emulator"))]
mod filter;
mod json;
#[cfg(any(feature = "client-tls", feature = "emulator"))]
mod registration;

use std::{borrow::Cow, time::Duration};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Response, request::Parts};

#[cfg(feature = "client-tls")]
pub use self::client::{RegistrationClient, RegistrationError};
pub use self::events::*;
#[cfg(feature = "emulator")]
pub(crate) use self::registration::{Wire, target};
#[cfg(any(feature = "client-tls", feature = "emulator"))]
pub use self::{filter::Filter, registration::Registration};
use super::plain_text;
use crate::{
    Described, Draft, Emit, Outgoing, Policy, Provider, Schedule,
    decode::{Envelope, MAX_DEPTH, Members},
    error::{ConfigError, SendError},
    scheme::{Check, Head, HmacSha256, Keys, Secret, Tag, VerifyError},
};

/// The sender Learn365, and any other on ASP.NET WebHooks.
#[derive(Clone, Debug)]
pub struct Learn365 {
    keys: HmacSha256,
    writes_camel_case: bool,
}

impl Learn365 {
    /// The schedule of every sender on ASP.NET WebHooks.
    pub(crate) fn own_schedule() -> Schedule {
        Schedule::retrying(&RETRIES[..]).answer_timeout(ANSWER_TIMEOUT).follows_redirects()
    }

    /// Accepts requests that are signed with any of the keys, which are the secrets as typed into the registration.
    ///
    /// # Errors
    ///
    /// An unusable [`Secret`], one of fewer than 32 characters (the sender enforces this minimum), or more than
    /// [`MAX_KEYS`](crate::scheme::MAX_KEYS). Characters are counted as the sender counts them, in UTF-16: one above U+FFFF,
    /// such as an emoji, counts as two.
    pub fn new(keys: impl Into<Keys>) -> Result<Self, ConfigError> {
        let keys = HmacSha256::new(keys.into().decoded(NAME, long_enough))?;
        Ok(Self { keys, writes_camel_case: false })
    }

    /// The sending side then writes the envelope's keys in camelCase, as a setting of the sender's host does. The receiving
    /// side always reads both spellings.
    #[must_use]
    pub fn camel_case(self) -> Self {
        Self { writes_camel_case: true, ..self }
    }
}

impl Provider for Learn365 {
    fn authenticate(&self, head: &Head<'_>) -> Result<Check, VerifyError> {
        self.keys.check_any([tag(head.header(&SIGNATURE)?)])
    }

    fn envelope(&self) -> Envelope {
        Envelope::flat("Action").within("Notifications").camel_case()
    }

    fn describe<'b>(&self, outer: &Members<'b>) -> Described<'b> {
        Described {
            id: outer.text("Id").filter(|id| id.len() <= MAX_ID),
            sender_attempt: outer.get("Attempt"),
            properties: outer
                .raw("Properties")
                .filter(|json| json.starts_with('{'))
                .map(Into::into),
        }
    }

    fn handshake(&self, head: &Head<'_>) -> Option<Response<Bytes>> {
        let echo =
            if head.method() == Method::GET { head.query("echo").ok()? } else { return None };
        let plain = echo.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        (plain && (1..=MAX_ECHO).contains(&echo.len())).then(|| plain_text(echo.to_owned()))
    }

    fn policy(&self) -> Policy {
        Policy::default().json_only()
    }

    fn name(&self) -> Cow<'static, str> {
        NAME.into()
    }
}

/// The signature in the header. It is read as leniently as by the original receiver: with blanks around `=`, surplus `=`,
/// and `sha256` and hex digits in upper or lower case.
fn tag(signature: &str) -> Result<Tag, VerifyError> {
    let mut parts = signature
        .split('=')
        .map(|part| part.trim_matches([' ', '\t']))
        .filter(|part| !part.is_empty());
    match (parts.next(), parts.next(), parts.next()) {
        (Some(algorithm), Some(hex), None) if algorithm.eq_ignore_ascii_case("sha256") => {
            Tag::hex(hex)
        }
        (Some(_), Some(_), None) => Err(VerifyError::UnsupportedSignature),
        _ => Err(VerifyError::MalformedSignature),
    }
}

fn long_enough(secret: Secret) -> Result<Secret, ConfigError> {
    secret.at_least(MIN_SECRET, secret.characters(), CHARACTERS)?;
    Ok(secret)
}

/// Writes byte for byte as the original sender: indented, with CRLF and upper-case hex. A line begins with up to 258
/// blanks. So if deep lists have short elements, then the body is up to 130 times as long as they are.
impl Emit for Learn365 {
    fn encode(&self, events: &[Draft], outgoing: &Outgoing) -> Result<Bytes, SendError> {
        let [id, attempt, properties, notifications, action] = match self.writes_camel_case {
            false => ["Id", "Attempt", "Properties", "Notifications", "Action"],
            true => ["id", "attempt", "properties", "notifications", "action"],
        };
        if outgoing.id.len() > MAX_ID {
            let why = format!("the id has more than {MAX_ID} bytes: a receiver would leave it out");
            return Err(SendError::Encode(why.into()));
        }
        let flat = |event: &Draft| {
            if self.writes_camel_case {
                // An `Action` in the payload would be read as the event's own.
                event.flat("Action")?;
            }
            event.flat(action)
        };
        let events: Vec<_> = events.iter().map(flat).collect::<Result<_, _>>()?;
        let body = format!(
            r#"{{"{id}":{},"{attempt}":{},"{properties}":{},"{notifications}":[{}]}}"#,
            crate::sender::quoted(&outgoing.id),
            outgoing.attempt,
            outgoing.properties,
            events.join(","),
        );
        json::indented(&body, DEEPEST).map(Into::into).ok_or_else(|| {
            let why = format!("an event, or the properties, are nested more than {MAX_DEPTH} deep");
            SendError::Encode(why.into())
        })
    }

    fn sign(&self, head: &mut Parts, body: &[u8], _: &Outgoing) {
        let signature = format!("sha256={}", self.keys.sign([body]).to_hex_upper());
        if let Ok(value) = HeaderValue::from_str(&signature) {
            head.headers.insert(&SIGNATURE, value);
        }
    }

    fn schedule(&self) -> Schedule {
        Self::own_schedule()
    }

    fn content_type(&self) -> HeaderValue {
        HeaderValue::from_static("application/json; charset=utf-8")
    }
}

const NAME: &str = "learn365";
static SIGNATURE: HeaderName = HeaderName::from_static("ms-signature");
const MIN_SECRET: usize = 32;
const CHARACTERS: [&str; 2] = ["character", "characters"];
const MAX_ECHO: usize = 128;
/// The maximum nesting of a body: that of an event, plus a list and an object around it.
const DEEPEST: usize = MAX_DEPTH + 2;
/// After 1 and after 4 further minutes: read in the source, and recorded in real time.
const RETRIES: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(240)];
/// The default timeout of the sender's HTTP client.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(100);
/// The maximum length of an id, in bytes. The sender's ids have 32.
const MAX_ID: usize = 256;
