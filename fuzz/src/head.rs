//! Arbitrary bytes as the head of a request.

use http::{HeaderName, HeaderValue, Method, Request, Uri, request::Parts};

/// A POST: the target in the first line, a header in each further one. What HTTP does not allow is left out.
pub fn head(data: &[u8]) -> Option<Parts> {
    let mut lines = data.split(|b| *b == b'\n');
    let mut parts = request(Method::POST, lines.next()?)?;
    for line in lines {
        let Some(colon) = line.iter().position(|b| *b == b':') else { continue };
        let value = line[colon + 1..].trim_ascii();
        if let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(&line[..colon]), HeaderValue::from_bytes(value))
        {
            parts.headers.append(name, value);
        }
    }
    Some(parts)
}

/// The method, a blank, the target.
pub fn request_line(data: &[u8]) -> Option<Parts> {
    let blank = data.iter().position(|b| *b == b' ')?;
    request(Method::from_bytes(&data[..blank]).ok()?, &data[blank + 1..])
}

/// A POST with these headers.
pub fn with_headers<const N: usize>(headers: [(&'static str, &str); N]) -> Parts {
    let (mut parts, ()) = Request::post("/").body(()).expect("it is a URI").into_parts();
    for (name, value) in headers {
        parts.headers.insert(name, HeaderValue::from_str(value).expect("it is visible ASCII"));
    }
    parts
}

/// The one token that a handshake asks for, if it is one that can be answered.
pub fn echo(head: &Parts) -> Option<&str> {
    let query = head.uri.query().unwrap_or_default();
    let tokens: Vec<_> = query.split('&').filter_map(|pair| pair.strip_prefix("echo=")).collect();
    let plain = |c| matches!(c, '0'..='9' | 'A'..='Z' | 'a'..='z' | '-');
    let harmless = |token: &str| (1..=128).contains(&token.len()) && token.chars().all(plain);
    match tokens[..] {
        [token] if head.method == Method::GET && harmless(token) => Some(token),
        _ => None,
    }
}

fn request(method: Method, target: &[u8]) -> Option<Parts> {
    let uri = Uri::try_from(target).ok()?;
    Request::builder().method(method).uri(uri).body(()).ok().map(|request| request.into_parts().0)
}
