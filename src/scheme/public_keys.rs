//! `Ed25519` and `EcdsaP256`: signatures that are checked with a public key.

use std::{fmt, sync::Arc};

use ring::signature::{ECDSA_P256_SHA256_ASN1, ED25519, UnparsedPublicKey, VerificationAlgorithm};

use super::{Authentic, Check, VerifyError, keys::KeyId};
use crate::error::ConfigError;

/// The most public keys that one scheme takes, and the most signatures that one request may offer. Each signature is checked with each
/// key, until one matches: this takes far longer than a comparison.
pub const MAX_PUBLIC_KEYS: usize = 4;

/// The public keys of one sender, each with an optional name. There are several while a key is rotated, or if each tenant has its
/// own.
///
/// They are no [`Keys`](super::Keys): everybody knows a public key, so an HMAC with one would prove nothing.
///
/// ```
/// use tower_webhook::scheme::{Ed25519, PublicKeys};
///
/// let (new, old) = ([7; 32], [9; 32]);
/// Ed25519::new(PublicKeys::named("new", new).or(old))?;
/// assert!(Ed25519::new([7; 31]).is_err());
/// # Ok::<_, tower_webhook::error::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct PublicKeys(Vec<(Option<KeyId>, Vec<u8>)>);

impl PublicKeys {
    /// Gives `keys` a name. It becomes [`Delivery::key_id`](crate::Delivery::key_id).
    pub fn named(id: impl Into<Arc<str>>, keys: impl Into<Self>) -> Self {
        let (id, Self(all)) = (id.into(), keys.into());
        Self(all.into_iter().map(|(_, key)| (Some(id.clone()), key)).collect())
    }

    /// Accepts `keys` as well.
    #[must_use]
    pub fn or(mut self, keys: impl Into<Self>) -> Self {
        self.0.extend(keys.into().0);
        self
    }

    /// Decodes each key from the notation of a sender. `None`: it is no such key.
    pub(crate) fn decoded(
        self,
        notation: &'static str,
        decode: impl Fn(&str) -> Option<Vec<u8>>,
    ) -> Result<Self, ConfigError> {
        let one =
            |(id, key): (Option<KeyId>, Vec<u8>)| match str::from_utf8(&key).ok().and_then(&decode)
            {
                Some(key) => Ok((id, key)),
                None => Err(ConfigError::new(notation).of_key(id.as_deref())),
            };
        self.0.into_iter().map(one).collect::<Result<_, _>>().map(Self)
    }
}

impl<const N: usize> From<[u8; N]> for PublicKeys {
    fn from(key: [u8; N]) -> Self {
        key.as_slice().into()
    }
}

impl From<&[u8]> for PublicKeys {
    fn from(key: &[u8]) -> Self {
        Self(vec![(None, key.to_vec())])
    }
}

impl From<&str> for PublicKeys {
    fn from(text: &str) -> Self {
        text.as_bytes().into()
    }
}

impl From<&String> for PublicKeys {
    fn from(text: &String) -> Self {
        text.as_str().into()
    }
}

impl From<String> for PublicKeys {
    fn from(text: String) -> Self {
        text.as_str().into()
    }
}

impl fmt::Debug for PublicKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(id, _)| id)).finish()
    }
}

/// Ed25519 under one or more public keys of 32 bytes.
#[derive(Clone, Debug)]
pub struct Ed25519(Verifiers);

/// ECDSA over the curve P-256 with SHA-256, under one or more public keys. A signature is in DER.
///
/// One message has two signatures that are right: do not recognise duplicates by them.
#[derive(Clone, Debug)]
pub struct EcdsaP256(Verifiers);

impl Ed25519 {
    /// Takes keys of 32 bytes.
    ///
    /// # Errors
    ///
    /// If there is none, if there are more than [`MAX_PUBLIC_KEYS`], if one has another length, or if one has two names.
    pub fn new(keys: impl Into<PublicKeys>) -> Result<Self, ConfigError> {
        let key = |key: Vec<u8>| (key.len() == 32).then_some(key);
        Verifiers::new(&ED25519, keys.into(), key, "the public key has not 32 bytes").map(Self)
    }

