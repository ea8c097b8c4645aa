//! `Secret`: one shared secret, checked when it is made and never printed.

use std::fmt;

#[cfg(feature = "client-tls")]
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::error::ConfigError;

/// What a sender and this receiver both know: never empty, never printed, wiped from memory when dropped. (The hash
/// functions work on a copy of the key on the stack, which is not wiped.)
///
/// It is kept exactly as given. [`Secret::new`] takes text, and refuses what only the store of the secret can have put
/// around it. [`Secret::from_bytes`] takes any bytes.
///
/// A warning (feature `tracing`) names the sender or scheme and the key of a secret that is doubtful: one that a
/// specification or manual prints as its example; of a text also one with outer whitespace, in quotes, or in the form
/// `NAME=value`. Where a sender's secrets cannot hold a quote or a `=`, such a text is refused.
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
    /// If it is empty, ends in a line break, begins with a byte order mark (U+FEFF), or is a name in `${…}`, `$(…)` or
    /// `{{…}}`: a variable that was not replaced. A scheme's minimum length is checked by the scheme.
    pub fn new(text: impl AsRef<str>) -> Result<Self, ConfigError> {
        let text = text.as_ref();
        if let Some(why) = fault(text) {
            return Err(ConfigError::new(why));
        }
        let mut secret = Self::from_bytes(text)?;
        secret.doubts.extend(Doubt::OF_TEXT.into_iter().filter(|doubt| doubt.applies_to(text)));
        Ok(secret)
    }

    /// Takes a binary key. It may begin and end with any byte.
    ///
    /// # Errors
    ///
    /// If it is empty. A scheme's minimum length is checked by the scheme.
    pub fn from_bytes(key: impl AsRef<[u8]>) -> Result<Self, ConfigError> {
        let key = key.as_ref();
        let published = PUBLISHED.iter().any(|known| key.ends_with(known.as_bytes()));
        let doubts = published.then_some(Doubt::Published).into_iter().collect();
        Self { bytes: Zeroizing::default(), any_length: false, doubts }.replaced(key)
    }

    /// The same secret, accepted although it is shorter than its scheme's minimum: for a sender that cannot be given a
    /// longer one.
    ///
    /// A short secret can be guessed from one recorded request, off line and unnoticed.
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

    /// The key that this one's text stands for.
    pub(crate) fn replaced(self, bytes: &[u8]) -> Result<Self, ConfigError> {
        if bytes.is_empty() {
            return Err(ConfigError::new(EMPTY));
        }
        Ok(Self { bytes: Zeroizing::new(bytes.to_vec()), ..self })
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many characters it has, as senders on UTF-16 count them: one beyond U+FFFF counts as two.
    pub(crate) fn characters(&self) -> usize {
        String::from_utf8_lossy(&self.bytes).encode_utf16().count()
    }

    /// A secret that is somebody else's affair: without warnings. `None` if it is empty.
    #[cfg(any(feature = "client-tls", feature = "emulator"))]
    pub(crate) fn received(secret: String) -> Option<Self> {
        let bytes = Zeroizing::new(secret.into_bytes());
        (!bytes.is_empty()).then_some(Self { bytes, any_length: false, doubts: Vec::new() })
    }

    /// Whether both are the same, in a time that does not tell where they differ.
    #[cfg(feature = "client-tls")]
    pub(crate) fn matches(&self, other: &Self) -> bool {
        self.bytes.ct_eq(&other.bytes).into()
    }

    /// Refuses a `length` below `minimum`, unless told not to.
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

    /// Why it cannot be used, if it is not made of what its scheme's secrets are made of.
    pub(crate) fn unusable(&self, why: &'static str) -> ConfigError {
        ConfigError::new(self.doubts.iter().find_map(|doubt| doubt.fault()).unwrap_or(why))
    }

    /// Tells the operator what is doubtful, once: `place` is where the secret is used, `key` its name.
    pub(crate) fn warn(&mut self, place: &str, key: Option<&str>) {
        for doubt in std::mem::take(&mut self.doubts) {
            let why = ConfigError::new(doubt.warning()).of_key(key);
            crate::util::trace::warn(&format!("{place}: {why}"));
        }
    }
}

/// `count` of a unit, named in the singular and in the plural.
pub(crate) fn counted(count: usize, [one, many]: [&str; 2]) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// What `text` would not hold if it were as it was typed.
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
    } else {
        None
    }
}

/// What may be wrong with a secret, although it can be one.
#[derive(Clone, Copy)]
enum Doubt {
    Published,
    Whitespace,
    Quotes,
    Name,
}

impl Doubt {
    const OF_TEXT: [Self; 3] = [Self::Whitespace, Self::Quotes, Self::Name];

    fn applies_to(self, text: &str) -> bool {
        match self {
            Self::Published => false,
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
        }
    }

    /// What it means where secrets hold no such characters.
    fn fault(self) -> Option<&'static str> {
        match self {
            Self::Published => None,
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

/// What is not seen at the end of a line.
fn is_blank(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}

/// As a store, or a word processor, puts them around a text.
const QUOTES: [(char, char); 5] =
    [('"', '"'), ('\'', '\''), ('`', '`'), ('\u{201c}', '\u{201d}'), ('\u{2018}', '\u{2019}')];

/// Examples that anyone can read: in the Standard Webhooks specification, in the tests of ASP.NET WebHooks, here.
const PUBLISHED: [&str; 5] = [
    "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "123456789012345678901234567890123456789012345678",
    "0123456789abcdef0123456789abcdef",
    "a secret of thirty-two characters or more",
    "c2VjcmV0IG9mIGF0IGxlYXN0IDI0IGJ5dGVz",
];
