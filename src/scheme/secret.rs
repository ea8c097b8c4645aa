use std::fmt;

#[cfg(feature = "register")]
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::error::ConfigError;

/// What a sender and this receiver both know: never empty, never printed, wiped from memory when dropped.
///
/// Kept exactly as given, except that a trailing line break is refused: it is what `echo secret > file` leaves
/// behind, and no sender's settings page lets one type it. Other outer whitespace is kept, with a warning (feature
/// `tracing`), as are secrets that a specification or manual prints as its example.
///
/// ```
/// use tower_webhook::scheme::Secret;
///
/// let secret = Secret::new("0123456789abcdef")?;
/// assert_eq!(format!("{secret:?}"), "Secret(..)");
/// assert_eq!(Secret::new("").unwrap_err().to_string(), "the secret is empty");
/// assert_eq!(
///     Secret::new("hunter2\n").unwrap_err().to_string(),
///     "the secret ends in a line break: remove it where the secret is stored",
/// );
/// # Ok::<_, tower_webhook::error::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct Secret {
    bytes: Zeroizing<Vec<u8>>,
    any_length: bool,
}

impl Secret {
    /// Takes a secret as it was typed into the sender's settings.
    ///
    /// # Errors
    ///
    /// If it is empty or ends in a line break. A scheme's minimum length is checked by the scheme.
    pub fn new(secret: impl AsRef<[u8]>) -> Result<Self, ConfigError> {
        let bytes = secret.as_ref();
        if bytes.is_empty() {
            return Err(ConfigError::new("the secret is empty"));
        }
        if bytes.ends_with(b"\n") || bytes.ends_with(b"\r") {
            return Err(ConfigError::new(
                "the secret ends in a line break: remove it where the secret is stored",
            ));
        }
        if bytes.trim_ascii().len() != bytes.len() {
            crate::trace::warn("the secret begins or ends with whitespace, which was kept");
        }
        if PUBLISHED.iter().any(|known| bytes.ends_with(known.as_bytes())) {
            crate::trace::warn("the secret is a published example: anyone can sign with it");
        }
        Ok(Self { bytes: Zeroizing::new(bytes.to_vec()), any_length: false })
    }

    /// Takes a secret shorter than its scheme's minimum, for a sender that cannot be given a longer one.
    ///
    /// A short secret can be guessed from one recorded request, off line and unnoticed.
    ///
    /// # Errors
    ///
    /// As [`Secret::new`]: an empty one stays an error.
    pub fn dangerous_short(secret: impl AsRef<[u8]>) -> Result<Self, ConfigError> {
        Ok(Self { any_length: true, ..Self::new(secret)? })
    }

    /// The key that this one's text stands for.
    pub(crate) fn replaced(&self, bytes: &[u8]) -> Result<Self, ConfigError> {
        if bytes.is_empty() {
            return Err(ConfigError::new("the secret is empty"));
        }
        Ok(Self { bytes: Zeroizing::new(bytes.to_vec()), any_length: self.any_length })
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// A secret that is somebody else's affair: without warnings. `None` if it is empty.
    #[cfg(any(feature = "deliver", feature = "register"))]
    pub(crate) fn received(secret: String) -> Option<Self> {
        let bytes = Zeroizing::new(secret.into_bytes());
        (!bytes.is_empty()).then_some(Self { bytes, any_length: false })
    }

    /// Whether both are the same, in a time that does not tell where they differ.
    #[cfg(feature = "register")]
    pub(crate) fn matches(&self, other: &Self) -> bool {
        self.bytes.ct_eq(&other.bytes).into()
    }

    /// Refuses a `length` below `minimum`, counted in `unit`s, unless told not to.
    pub(crate) fn at_least(
        &self,
        minimum: usize,
        length: usize,
        unit: &str,
    ) -> Result<(), ConfigError> {
        if length >= minimum || self.any_length {
            return Ok(());
        }
        Err(ConfigError::new(format!(
            "the secret has {length} {unit}, fewer than {minimum}: use a longer one, or `Secret::dangerous_short`"
        )))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Examples that anyone can read: in the Standard Webhooks specification, in the tests of ASP.NET WebHooks, here.
const PUBLISHED: [&str; 5] = [
    "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "123456789012345678901234567890123456789012345678",
    "0123456789abcdef0123456789abcdef",
    "a secret of thirty-two characters or more",
    "c2VjcmV0IG9mIGF0IGxlYXN0IDI0IGJ5dGVz",
];
