//! A delivery as a store keeps it: `NewDelivery`, `Record`, `Stored`.

use std::{borrow::Cow, fmt, sync::Arc, time::SystemTime};

use bytes::Bytes;

/// An authentic delivery, as it is given to a store.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a store and its tests take it apart and make it")]
pub struct NewDelivery {
    /// What is kept of it.
    pub record: Record,
    /// Recognises a copy: SHA-256 over the sender, the tenant, the name of the secret and the delivery's id. `None`: it is
    /// like no other.
    pub key: Option<Hash>,
    /// Deliveries with the same order key are handled one after the other, in the order in which they were stored.
    pub order_key: Option<Hash>,
}

/// A SHA-256.
pub type Hash = [u8; 32];

/// The first bytes of a hash: enough to recognise it, and less to keep in memory for an index.
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub(super) fn first<const N: usize>(hash: &[u8]) -> [u8; N] {
    hash.first_chunk().copied().unwrap_or([0; N])
}

/// Enough of the digest of a body to see that two bodies differ.
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub(super) fn short(digest: &Hash) -> i64 {
    i64::from_be_bytes(first(digest))
}

/// The text without NULs: see [`Record`].
pub(super) fn without_nul(text: &str) -> Cow<'_, str> {
    match text.contains('\0') {
        true => text.replace('\0', "\u{fffd}").into(),
        false => text.into(),
    }
}

/// What is kept of a delivery. It holds no credentials: their values are redacted. No text has a NUL, which PostgreSQL cannot
/// keep: an inbox replaces each by U+FFFD. The [key](NewDelivery::key) is made of the texts before that.
#[derive(Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a store makes it")]
pub struct Record {
    /// The name of the sender: [`Provider::name`](crate::Provider::name).
    pub source: Arc<str>,
    /// The tenant: [`Inbox::tenant`](super::Inbox::tenant).
    pub tenant: Option<Arc<str>>,
    /// The name of the secret that matched: [`Delivery::key_id`](crate::Delivery::key_id).
    pub key_id: Option<Arc<str>>,
    /// The sender's id of the delivery: [`Delivery::id`](crate::Delivery::id).
    pub id: Option<Arc<str>>,
    /// The type of its one event, if the head names it: [`Delivery::event_type`](crate::Delivery::event_type).
    pub event_type: Option<Arc<str>>,
    /// When the head of its request arrived. Stores keep milliseconds.
    pub received_at: SystemTime,
    /// The headers, as lines `name: value` that end in CR and LF. Empty after they were purged, and in lists.
    pub headers: Bytes,
    /// The body as it was received. Empty after it was purged, and in lists.
    pub body: Bytes,
    /// SHA-256 of the body.
    pub digest: Hash,
}

/// A stored delivery and its state, for operators.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a store makes it")]
pub struct Stored {
    /// Its number in the store. Numbers grow, and are never used again.
    pub seq: i64,
    /// What is kept of it.
    pub record: Record,
    /// Where it is on its way.
    pub state: State,
    /// How many times handlers were given it, since it was stored or replayed.
    pub attempts: u32,
    /// Why the last attempt failed.
    pub error: Option<Arc<str>>,
    /// Why it is dead, if it is.
    pub reason: Option<DeadReason>,
    /// When it was done, dead or parked.
    pub finished_at: Option<SystemTime>,
}

/// Where a delivery is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// It waits for a worker, or for the time of its next attempt.
    Ready,
    /// A worker has it.
    Leased,
    /// All of its events are handled.
    Done,
    /// It was given up: see [`DeadReason`].
    Dead,
    /// An operator put it aside: see [`Store::park`](super::Store::park).
    Parked,
}

impl State {
    /// All states, in the order of the number that a database keeps for each.
    pub const ALL: [Self; 5] = [Self::Ready, Self::Leased, Self::Done, Self::Dead, Self::Parked];

    /// The number that a database keeps for it: its place in [`State::ALL`].
    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    pub(super) fn number(self) -> i16 {
        self as i16
    }

    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    pub(super) fn by_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|state| i64::from(state.number()) == number)
    }

    /// The name, as in [`Display`](fmt::Display).
    pub fn name(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Leased => "leased",
            Self::Done => "done",
            Self::Dead => "dead",
            Self::Parked => "parked",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a delivery is dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DeadReason {
    /// Its attempts are used up.
    Exhausted,
    /// A handler gave it up: [`Failure::dead`](crate::router::Failure::dead).
    Refused,
    /// Its body cannot be decoded, or an event does not fit its type and there is no fallback.
    Undecodable,
    /// Its body is not the one that was stored.
    Corrupt,
    /// Too many workers ended in the middle of it, one after the other.
    Crashed,
}

impl DeadReason {
    /// All reasons.
    pub const ALL: [Self; 5] =
        [Self::Exhausted, Self::Refused, Self::Undecodable, Self::Corrupt, Self::Crashed];

    /// The name, as in [`Display`](fmt::Display) and in a database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Exhausted => "exhausted",
            Self::Refused => "refused",
            Self::Undecodable => "undecodable",
            Self::Corrupt => "corrupt",
            Self::Crashed => "crashed",
        }
    }

    /// The reason of this name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }
}

impl fmt::Display for DeadReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("source", &self.source)
            .field("tenant", &self.tenant)
            .field("key_id", &self.key_id)
            .field("id", &self.id)
            .field("event_type", &self.event_type)
            .field("received_at", &self.received_at)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}
