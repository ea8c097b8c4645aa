//! How a sender authenticates its requests, and where the events are in their bodies.

use std::{borrow::Cow, time::Duration};

use bytes::Bytes;
use http::{Response, StatusCode};

use crate::{
    decode::{DecodeError, Envelope, Members},
    delivery::{Described, Unpacked},
    scheme::{Authentic, Check, Head, VerifyError},
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
///             return Err(VerifyError::Other("the id holds a dot: where it ends is not signed".into()));
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

    /// Makes JSON of an authentic body that is not JSON itself: a form, one JSON text to a line, a token, something
    /// compressed or encrypted. Returns it with the facts about the delivery that it found, such as an id.
    ///
    /// Called after the proof, by [`EventRouter`](crate::EventRouter). It sees no head, since a media type is not signed:
    /// the first byte of the body is. It runs on every body of this sender, so keep it cheap if there is nothing to do. The
    /// bytes that it returns count in [`max_total_bytes`](crate::EventRouter::max_total_bytes), but only once they are
    /// made: an unpacker that inflates needs a limit of its own. It must not panic.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use tower_webhook::{Unpacked, decode::{DecodeError, Form}};
    ///
    /// /// JSON, or a form whose field `payload` is JSON.
    /// fn unpack(body: Bytes) -> Result<Unpacked, DecodeError> {
    ///     if body.starts_with(b"{") {
    ///         return Ok(body.into());
    ///     }
    ///     let form = Form::parse(&body)?;
    ///     Ok(Bytes::from(form.get("payload")?.to_owned()).into())
    /// }
    /// assert_eq!(unpack("payload=%7B%7D".into())?.body, "{}");
    /// # Ok::<_, DecodeError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`DecodeError::body`] if the body cannot be unpacked. The request is answered 400.
    fn unpack(&self, body: Bytes) -> Result<Unpacked, DecodeError> {
        Ok(body.into())
    }

    /// The facts about the delivery that the envelope holds: `outer` has the other members of the outermost object, if the
    /// events are in a list within one, and is empty otherwise. Called once the whole body is known to be well formed.
    fn describe<'b>(&self, outer: &Members<'b>) -> Described<'b> {
        let _ = outer;
        Described::default()
    }

    /// Answers a request that is no delivery, such as a registration handshake. Called first, for every method.
    fn handshake(&self, head: &Head<'_>) -> Option<Response<Bytes>> {
        let _ = head;
        None
    }

    /// Answers an authentic request that is no delivery, such as a signed challenge. Its answer is final: the inner service
    /// is not called.
    ///
    /// Called after the proof only, with the body as it was received, for each authentic request. So keep it cheap: a
    /// challenge is short, and a look at the length of the body spares the others. If the
    /// answer is a MAC of something in the body, this is a signing oracle for whoever can sign. Then answer only a text that
    /// cannot be taken for a message of this sender: bound its length and its alphabet. Sign with the key that verified the
    /// request ([`Hmac::sign_as`](crate::scheme::Hmac::sign_as)).
    ///
    /// To be called for unsigned requests, implement [`Provider::handshake`].
    fn answer(&self, proof: &Authentic, body: &[u8]) -> Option<Response<Bytes>> {
        let _ = (proof, body);
        None
    }

    /// What is documented of the sender that changes how it is answered.
    fn policy(&self) -> Policy {
        Policy::default()
    }

    /// The name that [`Delivery::provider`](crate::Delivery::provider), trace events and each [`EventKey`](crate::router::EventKey) carry. Called more
    /// than once for each request. By default the name of the type, which another version of the compiler may write in
    /// another way: return a fixed text if you store keys.
    fn name(&self) -> Cow<'static, str> {
        std::any::type_name::<Self>().into()
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
    /// The sender compresses its bodies before it signs them: the value of `Content-Encoding`, in lower case. Without it, a
    /// request with that header is answered 415.
    pub content_coding: Option<Cow<'static, str>>,
    /// The status of the answer to a request that is not authentic, instead of 401 or 404.
    pub refusal_status: Option<StatusCode>,
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

    /// The sender compresses its bodies before it signs them, with this content coding, such as `gzip`.
    /// [`Provider::unpack`] inflates them, under a limit of its own. The header itself is not signed: decide by the first
    /// bytes of the body.
    pub fn content_coding(self, coding: impl Into<Cow<'static, str>>) -> Self {
        Self { content_coding: Some(coding.into()), ..self }
    }

    /// A request that is not authentic is answered with this status, instead of 401 or 404: for senders that take 401 for
    /// delivered, or switch the endpoint off after it. If it is a 2xx, the answer has no body. The reason stays in the
    /// response's extensions and in the trace event.
    pub fn refusal_status(self, status: StatusCode) -> Self {
        Self { refusal_status: Some(status), ..self }
    }
}
