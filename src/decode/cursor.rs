//! `Cursor`: a position in the text of a body, and the steps that move it: skip, open, next member, decode a value.

use std::{borrow::Cow, ops::Range};

use serde::{Deserialize, de::DeserializeOwned, de::IgnoredAny};
use serde_json::Deserializer;

use super::{
    DecodeError, Decoded, Envelope,
    depth::too_deep,
    object::Object,
    watch::{Watch, Watched},
};

/// A position in a JSON text. All text that it has moved past is well formed.
#[derive(Clone)]
pub(crate) struct Cursor<'b> {
    text: &'b str,
    at: usize,
    /// Whether the end of each value is found before the value is decoded. Slower, but right for types that hide errors or
    /// panic: see `Envelope::read`.
    careful: bool,
}

impl<'b> Cursor<'b> {
    pub(super) fn new(text: &'b str, at: usize) -> Self {
        Self { text, at, careful: false }
    }

    /// The same position, for types that cannot be trusted to find the end of their value.
    pub(super) fn carefully(self) -> Self {
        Self { careful: true, ..self }
    }

    pub(crate) fn is_careful(&self) -> bool {
        self.careful
    }

    pub(super) fn position(&self) -> usize {
        self.at
    }

    pub(super) fn text(&self, range: Range<usize>) -> &'b str {
        &self.text[range]
    }

    /// Another position in the same text.
    pub(super) fn moved(&self, at: usize) -> Self {
        Self { at, ..*self }
    }

    /// Decodes the value here as an `E`, and moves past it whether it fits or not. `keep` moves the `E` to its final place.
    ///
    /// An error: the value is not JSON. To `serde_json` a number out of range, deep nesting and a lone surrogate are syntax
    /// errors, too. So after any error the value is skipped: if that works, it is JSON and does not fit.
    ///
    /// `watch` counts members of the value, unless this cursor is careful.
    pub(crate) fn value<E: DeserializeOwned, T>(
        &mut self,
        watch: Option<&Watch<'_>>,
        keep: impl FnOnce(E) -> T,
    ) -> Result<Decoded<T>, DecodeError> {
        let start = self.start();
        if self.careful {
            let json = &self.text[self.skip()?];
            return Ok(match serde_json::from_str(json) {
                Ok(Object(value)) => Decoded::Fits(keep(value)),
                Err(_) => Decoded::Misfit(misfit::<E>(start, json)),
            });
        }
        let mut json = Deserializer::from_str(&self.text[start..]);
        let value = match watch {
            None => Object::<E>::deserialize(&mut json),
            Some(watch) => Object::<E>::deserialize(Watched(&mut json, watch)),
        };
        let Ok(Object(value)) = value else {
            let range = self.skip()?;
            return Ok(Decoded::Misfit(misfit::<E>(start, &self.text[range])));
        };
        match json.into_iter::<IgnoredAny>().byte_offset() {
            // The type has not looked at its input, as a unit struct with a hand-written `Deserialize`.
            0 => self.pass()?,
            taken => self.at += taken,
        }
        Ok(Decoded::Fits(keep(value)))
    }

    /// Moves past the value here.
    pub(crate) fn skip(&mut self) -> Result<Range<usize>, DecodeError> {
        let start = self.start();
        if start == self.text.len() {
            return Err(self.error("is cut short"));
        }
        match self.simple() {
            Some(length) => self.at += length,
            None => {
                let mut json = Deserializer::from_str(&self.text[start..]);
                IgnoredAny::deserialize(&mut json)
                    .map_err(|error| DecodeError::syntax(start, &self.text[start..], &error))?;
                self.at += json.into_iter::<IgnoredAny>().byte_offset();
            }
        }
        Ok(start..self.at)
    }

    /// The length of the value here, if it is short and plain, as most are. `None`: `serde_json` has to find its end.
    #[inline]
    fn simple(&self) -> Option<usize> {
        let rest = &self.text.as_bytes()[self.at..];
        let length = match rest.first()? {
            b'"' => return plain_string(rest),
            b't' if rest.starts_with(b"true") => 4,
            b'f' if rest.starts_with(b"false") => 5,
            b'n' if rest.starts_with(b"null") => 4,
            b'1'..=b'9' => rest.iter().take_while(|byte| byte.is_ascii_digit()).count(),
            b'[' if rest.starts_with(b"[]") => 2,
            _ => return None,
        };
        matches!(rest.get(length)?, b',' | b'}' | b']').then_some(length)
    }

    /// An error if the value from `start` to here is nested more than `most` levels deep.
    pub(super) fn limit_depth(&self, start: usize, most: usize) -> Result<(), DecodeError> {
        if too_deep(&self.text.as_bytes()[start..self.at], most) {
            return Err(DecodeError::new(start, format!("is nested more than {most} deep")));
        }
        Ok(())
    }

    /// As `skip`, for callers that do not need the range.
    pub(crate) fn pass(&mut self) -> Result<(), DecodeError> {
        self.skip().map(|_| ())
    }

    pub(super) fn error(&self, why: &'static str) -> DecodeError {
        DecodeError::new(self.at, why)
    }

    /// Moves past white space, to the start of a value.
    pub(super) fn start(&mut self) -> usize {
        self.peek();
        self.at
    }

    /// The next byte that is no white space. Moves to it.
    // Inlined, as `eat`, `open` and `more`: called several times for each member, and mostly one comparison.
    #[inline(always)]
    pub(super) fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = bytes.get(self.at) {
            self.at += 1;
        }
        bytes.get(self.at).copied()
    }

    /// Moves past `byte` if it is here.
    #[inline(always)]
    pub(super) fn eat(&mut self, byte: u8) -> bool {
        let hit = self.peek() == Some(byte);
        self.at += usize::from(hit);
        hit
    }

    /// Enters an object or a list. `true`: it has a first member.
    #[inline(always)]
    pub(super) fn open(&mut self, open: u8, close: u8) -> Result<bool, DecodeError> {
        match (self.eat(open), open) {
            (true, _) => Ok(!self.eat(close)),
            (false, b'{') => Err(self.error("has no object where one should be")),
            (false, _) => Err(self.error("has no list where one should be")),
        }
    }

    /// Moves past the comma or the end behind a member. `true`: there is a next one.
    #[inline(always)]
    pub(super) fn more(&mut self, close: u8) -> Result<bool, DecodeError> {
        match self.eat(b',') {
            true => Ok(true),
            false if self.eat(close) => Ok(false),
            false => Err(self.error("lacks a comma or its end")),
        }
    }

    /// Moves past the name of the next member and its colon, if they are here without escapes and white space.
    // Inlined: called for each member and each name, and mostly ends at the first letter.
    #[inline(always)]
    pub(super) fn eat_name(&mut self, name: &str) -> bool {
        let rest = &self.text.as_bytes()[self.at..];
        // Most names differ in their first letter. To compare the whole is a function call.
        if rest.get(1) != name.as_bytes().first() {
            return false;
        }
        let behind = rest.strip_prefix(b"\"").and_then(|rest| rest.strip_prefix(name.as_bytes()));
        let hit = behind.is_some_and(|rest| rest.starts_with(b"\":"));
        if hit {
            self.at += name.len() + 3;
        }
        hit
    }

    /// The name of the next member.
    pub(super) fn key(&mut self) -> Result<Cow<'b, str>, DecodeError> {
        let start = self.start();
        if self.peek() != Some(b'"') {
            return Err(self.error("lacks a member name"));
        }
        // A name that is no Unicode text is not one that is looked for. Its JSON text is as good as any.
        let key = self.string()?.unwrap_or_else(|| Cow::Borrowed(&self.text[start..self.at]));
        if self.eat(b':') { Ok(key) } else { Err(self.error("lacks a colon")) }
    }

    /// The string here without quotes and escapes. `None`: another value, or no Unicode text. Moves past it.
    // Inlined, as the next three: most types are plain strings, which then cost no call.
    #[inline(always)]
    pub(super) fn text_or_skip(&mut self) -> Result<Option<Cow<'b, str>>, DecodeError> {
        match self.peek() {
            Some(b'"') => self.string(),
            _ => self.skip().map(|_| None),
        }
    }

    /// As `text_or_skip`. `None` also for a string that is too long for a type.
    #[inline(always)]
    pub(super) fn event_type(&mut self) -> Result<Option<Cow<'b, str>>, DecodeError> {
        Ok(self.text_or_skip()?.filter(|text| text.len() <= Envelope::MAX_TYPE))
    }

    /// The string here. `None`: it is no Unicode text, as it has a lone surrogate.
    #[inline(always)]
    fn string(&mut self) -> Result<Option<Cow<'b, str>>, DecodeError> {
        match self.plain_text() {
            Some(text) => Ok(Some(Cow::Borrowed(text))),
            None => self.unescaped(),
        }
    }

    /// The string here, if it has no escapes. If it has, does not move.
    #[inline(always)]
    pub(super) fn plain_text(&mut self) -> Option<&'b str> {
        let length = plain_string(&self.text.as_bytes()[self.at..])?;
        let text = &self.text[self.at + 1..self.at + length - 1];
        self.at += length;
        Some(text)
    }

    /// The string here, by `serde_json`.
    // Cold: few types and names have escapes.
    #[cold]
    fn unescaped(&mut self) -> Result<Option<Cow<'b, str>>, DecodeError> {
        Ok(match self.value(None, Cow::Owned)? {
            Decoded::Fits(text) => Some(text),
            Decoded::Misfit(_) => None,
        })
    }
}

