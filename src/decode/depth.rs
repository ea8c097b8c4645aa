//! How deep a JSON text is nested.

// `serde_json` has a limit of its own for what it decodes, and none for what it skips.
//
// The brackets of 64 bytes are counted at once, in loops that the compiler turns into vector instructions. Only two kinds of
// blocks are looked at byte by byte: those with a backslash, and those that may be too deep.

/// The maximum depth of an event: `serde_json` decodes no deeper one.
pub(crate) const MAX_DEPTH: usize = 127;

/// Whether well-formed JSON is nested deeper than a receiver decodes it.
pub(crate) fn is_too_deep(json: &str) -> bool {
    too_deep(json.as_bytes(), MAX_DEPTH)
}

/// Whether well-formed JSON is nested more than `most` levels deep.
pub(super) fn too_deep(json: &[u8], most: usize) -> bool {
    // Almost no value has that many brackets, and counting them is cheap.
    if json.len() <= 2 * most || brackets(json) <= most {
        return false;
    }
    let mut scan = Scan { most, depth: 0, in_string: false, escaped: false };
    let (blocks, rest) = json.as_chunks();
    let mut last = [b' '; 64];
    last[..rest.len()].copy_from_slice(rest);
    blocks.iter().chain([&last]).any(|block| scan.is_too_deep_in(*block))
}

/// How many opening brackets are in `json`, those in its strings included.
fn brackets(json: &[u8]) -> usize {
    // In steps that a byte can count, and of a length that leaves the compiler no remainder.
    json.chunks(224).map(|json| count(json.iter().map(|byte| is_open(*byte)))).sum()
}

/// At most 255. Never checks for an overflow, not even if the program does: the check would be in the way of vectors.
#[inline(always)]
fn count(hits: impl Iterator<Item = bool>) -> usize {
    usize::from(hits.fold(0_u8, |sum, hit| sum.wrapping_add(u8::from(hit))))
}

/// Brackets and braces differ by this bit.
const BRACE: u8 = 0x20;

#[inline(always)]
fn is_open(byte: u8) -> bool {
    byte | BRACE == b'{'
}

#[inline(always)]
fn is_close(byte: u8) -> bool {
    byte | BRACE == b'}'
}

/// A position in a JSON text.
struct Scan {
    most: usize,
    depth: usize,
    in_string: bool,
    /// Whether a backslash before this place escapes the next byte.
    escaped: bool,
}

impl Scan {
    /// Moves past a block, up to the first bracket that is too deep. Whether there is one.
    #[inline(always)]
    fn is_too_deep_in(&mut self, mut json: [u8; 64]) -> bool {
        if self.escaped || json.iter().fold(false, |found, byte| found | (*byte == b'\\')) {
            self.blank_escapes(&mut json);
        }
        let strings = strings(&json, self.in_string);
        self.in_string = strings[63];
        let outside = |is: fn(u8) -> bool| {
            count(json.iter().zip(&strings).map(move |(byte, string)| is(*byte) & !string))
        };
        let (opened, closed) = (outside(is_open), outside(is_close));
        if self.depth + opened > self.most {
            return json
                .iter()
                .zip(&strings)
                .any(|(byte, string)| !string && self.is_too_deep_at(*byte));
        }
        // Not less than 0, even if a type that hides errors has left the text at a wrong place.
        self.depth = (self.depth + opened).saturating_sub(closed);
        false
    }

    /// Moves past a byte outside of strings, unless it is a bracket that is too deep. Whether it is one.
    fn is_too_deep_at(&mut self, byte: u8) -> bool {
        if is_open(byte) {
            if self.depth == self.most {
                return true;
            }
            self.depth += 1;
        } else if is_close(byte) {
            self.depth = self.depth.saturating_sub(1);
        }
        false
    }

    /// Replaces each backslash that escapes the next byte, and that byte, by blanks.
    fn blank_escapes(&mut self, json: &mut [u8; 64]) {
        for byte in json {
            let escapes = *byte == b'\\' && !self.escaped;
            if escapes || self.escaped {
                *byte = b' ';
            }
            self.escaped = escapes;
        }
    }
}

