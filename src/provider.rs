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

/// What is documented of a sender that changes how the receiver answers it. By default the sender repeats a request that
/// fails, waits for the answer, and may declare any media type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub struct Policy {
    /// The sender never repeats a request, and waits this long for the answer.
    pub never_resends: Option<Duration>,
    /// The sender declares JSON: a request with another media type is answered 415.
    pub json_only: bool,
}

impl Policy {
    /// The sender never repeats a request, and waits `answer_timeout` for the answer. At that time it gets 202, and the
    /// handlers go on: a later answer could not make such a sender repeat the request.
    ///
    /// The [`EventRouter`](crate::EventRouter) answers so and goes on. An ordinary handler behind the layer is dropped with
    /// its request.
    pub fn never_resends(self, answer_timeout: Duration) -> Self {
        Self { never_resends: Some(answer_timeout), ..self }
    }

    /// The sender documents that it declares JSON: a request with another media type is answered 415.
    pub fn json_only(self) -> Self {
        Self { json_only: true, ..self }
    }
}
