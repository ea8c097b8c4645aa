//! `Token`: a secret in the request itself: in the path, the query, a header, or as Bearer or Basic credentials.

use std::{borrow::Cow, fmt, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{
    HeaderName, HeaderValue, Uri,
    header::{AUTHORIZATION, InvalidHeaderName, InvalidHeaderValue},
    request::Parts,
};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{
    Authentic, Head, Keys, Secret, VerifyError,
    keys::{KeyId, Match},
};
use crate::error::ConfigError;

/// A secret in the request itself, for senders that sign nothing.
///
/// Strongest first: a path segment, a query parameter, HTTP Basic, a header. In each place, the digests of all tokens are
/// compared in constant time: the time taken does not depend on the configured tokens or their lengths.
///
/// ```
/// use tower_webhook::scheme::{Keys, Token};
///
/// let sofia = "8f2c6f9d1e5b4a7093c8d2e6f1a4b7c0";
/// let varna = "0c7b4a1f6e2d8c3907a4b5e1d9f6c2f8";
/// Token::path(Keys::named("sofia", sofia).or(Keys::named("varna", varna)))?;
/// assert_eq!(
///     Token::path("spaces are not for a path, are they?").unwrap_err().to_string(),
///     "a token in a path or query is made of `A-Z`, `a-z`, `0-9`, `-` and `_`",
/// );
/// # Ok::<_, tower_webhook::error::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct Token {
    place: Place,
    keys: Arc<[(Option<KeyId>, Entry)]>,
}

#[derive(Clone, Debug)]
enum Place {
    None,
    Path,
    Query(Arc<str>),
    Header(HeaderName),
    Bearer,
    Basic,
    Elsewhere,
}

/// A token as a request has it, for HTTP Basic with the user, and its digest.
struct Entry {
    text: Zeroizing<Vec<u8>>,
    digest: [u8; 32],
}

/// The maximum number of tokens of one endpoint.
pub const MAX_TOKENS: usize = 1024;

/// The shortest and the longest token, in characters.
const LENGTH: std::ops::RangeInclusive<usize> = 32..=128;

impl Token {
    /// The last segment of the path, 32 to 128 of `A-Z a-z 0-9 - _`. A wrong one is answered 404.
    ///
    /// # Errors
    ///
    /// As for all constructors here: an unusable [`Secret`], a token that is too short or too long, a character that this
    /// place cannot have, or more than [`MAX_TOKENS`] tokens.
    pub fn path(keys: impl Into<Keys>) -> Result<Self, ConfigError> {
        Self::new(Place::Path, keys, url_safe)
    }

    /// The query parameter `name`, of the same characters as in [`Token::path`]. A wrong token is answered 401.
    ///
    /// # Errors
    ///
    /// As [`Token::path`], and if `name` is empty or has other characters than `A-Z a-z 0-9 - . _ ~`: senders write other
    /// characters in several ways, and nothing is percent-decoded here.
    pub fn query(name: impl AsRef<str>, keys: impl Into<Keys>) -> Result<Self, ConfigError> {
        let name = name.as_ref();
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~');
        if name.is_empty() || !name.bytes().all(plain) {
            return Err(ConfigError::new(format!(
                "`{name}` cannot name a query parameter: use `A-Z`, `a-z`, `0-9`, `-`, `.`, `_` and `~`"
            )));
        }
        Self::new(Place::Query(name.into()), keys, url_safe)
    }

    /// The header `name`, visible ASCII.
    ///
    /// # Errors
    ///
    /// As [`Token::path`], and if no header can have the name.
    pub fn header(name: impl AsRef<str>, keys: impl Into<Keys>) -> Result<Self, ConfigError> {
        let name = name.as_ref();
        let header = name.parse().map_err(|error: InvalidHeaderName| {
            ConfigError::new(format!("`{name}` is not the name of a header")).caused_by(error)
        })?;
        Self::new(Place::Header(header), keys, visible)
    }

    /// `Authorization: Bearer …`, visible ASCII.
    ///
    /// # Errors
    ///
    /// As [`Token::path`].
    pub fn bearer(keys: impl Into<Keys>) -> Result<Self, ConfigError> {
        Self::new(Place::Bearer, keys, visible)
    }

    /// `Authorization: Basic …` of `user` and a password. Senders take both from the URL, `https://user:password@…`.
    ///
    /// # Errors
    ///
    /// As [`Token::path`], and if `user` has a colon in it.
    pub fn basic(user: &str, keys: impl Into<Keys>) -> Result<Self, ConfigError> {
        if user.contains(':') {
            return Err(ConfigError::new("a user name for HTTP Basic cannot hold a colon"));
        }
        Self::new(Place::Basic, keys, |secret| {
            Ok(Zeroizing::new([user.as_bytes(), b":", secret.bytes()].concat()))
        })
    }