/// Whether each byte belongs to a string, which begins with its opening quote. There are no escapes.
#[inline(always)]
fn strings(json: &[u8; 64], mut in_string: bool) -> [bool; 64] {
    let mut all = json.map(|byte| if byte == b'"' { 0xff } else { 0 });
    for word in all.as_chunks_mut().0 {
        // Each byte becomes the exclusive or of all bytes up to it: whether the number of quotes so far is odd.
        let mut odd = u64::from_le_bytes(*word);
        odd ^= odd << 8;
        odd ^= odd << 16;
        odd ^= odd << 32;
        if in_string {
            odd = !odd;
        }
        in_string = odd >> 63 != 0;
        *word = odd.to_le_bytes();
    }
    all.map(|odd| odd != 0)
}

#[cfg(test)]
mod tests {
    use serde::de::IgnoredAny;
    use serde_json::Value;

    use super::*;
    use crate::decode::Cursor;

    #[test]
    fn depth_is_counted_outside_of_text() {
        let deep = |n: usize| "[".repeat(n) + &"]".repeat(n);
        let limited = |text: &str| {
            let mut at = Cursor::new(text, 0);
            assert_eq!(at.skip(), Ok(0..text.len()));
            at.limit_depth(0, MAX_DEPTH)
        };
        assert_eq!(limited(&deep(MAX_DEPTH)), Ok(()));
        let error = limited(&deep(MAX_DEPTH + 1)).unwrap_err();
        assert_eq!(error.to_string(), "the body is nested more than 127 deep at byte 0");
        assert_eq!(limited(&format!("[{}0]", "[],".repeat(500))), Ok(()));
        assert_eq!(limited(&format!("[[],{}]", deep(MAX_DEPTH - 1))), Ok(()));
        assert!(limited(&format!("[[],{}]", deep(MAX_DEPTH))).is_err());
        let text = serde_json::to_string(&format!("\"\\{}", "[".repeat(500))).unwrap();
        assert_eq!(limited(&text), Ok(()));
        assert!(serde_json::from_str::<Value>(&deep(MAX_DEPTH)).is_ok());
        assert!(serde_json::from_str::<Value>(&deep(MAX_DEPTH + 1)).is_err());
    }

    #[test]
    fn no_string_hides_depth() {
        for text in [
            "",
            "]]",
            "[[",
            "\\\"",
            "\\\\",
            "]\\\\\\\"]",
            "0123456789]",
            "01234567\\\"]",
            "ä\\u005d]",
        ] {
            for levels in [MAX_DEPTH - 2, MAX_DEPTH] {
                let open = format!("[\"{text}\",{{\"{text}\":");
                let json = open.repeat(levels / 2) + &"[".repeat(levels % 2 + 1);
                let json = json + &"]".repeat(levels % 2 + 1) + &"}]".repeat(levels / 2);
                assert!(serde_json::from_str::<IgnoredAny>(&json).is_ok(), "{json}");
                assert_eq!(is_too_deep(&json), levels / 2 * 2 + levels % 2 + 1 > MAX_DEPTH);
                let flat = format!("[{}0]", format!("[\"{text}\"],").repeat(levels));
                assert!(!is_too_deep(&flat), "{flat}");
            }
        }
    }

    /// Then it is not well-formed.
    #[test]
    fn more_brackets_that_close_than_open_are_no_panic() {
        for json in ["]".repeat(300) + &"[".repeat(128), "[".repeat(128) + &"]".repeat(300)] {
            assert!(!too_deep(json.as_bytes(), 128));
        }
        assert!(!too_deep(("[]]".repeat(200) + &"[".repeat(64)).as_bytes(), 64));
    }

    /// `Value` has the same limit: `serde_json` refuses to decode a deeper one.
    #[test]
    fn whatever_is_in_front_of_a_bracket_and_wherever_it_is() {
        let between = [
            r#""","#,
            r#""[","#,
            r#""]}","#,
            r#""\"[","#,
            r#""\\","#,
            r#""\\\"]","#,
            r#""ä{","#,
            "[[{}]],",
            "0,",
            r#""0123456789 0123456789 0123456789 0123456789 0123456789 [{","#,
        ];
        for levels in [MAX_DEPTH - 1, MAX_DEPTH, MAX_DEPTH + 1] {
            for (first, second) in between.iter().flat_map(|a| between.iter().map(move |b| (a, b)))
            {
                for blanks in [0, 1, 7, 30, 62, 63] {
                    let outer = format!("{}[{first}{second}", " ".repeat(blanks));
                    let inner = format!("[{first}[],{second}").repeat(levels - 1);
                    let json = outer + &inner + "0" + &"]".repeat(levels);
                    let expected = serde_json::from_str::<Value>(&json).is_err();
                    assert_eq!(is_too_deep(&json), expected, "{levels}: {json}");
                }
            }
        }
    }
}