/// The length of the string at the start of `json`, with its quotes, if there is one and it has no escapes.
#[inline]
fn plain_string(json: &[u8]) -> Option<usize> {
    if json.first() != Some(&b'"') {
        return None;
    }
    let mut length = 1;
    while let Some(word) = json.get(length..).and_then(<[u8]>::first_chunk) {
        let special = special(u64::from_le_bytes(*word));
        length += special.trailing_zeros() as usize / 8;
        if special != 0 {
            return (json[length] == b'"').then_some(length + 1);
        }
    }
    length += json
        .get(length..)?
        .iter()
        .take_while(|byte| !matches!(byte, 0..0x20 | b'"' | b'\\'))
        .count();
    (json.get(length) == Some(&b'"')).then_some(length + 1)
}

/// Looks at eight bytes of a string at once. The lowest bit that is set belongs to the first byte that is a quote, a
/// backslash or a control character. The bits above it mean nothing.
// `below` sets the highest bit of each byte that is less than `byte`: subtracting borrows from that bit, and `!word` clears
// the bit where the byte had it set already. A borrow can reach the byte above, which is why only the lowest bit counts.
// `is` turns the byte that is looked for into a zero, the only byte below one.
fn special(word: u64) -> u64 {
    const EACH: u64 = u64::from_le_bytes([1; 8]);
    let below = |word: u64, byte: u8| word.wrapping_sub(EACH * u64::from(byte)) & !word;
    let is = |byte: u8| below(word ^ (EACH * u64::from(byte)), 1);
    (below(word, 0x20) | is(b'"') | is(b'\\')) & (EACH << 7)
}

