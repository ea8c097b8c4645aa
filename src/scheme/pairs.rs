//! How schemes write signatures into a header.

use std::fmt;

use super::VerifyError;

/// The text after `prefix`, as in `sha256=…`.
///
/// # Errors
///
/// [`VerifyError::MalformedSignature`] if the text does not begin with `prefix`.
pub fn after_prefix<'a>(text: &'a str, prefix: &str) -> Result<&'a str, VerifyError> {
    text.strip_prefix(prefix).ok_or(VerifyError::MalformedSignature)
}

/// A list of `name=value` pairs, separated by commas, as in `t=1700000000,v1=…,v1=…`.
///
/// ```
/// use tower_webhook::scheme::{VerifyError, Pairs};
///
/// let pairs = Pairs::parse("t=1700000000,v1=aa,v0=bb,v1=cc")?;
/// assert_eq!(pairs.one("t"), Ok("1700000000"));
/// assert_eq!(pairs.all("v1").collect::<Vec<_>>(), ["aa", "cc"]);
/// assert_eq!(pairs.one("v1"), Err(VerifyError::MalformedSignature));
/// # Ok::<_, VerifyError>(())
/// ```
#[derive(Clone, Copy)]
pub struct Pairs<'a>(&'a str);

impl<'a> Pairs<'a> {
    /// Takes the text of a header. Blanks around a pair are ignored.
    ///
    /// # Errors
    ///
    /// [`VerifyError::MalformedSignature`] if a part has no `=`.
    pub fn parse(text: &'a str) -> Result<Self, VerifyError> {
        if text.split(',').all(|pair| pair.contains('=')) {
            Ok(Self(text))
        } else {
            Err(VerifyError::MalformedSignature)
        }
    }

    /// The only value of `name`.
    ///
    /// # Errors
    ///
    /// [`VerifyError::MalformedSignature`] if there is no such value, or more than one.
    pub fn one(&self, name: &str) -> Result<&'a str, VerifyError> {
        let mut all = self.all(name);
        match (all.next(), all.next()) {
            (Some(value), None) => Ok(value),
            _ => Err(VerifyError::MalformedSignature),
        }
    }

    /// Every value of `name`, in order.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &'a str> {
        let pairs = self.0.split(',').filter_map(|pair| pair.trim().split_once('='));
        pairs.filter(move |(key, _)| *key == name).map(|(_, value)| value)
    }
}

impl fmt::Debug for Pairs<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pairs(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_found_by_their_whole_name() {
        let pairs = Pairs::parse("t=1, v1=a=b ,v10=c,V1=d,v1=").unwrap();
        assert_eq!(pairs.one("t"), Ok("1"));
        assert_eq!(pairs.one("V1"), Ok("d"));
        assert_eq!(pairs.all("v1").collect::<Vec<_>>(), ["a=b", ""]);
        for name in ["v1", "v", ""] {
            assert_eq!(pairs.one(name), Err(VerifyError::MalformedSignature), "{name}");
        }
    }

    #[test]
    fn a_prefix_stands_at_the_start_and_is_cut_off_once() {
        for (text, behind) in [
            ("sha256=00ff", Some("00ff")),
            ("sha256=", Some("")),
            ("sha256=sha256=00", Some("sha256=00")),
            ("SHA256=00ff", None),
            (" sha256=00ff", None),
            ("sha1=00ff", None),
            ("00ff", None),
            ("", None),
        ] {
            assert_eq!(
                after_prefix(text, "sha256="),
                behind.ok_or(VerifyError::MalformedSignature),
                "{text:?}"
            );
        }
    }
}