    /// In a place that only the provider knows, such as the body. [`Token::compare`] checks it, [`Token::verify`] refuses every
    /// request, and [`Token::apply`] changes nothing. It is made of visible ASCII.
    ///
    /// If the token is in the body, remove it in [`Provider::unpack`](crate::Provider::unpack): otherwise handlers see it.
    ///
    /// # Errors
    ///
    /// As [`Token::path`].
    pub fn elsewhere(keys: impl Into<Keys>) -> Result<Self, ConfigError> {
        Self::new(Place::Elsewhere, keys, visible)
    }

    /// The first token in clear, for the sending half of a scheme of your own: [`Emit::encode`](crate::Emit::encode) writes it
    /// into the body.
    ///
    /// A token in the body goes where the body goes. If `sender::Deliveries` follows a 307 to another host, then that host gets
    /// the body. So for such a sender, let [`Emit::schedule`](crate::Emit::schedule) follow no redirects.
    pub fn dangerous_reveal(&self) -> Option<&str> {
        str::from_utf8(&self.keys.first()?.1.text).ok()
    }

    /// No token: every request is authentic. For a provider's own constructor of that name.
    pub fn dangerous_none() -> Self {
        Self { place: Place::None, keys: Arc::new([]) }
    }

    /// Looks for the token in its place.
    ///
    /// # Errors
    ///
    /// If the token is missing, repeated or malformed, or is not a configured one.
    pub fn verify(&self, head: &Head<'_>) -> Result<Authentic, VerifyError> {
        match &self.place {
            Place::None => Ok(Authentic::dangerous_assert()),
            Place::Elsewhere => Err(VerifyError::TokenMismatch),
            Place::Path => self.find(head.last_segment().as_bytes()).ok_or(VerifyError::PathToken),
            Place::Query(name) => {
                self.find(head.query(name)?.as_bytes()).ok_or(VerifyError::TokenMismatch)
            }
            Place::Header(name) => {
                self.find(head.header(name)?.as_bytes()).ok_or(VerifyError::TokenMismatch)
            }
            Place::Bearer => {
                let token = authorization(head, "Bearer", VerifyError::Bearer)?;
                self.find(token.as_bytes()).ok_or(VerifyError::Bearer("do not match".into()))
            }
            Place::Basic => {
                let pair = authorization(head, "Basic", VerifyError::Basic)?;
                let pair = STANDARD.decode(pair).map(Zeroizing::new);
                let pair = pair.map_err(|_| VerifyError::Basic("are not base64".into()))?;
                self.find(&pair).ok_or(VerifyError::Basic("do not match".into()))
            }
        }
    }

    /// Compares a token that was found elsewhere, such as in the body: see [`Check::whole`](super::Check::whole). The time
    /// that it takes does not depend on where the two differ.
    ///
    /// # Errors
    ///
    /// [`VerifyError::TokenMismatch`] if it is not one of the configured ones.
    pub fn compare(&self, given: &str) -> Result<Authentic, VerifyError> {
        self.find(given.as_bytes()).ok_or(VerifyError::TokenMismatch)
    }

    /// Puts the first token into its place in `head`: the sending side of [`Token::verify`].
    ///
    /// # Panics
    ///
    /// If the target becomes longer than a URI can be. For a token in the path or in the query, also if the target has no
    /// path (`*`, `host:443`).
    pub fn apply(&self, head: &mut Parts) {
        let Some((_, Entry { text, .. })) = self.keys.first() else { return };
        let text = String::from_utf8_lossy(text);
        match &self.place {
            Place::None | Place::Elsewhere => {}
            Place::Path => {
                head.uri = with_path(&head.uri, |path, query| match query {
                    None => format!("{}/{text}", path.trim_end_matches('/')),
                    Some(query) => format!("{}/{text}?{query}", path.trim_end_matches('/')),
                });
            }
            Place::Query(name) => {
                head.uri = with_path(&head.uri, |path, query| match query {
                    None => format!("{path}?{name}={text}"),
                    Some(query) => format!("{path}?{query}&{name}={text}"),
                });
            }
            Place::Header(name) => put(head, name.clone(), &text),
            Place::Bearer => {
                put(head, AUTHORIZATION, &Zeroizing::new(format!("Bearer {text}")));
            }
            Place::Basic => put(head, AUTHORIZATION, &basic(&text)),
        }
    }

