//! `Payload`, `Event` and `RawEvent`: the types that a handler takes as its event.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use serde::de::DeserializeOwned;

use crate::{Provider, decode::DecodeError};

/// A type that a handler can take as its event. It is decoded from JSON, and belongs to one sender.
///
/// The event types in [`providers`](crate::providers) implement it, and so do yours. Write it as here, or let
/// [`event!`](crate::event!) write it together with [`Event`]:
///
/// ```
/// use tower_webhook::{Event, Payload, providers::standard_webhooks::StandardWebhooks};
///
/// #[derive(Debug, serde::Deserialize)]
/// struct InvoicePaid {
///     total: u64,
/// }
/// impl Payload for InvoicePaid {
///     type Provider = StandardWebhooks;
/// }
/// impl Event for InvoicePaid {
///     const TYPE: &'static str = "invoice.paid";
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a webhook event",
    label = "expected a type that implements `Payload`",
    note = "the first argument of a handler is the event, by value and not by reference: a type of `tower_webhook::providers`, or one of yours that implements `Payload`",
    note = "only the handler given to `fallback` takes a `RawEvent` first"
)]
pub trait Payload: DeserializeOwned + Send + 'static {
    /// The sender of the event.
    type Provider: Provider;
}

/// A [`Payload`] with one name on the wire.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say its name on the wire",
    label = "give the name: `.on_type(\"…\", handler)` to handle it, `.event_as(\"…\", &event)` to send it",
    note = "an event type of your own gets its name from `impl Event`"
)]
pub trait Event: Payload {
    /// The name, exactly as on the wire.
    const TYPE: &'static str;
}

/// Makes types the events of their sender: implements [`Payload`], and [`Event`] if a name is given.
///
/// `event!(OrderPaid: Acme = "order.paid")` is for an event whose name the sender `Acme` documents.
/// `event!(SessionEnded: Acme)` is for an event without a documented name: register its handler with
/// [`EventRouter::on_type`](crate::EventRouter::on_type). Several events are separated by commas.
///
/// ```
/// use tower_webhook::{EventRouter, event, providers::standard_webhooks::StandardWebhooks};
///
/// #[derive(serde::Deserialize)]
/// struct InvoicePaid {
///     total: u64,
/// }
/// #[derive(serde::Deserialize)]
/// struct InvoiceVoided {}
/// #[derive(serde::Deserialize)]
/// struct SessionEnded {}
///
/// event! {
///     InvoicePaid: StandardWebhooks = "invoice.paid",
///     InvoiceVoided: StandardWebhooks = "invoice.voided",
///     SessionEnded: StandardWebhooks,
/// }
///
/// EventRouter::new()
///     .on(async |e: InvoicePaid| println!("{} paid", e.total))
///     .on(async |_: InvoiceVoided| println!("voided"))
///     .on_type("session.ended", async |_: SessionEnded| println!("ended"));
/// ```
#[macro_export]
macro_rules! event {
    ($($event:ty: $provider:ty $(= $name:expr)?),+ $(,)?) => {$(
        impl $crate::Payload for $event {
            type Provider = $provider;
        }
        $(impl $crate::Event for $event {
            const TYPE: &'static str = $name;
        })?
    )+};
}

/// The provider documents the name of its event `E`.
///
/// If a type is not even a [`Payload`], then the compiler would report the bound `E: Event` as a missing name. To read the
/// bound `<E as Payload>::Provider: Names<E>`, it needs `E: Payload`, and reports that instead.
#[expect(unnameable_types, reason = "a bound for the compiler's messages; to users it is `Event`")]
pub trait Names<E> {
    /// The name, exactly as on the wire.
    const TYPE: &'static str;
}

impl<E: Event<Provider = P>, P> Names<E> for P {
    const TYPE: &'static str = E::TYPE;
}

/// An event as it was received.
///
/// The event that [`EventRouter::fallback`](crate::EventRouter::fallback) takes, and a further argument that any handler may
/// take. `Debug` shows the type and the size, never the content.
#[derive(Clone)]
pub struct RawEvent {
    pub(crate) event_type: Option<Arc<str>>,
    pub(crate) json: Bytes,
    pub(crate) error: Option<DecodeError>,
}

impl RawEvent {
    /// An event with this type and this JSON, for tests of handlers.
    pub fn new(event_type: Option<&str>, json: impl Into<Bytes>) -> Self {
        Self { event_type: event_type.map(Into::into), json: json.into(), error: None }
    }

    /// Its type. `None` if it has no type, or one that is not a text, is not valid Unicode, or is too long.
    pub fn event_type(&self) -> Option<&str> {
        self.event_type.as_deref()
    }

    /// The whole element of the body, byte for byte: well-formed JSON in UTF-8, with unknown fields. It shares the memory of
    /// the body.
    pub fn json(&self) -> &Bytes {
        &self.json
    }

    /// The reason why the event does not fit the type that its handler takes. `None` if it fits, or if no handler is
    /// registered for its type.
    pub fn error(&self) -> Option<&DecodeError> {
        self.error.as_ref()
    }
}

impl fmt::Debug for RawEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawEvent")
            .field("event_type", &self.event_type)
            .field("bytes", &self.json.len())
            .field("error", &self.error)
            .finish()
    }
}
