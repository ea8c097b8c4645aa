//! What tells an event from all others, and is the same when its delivery is sent again.

use std::fmt;

use sha2::{Digest, Sha256};

use super::{EventContext, FromContext};
use crate::Delivery;

/// Tells an event from all others, and is the same when its delivery is sent again. With it a handler recognises duplicates.
///
/// A [`Delivery::id`] is shared by all events of a delivery. A handler that remembers only that takes the second event for a
/// duplicate of the first.
///
/// Made of the provider's name, the [id of the key](Delivery::key_id) that matched, the delivery's id and the event's place
/// in the body. A handler takes it as `Option<EventKey>`: it is `None` if the sender gives its deliveries no id, as Loops,
/// SynthesisVR and Teachstack do. `Display` shows it as at most 85 characters, hexadecimal digits and one hyphen, which can be stored.
///
/// ```
/// use tower_webhook::{EventRouter, State, providers::learn365::CourseCompleted, router::EventKey};
/// # #[derive(Clone)] struct Db;
/// # impl Db { async fn save_once<T>(&self, _: String, _: T) -> Result<(), std::io::Error> { Ok(()) } }
///
/// let events = EventRouter::with_state(Db).on(
///     async |e: CourseCompleted, State(db): State<Db>, key: Option<EventKey>| {
///         let key = key.ok_or("a delivery without an id")?;
///         // In one transaction: inserts the key and, if it is new, saves the course.
///         db.save_once(key.to_string(), e.course).await?;
///         Ok::<(), tower_webhook::BoxError>(())
///     },
/// );
/// ```
///
/// The secret itself is not part of it. If several endpoints of one sender share a table of keys, then name their secrets, or
/// a sender of one endpoint can use up the ids of another. The provider's name is [`Provider::name`](crate::Provider::name):
/// a provider of your own should return a fixed text there, since its default can change with the compiler.
///
/// The name of a key is part of it, so that one tenant cannot use up the ids of another. If an attempt is signed with a key of
/// another name than the attempt before, it has another `EventKey`: give the old and the new secret one name while you
/// [rotate](crate::_docs::guide#1-the-secret).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct EventKey {
    delivery: [u8; 32],
    index: usize,
}

impl EventKey {
    /// The key of the event at `index`, from 0. A handler gets its own; this is for tests of handlers.
    pub fn new(delivery: &Delivery, index: usize) -> Option<Self> {
        let id = delivery.id().filter(|id| !id.is_empty())?;
        let parts = [Some(delivery.provider()), delivery.key_id(), Some(id)];
        let mut hash = Sha256::new();
        for part in parts {
            // With its length, so that no two lists of parts are one text.
            hash.update([u8::from(part.is_some())]);
            hash.update(part.map_or(0, str::len).to_string());
            hash.update(":");
            hash.update(part.unwrap_or_default());
        }
        Some(Self { delivery: hash.finalize().into(), index })
    }

    /// The event's place in the body, from 0.
    pub fn index(&self) -> usize {
        self.index
    }
}

impl fmt::Display for EventKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{}", base16ct::HexDisplay(&self.delivery), self.index)
    }
}

impl fmt::Debug for EventKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EventKey({self})")
    }
}

impl<S> FromContext<S> for Option<EventKey> {
    fn from_context(cx: &EventContext<'_, S>) -> Self {
        cx.key()
    }
}
