use std::sync::Arc;

use subtle::{Choice, ConditionallySelectable};

use super::Secret;
use crate::error::ConfigError;

/// The secrets that one endpoint accepts: one, or several while a secret is rotated or where each has an owner.
///
/// Anything a secret can be made of is a `Keys` of one. A name given with [`Keys::named`] reaches
/// [`Delivery::key_id`](crate::Delivery::key_id) when its secret matches, which is how one tells tenants or
/// locations apart. A fault in any of them is reported by the scheme that takes them.
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
///     "key `sofia`: the secret has 9 bytes, fewer than 16: use a longer one, or `Secret::dangerous_short`",
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

/// The name of a key; shared, since every delivery carries one.
pub(crate) type KeyId = Arc<str>;

impl Keys {
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

    /// What `prepare` makes of each secret; the first fault is named after its key.
    pub(crate) fn prepare<T>(
        self,
        most: usize,
        prepare: impl Fn(&Secret) -> Result<T, ConfigError>,
    ) -> Result<Vec<(Option<KeyId>, T)>, ConfigError> {
        if self.0.len() > most {
            return Err(ConfigError::new(format!(
                "{} keys are more than the {most} possible here",
                self.0.len()
            )));
        }
        self.one_name_each()?;
        let one = |Key { id, secret }| match secret.and_then(|secret| prepare(&secret)) {
            Ok(prepared) => Ok((id, prepared)),
            Err(error) => Err(error.of_key(id.as_deref())),
        };
        self.0.into_iter().map(one).collect()
    }

    /// Refuses one secret under two names: nobody could tell whose request it is.
    fn one_name_each(&self) -> Result<(), ConfigError> {
        for (index, key) in self.0.iter().enumerate() {
            let same = |other: &&Key| match (&key.secret, &other.secret) {
                (Ok(one), Ok(other)) => one.bytes() == other.bytes(),
                _ => false,
            };
            let earlier = self.0.iter().take(index).filter(same);
            if earlier.filter(|earlier| earlier.id != key.id).count() > 0 {
                let why = ConfigError::new("the secret is that of another key, too");
                return Err(why.of_key(key.id.as_deref()));
            }
        }
        Ok(())
    }

    /// Replaces each secret by what `decode` makes of it.
    pub(crate) fn decoded(self, decode: impl Fn(&Secret) -> Result<Secret, ConfigError>) -> Self {
        let one =
            |Key { id, secret }| Key { id, secret: secret.and_then(|secret| decode(&secret)) };
        Self(self.0.into_iter().map(one).collect())
    }
}

/// Which of the keys it was, the last that was noted. All are looked at, and nothing depends on which but the answer.
pub(super) struct Match(u32);

impl Match {
    pub(super) const NONE: Self = Self(u32::MAX);

    #[inline(always)]
    pub(super) fn note(&mut self, index: usize, hit: Choice) {
        self.0.conditional_assign(&u32::try_from(index).unwrap_or(u32::MAX), hit);
    }

    /// On its own: until here, nothing branches on a match.
    #[inline(never)]
    pub(super) fn index(self) -> Option<usize> {
        if self.0 == Self::NONE.0 { None } else { usize::try_from(self.0).ok() }
    }
}

impl From<Secret> for Keys {
    fn from(secret: Secret) -> Self {
        Self(vec![Key { id: None, secret: Ok(secret) }])
    }
}

impl From<&[u8]> for Keys {
    fn from(secret: &[u8]) -> Self {
        Self(vec![Key { id: None, secret: Secret::new(secret) }])
    }
}

impl From<&str> for Keys {
    fn from(secret: &str) -> Self {
        secret.as_bytes().into()
    }
}

impl From<&String> for Keys {
    fn from(secret: &String) -> Self {
        secret.as_bytes().into()
    }
}

impl From<String> for Keys {
    fn from(secret: String) -> Self {
        zeroize::Zeroizing::new(secret).as_bytes().into()
    }
}

impl From<Vec<u8>> for Keys {
    fn from(secret: Vec<u8>) -> Self {
        zeroize::Zeroizing::new(secret).as_slice().into()
    }
}
