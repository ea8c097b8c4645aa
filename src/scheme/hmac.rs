//! `Hmac`: signatures by HMAC, with several keys and several candidate signatures.

use std::{collections::VecDeque, fmt, sync::Arc};

use hmac::{KeyInit, Mac, digest::OutputSizeUser};

use super::{
    Authentic, Check, Keys, Streaming, Tag, VerifyError,
    keys::{KeyId, Match},
};
use crate::error::ConfigError;

/// HMAC under SHA-256.
pub type HmacSha256 = Hmac<HashSha256>;
/// HMAC under SHA-512.
pub type HmacSha512 = Hmac<HashSha512>;
/// HMAC under SHA-1, for senders that offer nothing newer. No forgery of it is known, but do not choose it.
pub type HmacSha1Legacy = Hmac<HashSha1Legacy>;

/// HMAC under one or more secrets, prepared once.
///
/// ```
/// use tower_webhook::scheme::{HmacSha256, Tag, VerifyError};
///
/// let key = HmacSha256::new("a secret of 16 bytes or more")?;
/// let tag = key.sign(["id.", "body"]);
/// let mut check = key.check(tag).prefix("id.");
/// check.update(b"bo");
/// check.update(b"dy");
/// assert!(check.finish().is_ok());
///
/// let mut forged = key.check(tag).prefix("id.");
/// forged.update(b"other");
/// assert_eq!(forged.finish().unwrap_err(), VerifyError::SignatureMismatch);
/// # Ok::<_, tower_webhook::error::ConfigError>(())
/// ```
pub struct Hmac<A: Algorithm> {
    first: A::Mac,
    /// The other keys.
    more: Arc<[A::Mac]>,
    max_tags: usize,
    /// The names of the keys, if any key has one.
    names: Option<Arc<[Option<KeyId>]>>,
}

/// The most keys that one HMAC scheme takes: the body is hashed once for each.
pub const MAX_KEYS: usize = 16;
/// The most signatures that one request may offer, by default.
pub const MAX_TAGS: usize = 16;

/// The shortest secret in bytes, if the sender has no limit of its own.
const MIN_SECRET: usize = 16;

impl<A: Algorithm> Hmac<A> {
    /// Prepares the secrets. The bytes of a secret are the key.
    ///
    /// # Errors
    ///
    /// More than [`MAX_KEYS`], an unusable [`Secret`](super::Secret), one of fewer than 16 bytes, or the same key under two
    /// names. Keys that differ only in zero bytes at the end are the same for HMAC.
    pub fn new(keys: impl Into<Keys>) -> Result<Self, ConfigError> {
        let keys = keys.into().prepare(MAX_KEYS, "hmac", |secret| {
            let key = secret.bytes();
            secret.at_least(MIN_SECRET, key.len(), ["byte", "bytes"])?;
            let mac = A::Mac::new_from_slice(key)
                .map_err(|_| ConfigError::new("the secret has an impossible length"))?;
            // HMAC pads a key with zeros, and hashes a long one: keys that sign the same are the same key.
            Ok((mac.clone().finalize(), mac))
        })?;
        let (names, mut keys): (Vec<_>, VecDeque<_>) = keys.into_iter().unzip();
        let names = names.iter().any(Option::is_some).then(|| names.into());
        let first =
            keys.pop_front().ok_or_else(|| ConfigError::new("there is no key: give one"))?;
        Ok(Self { first, more: Vec::from(keys).into(), max_tags: MAX_TAGS, names })
    }

    /// The most signatures that one request may offer, by default [`MAX_TAGS`], 16.
    #[must_use]
    pub fn max_tags(self, most: usize) -> Self {
        Self { max_tags: most, ..self }
    }

    /// Begins to check one signature.
    #[inline]
    pub fn check(&self, tag: Tag) -> Check {
        self.begin(tag, Vec::new())
    }

