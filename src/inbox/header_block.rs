//! The headers of a delivery as a block of bytes: lines `name: value` that end in CR and LF.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Uri};

use crate::Delivery;

/// Headers in which a proxy or a browser repeats the target, which can hold a token.
const TARGETS: [&str; 7] = [
    "referer",
    "x-envoy-original-path",
    "x-forwarded-path",
    "x-forwarded-uri",
    "x-original-uri",
    "x-original-url",
    "x-rewrite-url",
];

/// The headers that handlers may see. The values of the secret ones are redacted, and so is each that repeats the path or the
/// query of `target`.
pub(super) fn written(delivery: &Delivery, target: &Uri) -> Bytes {
    let mut block = Vec::with_capacity(512);
    for (name, value) in delivery.headers() {
        let is_target = TARGETS.contains(&name.as_str()) || repeats(value.as_bytes(), target);
        let value = if is_target { b"[redacted]" } else { value.as_bytes() };
        for part in [name.as_str().as_bytes(), b": ", value, b"\r\n"] {
            block.extend_from_slice(part);
        }
    }
    block.into()
}

fn repeats(value: &[u8], target: &Uri) -> bool {
    let parts = [target.path(), target.query().unwrap_or_default()];
    let parts = parts.iter().filter(|part| part.len() > 1);
    parts.map(|part| part.as_bytes()).any(|part| value.windows(part.len()).any(|at| at == part))
}

/// The headers in a block. What is no header is left out: a handler sees one less.
pub(super) fn read(block: &[u8]) -> HeaderMap {
    let lines = block.split(|byte| *byte == b'\n').filter_map(|line| {
        let line = line.strip_suffix(b"\r")?;
        let colon = line.windows(2).position(|two| two == b": ")?;
        let name = HeaderName::from_bytes(line.get(..colon)?).ok()?;
        Some((name, HeaderValue::from_bytes(line.get(colon + 2..)?).ok()?))
    });
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        // More than a map can hold did not come from a map.
        if headers.try_append(name, value).is_err() {
            break;
        }
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_header_is_left_out() {
        let headers = read(b"a: 1\r\nb\r\n: 2\r\nc: \r\nd: 3: 4\r\n\nf: 5\na: 6\r\ng: 7");
        let all: Vec<_> = headers.iter().map(|(n, v)| (n.as_str(), v.as_bytes())).collect();
        assert_eq!(all, [("a", &b"1"[..]), ("a", b"6"), ("c", b""), ("d", b"3: 4")]);
    }
}
