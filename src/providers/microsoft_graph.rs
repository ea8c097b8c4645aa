//! Microsoft Graph: basic change notifications and lifecycle notifications.
//!
//! Documented at <https://github.com/microsoftgraph/microsoft-graph-docs-contrib>, in `concepts/change-notifications-*.md`. No
//! verifier of the vendor is published, so nothing in the table was run.
//!
//! | fact | value | source |
//! |---|---|---|
//! | authentication | `clientState` in each notification: the text that you registered with the subscription. **Nothing is signed** | documented |
//! | body | `{"value": […]}`; one request can have notifications of several subscriptions and tenants | documented |
//! | type | `changeType`, such as `updated`. A lifecycle notification has `lifecycleEvent` instead: `reauthorizationRequired`, `subscriptionRemoved` or `missed` | documented |
//! | delivery id | has no id that is promised for duplicates | documented |
//! | handshake | `POST ?validationToken=…`, with no proof; 200 with the decoded token as `text/plain`, within 10 seconds | documented |
//! | answer | 2xx within 3 seconds | documented |
//! | retries | for up to 4 hours; a receiver that is slow too often is throttled | documented |
//! | refusal | 202, so that nobody learns anything | documented, for rich notifications |
//! | replay | nothing has a time that is checked: a recorded request can be sent again | documented |
//!
//! # A shared password
//!
//! The `clientState` is a password in the body. It is compared in constant time, and covers nothing: whoever knows it can send
//! any notification. So treat a notification as a hint, and fetch the resource from Graph. Handlers get `null` in its place.
//! An [inbox](crate::inbox) stores the body as it came, with the `clientState`.
//!
//! Each notification is judged alone. If a request has some with a known `clientState` and others without, then the others are
//! dropped: no handler sees them, a trace event at level `WARN` says how many there were, and the answer is that of the rest.
//! Handlers cannot see that something was dropped. If a request has no notification with a known `clientState`, then it is not
//! authentic.
//!
//! If the matching states of a request have different [names](Keys::named), then
//! [`Delivery::key_id`](crate::Delivery::key_id) is `None`, because it is one name for all events of a request. So if you tell
//! tenants apart by it, then give each its own endpoint, or treat `None` as a failure.
//!
//! # Why a refusal is 202
//!
//! Graph's document asks for 202 even if the proof fails, so that strangers learn nothing. It says so for rich notifications,
//! and the reason is the same here. So [`Policy::refusal_status`] is 202, without a body. The reason is in the trace event, at
//! level `DEBUG`. Beware: Graph takes 202 for delivered. If a `clientState` is missing in the configuration, then its
//! notifications are lost. While you change it, accept both, `Keys::from(new).or(old)`, until no subscription has the old one.
//!
//! # Limits
//!
//! - A `clientState` has 32 to 128 visible ASCII characters.
//! - A request has at most [`MAX_NOTIFICATIONS`](MicrosoftGraph::MAX_NOTIFICATIONS) notifications. If there are more, then the
//!   answer is 400, and Graph tries again. As documented, a notification has more than 256 bytes, so no genuine body within
//!   the default of [`max_body_bytes`](crate::VerifyLayer::max_body_bytes) has so many.
//! - A validation token has at most 1024 bytes once it is decoded, and no control characters. Anybody can have one repeated,
//!   and it can be markup: the answer is plain text, and the layer adds `X-Content-Type-Options: nosniff`.
//! - Rich notifications, with `validationTokens` or `encryptedContent`, cannot be verified or decrypted here. An authentic
//!   request that has them is answered 400, and none of it is handled: subscribe without resource data.
//!
//! ```
//! use tower::{Layer, ServiceExt};
//! use tower_webhook::{EventRouter, Payload, Sender, VerifyLayer, providers::microsoft_graph::MicrosoftGraph};
//!
//! #[derive(serde::Deserialize, serde::Serialize)]
//! struct Change {
//!     resource: String,
//! }
//! impl Payload for Change {
//!     type Provider = MicrosoftGraph;
//! }
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), tower_webhook::BoxError> {
//! let provider = MicrosoftGraph::new("a-clientState-of-32-characters--")?;
//! let events = EventRouter::new()
//!     .on_type("updated", async |e: Change| println!("{} was updated", e.resource))
//!     .on_type("missed", async |_: Change| println!("synchronize again"));
//! let hook = VerifyLayer::new(provider.clone()).layer(events);
//! let request = Sender::new(provider).event_as("updated", &Change { resource: "users/1/messages/2".into() })?;
//! assert_eq!(hook.oneshot(request).await?.status(), 200);
//! # Ok(()) }
//! ```
//!
//! To try it: create a subscription, which sends the validation request, and change the resource. The validation request
//! proves nothing. It is the only request without a `clientState`.
//!
//! Open: the pauses between attempts, and whether `id` is the same in each attempt.

use std::{borrow::Cow, time::Duration};

use bytes::Bytes;
use http::{Method, Response, StatusCode, request::Parts};

use super::{only, plain_text};
use crate::{
    Draft, Emit, Outgoing, Policy, Provider, Schedule, Unpacked,
    decode::{DecodeError, Envelope, Form, Members},
    error::{ConfigError, SendError},
    scheme::{Authentic, Check, Head, Keys, Token, VerifyError},
    util::trace,
};

/// The sender Microsoft Graph.
#[derive(Clone, Debug)]
pub struct MicrosoftGraph {
    states: Token,
}

impl MicrosoftGraph {
    /// The maximum number of notifications in one request.
    pub const MAX_NOTIFICATIONS: usize = 4096;

    /// Accepts notifications that have any of these texts as their `clientState`.
    ///
    /// # Errors
    ///
    /// Those of [`Token::elsewhere`]: an unusable secret, one of fewer than 32 characters
    /// ([`Secret::dangerous_short`](crate::scheme::Secret::dangerous_short) allows them) or of more than 128, characters other
    /// than visible ASCII, or more than [`MAX_TOKENS`](crate::scheme::MAX_TOKENS).
    pub fn new(client_states: impl Into<Keys>) -> Result<Self, ConfigError> {
        Ok(Self { states: Token::elsewhere(client_states)? })
    }
}

impl Provider for MicrosoftGraph {
    fn authenticate(&self, _: &Head<'_>) -> Result<Check, VerifyError> {
        let states = self.states.clone();
        Ok(Check::whole(move |body| {
            // Whether the body is malformed or foreign, it proves nothing.
            let found = Notifications::read(&states, body).map_err(|_| VerifyError::TokenMismatch);
            found?.proof.ok_or(VerifyError::TokenMismatch)
        }))
    }

    fn envelope(&self) -> Envelope {
        Envelope::shape(event_type).within(LIST)
    }

    /// Only the notifications with a known `clientState`.
    fn unpack(&self, body: Bytes) -> Result<Unpacked, DecodeError> {
        let found = Notifications::read(&self.states, &body)?;
        if found.count > Self::MAX_NOTIFICATIONS {
            return Err(DecodeError::body("has more than 4096 notifications"));
        }
        if found.proof.is_none() {
            return Err(DecodeError::body("has no notification with a known `clientState`"));
        }
        if found.is_rich {
            return Err(DecodeError::body(RICH));
        }
        let (count, foreign) = (found.count, found.count.saturating_sub(found.known.len()));
        if foreign > 0 {
            trace::warn(&format!(
                "{NAME}: {foreign} of {count} notifications dropped, without a known `clientState`"
            ));
        }
        Ok(format!(r#"{{"{LIST}":[{}]}}"#, found.known.join(",")).into())
    }

    fn handshake(&self, head: &Head<'_>) -> Option<Response<Bytes>> {
        let query = head.uri().query().filter(|_| head.method() == Method::POST)?;
        let token = Form::parse(query.as_bytes()).ok()?.take("validationToken").ok()?;
        let fits = (1..=MAX_VALIDATION_TOKEN).contains(&token.len());
        (fits && !token.chars().any(char::is_control)).then(|| plain_text(token))
    }

    fn policy(&self) -> Policy {
        Policy::default().refusal_status(StatusCode::ACCEPTED)
    }

    fn name(&self) -> Cow<'static, str> {
        NAME.into()
    }
}

/// `None` for an item that is neither of the two, or both.
fn event_type<'b>(item: &Members<'b>) -> Option<Cow<'b, str>> {
    match (item.has(CHANGE), item.has(LIFECYCLE)) {
        (true, false) => item.text(CHANGE),
        (false, true) => item.text(LIFECYCLE),
        _ => None,
    }
}