    /// Begins to check several signatures, of which one must match. Signatures that cannot be read, or whose length is not
    /// that of the hash, are skipped if another one can be read. The body is hashed once for each key, not for each
    /// signature.
    ///
    /// # Errors
    ///
    /// [`VerifyError::UnsupportedSignature`] if there is no signature, [`VerifyError::TooManySignatures`] if there are more
    /// than [`Hmac::max_tags`], and the error of the last one if no signature can be read.
    #[inline]
    pub fn check_any(
        &self,
        tags: impl IntoIterator<Item = Result<Tag, VerifyError>>,
    ) -> Result<Check, VerifyError> {
        let (mut first, mut more) = (None, Vec::new());
        let mut failure = VerifyError::UnsupportedSignature;
        let length = <A::Mac as OutputSizeUser>::output_size();
        for (index, tag) in tags.into_iter().enumerate() {
            if index == self.max_tags {
                return Err(VerifyError::TooManySignatures);
            }
            match tag {
                Ok(tag) if tag.len() != length => failure = VerifyError::MalformedSignature,
                Ok(tag) if first.is_none() => first = Some(tag),
                Ok(tag) => more.push(tag),
                Err(error) => failure = error,
            }
        }
        first.map(|tag| self.begin(tag, more)).ok_or(failure)
    }

    /// Checks the signature of `parts`, one after the other: the counterpart of [`Hmac::sign`], for parts that are all there,
    /// as in [`Check::whole`].
    ///
    /// ```
    /// use tower_webhook::scheme::{HmacSha256, Tag, VerifyError};
    ///
    /// let key = HmacSha256::new("a secret of 16 bytes or more")?;
    /// let tag = key.sign(["b-17", ".", r#"{"room":12}"#]);
    /// assert!(key.verify(tag, ["b-17", ".", r#"{"room":12}"#]).is_ok());
    /// assert_eq!(key.verify(tag, ["b-18", ".", r#"{"room":12}"#]).unwrap_err(), VerifyError::SignatureMismatch);
    /// # Ok::<_, tower_webhook::error::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`VerifyError::SignatureMismatch`].
    pub fn verify<T: AsRef<[u8]>>(
        &self,
        tag: Tag,
        parts: impl IntoIterator<Item = T>,
    ) -> Result<Authentic, VerifyError> {
        let mut check = self.check(tag);
        parts.into_iter().for_each(|part| check.feed(part.as_ref()));
        check.finish()
    }

    /// The signature of `parts`, one after the other, under the first secret.
    pub fn sign<T: AsRef<[u8]>>(&self, parts: impl IntoIterator<Item = T>) -> Tag {
        self.signed(0, parts)
    }

    /// As [`Hmac::sign`], under the secret that `proof` was made with: to answer a challenge with the key that signed it,
    /// while the secret is rotated. `proof` must come from a check of this value.
    pub fn sign_as<T: AsRef<[u8]>>(
        &self,
        proof: &Authentic,
        parts: impl IntoIterator<Item = T>,
    ) -> Tag {
        self.signed(proof.index, parts)
    }

    fn signed<T: AsRef<[u8]>>(&self, key: usize, parts: impl IntoIterator<Item = T>) -> Tag {
        let other = key.checked_sub(1).and_then(|index| self.more.get(index));
        let mut mac = other.unwrap_or(&self.first).clone();
        for part in parts {
            mac.update(part.as_ref());
        }
        Tag::of(&mac.finalize().into_bytes())
    }

    // Here and below: it makes or feeds a `Check`, which a call would copy.
    #[inline(always)]
    fn begin(&self, tag: Tag, tags: Vec<Tag>) -> Check {
        let alone = self.more.is_empty() && tags.is_empty();
        let more = (!alone).then(|| Box::new(More { macs: self.more.to_vec(), tags }));
        A::begin(HmacCheck { names: self.names.clone(), mac: self.first.clone(), tag, more })
    }
}

