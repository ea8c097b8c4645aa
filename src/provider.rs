//! How a sender authenticates its requests, and where the events are in their bodies.

use std::{borrow::Cow, time::Duration};

use bytes::Bytes;
use http::{Response, StatusCode};

use crate::{
    decode::{DecodeError, Envelope, Members},
    delivery::{Described, Unpacked},
    scheme::{Authentic, Check, Head, VerifyError},
};

/// A sender of webhooks: how it authenticates its requests, where the events are in its bodies, and how it is answered.
///
/// A value of such a type has the keys. The providers of this crate are in [`providers`](crate::providers). A provider
/// of your own is short:
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
///             return Err(VerifyError::Other("the id contains a dot, so its end is not signed".into()));
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
    note = "the providers of this crate are in `tower_webhook::providers`; implement `Provider` for a sender of your own",
    note = "a constructor that checks a secret returns a `Result`: take the provider out of it with `?`"
)]
pub trait Provider: Send + Sync + 'static {
    /// Begins the check of a request by its head. Called before the body is read, and only for POST requests.
    ///
    /// # Errors
    ///
    /// If the head alone shows that the request is not authentic: the body is not read then.
    fn authenticate(&self, head: &Head<'_>) -> Result<Check, VerifyError>;

    /// Where the events are in the body. [`Envelope::by_head`] if [`Check::named`] names the type of every request.
    fn envelope(&self) -> Envelope;

    /// Makes JSON from an authentic body that is not JSON itself: a form, one JSON text per line, a token, or a
    /// compressed or encrypted body. Returns it with the facts about the delivery that it found, such as an id.
    ///
    /// Called after verification, by [`EventRouter`](crate::EventRouter). It does not get the head, because a media
    /// type is not signed: decide by the first byte of the body, which is. It is called for every body of this sender, so
    /// keep it cheap if there is nothing to do. The bytes that it returns count in
    /// [`max_total_bytes`](crate::EventRouter::max_total_bytes), but only after they are made: if it decompresses, then
    /// it needs a limit of its own. It must not panic.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use tower_webhook::{Unpacked, decode::{DecodeError, Form}};
    ///
    /// /// JSON, or a form whose field `payload` is JSON.
    /// fn unpack(body: Bytes) -> Result<Unpacked, DecodeError> {
    ///     match body.trim_ascii_start() {
    ///         [b'{' | b'[', ..] => Ok(body.into()),
    ///         _ => Ok(Form::parse(&body)?.take("payload")?.into()),
    ///     }
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

    /// The facts about the delivery that are in the envelope. If the events are in a list within an object, then
    /// `outer` has the other members of the outermost object. Otherwise it is empty. Called after the whole body was
    /// found well formed.
    fn describe<'b>(&self, outer: &Members<'b>) -> Described<'b> {
        let _ = outer;
        Described::default()
    }

    /// Answers a request that is not a delivery, such as a registration handshake. Called first, for every method.
    fn handshake(&self, head: &Head<'_>) -> Option<Response<Bytes>> {
        let _ = head;
        None
    }

    /// Answers an authentic request that is not a delivery, such as a signed challenge. Its answer is final: the inner
    /// service is not called.
    ///
    /// Called after verification, for each authentic request, with the body as it was received. So keep it cheap: a
    /// challenge is short, so look at the length of the body first. If the answer is a MAC of a part of the body, then
    /// a client that can sign requests can have further texts signed. So answer only a text that cannot be taken for a
    /// message of this sender: limit its length and its characters. Sign with the key that verified the request
    /// ([`Hmac::sign_as`](crate::scheme::Hmac::sign_as)).
    ///
    /// For unsigned requests, implement [`Provider::handshake`].
    fn answer(&self, proof: &Authentic, body: &[u8]) -> Option<Response<Bytes>> {
        let _ = (proof, body);
        None
    }

    /// The documented properties of the sender that change how it is answered.
    fn policy(&self) -> Policy {
        Policy::default()
    }

    /// The name in [`Delivery::provider`](crate::Delivery::provider), in trace events and in each
    /// [`EventKey`](crate::router::EventKey). Called more than once for each request. By default, it is the name of the
    /// type, which another version of the compiler may write differently: if you store keys, return a fixed text.
    fn name(&self) -> Cow<'static, str> {
        std::any::type_name::<Self>().into()
    }
}

/// The documented properties of a sender that change how the receiver answers it. By default the sender repeats a
/// request that fails, waits for the answer, may declare any media type, and does not compress its bodies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub struct Policy {
    /// If this is set, the sender never repeats a request, and waits for the answer for this time.
    pub never_resends: Option<Duration>,
    /// Whether the sender declares JSON. If so, a request with another media type is answered 415.
    pub json_only: bool,
    /// The value of `Content-Encoding`, if the sender compresses its bodies before it signs them. A request with another
    /// value than this one and `identity` is answered 415. The case of its letters does not matter.
    pub content_coding: Option<Cow<'static, str>>,
    /// The status of the answer to a request that is not authentic, instead of 401 or 404.
    pub refusal_status: Option<StatusCode>,
}

impl Policy {
    /// The sender never repeats a request, and waits for the answer for `answer_timeout`. If the handlers are not done
    /// at that time, then the answer is 202, and the handlers go on: a later answer could not make such a sender repeat
    /// the request.
    ///
    /// This is true of an [`EventRouter`](crate::EventRouter). An ordinary handler behind the layer is dropped with its
    /// request.
    pub fn never_resends(self, answer_timeout: Duration) -> Self {
        Self { never_resends: Some(answer_timeout), ..self }
    }

    /// The sender documents that it declares JSON: a request with another media type, or with a body and none, is answered
    /// 415.
    pub fn json_only(self) -> Self {
        Self { json_only: true, ..self }
    }

    /// The sender compresses its bodies before it signs them, with this content coding, such as `gzip`.
    /// [`Provider::unpack`] decompresses them, with a limit of its own. The header itself is not signed, so decide by the
    /// first bytes of the body.
    pub fn content_coding(self, coding: impl Into<Cow<'static, str>>) -> Self {
        Self { content_coding: Some(coding.into()), ..self }
    }

    /// A request that is not authentic is answered with this status, instead of 401 or 404. For senders that consider a
    /// 401 a delivery, or that switch the endpoint off after it. The answer has no body. The reason is still in the
    /// response's extensions and in the trace event.
    ///
    /// Other statuses stay: 431 for a header that is too long, and 503 if the keys are not there yet. Such a request may be
    /// genuine.
    pub fn refusal_status(self, status: StatusCode) -> Self {
        Self { refusal_status: Some(status), ..self }
    }
}

/// The envelope that a body of this provider is read with. If the head names the type of the event, then the whole body is one
/// event of that type.
pub(crate) fn envelope<P: Provider>(provider: &P, named: Option<&str>) -> Envelope {
    match named {
        Some(event_type) => Envelope::named(event_type.to_owned()),
        None => provider.envelope(),
    }
}