/// What is in a body that may be from anybody.
#[derive(Default)]
struct Notifications {
    /// How many there are, genuine and foreign ones.
    count: usize,
    /// The JSON of those with a known state, without it.
    known: Vec<String>,
    /// Whether one of these is encrypted, or the body has tokens for such.
    is_rich: bool,
    /// With the name of the state, if all of `known` have the same.
    proof: Option<Authentic>,
}

impl Notifications {
    fn read(states: &Token, body: &[u8]) -> Result<Self, DecodeError> {
        let mut found = Self::default();
        // Each element is shown as it is found: nobody can have a list of millions of them made.
        let outer = Envelope::named("").within(LIST).find(body, |element| {
            found.count = found.count.saturating_add(1);
            if found.count <= MicrosoftGraph::MAX_NOTIFICATIONS {
                let json = body.get(element.range).unwrap_or_default();
                found.take(states, str::from_utf8(json).unwrap_or_default());
            }
        })?;
        found.is_rich |= outer.has("validationTokens");
        Ok(found)
    }

    /// Keeps one if its state is a known one. If it has its state twice, then it has none.
    fn take(&mut self, states: &Token, json: &str) -> Option<()> {
        let item = Members::of(json)?;
        let proof = states.compare(&item.text(STATE)?).ok()?;
        self.known.push(without(item.raw(STATE)?, json)?);
        self.is_rich |= item.has("encryptedContent");
        self.proof = Some(match self.proof.take() {
            Some(first) if first.key_id() != proof.key_id() => Authentic::by_key(None),
            _ => proof,
        });
        Some(())
    }
}

