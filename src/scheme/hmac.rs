use std::{fmt, sync::Arc};

use hmac::{KeyInit, Mac, digest::OutputSizeUser};
use subtle::Choice;

use super::{Authentic, Check, Keys, Streaming, Tag, VerifyError, keys::KeyId};
use crate::error::ConfigError;

/// HMAC under SHA-256.
pub type HmacSha256 = Hmac<Sha256>;
/// HMAC under SHA-512.
pub type HmacSha512 = Hmac<Sha512>;
/// HMAC under SHA-1, for senders that offer nothing newer. Still unforged as a MAC, and still not to be chosen.
pub type HmacSha1Legacy = Hmac<Sha1Legacy>;

/// HMAC under one or more secrets, prepared once.
///
/// ```
/// use tower_webhook::scheme::{HmacSha256, Tag, VerifyError};
///
/// let key = HmacSha256::new("a secret of 16 bytes or more")?;
/// let tag = key.sign(["id.", "body"]);
/// let mut check = key.check(tag).prefix("id.").check();
/// check.update(b"bo");
/// check.update(b"dy");
/// assert!(check.finish().is_ok());
///
/// let mut forged = key.check(tag).prefix("id.").check();
/// forged.update(b"other");
/// assert_eq!(forged.finish().unwrap_err(), VerifyError::SignatureMismatch);
/// # Ok::<_, tower_webhook::error::ConfigError>(())
/// ```
pub struct Hmac<A: Algorithm> {
    keys: Arc<[(Option<KeyId>, A::Mac)]>,
}

/// The most keys that one HMAC scheme takes: the body is hashed once for each.
pub const MAX_KEYS: usize = 16;
/// The most signatures that one request may offer.
pub const MAX_TAGS: usize = 16;

/// The shortest secret for an HMAC of no particular sender, in bytes.
const MIN_SECRET: usize = 16;

impl<A: Algorithm> Hmac<A> {
    /// Prepares the secrets: the bytes given are the key.
    ///
    /// # Errors
    ///
    /// More than [`MAX_KEYS`], an unusable [`Secret`](super::Secret), or one of fewer than 16 bytes.
    pub fn new(keys: impl Into<Keys>) -> Result<Self, ConfigError> {
        let keys = keys.into().prepare(MAX_KEYS, |secret| {
            let key = secret.bytes();
            secret.at_least(MIN_SECRET, key.len(), "bytes")?;
            A::Mac::new_from_slice(key)
                .map_err(|_| ConfigError::new("the secret has an impossible length"))
        })?;
        Ok(Self { keys: keys.into() })
    }

    /// Begins to check one signature.
    pub fn check(&self, tag: Tag) -> HmacCheck<A> {
        self.begin(tag, Vec::new())
    }

    /// Begins to check several signatures, any of which may be the one. Those that cannot be read, or have another
    /// length than the hash, are passed over as long as there is one that can. The body is hashed once for each key, not
    /// for each signature.
    ///
    /// # Errors
    ///
    /// [`VerifyError::UnsupportedSignature`] if there is none, [`VerifyError::TooManySignatures`] beyond
    /// [`MAX_TAGS`], and the last one's error if none can be read.
    pub fn check_any(
        &self,
        tags: impl IntoIterator<Item = Result<Tag, VerifyError>>,
    ) -> Result<HmacCheck<A>, VerifyError> {
        let mut first = Err(VerifyError::UnsupportedSignature);
        let mut more = Vec::new();
        let length = <A::Mac as OutputSizeUser>::output_size();
        for (index, tag) in tags.into_iter().enumerate() {
            match (index < MAX_TAGS, tag.and_then(|tag| tag.of_length(length))) {
                (false, _) => return Err(VerifyError::TooManySignatures),
                (true, Ok(tag)) if first.is_ok() => more.push(tag),
                (true, tag) => first = first.or(tag),
            }
        }
        Ok(self.begin(first?, more))
    }

