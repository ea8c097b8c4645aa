use std::{borrow::Cow, ops::Range};

use serde::{Deserialize, de::DeserializeOwned, de::IgnoredAny};
use serde_json::Deserializer;

use super::DecodeError;

/// How deep an event may be: as deep as `serde_json` decodes it.
const MAX_DEPTH: usize = 127;

/// A place in a JSON text. Everything it passes over has been found well formed.
#[derive(Clone)]
pub(crate) struct Cursor<'b> {
    text: &'b str,
    at: usize,
    careful: bool,
}

impl<'b> Cursor<'b> {
    pub(super) fn new(text: &'b str, at: usize) -> Self {
        Self { text, at, careful: false }
    }

    /// The same place, for types that are not to be trusted with finding the end of their value.
    pub(super) fn carefully(self) -> Self {
        Self { careful: true, ..self }
    }

    pub(super) fn position(&self) -> usize {
        self.at
    }

    pub(super) fn text(&self, range: Range<usize>) -> &'b str {
        &self.text[range]
    }

    /// The same text, from another place on.
    pub(super) fn moved(&self, at: usize) -> Self {
        Self { at, ..*self }
    }

    /// Decodes the value here, and passes over it whether it is an `E` or not.
    ///
    /// The outer error says that this is not JSON, the inner one that it is no `E`. `serde_json` files numbers out of
    /// range, deep nesting and lone surrogates under syntax, so only passing over the value tells the two apart.
    pub(crate) fn value<E: DeserializeOwned>(
        &mut self,
    ) -> Result<Result<E, DecodeError>, DecodeError> {
        let start = self.start();
        if self.careful {
            let json = &self.text[self.skip()?];
            return Ok(serde_json::from_str(json).map_err(|_| misfit::<E>(start, json)));
        }
        let mut values = Deserializer::from_str(&self.text[start..]).into_iter::<E>();
        match values.next() {
            Some(Ok(value)) => {
                match values.byte_offset() {
                    // A `Deserialize` that never looked at its input.
                    0 => self.pass()?,
                    taken => self.at += taken,
                }
                Ok(Ok(value))
            }
            Some(Err(_)) => {
                let range = self.skip()?;
                Ok(Err(misfit::<E>(start, &self.text[range])))
            }
            None => Err(self.error("is cut short")),
        }
    }

    /// Passes over the value here.
    pub(crate) fn skip(&mut self) -> Result<Range<usize>, DecodeError> {
        let start = self.start();
        let mut values = Deserializer::from_str(&self.text[start..]).into_iter::<IgnoredAny>();
        match values.next() {
            Some(Ok(_)) => self.at += values.byte_offset(),
            Some(Err(error)) => {
                return Err(DecodeError::syntax(start, &self.text[start..], &error));
            }
            None => return Err(self.error("is cut short")),
        }
        Ok(start..self.at)
    }

    /// Refuses what has been passed over since `start` if it is nested too deep to be decoded later.
    pub(super) fn limit_depth(&self, start: usize) -> Result<(), DecodeError> {
        if too_deep(&self.text.as_bytes()[start..self.at]) {
            return Err(DecodeError::new(start, format!("is nested more than {MAX_DEPTH} deep")));
        }
        Ok(())
    }

    pub(crate) fn pass(&mut self) -> Result<(), DecodeError> {
        self.skip().map(|_| ())
    }

    pub(super) fn error(&self, why: &'static str) -> DecodeError {
        DecodeError::new(self.at, why)
    }

    /// Where the value here starts.
    pub(super) fn start(&mut self) -> usize {
        self.peek();
        self.at
    }

    #[inline]
    pub(super) fn peek(&mut self) -> Option<u8> {
        let rest = &self.text.as_bytes()[self.at..];
        let blank = rest.iter().take_while(|b| matches!(b, b' ' | b'\n' | b'\r' | b'\t')).count();
        self.at += blank;
        rest.get(blank).copied()
    }

    #[inline]
    fn eat(&mut self, byte: u8) -> bool {
        let hit = self.peek() == Some(byte);
        self.at += usize::from(hit);
        hit
    }

    /// Enters an object or a list: has it a first member?
    pub(super) fn open(&mut self, open: u8, close: u8) -> Result<bool, DecodeError> {
        match (self.eat(open), open) {
            (true, _) => Ok(!self.eat(close)),
            (false, b'{') => Err(self.error("has no object where one should be")),
            (false, _) => Err(self.error("has no list where one should be")),
        }
    }

    /// Passes over the comma or the end behind a member: is there a next one?
    pub(super) fn more(&mut self, close: u8) -> Result<bool, DecodeError> {
        match self.eat(b',') {
            true => Ok(true),
            false if self.eat(close) => Ok(false),
            false => Err(self.error("lacks a comma or its end")),
        }
    }

    /// The name of the next member.
    pub(super) fn key(&mut self) -> Result<Cow<'b, str>, DecodeError> {
        let start = self.start();
        if self.peek() != Some(b'"') {
            return Err(self.error("has no name of a member where one should be"));
        }
        // A name that is no Unicode text is nobody's name: its JSON text will do.
        let key = self.string()?.unwrap_or_else(|| Cow::Borrowed(&self.text[start..self.at]));
        if self.eat(b':') { Ok(key) } else { Err(self.error("lacks a colon")) }
    }

    /// The text here; `None` for any other value, which is passed over.
    pub(super) fn text_or_skip(&mut self) -> Result<Option<Cow<'b, str>>, DecodeError> {
        match self.peek() {
            Some(b'"') => self.string(),
            _ => self.skip().map(|_| None),
        }
    }

    /// `None`: a string that is no Unicode text, such as a lone surrogate.
    fn string(&mut self) -> Result<Option<Cow<'b, str>>, DecodeError> {
        let start = self.at + 1;
        let rest = &self.text.as_bytes()[start..];
        let plain = rest.iter().take_while(|&&b| b != b'"' && b != b'\\' && b >= b' ').count();
        if rest.get(plain) == Some(&b'"') {
            self.at = start + plain + 1;
            return Ok(Some(Cow::Borrowed(&self.text[start..start + plain])));
        }
        Ok(self.value::<String>()?.ok().map(Cow::Owned))
    }
}

