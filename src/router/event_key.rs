//! `EventKey`: identifies an event, even if its delivery is sent again.

use std::fmt;

use super::{EventContext, FromContext};
use crate::{Delivery, util::parts::hash_of_parts};

/// Identifies one event. If its delivery is sent again, then the key is the same, so a handler recognises duplicates by it.
///
/// All events of a delivery share its [`Delivery::id`]. If a handler remembers only that id, then it takes the second event
/// for a duplicate of the first.
///
/// It is made of the provider's name, the [name of the secret](Delivery::key_id) that matched, the delivery's id, its
/// [tenant](Delivery::tenant) and the event's place in the body. A handler takes it as `Option<EventKey>`. It is `None` if the
/// deliveries of the sender have no id, as those of Loops, SynthesisVR and Teachstack. To store it, use its `Display`: at most
/// 85 characters, which are hexadecimal digits, a hyphen and decimal digits.
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
/// The secret itself is not part of it, but the secret's name is. If several endpoints of one sender store their keys in one
/// table, then give their secrets names. Otherwise a client that has the secret of one endpoint can use an id first, and the
/// genuine event of another endpoint is then taken for a duplicate. The same holds for tenants, unless an
/// [inbox](crate::inbox::Inbox::tenant) names them.
///
/// If an attempt is signed with a secret of another name than the attempt before, then its events have other keys. So give
/// the old and the new secret the same name while you [rotate](crate::_docs::guide#1-the-secret).
///
/// The provider's name is [`Provider::name`](crate::Provider::name). A provider of your own should return a fixed text,
/// because the default can change with the compiler.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct EventKey {
    delivery: [u8; 32],
    index: usize,
}

impl EventKey {
    /// The key of the event at `index`, from 0. `None` if the delivery has no id, or an empty one.
    ///
    /// For tests of handlers. A handler itself takes the key as an argument.
    pub fn new(delivery: &Delivery, index: usize) -> Option<Self> {
        let id = delivery.id().filter(|id| !id.is_empty())?;
        let parts = [Some(delivery.provider()), delivery.key_id(), Some(id)];
        // Only if there is one: the keys of others do not depend on it.
        let tenant = delivery.tenant().map(Some);
        let parts = parts.into_iter().chain(tenant).map(|part| part.map(str::as_bytes));
        Some(Self { delivery: hash_of_parts(parts), index })
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
