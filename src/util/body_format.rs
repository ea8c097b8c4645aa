//! Guesses the format of a body that is not JSON, as a hint for the operator.

/// The guess in words. `None` if the body looks like no known format, or like JSON.
pub(crate) fn guess(body: &[u8]) -> Option<&'static str> {
    let text = body.trim_ascii_start();
    let start = text.get(..LOOKED_AT).unwrap_or(text);
    match start.trim_ascii_end() {
        [] => Some("it is empty"),
        [0x1f, 0x8b, ..] => Some("it looks compressed (gzip)"),
        [b'<', ..] => Some("it looks like XML or HTML"),
        [b'{' | b'[', ..] if is_list_of_lines(start) => {
            Some("it looks like one JSON text per line (NDJSON)")
        }
        [b'{' | b'[' | b'"', ..] => None,
        start if is_form(start) => Some("it looks like a form"),
        start if is_base64(start) => Some("it looks like base64"),
        _ => None,
    }
}

/// Whether the first line is an object, and the second line begins as one.
fn is_list_of_lines(text: &[u8]) -> bool {
    let mut lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let is_object = |line: &[u8]| line.starts_with(b"{") && line.ends_with(b"}");
    lines.next().is_some_and(is_object) && lines.next().is_some_and(|line| line.starts_with(b"{"))
}

/// Whether it begins with a name as in a form and one equals sign.
fn is_form(start: &[u8]) -> bool {
    let name = |byte: &u8| byte.is_ascii_alphanumeric() || b"%+-._~*[]".contains(byte);
    let length = start.iter().take_while(|byte| name(byte)).count();
    length > 0
        && start.get(length) == Some(&b'=')
        && start.get(length.saturating_add(1)).is_some_and(|byte| *byte != b'=')
}

fn is_base64(start: &[u8]) -> bool {
    let digit = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/-_=\r\n".contains(byte);
    start.len() >= SHORTEST_BASE64 && start.iter().all(digit)
}

/// The number of bytes that are looked at.
const LOOKED_AT: usize = 1024;
/// The shortest text that is taken for base64, in bytes. A shorter one can be a word.
const SHORTEST_BASE64: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_that_are_not_json() {
        for (body, looks) in [
            ("", Some("it is empty")),
            (" \n", Some("it is empty")),
            ("<?xml", Some("it looks like XML or HTML")),
            ("\u{1f}", None),
            ("payload=%7B%22a%22%3A1%7D&b=", Some("it looks like a form")),
            ("a[b]=1", Some("it looks like a form")),
            ("=1", None),
            ("{\"a\":1}\n{\"a\":2}\n", Some("it looks like one JSON text per line (NDJSON)")),
            ("{\"a\":1}\r\n{\"a\":2", Some("it looks like one JSON text per line (NDJSON)")),
            ("{\n\"a\":1}", None),
            ("{}\n{}", Some("it looks like one JSON text per line (NDJSON)")),
            ("[{}]", None),
            ("eyJOb3RpZmljYXRpb25zIjpbXX0=", Some("it looks like base64")),
            ("eyJOb3RpZmljYXRpb25zIjpbXX0", Some("it looks like base64")),
            ("eyJOb3RpZmljYXRpb24=", Some("it looks like base64")),
            ("nonsense", None),
            ("nonsense in several words", None),
            ("17", None),
        ] {
            assert_eq!(guess(body.as_bytes()), looks, "{body:?}");
        }
        assert_eq!(guess(b"\x1f\x8b\x08"), Some("it looks compressed (gzip)"));
        assert_eq!(guess(&[b'a'; 10_000]), Some("it looks like base64"));
    }
}
