//! SynthesisVR, a management platform for VR arcades and classrooms.
//!
//! Documented at <https://synthesisvr.com/knowledge-base/webhooks/>: a POST of JSON that "may contain an array". So far, all
//! events are about sessions. An object with `uuid` and `action` is such an event. Any other
//! element is unknown: it goes to the fallback. An object with two actions does not fit.
//!
//! | fact | value |
//! |---|---|
//! | authentication | undocumented. You choose the URL: put a [`Token`] into it, one per location |
//! | types | the `action`: `create`, `delete` |
//! | deadline | 2 seconds; the response is ignored, and nothing is ever sent again |
//! | delivery id, time | not sent |
//!
//! If the handlers are not done 1.5 seconds after the head has arrived, then the answer is 202, and the handlers go on. If
//! the body takes longer than that, then the answer is given when it is complete. An event that is lost here is never sent
//! again. So call [`drain`](crate::EventRouter::drain) at shutdown, and use an [`EventRouter`](crate::EventRouter): an
//! ordinary handler is dropped with its request.
//!
//! The `location` is free text and no key: the vendor advises one URL per location. Named keys distinguish the locations:
//!
//! ```
//! use tower::Layer;
//! use tower_webhook::{Delivery, EventRouter, VerifyLayer, scheme::{Keys, Token}};
//! use tower_webhook::providers::synthesis_vr::{SessionCreated, SynthesisVr};
//!
//! # fn app(sofia: &str, varna: &str) -> Result<axum::Router, tower_webhook::error::ConfigError> {
//! let keys = Keys::named("sofia", sofia).or(Keys::named("varna", varna));
//! let events = EventRouter::new().on(async |e: SessionCreated, delivery: Delivery| {
//!     println!("{:?}: session {:?} on {:?} stations", delivery.key_id(), e.uuid, e.stations);
//! });
//! let hook = VerifyLayer::new(SynthesisVr::new(Token::path(keys)?)).layer(events);
//! Ok(axum::Router::new().route_service("/webhooks/synthesis-vr/{token}", hook))
//! # }
//! ```
//!
//! # Open questions
//!
//! Other actions and other events ("more webhook options will come"). Whether the body can be one object without a list:
//! it is accepted. Sessions without a customer.

use std::{borrow::Cow, time::Duration};

use bytes::Bytes;
use http::request::Parts;

use super::{lenient, objects};
use crate::{
    Draft, Emit, Outgoing, Policy, Provider, Schedule,
    decode::Envelope,
    error::SendError,
    scheme::{Check, Head, Token, VerifyError},
};

/// The sender SynthesisVR.
#[derive(Clone, Debug)]
pub struct SynthesisVr(Token);

/// The time of the answer. The sender waits two seconds, which include the time on the network.
const ANSWER_WITHIN: Duration = Duration::from_millis(1500);
/// The time that the sender waits.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);

impl SynthesisVr {
    /// Accepts requests that have the token.
    pub fn new(token: Token) -> Self {
        Self(token)
    }

    /// Accepts all requests, without a check: for a receiver that only the sender can reach.
    pub fn dangerous_unauthenticated() -> Self {
        Self(Token::dangerous_none())
    }
}

impl Provider for SynthesisVr {
    fn authenticate(&self, head: &Head<'_>) -> Result<Check, VerifyError> {
        self.0.verify(head).map(Check::from)
    }

    fn envelope(&self) -> Envelope {
        Envelope::flat_beside("action", "uuid")
    }

    fn policy(&self) -> Policy {
        Policy::default().never_resends(ANSWER_WITHIN)
    }

    fn name(&self) -> Cow<'static, str> {
        "synthesis_vr".into()
    }
}

/// An event without `uuid` is refused, because a receiver would not take it for an event.
impl Emit for SynthesisVr {
    fn encode(&self, events: &[Draft], _: &Outgoing) -> Result<Bytes, SendError> {
        let flat = |event: &Draft| event.flat_beside("action", "uuid");
        let events: Vec<_> = events.iter().map(flat).collect::<Result<_, _>>()?;
        Ok(format!("[{}]", events.join(",")).into())
    }

    fn sign(&self, head: &mut Parts, _: &[u8], _: &Outgoing) {
        self.0.apply(head);
    }

    /// Documented: it waits two seconds, ignores the answer and never sends again.
    fn schedule(&self) -> Schedule {
        Schedule::once().answer_timeout(ANSWER_TIMEOUT)
    }
}

macro_rules! sessions {
    ($($(#[$meta:meta])* $name:ident,)*) => {
        objects! {$(
            $(#[$meta])*
            $name {
                /// Identifies the session. A UUID of any version.
                uuid: String = "uuid",
                /// The title of the location: free text, no key.
                location: String = "location",
                /// The number of stations.
                stations: i64 = "stations",
                /// Identifies the customer. A number, or a number in text. If it is absent, null or something different,
                /// then it is `None`, and the event does not fail.
                #[serde(deserialize_with = "lenient::number")]
                customer_id: i64 = "customerid",
            }
        )*}
    };
}

sessions! {
    /// A session was created (`"action": "create"`).
    SessionCreated,
    /// A session was removed (`"action": "delete"`).
    SessionRemoved,
}

crate::event! {
    SessionCreated: SynthesisVr = "create",
    SessionRemoved: SynthesisVr = "delete",
}