    fn new(
        place: Place,
        keys: impl Into<Keys>,
        present: impl Fn(&Secret) -> Result<Zeroizing<Vec<u8>>, ConfigError>,
    ) -> Result<Self, ConfigError> {
        let keys = keys.into().prepare(MAX_TOKENS, &place.to_string(), |secret: &Secret| {
            let token = secret.bytes();
            secret.at_least(*LENGTH.start(), token.len(), ["character", "characters"])?;
            if token.len() > *LENGTH.end() {
                return Err(ConfigError::new(format!(
                    "a token has at most {} characters",
                    LENGTH.end()
                )));
            }
            let text = present(secret)?;
            let digest: [u8; 32] = Sha256::digest(&text).into();
            Ok((digest, Entry { digest, text }))
        })?;
        Ok(Self { place, keys: keys.into() })
    }

    fn find(&self, given: &[u8]) -> Option<Authentic> {
        let given: [u8; 32] = Sha256::digest(given).into();
        // Backwards, so that the first of several counts.
        let mut found = Match::NONE;
        for (index, (_, Entry { digest, .. })) in self.keys.iter().enumerate().rev() {
            found.note(index, digest.ct_eq(&given));
        }
        let index = found.index()?;
        let (id, _) = self.keys.get(index)?;
        Some(Authentic::by(id.clone(), index))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("no token"),
            Self::Elsewhere => f.write_str("token elsewhere"),
            Self::Path => f.write_str("token in the path"),
            Self::Query(name) => write!(f, "token in query parameter `{name}`"),
            Self::Header(name) => write!(f, "token in header `{name}`"),
            Self::Bearer => f.write_str("bearer token"),
            Self::Basic => f.write_str("basic password"),
        }
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("place", &self.place).finish_non_exhaustive()
    }
}

/// The credentials after the name of `scheme`. `fault` makes the error.
fn authorization<'a>(
    head: &Head<'a>,
    scheme: &str,
    fault: fn(Cow<'static, str>) -> VerifyError,
) -> Result<&'a str, VerifyError> {
    let value = head.header(&AUTHORIZATION).map_err(|error| match error {
        VerifyError::MissingHeader(_) => fault("are missing".into()),
        VerifyError::RepeatedHeader(_) => fault("are repeated".into()),
        VerifyError::MalformedHeader(_) => fault("are malformed".into()),
        other => other,
    })?;
    match value.split_once(' ') {
        Some((given, rest)) if given.eq_ignore_ascii_case(scheme) => Ok(rest),
        _ => Err(fault("are of another scheme".into())),
    }
}

fn url_safe(token: &Secret) -> Result<Zeroizing<Vec<u8>>, ConfigError> {
    let safe = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    made_of(safe, token, "a token in a path or query is made of `A-Z`, `a-z`, `0-9`, `-` and `_`")
}

fn visible(token: &Secret) -> Result<Zeroizing<Vec<u8>>, ConfigError> {
    let why = "a token in a header is made of visible ASCII without spaces";
    made_of(u8::is_ascii_graphic, token, why)
}

fn made_of(
    alphabet: impl Fn(&u8) -> bool,
    token: &Secret,
    otherwise: &'static str,
) -> Result<Zeroizing<Vec<u8>>, ConfigError> {
    if token.bytes().iter().all(alphabet) {
        return Ok(Zeroizing::new(token.bytes().to_vec()));
    }
    Err(token.unusable(otherwise))
}

fn put(head: &mut Parts, name: HeaderName, value: &str) {
    if let Ok(value) = credential(value) {
        head.headers.insert(name, value);
    }
}

/// `Basic …` of `user:password`.
pub(crate) fn basic(user_and_password: &str) -> Zeroizing<String> {
    let encoded = Zeroizing::new(STANDARD.encode(user_and_password));
    Zeroizing::new(["Basic ", &encoded].concat())
}

/// A header's value that `Debug` does not show.
pub(crate) fn credential(value: &str) -> Result<HeaderValue, InvalidHeaderValue> {
    let mut value = HeaderValue::from_str(value)?;
    value.set_sensitive(true);
    Ok(value)
}

#[expect(clippy::expect_used, reason = "documented on `Token::apply`")]
fn with_path(uri: &Uri, change: impl FnOnce(&str, Option<&str>) -> String) -> Uri {
    let mut parts = uri.clone().into_parts();
    let path = change(uri.path(), uri.query());
    parts.path_and_query = Some(path.parse().expect("a short URI and a token of URL characters"));
    Uri::from_parts(parts).expect("only the path changed")
}
