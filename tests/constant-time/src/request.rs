//! A request as text, from which its head is made anew each time, and the secrets of who receives it.

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

    /// As [`Case::one_of`].
    fn one_of(one: &Self, other: &Self, second: Choice) -> Self {
        let mixed = |one: &str, other: &str| {
            let bytes = one_of(one.as_bytes(), other.as_bytes(), second);
            String::from_utf8(bytes).expect("it is one of them")
        };
        let values = one.headers.iter().zip(&other.headers);
        let headers = values.map(|((name, one), (_, other))| (name.clone(), mixed(one, other)));
        Self { target: mixed(&one.target, &other.target), headers: headers.collect() }
    }

    /// The head, in memory of its own: where it lies says nothing of what it is.
    pub fn head(&self) -> Parts {
        let request = http::Request::post(self.target.as_str());
        let all = self.headers.iter();
        let request = all.fold(request, |request, (name, value)| request.header(name, value));
        request.body(()).expect("a well-formed head").into_parts().0
    }
}

/// One of two that are equally long, made of both: where it lies says nothing of which it is.
fn one_of(one: &[u8], other: &[u8], second: Choice) -> Vec<u8> {
    assert_eq!(one.len(), other.len());
    one.iter().zip(other).map(|(one, other)| u8::conditional_select(one, other, second)).collect()
}

impl Default for Request {
    fn default() -> Self {
        Self { target: "/hook".into(), headers: Vec::new() }
    }
}

/// What a stranger sends, to a receiver with these secrets.
#[derive(Clone)]
pub struct Case {
    pub request: Request,
    pub secrets: Vec<Vec<u8>>,
}

impl Case {
    pub(crate) fn new<S: AsRef<[u8]>>(
        request: Request,
        secrets: impl IntoIterator<Item = S>,
    ) -> Self {
        let secrets = secrets.into_iter().map(|secret| secret.as_ref().to_vec()).collect();
        Self { request, secrets }
    }

    /// One of two whose parts are equally long, made of both: where each of them lies says nothing of which it is.
    pub fn one_of([one, other]: &[Self; 2], second: bool) -> Self {
        let second = Choice::from(u8::from(second));
        let secrets = one.secrets.iter().zip(&other.secrets);
        Self {
            request: Request::one_of(&one.request, &other.request, second),
            secrets: secrets.map(|(one, other)| one_of(one, other, second)).collect(),
        }
    }
}

/// When every request is received.
pub fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)
}