    /// Begins to check these signatures, of which one must match, over `prefix` and the body. See [`Check::whole`] for what it
    /// costs: the body is read to its end, and copied behind the prefix.
    ///
    /// # Errors
    ///
    /// [`VerifyError::UnsupportedSignature`] if there is none, and [`VerifyError::TooManySignatures`] if there are more than
    /// [`MAX_PUBLIC_KEYS`].
    pub fn check(
        &self,
        signatures: impl IntoIterator<Item = Vec<u8>>,
        prefix: impl Into<Vec<u8>>,
    ) -> Result<Check, VerifyError> {
        self.0.check(signatures.into_iter().collect(), prefix.into())
    }
}

impl EcdsaP256 {
    /// Takes keys in DER (`SubjectPublicKeyInfo`).
    ///
    /// # Errors
    ///
    /// As [`Ed25519::new`], and if a key is no such DER.
    pub fn new(keys: impl Into<PublicKeys>) -> Result<Self, ConfigError> {
        let point = |key: Vec<u8>| {
            let point = key.strip_prefix(&SPKI_P256)?;
            (point.len() == 65 && point.first() == Some(&4)).then(|| point.to_vec())
        };
        let why = "the public key is no uncompressed key of the curve P-256 in DER";
        Verifiers::new(&ECDSA_P256_SHA256_ASN1, keys.into(), point, why).map(Self)
    }

    /// As [`Ed25519::check`].
    ///
    /// # Errors
    ///
    /// As [`Ed25519::check`].
    pub fn check(
        &self,
        signatures: impl IntoIterator<Item = Vec<u8>>,
        prefix: impl Into<Vec<u8>>,
    ) -> Result<Check, VerifyError> {
        self.0.check(signatures.into_iter().collect(), prefix.into())
    }
}

/// What stands in front of the point: the algorithm `id-ecPublicKey` with the curve P-256, and the head of a bit string.
const SPKI_P256: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// Keys of one algorithm.
#[derive(Clone)]
struct Verifiers(Arc<[Named]>);

type Named = (Option<KeyId>, UnparsedPublicKey<Vec<u8>>);

impl Verifiers {
    fn new(
        algorithm: &'static dyn VerificationAlgorithm,
        PublicKeys(keys): PublicKeys,
        prepare: impl Fn(Vec<u8>) -> Option<Vec<u8>>,
        why: &'static str,
    ) -> Result<Self, ConfigError> {
        if keys.is_empty() || keys.len() > MAX_PUBLIC_KEYS {
            let count = keys.len();
            return Err(ConfigError::new(format!(
                "{count} public keys: there must be one to {MAX_PUBLIC_KEYS}"
            )));
        }
        let mut all: Vec<Named> = Vec::new();
        for (id, key) in keys {
            let of_key = |why| ConfigError::new(why).of_key(id.as_deref());
            let key = prepare(key).ok_or_else(|| of_key(why))?;
            // The delivery would have the name of the wrong key.
            if all.iter().any(|(other, same)| same.as_ref() == key && *other != id) {
                return Err(of_key("the same public key is already used by another name"));
            }
            all.push((id, UnparsedPublicKey::new(algorithm, key)));
        }
        Ok(Self(all.into()))
    }

    fn check(&self, signatures: Vec<Vec<u8>>, prefix: Vec<u8>) -> Result<Check, VerifyError> {
        match signatures.len() {
            0 => return Err(VerifyError::UnsupportedSignature),
            1..=MAX_PUBLIC_KEYS => {}
            _ => return Err(VerifyError::TooManySignatures),
        }
        let Self(keys) = self.clone();
        Ok(Check::whole(move |body| {
            let message = [&*prefix, body].concat();
            let signs = |key: &UnparsedPublicKey<Vec<u8>>| {
                signatures.iter().any(|signature| key.verify(&message, signature).is_ok())
            };
            let found = keys.iter().find(|(_, key)| signs(key));
            let (id, _) = found.ok_or(VerifyError::SignatureMismatch)?;
            Ok(Authentic::by_key(id.as_deref()))
        }))
    }
}

impl fmt::Debug for Verifiers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(id, _)| id)).finish()
    }
}
