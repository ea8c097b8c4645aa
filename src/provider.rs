//! How a sender authenticates its requests, and where the events are in their bodies.

use std::time::Duration;

use bytes::Bytes;
use http::Response;

use crate::{
    Delivery,
    decode::{Envelope, Members},
    scheme::{Check, Head, VerifyError},
};

/// A sender of webhooks: how it authenticates, where its events stand, what it does with our answer.
///
/// A value of it holds the keys. Those of this crate are in [`providers`](crate::providers); one of your own is short:
///
/// ```
/// use tower_webhook::{Provider, decode::Envelope, scheme::{Check, Head, HmacSha256, Tag, VerifyError}};
///
/// /// HMAC-SHA256 over `id.body`, in hex.
/// struct Acme(HmacSha256);
///
/// impl Provider for Acme {
///     fn authenticate(&self, head: &Head<'_>) -> Result<Check, VerifyError> {
///         let id = head.public_header("acme-delivery")?;
///         if id.contains('.') {
///             return Err(VerifyError::Other("the id holds a dot: where it ends is not signed"));
///         }
///         let tag = Tag::hex(head.header("acme-signature")?)?;
///         Ok(self.0.check(tag).prefix(id).prefix(".").id(id))
///     }
///
///     fn envelope(&self) -> Envelope {
///         Envelope::adjacent("event", "payload")
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a webhook provider",
    label = "not a `Provider`",
    note = "the senders this crate knows are in `tower_webhook::providers`; implement `Provider` for one of your own",
    note = "a constructor that checks a secret returns a `Result`: take the provider out of it with `?`"
)]
pub trait Provider: Send + Sync + 'static {
    /// What must this request's body prove? Called before any of it is read, for POST requests only.
    ///
    /// # Errors
    ///
    /// Whatever the head alone shows to be wrong.
    fn authenticate(&self, head: &Head<'_>) -> Result<Check, VerifyError>;

    /// Where the events stand in the body.
    fn envelope(&self) -> Envelope;

    /// What the envelope says of the delivery: `outer` has the other members of the object that holds the list of events,
    /// and is empty where there is no such object. Called once the whole body is known to be well formed.
    fn describe(&self, outer: &Members<'_>, delivery: &mut Delivery) {
        let _ = (outer, delivery);
    }

    /// Answers a request that is no delivery, such as a registration handshake. Called first, for every method.
    fn handshake(&self, head: &Head<'_>) -> Option<Response<Bytes>> {
        let _ = head;
        None
    }

    /// What is documented of the sender's ways.
    fn policy(&self) -> Policy {
        Policy::default()
    }

    /// The name that [`Delivery::provider`], trace events and each [`EventKey`](crate::router::EventKey) carry. By default the
    /// name of the type, which another version of the compiler may write in another way: return a fixed text if you store keys.
    fn name(&self) -> &'static str {
        std::any::type_name::<Self>()
    }
}

/// A sender's ways, as far as they are documented: whether it sends again, how long it waits, which media type it
/// declares. By default it sends again, waits, and may declare any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Policy {
    answer_within: Option<Duration>,
    json_only: bool,
}

impl Policy {
    /// The sender never sends again and wants an answer within this time: it gets 202 then, and the handlers go on.
    /// Loses nothing, since no answer could make such a sender repeat itself. It is the [`EventRouter`](crate::EventRouter)
    /// that answers so and goes on; an ordinary handler behind the layer is dropped with its request.
    pub fn never_resends(self, answer_within: Duration) -> Self {
        Self { answer_within: Some(answer_within), ..self }
    }

    /// The sender documents that it declares JSON: anything else is answered 415.
    pub fn json_only(self) -> Self {
        Self { json_only: true, ..self }
    }

    pub(crate) fn answer_within(self) -> Option<Duration> {
        self.answer_within
    }

    pub(crate) fn is_json_only(self) -> bool {
        self.json_only
    }
}
