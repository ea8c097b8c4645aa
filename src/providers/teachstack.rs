//! Teachstack, a virtual classroom.
//!
//! Documented at
//! <https://www.teachstack.com/blog/lets-talk-about-webhooks-what-are-they-and-how-do-we-use-them-in-teachstack/>: an
//! HTTPS endpoint that accepts "unauthenticated" POST requests of JSON, and seven names of events. **No payload is
//! documented.** All fields here, and the name `event_name`, are *observed* in two public receivers.
//!
//! | fact | value |
//! |---|---|
//! | authentication | "unauthenticated" (documented). You choose the URL: put a [`Token`] into it |
//! | types | seven, documented; in the member `event_name` (observed): [`Teachstack::discriminator`] |
//! | time | `time`, microseconds (observed) |
//! | delivery id, retries | undocumented |
//!
//! The vendor's text once writes `Room_closed`. If you receive that name, then register it as well:
//! `.on_type("Room_closed", room_closed)`.
//!
//! ```
//! use tower::Layer;
//! use tower_webhook::{EventRouter, VerifyLayer, scheme::Token};
//! use tower_webhook::providers::teachstack::{RecordingProcessed, Teachstack};
//!
//! # fn app(token: &str) -> Result<axum::Router, tower_webhook::error::ConfigError> {
//! let events = EventRouter::new().on(async |e: RecordingProcessed| println!("room {:?}: {:?}", e.room_id, e.data));
//! let hook = VerifyLayer::new(Teachstack::new(Token::path(token)?)).layer(events);
//! Ok(axum::Router::new().route_service("/webhooks/teachstack/{token}", hook))
//! # }
//! ```
//!
//! # Open questions
//!
//! All payloads. The unit of `time`. Retries.

use std::borrow::Cow;

use bytes::Bytes;
use http::request::Parts;

use super::{Personal, lenient, objects, only};
use crate::{
    Draft, Emit, Outgoing, Provider,
    decode::Envelope,
    error::SendError,
    scheme::{Check, Head, Token, VerifyError},
};

/// The sender Teachstack.
#[derive(Clone, Debug)]
pub struct Teachstack {
    token: Token,
    discriminator: Cow<'static, str>,
}

impl Teachstack {
    /// Accepts requests that have the token.
    pub fn new(token: Token) -> Self {
        Self { token, discriminator: Cow::Borrowed("event_name") }
    }

    /// Accepts all requests, without a check: for a receiver that only the sender can reach.
    pub fn dangerous_unauthenticated() -> Self {
        Self::new(Token::dangerous_none())
    }

    /// The name of the member that has the event's type. By default `event_name`, which is observed and not documented.
    #[must_use]
    pub fn discriminator(self, member: impl Into<Cow<'static, str>>) -> Self {
        Self { discriminator: member.into(), ..self }
    }
}

impl Provider for Teachstack {
    fn authenticate(&self, head: &Head<'_>) -> Result<Check, VerifyError> {
        self.token.verify(head).map(Check::from)
    }

    fn envelope(&self) -> Envelope {
        Envelope::flat(self.discriminator.clone())
    }

    fn name(&self) -> Cow<'static, str> {
        "teachstack".into()
    }
}

/// Emulates the observed envelope: one object, not documented.
impl Emit for Teachstack {
    fn encode(&self, events: &[Draft], _: &Outgoing) -> Result<Bytes, SendError> {
        only(events)?.flat(&self.discriminator).map(Into::into)
    }

    fn sign(&self, head: &mut Parts, _: &[u8], _: &Outgoing) {
        self.token.apply(head);
    }
}

macro_rules! room_events {
    ($($(#[$meta:meta])* $name:ident $({ $(#[$data_meta:meta])* $data:ty })?,)*) => {
        objects! {$(
            $(#[$meta])*
            $name {
                /// Identifies the room. Text, and not always a valid UUID. Observed, not documented.
                room_id: String = "room_id",
                /// Identifies the session in the room. Observed, not documented.
                session_id: String = "session_id",
                /// The time of the event, in microseconds. A number or text. Observed, not documented.
                #[serde(deserialize_with = "lenient::number")]
                time: i64 = "time",
                $(
                    $(#[$data_meta])*
                    data: $data = "data",
                )?
            }
        )*}
    };
}

room_events! {
    /// `room.created`. The content of its `data` is unknown.
    RoomCreated,
    /// `room.closed`. The content of its `data` is unknown.
    RoomClosed,
    /// `peer.joined`.
    PeerJoined {
        /// The person that joined. Observed, not documented.
        Peer
    },
    /// `peer.left`.
    PeerLeft {
        /// The person that left. Observed, not documented.
        Peer
    },
    /// `recording.processed`.
    RecordingProcessed {
        /// The recording. Observed, not documented.
        Recording
    },
    /// `recording.failed`.
    RecordingFailed {
        /// The recording. Observed, not documented.
        Recording
    },
    /// `whiteboard.new_file_saved`.
    WhiteboardNewFileSaved {
        /// The file. Observed, not documented.
        WhiteboardFile
    },
}

objects! {
    /// A person in a room. All fields are observed, not documented.
    Peer {
        /// Identifies the person. Observed, not documented.
        uid: String = "uid",
        /// The person's name. Observed, not documented.
        uname: Personal = "uname",
        /// The person's role: 1 host, 2 two-way student, 3 viewer. 11 was seen, too. Observed, not documented.
        utype: i64 = "utype",
    }
    /// A recording. All fields are observed, not documented.
    Recording {
        /// Identifies the recording. Observed, not documented.
        id: String = "_id",
        /// Identifies the recorded session. Observed, not documented.
        session_id: String = "session_id",
        /// The path of the raw file. Observed, not documented.
        raw_path: String = "raw_path",
        /// The path of the processed file. Observed, not documented.
        processed_path: String = "processed_path",
        /// The path of the thumbnail. Observed, not documented.
        thumbnail_path: String = "thumbnail_path",
        /// The path of the small thumbnail. Observed, not documented.
        thumbnail_256x144_path: String = "thumbnail_256x144_path",
        /// The length of the recording, in seconds. Observed, not documented.
        duration: f64 = "duration",
        /// The status of a failed recording. Observed, not documented.
        status: String = "status",
    }
    /// A file that was saved from a whiteboard. All fields are observed, not documented.
    WhiteboardFile {
        /// The URL of the file. Observed, not documented.
        url: String = "url",
        /// The type of the file. Observed, not documented.
        filetype: String = "filetype",
    }
}

crate::event! {
    RoomCreated: Teachstack = "room.created",
    RoomClosed: Teachstack = "room.closed",
    PeerJoined: Teachstack = "peer.joined",
    PeerLeft: Teachstack = "peer.left",
    RecordingProcessed: Teachstack = "recording.processed",
    RecordingFailed: Teachstack = "recording.failed",
    WhiteboardNewFileSaved: Teachstack = "whiteboard.new_file_saved",
}