/// Decodes again, for the path to the value that does not fit. Slower, so it is not done the first time.
fn misfit<E: for<'a> Deserialize<'a>>(at: usize, json: &str) -> DecodeError {
    match serde_path_to_error::deserialize::<_, Object<E>>(&mut Deserializer::from_str(json)) {
        Ok(_) => DecodeError::new(at, "does not fit"),
        Err(error) => DecodeError::shape(at, &error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_string_ends_at_its_quote_wherever_that_is() {
        for length in 0..20 {
            for byte in 0..=u8::MAX {
                for at in 0..length {
                    let mut text = "xé".repeat(10).into_bytes()[..length].to_vec();
                    text[at] = byte;
                    let json = [b"\"", &*text, b"\", \"y\""].concat();
                    let expected = match byte {
                        b'"' => Some(at + 2),
                        b'\\' | 0..0x20 => None,
                        _ => Some(length + 2),
                    };
                    assert_eq!(plain_string(&json), expected, "{json:?}");
                }
                let first = [&[byte], &*vec![b'x'; length], b"\""].concat();
                let expected = (byte == b'"').then_some(length + 2);
                assert_eq!(plain_string(&first), expected, "{first:?}");
            }
            assert_eq!(plain_string(&[b"\"", &*vec![b'x'; length]].concat()), None);
        }
    }

    #[test]
    fn a_misfit_is_passed_over_and_broken_json_is_not() {
        for json in [
            "\"x\"",
            "1e999",
            "-1",
            "\"\\ud800\"",
            &("[".repeat(100) + &"]".repeat(100)),
            "{\"a\":[1,null]}",
        ] {
            let text = format!("{json} ,");
            let mut at = Cursor::new(&text, 0);
            let decoded = at.value(None, |value: u8| value).unwrap();
            assert!(matches!(decoded, Decoded::Misfit(_)), "{json}");
            assert_eq!(at.position(), json.len(), "{json}");
        }
        for json in [
            "",
            " ",
            "tru",
            "[1",
            "\"",
            "\"\u{1}\"",
            "01",
            "1.",
            "nul ",
            "}",
            ",",
            "'a'",
            "[1,]",
            "\"\\x\"",
        ] {
            assert!(Cursor::new(json, 0).value(None, |value: u8| value).is_err(), "{json}");
            assert!(Cursor::new(json, 0).skip().is_err(), "{json}");
        }
    }

    #[test]
    fn the_reason_repeats_no_value() {
        let mut at = Cursor::new(r#"{"a": "secret, expected nothing at line 7"}"#, 0);
        #[derive(Debug, Deserialize)]
        struct A {
            #[serde(rename = "a")]
            _a: u8,
        }
        let Decoded::Misfit(error) = at.value(None, |a: A| a).unwrap() else {
            panic!("a text is no number")
        };
        assert_eq!(
            error.within(Some("T"), "[0]").to_string(),
            r#"event "T" at `[0].a`: expected u8 (byte 0)"#
        );
    }
}
