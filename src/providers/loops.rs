//! Loops, a learning platform: "real-time data packages of events from activities in your organization".
//!
//! Documented at <https://help.loops.education/index.php/en/2022/03/18/webhook-2/>: a POST with a JSON list of
//! `{"type": …, "data": …}`. The page describes five types of events, but has only **one** name on the wire and one example.
//!
//! | fact | value |
//! |---|---|
//! | authentication | undocumented. You choose the URL: put a [`Token`] into it |
//! | types | `SESSION_STARTED`. The four others are undocumented: after you have seen a name, register it with [`on_type`](crate::EventRouter::on_type) |
//! | delivery id, time, retries | undocumented. Two equal events are legitimate (start, terminate, revive, terminate) |
//!
//! The page's example is not valid JSON: it has typographic quotes, no-break spaces and a trailing comma. A program does
//! not write this, so the parser is strict.
//!
//! ```
//! use tower::Layer;
//! use tower_webhook::{EventRouter, VerifyLayer, scheme::Token};
//! use tower_webhook::providers::loops::{Loops, SessionStarted, SessionTerminated};
//!
//! # fn app(token: &str, terminated: String) -> Result<axum::Router, tower_webhook::error::ConfigError> {
//! let events = EventRouter::new()
//!     .on(async |e: SessionStarted| println!("{:?} of {:?}", e.name, e.loop_name))
//!     .on_type(terminated, async |e: SessionTerminated| println!("{:?} ended", e.uuid));
//! let hook = VerifyLayer::new(Loops::new(Token::path(token)?)).layer(events);
//! Ok(axum::Router::new().route_service("/webhooks/loops/{token}", hook))
//! # }
//! ```
//!
//! # Open questions
//!
//! The four other names. Whether a list of added or leaving participants has all participants or only these. Retries.
//! Whether a token can be set.

use std::borrow::Cow;

use bytes::Bytes;
use http::request::Parts;

use super::{Personal, objects};
use crate::{
    Draft, Emit, Outgoing, Provider,
    decode::Envelope,
    error::SendError,
    scheme::{Check, Head, Token, VerifyError},
};

/// The sender Loops.
#[derive(Clone, Debug)]
pub struct Loops(Token);

impl Loops {
    /// Accepts requests that have the token.
    pub fn new(token: Token) -> Self {
        Self(token)
    }

    /// Accepts all requests, without a check: for a receiver that only the sender can reach.
    pub fn dangerous_unauthenticated() -> Self {
        Self(Token::dangerous_none())
    }
}

impl Provider for Loops {
    fn authenticate(&self, head: &Head<'_>) -> Result<Check, VerifyError> {
        self.0.verify(head).map(Check::from)
    }

    fn envelope(&self) -> Envelope {
        Envelope::adjacent("type", "data")
    }

    fn name(&self) -> Cow<'static, str> {
        "loops".into()
    }
}

impl Emit for Loops {
    fn encode(&self, events: &[Draft], _: &Outgoing) -> Result<Bytes, SendError> {
        let events: Vec<_> = events.iter().map(|event| event.adjacent("type", "data")).collect();
        Ok(format!("[{}]", events.join(",")).into())
    }

    fn sign(&self, head: &mut Parts, _: &[u8], _: &Outgoing) {
        self.0.apply(head);
    }
}

macro_rules! sessions {
    ($($(#[$meta:meta])* $name:ident,)*) => {
        objects! {$(
            $(#[$meta])*
            $name {
                /// Identifies the started loop.
                uuid: String = "uuid",
                /// The name of the started loop.
                name: String = "name",
                /// The loop that it is a copy of.
                loop_name: String = "loopName",
                /// The participants.
                participants: Vec<Participant> = "participants",
            }
        )*}
    };
}

sessions! {
    /// A loop is started. The only event with a documented name and example.
    SessionStarted,
    /// A loop is terminated. Its name is undocumented. It has the fields of the documented example.
    SessionTerminated,
    /// A loop is revived. Its name is undocumented. It has the fields of the documented example.
    SessionRevived,
    /// Participants are added to a loop. Its name is undocumented. It is also undocumented whether the list has all of them.
    ParticipantsAdded,
    /// Participants are leaving a loop. Its name is undocumented. It is also undocumented whether the list has all of them.
    ParticipantsLeaving,
}

objects! {
    /// A participant of a loop.
    Participant {
        /// Identifies the user.
        user_id: i64 = "userId",
        /// `owner` and `pupil` are documented by example.
        role: String = "role",
        /// `invited` is documented by example.
        state: String = "state",
        /// The user's address.
        email: Personal = "email",
    }
}

crate::event! {
    SessionStarted: Loops = "SESSION_STARTED",
    SessionTerminated: Loops,
    SessionRevived: Loops,
    ParticipantsAdded: Loops,
    ParticipantsLeaving: Loops,
}
