//! A request as text, from which its head is made anew each time.

use std::time::{Duration, SystemTime};

use http::request::Parts;
use subtle::{Choice, ConditionallySelectable};

/// What a stranger sends, but for the body.
#[derive(Clone)]
pub struct Request {
    target: String,
    headers: Vec<(String, String)>,
}

impl Request {
    /// The request that a sender makes of an empty head.
    pub(crate) fn made_by(sender: impl FnOnce(&mut Parts)) -> Self {
        let mut head = Self::default().head();
        sender(&mut head);
        let text = |value: &http::HeaderValue| value.to_str().expect("ASCII").to_owned();
        let headers = head.headers.iter().map(|(name, value)| (name.to_string(), text(value)));
        Self { target: head.uri.to_string(), headers: headers.collect() }
    }

    /// The value of a header that is there.
    pub(crate) fn header(&self, name: &str) -> &str {
        &self.headers.iter().find(|(one, _)| one == name).expect("the header").1
    }

    /// The same, with this header.
    pub(crate) fn with(&self, name: &str, value: String) -> Self {
        let others = self.headers.iter().filter(|(one, _)| one != name).cloned();
        let headers = others.chain([(name.to_owned(), value)]).collect();
        Self { target: self.target.clone(), headers }
    }

    /// One of two that are equally long, made of both: where each of them lies says nothing of which it is.
    pub fn one_of([one, other]: &[Self; 2], second: bool) -> Self {
        let second = Choice::from(u8::from(second));
        let values = one.headers.iter().zip(&other.headers);
        let headers =
            values.map(|((name, one), (_, other))| (name.clone(), mixed(one, other, second)));
        Self { target: mixed(&one.target, &other.target, second), headers: headers.collect() }
    }

    /// The head, in memory of its own: where it lies says nothing of what it is.
    pub fn head(&self) -> Parts {
        let request = http::Request::post(self.target.as_str());
        let all = self.headers.iter();
        let request = all.fold(request, |request, (name, value)| request.header(name, value));
        request.body(()).expect("a well-formed head").into_parts().0
    }
}

fn mixed(one: &str, other: &str, second: Choice) -> String {
    assert_eq!(one.len(), other.len());
    let bytes = one.bytes().zip(other.bytes());
    let bytes = bytes.map(|(one, other)| u8::conditional_select(&one, &other, second));
    String::from_utf8(bytes.collect()).expect("it is one of them")
}

impl Default for Request {
    fn default() -> Self {
        Self { target: "/hook".into(), headers: Vec::new() }
    }
}

/// When every request is received.
pub fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)
}
