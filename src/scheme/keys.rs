//! `Keys`: the secrets of one endpoint, each with an optional name.

use std::sync::Arc;

use subtle::{Choice, ConditionallySelectable};
use zeroize::Zeroizing;

use super::Secret;
use crate::error::ConfigError;

/// The secrets that one endpoint accepts. There are several while a secret is rotated, or if each tenant has its own.
///
/// A text or bytes become `Keys` with one secret: a text by [`Secret::new`], bytes by [`Secret::from_bytes`]. If a secret
/// has a name from [`Keys::named`] and matches, then the name is in [`Delivery::key_id`](crate::Delivery::key_id): use it to
/// distinguish tenants or locations. If a secret is unusable, then the scheme that takes the keys reports it.
///
/// ```
/// use tower_webhook::scheme::{HmacSha256, Keys};
///
/// HmacSha256::new("one secret of 16+ bytes")?;
/// HmacSha256::new(Keys::from("the new one, 16+ bytes").or("the old one, 16+ bytes"))?;
/// HmacSha256::new(Keys::named("sofia", "sofia's own secret").or(Keys::named("varna", "varna's own secret")))?;
///
/// let refused = HmacSha256::new(Keys::named("sofia", "too short")).unwrap_err();
/// assert_eq!(
///     refused.to_string(),
///     "key `sofia`: the secret has 9 bytes, fewer than 16: use a longer one",
/// );
/// # Ok::<_, tower_webhook::error::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Keys(Vec<Key>);

#[derive(Clone, Debug)]
struct Key {
    id: Option<KeyId>,
    secret: Result<Secret, ConfigError>,
}

/// The name of a key. It is shared because every delivery has a copy.
pub(crate) type KeyId = Arc<str>;

impl Keys {
    fn one(secret: Result<Secret, ConfigError>) -> Self {
        Self(vec![Key { id: None, secret }])
    }

    /// Gives `keys` a name.
    pub fn named(id: impl Into<Arc<str>>, keys: impl Into<Self>) -> Self {
        let id = id.into();
        let Self(mut all) = keys.into();
        for key in &mut all {
            key.id = Some(id.clone());
        }
        Self(all)
    }

    /// Accepts `keys` as well.
    #[must_use]
    pub fn or(mut self, keys: impl Into<Self>) -> Self {
        self.0.extend(keys.into().0);
        self
    }

    /// Prepares each secret. `prepare` returns an identity, by which two secrets are compared, and the prepared key. The first
    /// error and each warning have the name of their key. A warning also has the `place` where the secrets are used.
    pub(crate) fn prepare<I: PartialEq, T>(
        self,
        most: usize,
        place: &str,
        prepare: impl Fn(&Secret) -> Result<(I, T), ConfigError>,
    ) -> Result<Vec<(Option<KeyId>, T)>, ConfigError> {
        if self.0.len() > most {
            return Err(ConfigError::new(format!(
                "{} keys are more than the {most} possible here",
                self.0.len()
            )));
        }
        let mut identities: Vec<(Option<KeyId>, I)> = Vec::with_capacity(self.0.len());
        let mut all = Vec::with_capacity(self.0.len());
        for Key { id, secret } in self.0 {
            let of_key = |error: ConfigError| error.of_key(id.as_deref());
            let mut secret = secret.map_err(of_key)?;
            let (identity, prepared) = prepare(&secret).map_err(of_key)?;
            // The delivery would have the name of the wrong key.
            if identities.iter().any(|(other, same)| *same == identity && *other != id) {
                return Err(of_key(ConfigError::new(
                    "the same secret is already used by another key",
                )));
            }
            secret.warn(place, id.as_deref());
            identities.push((id.clone(), identity));
            all.push((id, prepared));
        }
        Ok(all)
    }

    /// Decodes each secret from the notation of this `sender`.
    pub(crate) fn decoded(
        self,
        sender: &str,
        decode: impl Fn(Secret) -> Result<Secret, ConfigError>,
    ) -> Self {
        let one = |Key { id, secret }: Key| {
            let mut secret = secret.and_then(&decode);
            if let Ok(secret) = &mut secret {
                secret.warn(sender, id.as_deref());
            }
            Key { id, secret }
        };
        Self(self.0.into_iter().map(one).collect())
    }
}

/// The index of the key that matched, or of the last one if several did. All keys are compared, and the time taken does not
/// depend on which of them matched.
pub(super) struct Match(u32);

impl Match {
    pub(super) const NONE: Self = Self(u32::MAX);

    // Called for every key in a loop: a call would cost more than the assignment.
    #[inline(always)]
    pub(super) fn note(&mut self, index: usize, hit: Choice) {
        self.0.conditional_assign(&u32::try_from(index).unwrap_or(u32::MAX), hit);
    }

    /// The only branch on a match, in a function of its own: nothing before it branches on one.
    #[inline(never)]
    pub(super) fn index(self) -> Option<usize> {
        if self.0 == Self::NONE.0 { None } else { usize::try_from(self.0).ok() }
    }
}

impl From<Secret> for Keys {
    fn from(secret: Secret) -> Self {
        Self::one(Ok(secret))
    }
}

impl From<&[u8]> for Keys {
    fn from(key: &[u8]) -> Self {
        Self::one(Secret::from_bytes(key))
    }
}

impl From<Vec<u8>> for Keys {
    fn from(key: Vec<u8>) -> Self {
        Zeroizing::new(key).as_slice().into()
    }
}

impl From<&str> for Keys {
    fn from(text: &str) -> Self {
        Self::one(Secret::new(text))
    }
}

impl From<&String> for Keys {
    fn from(text: &String) -> Self {
        text.as_str().into()
    }
}

impl From<String> for Keys {
    fn from(text: String) -> Self {
        Zeroizing::new(text).as_str().into()
    }
}