/// `json` with `null` in the place of `part`, which is a part of it. The same text elsewhere stays.
fn without(part: &str, json: &str) -> Option<String> {
    let at = part.as_ptr().addr().checked_sub(json.as_ptr().addr())?;
    let (before, rest) = json.split_at_checked(at)?;
    Some(format!("{before}null{}", rest.strip_prefix(part)?))
}

/// One notification per request.
impl Emit for MicrosoftGraph {
    fn encode(&self, events: &[Draft], _: &Outgoing) -> Result<Bytes, SendError> {
        let event = only(events)?;
        let is_lifecycle = LIFECYCLE_EVENTS.contains(&&*event.event_type);
        let json = event.flat(if is_lifecycle { LIFECYCLE } else { CHANGE })?;
        let state = self.states.dangerous_reveal().unwrap_or_default();
        let item = Draft::new(state, json).flat(STATE)?;
        Ok(format!(r#"{{"{LIST}":[{item}]}}"#).into())
    }

    /// The proof is in the body.
    fn sign(&self, _: &mut Parts, _: &[u8], _: &Outgoing) {}

    fn schedule(&self) -> Schedule {
        Schedule::undocumented().answer_timeout(ANSWER_TIMEOUT)
    }
}

const NAME: &str = "microsoft_graph";
const LIST: &str = "value";
const STATE: &str = "clientState";
const CHANGE: &str = "changeType";
const LIFECYCLE: &str = "lifecycleEvent";
const LIFECYCLE_EVENTS: [&str; 3] = ["reauthorizationRequired", "subscriptionRemoved", "missed"];
const RICH: &str = "has rich notifications, which cannot be verified or decrypted here: subscribe without resource data";
const MAX_VALIDATION_TOKEN: usize = 1024;
const ANSWER_TIMEOUT: Duration = Duration::from_secs(3);
