//! `Check`: the verification of one request, from its head to the end of its body; and its proof, `Authentic`.

use std::{fmt, sync::Arc};

use super::{HashSha256, KeyId, VerifyError, delivery_id::DeliveryId, hmac::HmacCheck};
use crate::util::MAX_EVENT_TYPE;

/// The verification of one request. It begins with the head, and takes the body as it arrives.
///
/// It comes from [`Hmac::check`](super::Hmac::check), from an [`Authentic`] if the head alone has proven the request, from a
/// [`Streaming`] scheme, or from [`Check::whole`].
#[must_use = "a check proves nothing until it is fed and finished"]
pub struct Check {
    kind: Kind,
    id: Option<DeliveryId>,
    event_type: Option<Arc<str>>,
}

enum Kind {
    Done(Authentic),
    HmacSha256(HmacCheck<HashSha256>),
    Streaming(Box<dyn Streaming>),
    Whole(Box<Whole>),
}

type Judge = dyn FnOnce(&[u8]) -> Result<Authentic, VerifyError> + Send;

struct Whole {
    judge: Box<Judge>,
    /// The bytes given to [`Check::update`]. Empty if the caller keeps the body itself.
    body: Vec<u8>,
}

/// A scheme that this crate does not have, after it has read the head.
pub trait Streaming: Send {
    /// Takes the next bytes of the body.
    fn update(&mut self, bytes: &[u8]);

    /// The body is complete: is it authentic? The proof of a scheme of your own is [`Authentic::by_key`].
    ///
    /// # Errors
    ///
    /// The reason why it is not.
    fn finish(self: Box<Self>) -> Result<Authentic, VerifyError>;
}

impl Check {
    /// A check by a scheme of your own that reads the body as it arrives.
    pub fn streaming(scheme: impl Streaming + 'static) -> Self {
        Kind::Streaming(Box::new(scheme)).into()
    }

    /// A check by a scheme of your own that needs the whole body at once: the signature is in the body, or is over
    /// something made from the body.
    ///
    /// The [layer](crate::VerifyLayer) keeps the body once, within its limits, and gives it to `judge` at its end. So an
    /// unauthentic body is read to its end, up to [`max_body_bytes`](crate::VerifyLayer::max_body_bytes), and `judge` reads
    /// bytes that nobody has authenticated: its cost must be bounded for every body of that length.
    /// Compare in constant time: with [`Token::compare`](super::Token::compare), [`Tag`](super::Tag) or `subtle`.
    /// [`Check::prefix`] has no effect on it.
    ///
    /// A token in the body:
    ///
    /// ```
    /// use tower_webhook::{decode::Members, scheme::{Check, Token, VerifyError}};
    ///
    /// /// `{"secret": "…", "event": …}`
    /// fn authenticate(token: Token) -> Check {
    ///     Check::whole(move |body| {
    ///         let text = str::from_utf8(body).map_err(|_| VerifyError::TokenMismatch)?;
    ///         let members = Members::of(text).ok_or(VerifyError::TokenMismatch)?;
    ///         token.compare(&members.text("secret").ok_or(VerifyError::TokenMismatch)?)
    ///     })
    /// }
    ///
    /// let keys = Token::elsewhere("0123456789abcdef0123456789abcdef")?;
    /// let mut check = authenticate(keys.clone());
    /// check.update(br#"{"secret": "0123456789abcdef"#);
    /// check.update(br#"0123456789abcdef"}"#);
    /// assert!(check.finish().is_ok());
    /// assert_eq!(authenticate(keys).finish().unwrap_err(), VerifyError::TokenMismatch);
    /// # Ok::<_, tower_webhook::error::ConfigError>(())
    /// ```
    pub fn whole(
        judge: impl FnOnce(&[u8]) -> Result<Authentic, VerifyError> + Send + 'static,
    ) -> Self {
        Kind::Whole(Box::new(Whole { judge: Box::new(judge), body: Vec::new() })).into()
    }

    #[inline(always)]
    pub(super) fn sha256(check: HmacCheck<HashSha256>) -> Self {
        Kind::HmacSha256(check).into()
    }

    /// Adds bytes that are signed before the body. Call it once for each part, before anything else is fed. It has no
    /// effect if the head alone has proven the request.
    ///
    /// The parts are joined, with nothing between them. If a part can contain the separator that the sender uses, as the
    /// id of `id.body` can contain a dot, then refuse such a part. Otherwise an attacker who has recorded `a` and `b.c`
    /// can send `a.b` and `c`.
    #[inline(always)]
    pub fn prefix(mut self, part: impl AsRef<[u8]>) -> Self {
        self.feed(part.as_ref());
        self
    }

    /// The sender's id of this delivery. Pass only an id that is signed: it becomes [`Delivery::id`](crate::Delivery::id).
    /// A header can contain blanks and tabs. If the sender's ids never do, then refuse an id that does.
    #[inline(always)]
    pub fn id(mut self, id: &str) -> Self {
        self.set_id(id);
        self
    }

    #[inline(always)]
    pub(crate) fn set_id(&mut self, id: &str) {
        self.id = Some(id.into());
    }

