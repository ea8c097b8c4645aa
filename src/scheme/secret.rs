//! `Secret`: one shared secret, checked when it is made and never printed.

use std::fmt;

#[cfg(feature = "client-tls")]
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::{error::ConfigError, util::counted};

/// A secret that a sender and this receiver share. It is never empty, never printed, and wiped from memory when it is
/// dropped. (The hash functions work on a copy of the key on the stack, which is not wiped.)
///
/// It is kept exactly as given. [`Secret::new`] takes text, and refuses a text with additions that only the store of the
/// secret can have made. [`Secret::from_bytes`] takes any bytes.
///
/// A doubtful secret causes a warning (feature `tracing`), which names the sender or scheme and the key. A secret is doubtful
/// if a specification or manual prints it as its example. A text is also doubtful if it begins or ends with whitespace, if it
/// is in quotes, or if it has the form `NAME=value`. If the sender's secrets cannot have a quote or a `=`, then such a text is
/// refused.
///
/// ```
/// use tower_webhook::scheme::Secret;
///
/// let secret = Secret::new("0123456789abcdef")?;
/// assert_eq!(format!("{secret:?}"), "Secret(..)");
/// for (text, refused) in [
///     ("", "the secret is empty"),
///     ("hunter2\n", "the secret ends in a line break: remove it where the secret is stored"),
///     ("\u{feff}hunter2", "the secret begins with a byte order mark: remove it where the secret is stored"),
///     ("${HUNTER}", "the secret is the name of a variable: store its value instead"),
/// ] {
///     assert_eq!(Secret::new(text).unwrap_err().to_string(), refused);
/// }
/// assert!(Secret::from_bytes(b"\x07\xff\n").is_ok());
/// # Ok::<_, tower_webhook::error::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct Secret {
    bytes: Zeroizing<Vec<u8>>,
    any_length: bool,
    doubts: Vec<Doubt>,
}

impl Secret {
    /// Takes a secret as it was typed into the sender's settings.
    ///
    /// # Errors
    ///
    /// If it is empty, consists of whitespace, ends in a line break, begins with a byte order mark (U+FEFF), or is a name in
    /// `${…}`, `$(…)` or `{{…}}`, which is a variable that was not replaced. The scheme checks its minimum length.
    pub fn new(text: impl AsRef<str>) -> Result<Self, ConfigError> {
        let text = text.as_ref();
        if let Some(why) = fault(text) {
            return Err(ConfigError::new(why));
        }
        let mut secret = Self::from_bytes(text)?;
        secret.doubts.extend(Doubt::OF_TEXT.into_iter().filter(|doubt| doubt.applies_to(text)));
        Ok(secret)
    }

    /// Takes a binary key. It can begin and end with any byte.
    ///
    /// # Errors
    ///
    /// If it is empty. The scheme checks its minimum length.
    pub fn from_bytes(key: impl AsRef<[u8]>) -> Result<Self, ConfigError> {
        let key = key.as_ref();
        let published = PUBLISHED.iter().any(|known| key.ends_with(known.as_bytes()));
        let doubts = published.then_some(Doubt::Published).into_iter().collect();
        Self { bytes: Zeroizing::default(), any_length: false, doubts }.replaced(key)
    }

    /// The same secret, accepted even if it is shorter than the minimum of the scheme: for a sender that takes no longer one.
    ///
    /// A short secret can be guessed from one recorded request, without any further request to you.
    ///
    /// ```
    /// use tower_webhook::scheme::{HmacSha256, Secret};
    ///
    /// assert!(HmacSha256::new("hunter2").is_err());
    /// HmacSha256::new(Secret::new("hunter2")?.dangerous_short())?;
    /// # Ok::<_, tower_webhook::error::ConfigError>(())
    /// ```
    #[must_use]
    pub fn dangerous_short(self) -> Self {
        Self { any_length: true, ..self }
    }