impl<A: Algorithm> Clone for Hmac<A> {
    fn clone(&self) -> Self {
        Self {
            first: self.first.clone(),
            more: self.more.clone(),
            names: self.names.clone(),
            ..*self
        }
    }
}

impl<A: Algorithm> fmt::Debug for Hmac<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hmac(..)")
    }
}

/// A MAC for each key, fed with the body as it arrives, and the signatures of the request.
#[expect(missing_debug_implementations, unnameable_types, reason = "sealed")]
pub struct HmacCheck<A: Algorithm> {
    names: Option<Arc<[Option<KeyId>]>>,
    mac: A::Mac,
    tag: Tag,
    more: Option<Box<More<A>>>,
}

/// The other keys and signatures, if there are several.
struct More<A: Algorithm> {
    macs: Vec<A::Mac>,
    tags: Vec<Tag>,
}

impl<A: Algorithm> HmacCheck<A> {
    #[inline(always)]
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        self.mac.update(bytes);
        if let Some(more) = &mut self.more {
            more.macs.iter_mut().for_each(|mac| mac.update(bytes));
        }
    }

    /// The key that matches. Compares every signature with every key, whichever of them matches.
    #[inline(always)]
    pub(super) fn matching_key(self) -> Result<(Option<KeyId>, usize), VerifyError> {
        let (macs, tags) = self.more.map(|more| (more.macs, more.tags)).unwrap_or_default();
        let signs = |mac: A::Mac| {
            let mac = mac.finalize().into_bytes();
            let first = self.tag.matches(&mac);
            tags.iter().fold(first, |hit, tag| hit | tag.matches(&mac))
        };
        // Backwards, so that the first of several counts.
        let mut found = Match::NONE;
        for (index, mac) in macs.into_iter().enumerate().rev() {
            found.note(index.saturating_add(1), signs(mac));
        }
        found.note(0, signs(self.mac));
        let index = found.index().ok_or(VerifyError::SignatureMismatch)?;
        Ok((self.names.and_then(|names| names.get(index)?.clone()), index))
    }
}

impl<A: Algorithm> Streaming for HmacCheck<A> {
    fn update(&mut self, bytes: &[u8]) {
        self.feed(bytes);
    }

    fn finish(self: Box<Self>) -> Result<Authentic, VerifyError> {
        let (key, index) = (*self).matching_key()?;
        Ok(Authentic::by(key, index))
    }
}

/// A hash function that [`Hmac`] can be used with: [`HashSha256`], [`HashSha512`], [`HashSha1Legacy`].
pub trait Algorithm: sealed::Algorithm {}

mod sealed {
    use hmac::{KeyInit, Mac};

    use super::HmacCheck;
    use crate::scheme::Check;

    #[expect(unnameable_types, reason = "sealed")]
    pub trait Algorithm: Sized + Send + Sync + 'static {
        type Mac: Mac + KeyInit + Clone + Send + Sync + 'static;

        fn begin(check: HmacCheck<Self>) -> Check
        where
            Self: super::Algorithm;
    }
}

macro_rules! algorithms {
    ($($(#[$doc:meta])* $name:ident($hash:ty) => $begin:path;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        #[non_exhaustive]
        pub struct $name;

        impl Algorithm for $name {}

        impl sealed::Algorithm for $name {
            type Mac = hmac::Hmac<$hash>;

            #[inline(always)]
            fn begin(check: HmacCheck<Self>) -> Check {
                $begin(check)
            }
        }
    )*};
}

algorithms! {
    /// SHA-256, as in [`HmacSha256`].
    HashSha256(sha2::Sha256) => Check::sha256;
    /// SHA-512, as in [`HmacSha512`].
    HashSha512(sha2::Sha512) => Check::streaming;
    /// SHA-1, as in [`HmacSha1Legacy`].
    HashSha1Legacy(sha1::Sha1) => Check::streaming;
}