    /// The whole body is one event of this type, and may be any JSON. [`Provider::envelope`](crate::Provider::envelope) is
    /// not called. For senders that name the type only in a header, such as GitHub and Shopify.
    ///
    /// If the header is not signed, then the type is not authentic: an attacker who can replay a genuine body can send it
    /// again with another type. Such a body still has to fit that type, and is still a body that the sender signed. By
    /// default serde ignores unknown fields, so a larger payload fits a smaller type: `#[serde(deny_unknown_fields)]`
    /// prevents that. Do not decide on rights by the type alone. If the body names its type too, prefer that one. Read the header with
    /// [`Head::public_header`](super::Head::public_header): then a missing, repeated or overlong header is refused before
    /// the body is read.
    ///
    /// ```
    /// use tower_webhook::scheme::{Check, Head, HmacSha256, Tag, VerifyError, after_prefix};
    ///
    /// fn authenticate(keys: &HmacSha256, head: &Head<'_>) -> Result<Check, VerifyError> {
    ///     let tag = Tag::hex(after_prefix(head.header("x-hub-signature-256")?, "sha256=")?)?;
    ///     keys.check(tag).named(head.public_header("x-github-event")?)
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`VerifyError::EventType`] if the type is empty, or longer than 256 bytes: no handler can be registered for it.
    pub fn named(self, event_type: &str) -> Result<Self, VerifyError> {
        match event_type.len() {
            1..=MAX_EVENT_TYPE => Ok(Self { event_type: Some(event_type.into()), ..self }),
            _ => Err(VerifyError::EventType),
        }
    }

    /// Takes the next bytes of the body.
    #[inline(always)]
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.kind {
            Kind::Whole(whole) => whole.body.extend_from_slice(bytes),
            _ => self.feed(bytes),
        }
    }

    /// As [`Check::update`], for a caller that keeps the body and gives it to [`Check::finish_with`].
    #[inline(always)]
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        match &mut self.kind {
            Kind::Done(_) | Kind::Whole(_) => {}
            Kind::HmacSha256(check) => check.feed(bytes),
            Kind::Streaming(scheme) => scheme.update(bytes),
        }
    }

    /// Whether code that is not of this crate ends it, on bytes that nobody has authenticated.
    pub(crate) fn is_foreign(&self) -> bool {
        matches!(self.kind, Kind::Streaming(_) | Kind::Whole(_))
    }

    /// The body is complete: is the request authentic?
    ///
    /// # Errors
    ///
    /// The reason why it is not.
    #[inline(always)]
    pub fn finish(self) -> Result<Authentic, VerifyError> {
        self.finish_with(None)
    }

    /// As [`Check::finish`]. `body` is the whole body, if the caller has fed it and keeps it.
    #[inline(always)]
    pub(crate) fn finish_with(self, body: Option<&[u8]>) -> Result<Authentic, VerifyError> {
        let proof = match self.kind {
            Kind::HmacSha256(check) => {
                let (key, index) = check.matching_key()?;
                return Ok(Authentic { key, index, id: self.id, event_type: self.event_type });
            }
            Kind::Done(proof) => proof,
            Kind::Streaming(scheme) => scheme.finish()?,
            Kind::Whole(whole) => (whole.judge)(body.unwrap_or(&whole.body))?,
        };
        let event_type = self.event_type.or(proof.event_type);
        Ok(Authentic { id: self.id.or(proof.id), event_type, ..proof })
    }
}

impl From<Kind> for Check {
    #[inline(always)]
    fn from(kind: Kind) -> Self {
        Self { kind, id: None, event_type: None }
    }
}

impl From<Authentic> for Check {
    fn from(proof: Authentic) -> Self {
        Kind::Done(proof).into()
    }
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Check(..)")
    }
}

/// Proof that a request is authentic, with the name of the key that matched and the facts that the proof covers. Only a
/// scheme makes one.
#[derive(Debug)]
#[must_use]
pub struct Authentic {
    pub(crate) key: Option<KeyId>,
    /// The index of the key among the keys of its scheme.
    pub(super) index: usize,
    pub(crate) id: Option<DeliveryId>,
    pub(crate) event_type: Option<Arc<str>>,
}

impl Authentic {
    /// A proof by the key at `index` among the keys of the scheme.
    pub(super) fn by(key: Option<KeyId>, index: usize) -> Self {
        Self { key, index, id: None, event_type: None }
    }

    /// The proof of a scheme of your own, after its comparison: at the end of [`Streaming::finish`] or of
    /// [`Check::whole`]. `name` is the name of the key that matched, if your keys have names. It becomes
    /// [`Delivery::key_id`](crate::Delivery::key_id).
    ///
    /// Nothing is compared here. If there is no comparison before, use [`Authentic::dangerous_assert`], whose name says so.
    pub fn by_key(name: Option<&str>) -> Self {
        Self::by(name.map(Into::into), 0)
    }

    /// Claims authenticity without a comparison: for a receiver behind a trusted proxy, and for tests.
    pub fn dangerous_assert() -> Self {
        Self::by_key(None)
    }

    /// With the sender's id of this delivery, as [`Check::id`] sets it: for an id that is found in the body, such as a
    /// claim of a signed token. Pass only an id that the proof covers.
    pub fn id(self, id: &str) -> Self {
        Self { id: Some(id.into()), ..self }
    }

    /// The name of the key that matched, if it has one.
    pub fn key_id(&self) -> Option<&str> {
        self.key.as_deref()
    }
}
