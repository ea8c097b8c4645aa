//! JSON text the way Json.NET writes it.

/// `json`, which is well formed, with one member to a line, two spaces for each level, CRLF, and U+0085, U+2028 and
/// U+2029 escaped. All other characters and all numbers stay as they are.
pub(super) fn indented(json: &str) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    let mut level = 0_usize;
    let (mut in_text, mut escaped) = (false, false);
    let mut rest = json.chars().peekable();
    while let Some(c) = rest.next() {
        if in_text {
            in_text = escaped || c != '"';
            escaped = !escaped && c == '\\';
            match c {
                '\u{85}' | '\u{2028}' | '\u{2029}' => {
                    out.push_str(&format!("\\u{:04x}", u32::from(c)));
                }
                _ => out.push(c),
            }
            continue;
        }
        match c {
            ' ' | '\t' | '\r' | '\n' => {}
            '[' | '{' => {
                out.push(c);
                while rest.next_if(|c| c.is_ascii_whitespace()).is_some() {}
                match rest.next_if(|c| matches!(c, ']' | '}')) {
                    Some(end) => out.push(end),
                    None => {
                        level = level.saturating_add(1);
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
            _ => {
                in_text = c == '"';
                out.push(c);
            }
        }
    }
    out
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
            assert_eq!(indented(json), text);
            assert_eq!(indented(text), text);
        }
    }
}