    /// The signature of `parts`, one after the other, under the first secret.
    pub fn sign<T: AsRef<[u8]>>(&self, parts: impl IntoIterator<Item = T>) -> Tag {
        let mut mac = self.keys.first().map(|(_, mac)| mac.clone());
        for part in parts {
            mac.iter_mut().for_each(|mac| mac.update(part.as_ref()));
        }
        Tag::of(&mac.map(|mac| mac.finalize().into_bytes()).unwrap_or_default())
    }

    fn begin(&self, first_tag: Tag, more_tags: Vec<Tag>) -> HmacCheck<A> {
        let mut macs = self.keys.iter().map(|(_, mac)| mac.clone());
        let first_mac = macs.next();
        HmacCheck { keys: self.clone(), first_mac, more_macs: macs.collect(), first_tag, more_tags }
    }
}

impl<A: Algorithm> Clone for Hmac<A> {
    fn clone(&self) -> Self {
        Self { keys: self.keys.clone() }
    }
}

impl<A: Algorithm> fmt::Debug for Hmac<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hmac(..)")
    }
}

/// A check that is fed with what is signed before the body; then it becomes a [`Check`].
#[must_use = "a check proves nothing until it is fed and finished"]
pub struct HmacCheck<A: Algorithm> {
    keys: Hmac<A>,
    first_mac: Option<A::Mac>,
    more_macs: Vec<A::Mac>,
    first_tag: Tag,
    more_tags: Vec<Tag>,
}

impl<A: Algorithm> HmacCheck<A> {
    /// Adds what is signed before the body. Call it as often as there are parts.
    pub fn prefix(mut self, part: impl AsRef<[u8]>) -> Self {
        self.feed(part.as_ref());
        self
    }

    /// Names the delivery. Pass only what is signed. The next thing signed is the body.
    pub fn id(self, id: &str) -> Check {
        self.check().id(id)
    }

    /// The next thing signed is the body.
    pub fn check(self) -> Check {
        A::begin(self)
    }

    fn feed(&mut self, bytes: &[u8]) {
        self.first_mac.iter_mut().chain(&mut self.more_macs).for_each(|mac| mac.update(bytes));
    }

    /// Compares every signature with every key's, wherever the match stands.
    fn verdict(self) -> Result<Authentic, VerifyError> {
        let mut found = None;
        for ((id, _), mac) in
            self.keys.keys.iter().zip(self.first_mac.into_iter().chain(self.more_macs))
        {
            let mac = mac.finalize().into_bytes();
            let tags = std::iter::once(&self.first_tag).chain(&self.more_tags);
            let hit = tags.fold(Choice::from(0), |hit, tag| hit | tag.matches(&mac));
            found = found.or(bool::from(hit).then_some(id));
        }
        found.map(|id| Authentic::by(id.clone())).ok_or(VerifyError::SignatureMismatch)
    }
}

impl<A: Algorithm> Streaming for HmacCheck<A> {
    fn update(&mut self, bytes: &[u8]) {
        self.feed(bytes);
    }

    fn finish(self: Box<Self>) -> Result<Authentic, VerifyError> {
        self.verdict()
    }
}

impl HmacCheck<Sha256> {
    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.feed(bytes);
    }

    pub(super) fn finish(self) -> Result<Authentic, VerifyError> {
        self.verdict()
    }
}

impl<A: Algorithm> fmt::Debug for HmacCheck<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HmacCheck(..)")
    }
}

/// A hash function that [`Hmac`] can be used with: [`Sha256`], [`Sha512`], [`Sha1Legacy`].
pub trait Algorithm: sealed::Algorithm {}

mod sealed {
    use hmac::{KeyInit, Mac};

    use crate::scheme::{Check, HmacCheck};

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

            fn begin(check: HmacCheck<Self>) -> Check {
                $begin(check)
            }
        }
    )*};
}

algorithms! {
    /// SHA-256, as in [`HmacSha256`].
    Sha256(sha2::Sha256) => Check::sha256;
    /// SHA-512, as in [`HmacSha512`].
    Sha512(sha2::Sha512) => Check::streaming;
    /// SHA-1, as in [`HmacSha1Legacy`].
    Sha1Legacy(sha1::Sha1) => Check::streaming;
}