/// Decodes once more, for the path to what does not fit.
fn misfit<E: for<'a> Deserialize<'a>>(at: usize, json: &str) -> DecodeError {
    match serde_path_to_error::deserialize::<_, E>(&mut Deserializer::from_str(json)) {
        Ok(_) => DecodeError::new(at, "does not fit"),
        Err(error) => DecodeError::shape(at, &error.path().to_string(), error.inner()),
    }
}

/// Whether well-formed JSON is nested deeper than [`MAX_DEPTH`].
fn too_deep(json: &[u8]) -> bool {
    // Almost nothing has that many brackets, and counting them is cheap.
    let brackets = |json: &[u8]| json.iter().filter(|byte| **byte | 0x20 == b'{').count();
    if json.len() <= 2 * MAX_DEPTH || brackets(json) <= MAX_DEPTH {
        return false;
    }
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    for byte in json {
        match (in_text, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => in_text = !in_text,
            (false, b'[' | b'{') => depth += 1,
            (false, b']' | b'}') => depth -= 1,
            _ => {}
        }
        if depth > MAX_DEPTH {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_is_counted_outside_of_text() {
        let deep = |n: usize| "[".repeat(n) + &"]".repeat(n);
        let limited = |text: &str| {
            let mut at = Cursor::new(text, 0);
            assert_eq!(at.skip(), Ok(0..text.len()));
            at.limit_depth(0)
        };
        assert_eq!(limited(&deep(MAX_DEPTH)), Ok(()));
        let error = limited(&deep(MAX_DEPTH + 1)).unwrap_err();
        assert_eq!(error.to_string(), "the body is nested more than 127 deep at byte 0");
        assert_eq!(limited(&format!("[{}0]", "[],".repeat(500))), Ok(()));
        let text = serde_json::to_string(&format!("\"\\{}", "[".repeat(500))).unwrap();
        assert_eq!(limited(&text), Ok(()));
        assert!(serde_json::from_str::<serde_json::Value>(&deep(MAX_DEPTH)).is_ok());
        assert!(serde_json::from_str::<serde_json::Value>(&deep(MAX_DEPTH + 1)).is_err());
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
            assert!(at.value::<u8>().unwrap().is_err(), "{json}");
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
            assert!(Cursor::new(json, 0).value::<u8>().is_err(), "{json}");
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
        let error = at.value::<A>().unwrap().unwrap_err();
        assert_eq!(
            error.within(Some("T"), "[0]").to_string(),
            r#"event "T" at `[0].a`: expected u8 (byte 0)"#
        );
    }
}
