//! `Tag`: a MAC as bytes, read from hex or base64 and compared in constant time.

use std::fmt;

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use subtle::{Choice, ConstantTimeEq};

use super::VerifyError;

/// A MAC as bytes, at most 64: read from a header and not verified yet, or made by [`Hmac::sign`](super::Hmac::sign).
///
/// The bytes are compared, not the text: the case of hex digits does not matter.
///
/// ```
/// use tower_webhook::scheme::Tag;
///
/// let tag = Tag::hex("fbff00")?;
/// assert_eq!((tag.to_base64(), tag.to_base64url()), ("+/8A".into(), "-_8A".into()));
/// assert!(bool::from(tag.matches(&[0xfb, 0xff, 0x00])));
/// # Ok::<_, tower_webhook::scheme::VerifyError>(())
/// ```
#[derive(Clone, Copy)]
pub struct Tag {
    bytes: [u8; Self::MAX],
    len: usize,
}

impl Tag {
    const MAX: usize = 64;

    /// Reads hex digits of either case.
    ///
    /// # Errors
    ///
    /// [`VerifyError::MalformedSignature`] for an odd number of digits, no digits, more than 128 digits, or other characters.
    pub fn hex(text: &str) -> Result<Self, VerifyError> {
        Self::decode(|bytes| base16ct::mixed::decode(text, bytes).ok().map(<[u8]>::len))
    }

    /// Reads padded base64 of the standard alphabet.
    ///
    /// # Errors
    ///
    /// [`VerifyError::MalformedSignature`] for anything else, non-canonical endings included.
    pub fn base64(text: &str) -> Result<Self, VerifyError> {
        Self::decode(|bytes| STANDARD.decode_slice(text, bytes).ok())
    }

    /// Reads base64 of the URL alphabet (`-` and `_`), without padding.
    ///
    /// # Errors
    ///
    /// [`VerifyError::MalformedSignature`] for anything else: a padded text, a non-canonical ending. If your sender pads,
    /// then remove the `=` first.
    pub fn base64url(text: &str) -> Result<Self, VerifyError> {
        Self::decode(|bytes| URL_SAFE_NO_PAD.decode_slice(text, bytes).ok())
    }

    /// As lower-case hex.
    pub fn to_hex(&self) -> String {
        base16ct::lower::encode_string(self.as_bytes())
    }

    /// As upper-case hex.
    pub fn to_hex_upper(&self) -> String {
        base16ct::upper::encode_string(self.as_bytes())
    }

    /// As padded base64 of the standard alphabet.
    pub fn to_base64(&self) -> String {
        STANDARD.encode(self.as_bytes())
    }

    /// As base64 of the URL alphabet, without padding.
    pub fn to_base64url(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.as_bytes())
    }

    /// The bytes, for an algorithm of your own. Do not compare them with `==`, which takes longer the more of them are right:
    /// use [`Tag::matches`].
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    /// Whether this is `mac`: compares all of both, eight bytes at a time. The time taken depends on their lengths only.
    ///
    /// The answer is no `bool` yet, so that several can be combined without a branch: `a | b` if either may match. At the end,
    /// `bool::from` makes one of it.
    pub fn matches(&self, mac: &[u8]) -> Choice {
        let ((ours, our_rest), (theirs, their_rest)) =
            (self.as_bytes().as_chunks(), mac.as_chunks());
        let same_length = Choice::from(u8::from(self.len == mac.len()));
        let words =
            ours.iter().zip(theirs).map(|(a, b)| (u64::from_ne_bytes(*a), u64::from_ne_bytes(*b)));
        words.fold(same_length & our_rest.ct_eq(their_rest), |same, (a, b)| same & a.ct_eq(&b))
    }

    fn decode(into: impl FnOnce(&mut [u8]) -> Option<usize>) -> Result<Self, VerifyError> {
        let mut bytes = [0; Self::MAX];
        match into(&mut bytes) {
            Some(len) if len > 0 => Ok(Self { bytes, len }),
            _ => Err(VerifyError::MalformedSignature),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The bytes of `mac`, which is at most 64 long.
    pub(super) fn of(mac: &[u8]) -> Self {
        let mut tag = Self { bytes: [0; Self::MAX], len: mac.len().min(Self::MAX) };
        tag.bytes.iter_mut().zip(mac).for_each(|(to, from)| *to = *from);
        tag
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tag(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_of_either_case_and_nothing_else() {
        let tag = Tag::hex("00fFAb").unwrap();
        assert_eq!(
            (tag.to_hex(), tag.to_hex_upper(), tag.to_base64()),
            ("00ffab".into(), "00FFAB".into(), "AP+r".into())
        );
        for text in ["", "0", "0g", "0x00", " 00", "00 ", "é0", &"00".repeat(65)] {
            assert_eq!(Tag::hex(text).unwrap_err(), VerifyError::MalformedSignature, "{text:?}");
        }
    }

    #[test]
    fn base64_is_padded_canonical_and_standard() {
        assert_eq!(Tag::base64("AP+r").unwrap().to_hex(), "00ffab");
        for text in ["", "AP+", "AP-r", "AP+r\n", "AA=", "AB==", "AA== AA==", &"A".repeat(88)] {
            assert_eq!(Tag::base64(text).unwrap_err(), VerifyError::MalformedSignature, "{text:?}");
        }
    }

    #[test]
    fn base64url_is_unpadded_canonical_and_of_the_url_alphabet() {
        for (text, hex) in [("-_8A", "fbff00"), ("AA", "00"), ("AAA", "0000"), ("AP-r", "00ffab")] {
            let tag = Tag::base64url(text).unwrap();
            assert_eq!((tag.to_hex(), tag.to_base64url()), (hex.to_owned(), text.to_owned()));
        }
        let longest = "_".repeat(85) + "w";
        assert_eq!(Tag::base64url(&longest).unwrap().as_bytes(), [255; 64]);
        let too_long = "_".repeat(87);
        for text in ["", "A", "AA==", "AA=", "AB", "+/8A", "-_8A\n", "-_ 8A", "é", &too_long] {
            assert_eq!(
                Tag::base64url(text).unwrap_err(),
                VerifyError::MalformedSignature,
                "{text:?}"
            );
        }
    }

    #[test]
    fn every_byte_counts() {
        for len in [1, 7, 8, 20, 32, 64] {
            let mac: Vec<u8> = (0..len).collect();
            assert!(bool::from(Tag::of(&mac).matches(&mac)));
            for index in 0..mac.len() {
                let mut other = mac.clone();
                *other.get_mut(index).unwrap() ^= 0x80;
                assert!(!bool::from(Tag::of(&mac).matches(&other)), "{len} {index}");
            }
        }
    }

    #[test]
    fn a_prefix_does_not_match() {
        let tag = Tag::of(&[1, 2, 3]);
        assert!(bool::from(tag.matches(&[1, 2, 3])));
        for other in [&[1, 2][..], &[1, 2, 3, 0], &[], &[1, 2, 4]] {
            assert!(!bool::from(tag.matches(other)), "{other:?}");
        }
    }
}
