//! `Check`: the verification of one request, from its head to the end of its body; and its proof, `Authentic`.

use std::fmt;

use super::{HashSha256, KeyId, VerifyError, delivery_id::DeliveryId, hmac::HmacCheck};

/// A check of one request, begun on its head. Fed with the body as it arrives.
///
/// Comes from [`Hmac::check`](super::Hmac::check), from an [`Authentic`] that the head alone has proven, or from a
/// [`Streaming`] scheme of one's own.
#[must_use = "a check proves nothing until it is fed and finished"]
pub struct Check {
    kind: Kind,
    id: Option<DeliveryId>,
}

enum Kind {
    Done(Authentic),
    HmacSha256(HmacCheck<HashSha256>),
    Streaming(Box<dyn Streaming>),
}

/// A scheme that this crate does not have, once it has seen the head.
pub trait Streaming: Send {
    /// Takes the next bytes of the body.
    fn update(&mut self, bytes: &[u8]);

    /// The body is complete: is it authentic? The proof of a scheme of one's own is
    /// [`Authentic::dangerous_assert`].
    ///
    /// # Errors
    ///
    /// Why it is not.
    fn finish(self: Box<Self>) -> Result<Authentic, VerifyError>;
}

impl Check {
    /// A check by a scheme of one's own.
    pub fn streaming(scheme: impl Streaming + 'static) -> Self {
        Kind::Streaming(Box::new(scheme)).into()
    }

    #[inline(always)]
    pub(super) fn sha256(check: HmacCheck<HashSha256>) -> Self {
        Kind::HmacSha256(check).into()
    }

    /// Adds what is signed before the body: call it as often as there are parts, before anything else is fed. Nothing is
    /// added where the head alone has proven all.
    ///
    /// Parts run into each other. One that may hold what separates it from the next, as the id of `id.body` may hold a
    /// dot, is to be refused then: or whoever has recorded `a` and `b.c` can send `a.b` and `c`.
    #[inline(always)]
    pub fn prefix(mut self, part: impl AsRef<[u8]>) -> Self {
        self.update(part.as_ref());
        self
    }

    /// The sender's id of this delivery. Pass only what is signed: it ends up in
    /// [`Delivery::id`](crate::Delivery::id). A header can hold blanks and tabs: refuse an id that does, if the sender's
    /// ids have none.
    #[inline(always)]
    pub fn id(mut self, id: &str) -> Self {
        self.set_id(id);
        self
    }

    #[inline(always)]
    pub(crate) fn set_id(&mut self, id: &str) {
        self.id = Some(id.into());
    }

    /// Takes the next bytes of the body.
    #[inline(always)]
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.kind {
            Kind::Done(_) => {}
            Kind::HmacSha256(check) => check.feed(bytes),
            Kind::Streaming(scheme) => scheme.update(bytes),
        }
    }

    /// The body is complete: is the request authentic?
    ///
    /// # Errors
    ///
    /// Why it is not.
    pub fn finish(self) -> Result<Authentic, VerifyError> {
        let proof = match self.kind {
            Kind::Done(proof) => proof,
            Kind::HmacSha256(check) => check.verdict()?,
            Kind::Streaming(scheme) => scheme.finish()?,
        };
        Ok(Authentic { id: self.id.or(proof.id), ..proof })
    }
}

impl From<Kind> for Check {
    #[inline(always)]
    fn from(kind: Kind) -> Self {
        Self { kind, id: None }
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

/// Proof that a secret was checked, which one it was, and what it vouches for. Only a scheme makes one.
#[derive(Debug)]
#[must_use]
pub struct Authentic {
    pub(crate) key: Option<KeyId>,
    pub(crate) id: Option<DeliveryId>,
}

impl Authentic {
    pub(super) fn by(key: Option<KeyId>) -> Self {
        Self { key, id: None }
    }

    /// Claims authenticity without proof: for the end of a [`Streaming`] scheme of one's own, for a receiver that a
    /// trusted proxy stands in front of, and for tests.
    pub fn dangerous_assert() -> Self {
        Self::by(None)
    }
}
