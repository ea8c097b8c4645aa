//! JSON text as Json.NET writes it.

use std::{iter::Peekable, str::Chars};

/// `json`, which is well formed, with one member per line, two spaces for each level, CRLF, and U+0085, U+2028 and U+2029
/// escaped. All other characters and all numbers stay as they are. `None` if it has more than `deepest` levels, because each
/// level makes the indentation longer.
pub(super) fn indented(json: &str, deepest: usize) -> Option<String> {
    let mut out = String::with_capacity(json.len().saturating_mul(2));
    let mut level = 0_usize;
    let mut rest = json.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            ' ' | '\t' | '\r' | '\n' => {}
            '"' => text(&mut rest, &mut out),
            '[' | '{' => {
                out.push(c);
                match empty(&mut rest) {
                    Some(end) => out.push(end),
                    None => {
                        level = level.saturating_add(1);
                        if level > deepest {
                            return None;
                        }
                        new_line(&mut out, level);
                    }
                }
            }
            ']' | '}' => {
                level = level.saturating_sub(1);
                new_line(&mut out, level);
                out.push(c);
            }
            ',' => {
                out.push(c);
                new_line(&mut out, level);
            }
            ':' => out.push_str(": "),
            _ => out.push(c),
        }
    }
    Some(out)
}

/// The rest of a text, up to its closing quote.
fn text(rest: &mut Peekable<Chars<'_>>, out: &mut String) {
    let mut escaped = false;
    out.push('"');
    for c in rest {
        match c {
            '\u{85}' | '\u{2028}' | '\u{2029}' => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            _ => out.push(c),
        }
        if c == '"' && !escaped {
            return;
        }
        escaped = c == '\\' && !escaped;
    }
}

/// The end of a list or object, if it follows at once.
fn empty(rest: &mut Peekable<Chars<'_>>) -> Option<char> {
    while rest.next_if(char::is_ascii_whitespace).is_some() {}
    rest.next_if(|c| matches!(c, ']' | '}'))
}

fn new_line(out: &mut String, level: usize) {
    out.push_str("\r\n");
    out.extend(std::iter::repeat_n("  ", level));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_json_net_indents() {
        for (json, text) in [
            ("{}", "{}"),
            (" [ ] ", "[]"),
            (
                r#"{"a":[1,{"b":1.10}],"c":{}}"#,
                "{\r\n  \"a\": [\r\n    1,\r\n    {\r\n      \"b\": 1.10\r\n    }\r\n  ],\r\n  \"c\": {}\r\n}",
            ),
            (r#"["a\\","\"[{,:"]"#, "[\r\n  \"a\\\\\",\r\n  \"\\\"[{,:\"\r\n]"),
            (
                "[\"\u{85}\u{2028}\u{2029}ø/<'\u{7f}\"]",
                "[\r\n  \"\\u0085\\u2028\\u2029ø/<'\u{7f}\"\r\n]",
            ),
        ] {
            assert_eq!(indented(json, 3).as_deref(), Some(text));
            assert_eq!(indented(text, 3).as_deref(), Some(text));
        }
        assert_eq!(indented("[[[1]]]", 2), None);
    }
}