    /// The same secret with these bytes for its key, which were decoded from its text.
    pub(crate) fn replaced(self, bytes: &[u8]) -> Result<Self, ConfigError> {
        if bytes.is_empty() {
            return Err(ConfigError::new(EMPTY));
        }
        Ok(Self { bytes: Zeroizing::new(bytes.to_vec()), ..self })
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The number of characters as senders count them that use UTF-16: one above U+FFFF counts as two.
    pub(crate) fn characters(&self) -> usize {
        String::from_utf8_lossy(&self.bytes).encode_utf16().count()
    }

    /// A secret that was configured elsewhere, without warnings. `None` if it is empty.
    #[cfg(any(feature = "client-tls", feature = "emulator"))]
    pub(crate) fn received(secret: String) -> Option<Self> {
        let bytes = Zeroizing::new(secret.into_bytes());
        (!bytes.is_empty()).then_some(Self { bytes, any_length: false, doubts: Vec::new() })
    }

    /// Whether both are the same. The time taken does not depend on where they differ.
    #[cfg(feature = "client-tls")]
    pub(crate) fn matches(&self, other: &Self) -> bool {
        self.bytes.ct_eq(&other.bytes).into()
    }

    /// Refuses a `length` below `minimum`, except after [`Secret::dangerous_short`].
    pub(crate) fn at_least(
        &self,
        minimum: usize,
        length: usize,
        unit: [&str; 2],
    ) -> Result<(), ConfigError> {
        if length >= minimum || self.any_length {
            return Ok(());
        }
        let length = counted(length, unit);
        Err(ConfigError::new(format!(
            "the secret has {length}, fewer than {minimum}: use a longer one"
        )))
    }

    /// Why it cannot be used, if it has other characters than secrets of its scheme have.
    pub(crate) fn unusable(&self, why: &'static str) -> ConfigError {
        ConfigError::new(self.doubts.iter().find_map(|doubt| doubt.fault()).unwrap_or(why))
    }

    /// Doubts that its text, which consists of hexadecimal digits, was meant to be decoded.
    pub(crate) fn doubt_text(&mut self) {
        self.doubts.push(Doubt::Text);
    }

    /// Warns the operator once of a doubtful secret. `place` is where the secret is used, `key` is its name.
    pub(crate) fn warn(&mut self, place: &str, key: Option<&str>) {
        for doubt in std::mem::take(&mut self.doubts) {
            let why = ConfigError::new(doubt.warning()).of_key(key);
            crate::util::trace::warn(&format!("{place}: {why}"));
        }
    }
}

/// Why `text` cannot be as it was typed.
fn fault(text: &str) -> Option<&'static str> {
    let name = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || "_.:- ".contains(c));
    let variable = |(open, close)| {
        text.strip_prefix(open).and_then(|text| text.strip_suffix(close)).is_some_and(name)
    };
    if text.is_empty() {
        Some(EMPTY)
    } else if text.ends_with(['\n', '\r']) {
        Some("the secret ends in a line break: remove it where the secret is stored")
    } else if text.starts_with('\u{feff}') {
        Some("the secret begins with a byte order mark: remove it where the secret is stored")
    } else if [("${{", "}}"), ("${", "}"), ("$(", ")"), ("{{", "}}")].into_iter().any(variable) {
        Some("the secret is the name of a variable: store its value instead")
    } else if text.chars().all(is_blank) {
        Some("the secret consists of whitespace: store its value")
    } else {
        None
    }
}

/// A reason to doubt a secret which can be right all the same.
#[derive(Clone, Copy)]
enum Doubt {
    Published,
    Whitespace,
    Quotes,
    Name,
    Text,
}

impl Doubt {
    const OF_TEXT: [Self; 3] = [Self::Whitespace, Self::Quotes, Self::Name];

    fn applies_to(self, text: &str) -> bool {
        match self {
            Self::Published | Self::Text => false,
            Self::Whitespace => text.trim_matches(is_blank).len() != text.len(),
            Self::Quotes => QUOTES.into_iter().any(|(open, close)| {
                text.strip_prefix(open).is_some_and(|rest| rest.ends_with(close))
            }),
            Self::Name => text.split_once('=').is_some_and(|(name, value)| {
                let plain = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
                !name.is_empty() && name.bytes().all(plain) && !value.trim_matches('=').is_empty()
            }),
        }
    }

    fn warning(self) -> &'static str {
        match self {
            Self::Published => "the secret is a published example: anyone can sign with it",
            Self::Whitespace => "the secret begins or ends with whitespace, which was kept",
            Self::Quotes => "the secret is in quotes, which were kept",
            Self::Name => "the secret begins with a name and `=`, which were kept",
            Self::Text => {
                "the secret has hexadecimal digits only, and was decoded: if the sender means its text, use the constructor for raw keys"
            }
        }
    }

    /// The error for a scheme whose secrets have no such characters.
    fn fault(self) -> Option<&'static str> {
        match self {
            Self::Published | Self::Text => None,
            Self::Whitespace => Some(
                "the secret begins or ends with whitespace: remove it where the secret is stored",
            ),
            Self::Quotes => Some("the secret is in quotes: remove them where the secret is stored"),
            Self::Name => Some("the secret begins with a name and `=`: store the value alone"),
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

const EMPTY: &str = "the secret is empty";

/// Whether the character is invisible at the end of a line.
fn is_blank(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}

/// The quotes that a store of secrets or a word processor puts around a text.
const QUOTES: [(char, char); 5] =
    [('"', '"'), ('\'', '\''), ('`', '`'), ('\u{201c}', '\u{201d}'), ('\u{2018}', '\u{2019}')];

/// Published examples: of the Standard Webhooks specification, of the tests of ASP.NET WebHooks, and of this crate.
const PUBLISHED: [&str; 5] = [
    "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "123456789012345678901234567890123456789012345678",
    "0123456789abcdef0123456789abcdef",
    "a secret of thirty-two characters or more",
    "c2VjcmV0IG9mIGF0IGxlYXN0IDI0IGJ5dGVz",
];
