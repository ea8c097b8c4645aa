use std::ops::Range;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Uri, header, request::Parts};

use crate::{Draft, Emit, Outgoing};

/// A genuine request, and all that it is made from.
pub(super) struct Forge<'a, P> {
    pub(super) provider: &'a P,
    pub(super) head: Parts,
    pub(super) body: Bytes,
    pub(super) outgoing: Outgoing,
    /// What of the body proves it, if that is known: what differs by the key. Else empty.
    pub(super) proof: Range<usize>,
    /// Another body that this one's proof was put into.
    pub(super) transplanted: Option<Bytes>,
}

#[derive(Clone)]
pub(super) struct Forged {
    pub(super) head: Parts,
    pub(super) body: Bytes,
}

impl<'a, P: Emit> Forge<'a, P> {
    pub(super) fn new(
        provider: &'a P,
        uri: Uri,
        events: &[Draft],
        body: Bytes,
        outgoing: Outgoing,
    ) -> Self {
        let mut head = Request::new(()).into_parts().0;
        head.method = Method::POST;
        head.uri = uri;
        head.headers.insert(header::CONTENT_TYPE, provider.content_type());
        provider.announce(&mut head, events, &outgoing);
        Self { provider, head, body, outgoing, proof: 0..0, transplanted: None }
    }

    pub(super) fn genuine(&self) -> Forged {
        self.signed(&self.body, &self.outgoing)
    }

    fn signed(&self, body: &Bytes, outgoing: &Outgoing) -> Forged {
        let mut head = self.head.clone();
        self.provider.sign(&mut head, body, outgoing);
        Forged { head, body: body.clone() }
    }

    /// The body with something else in place of its proof.
    fn with_proof(&self, other: &[u8]) -> Bytes {
        replaced(&self.body, &self.proof, other)
    }

    /// Bodies in which there is no proof, where the body has one.
    pub(super) fn proofless(&self) -> Vec<Forged> {
        let bodies: &[&[u8]] = if self.proof.is_empty() { &[] } else { &[b"", b"{}", b"[]"] };
        let head = self.genuine().head;
        let forged = |body: &&'static [u8]| Forged { head: head.clone(), body: (*body).into() };
        bodies.iter().map(forged).collect()
    }

    /// `None` if signing changes nothing.
    pub(super) fn unsigned(&self) -> Option<Forged> {
        let genuine = self.genuine().head;
        let same = genuine.headers == self.head.headers && genuine.uri == self.head.uri;
        let proved = !same || !self.proof.is_empty();
        proved.then(|| Forged { head: self.head.clone(), body: self.with_proof(b"") })
    }

    /// The headers that signing adds.
    fn names(&self) -> Vec<HeaderName> {
        let genuine = self.genuine().head.headers;
        genuine
            .keys()
            .filter(|name| genuine.get(*name) != self.head.headers.get(*name))
            .cloned()
            .collect()
    }

    pub(super) fn each_header(
        &self,
        spoil: impl Fn(&Parts, &HeaderName, &HeaderValue) -> Vec<Parts>,
    ) -> Vec<Forged> {
        let genuine = self.genuine();
        let heads = self
            .names()
            .into_iter()
            .flat_map(|name| spoil(&genuine.head, &name, &genuine.head.headers[&name]));
        heads.map(|head| Forged { head, body: genuine.body.clone() }).collect()
    }

    /// The headers that signing adds, what it adds to the URL, and what proves the body in it.
    pub(super) fn each_text(&self, spoil: impl Fn(&str) -> Vec<String>) -> Vec<Forged> {
        let mut all = self.each_header(|head, name, value| {
            let texts = spoil(value.to_str().unwrap_or_default()).into_iter();
            texts
                .filter_map(|text| HeaderValue::from_str(&text).ok())
                .map(|value| with(head, name, &[value]))
                .collect()
        });
        let Forged { head, body } = self.genuine();
        let (bare, full) = (target(&self.head.uri), target(&head.uri));
        let common = bare.bytes().zip(full.bytes()).take_while(|(a, b)| a == b).count();
        if let Some((kept, token)) =
            full.split_at_checked(common).filter(|(_, token)| !token.is_empty())
        {
            let targets = spoil(token).into_iter().map(|token| format!("{kept}{token}"));
            let heads = targets.filter_map(|target| moved(&head, &target));
            all.extend(heads.map(|head| Forged { head, body: body.clone() }));
        }
        let proof = body.get(self.proof.clone()).unwrap_or_default();
        if let Some(proof) = str::from_utf8(proof).ok().filter(|proof| !proof.is_empty()) {
            let bodies = spoil(proof).into_iter().map(|other| self.with_proof(other.as_bytes()));
            all.extend(bodies.map(|body| Forged { head: head.clone(), body }));
        }
        all
    }

    /// The genuine head over other bodies, where the body is signed: one that signs no more than a part of it has to
    /// refuse them all the same. Of a body that has its proof in it only that is spoilt: the rest may be unsigned.
    pub(super) fn bodies(&self, spoil: impl Fn(&Bytes) -> Vec<Bytes>) -> Vec<Forged> {
        let head = self.genuine().head;
        let signed = self.signed(&Bytes::new(), &self.outgoing).head.headers != head.headers;
        let others = match signed {
            true => spoil(&self.body),
            false if self.proof.is_empty() => return Vec::new(),
            false => {
                let proofs = spoil(&self.body.slice(self.proof.clone()));
                proofs.iter().map(|proof| self.with_proof(proof)).collect()
            }
        };
        let others = others.into_iter().filter(|body| *body != self.body);
        others.map(|body| Forged { head: head.clone(), body }).collect()
    }

    /// Signed properly, at another time, where that makes a difference.
    pub(super) fn at(&self, now: Option<std::time::SystemTime>) -> Vec<Forged> {
        let Some(now) = now else { return Vec::new() };
        let other = self.signed(&self.body, &Outgoing { now, ..self.outgoing.clone() });
        if other.head.headers == self.genuine().head.headers { Vec::new() } else { vec![other] }
    }

    /// Two genuine requests, with one header of the one in the other.
    pub(super) fn mixed_with(&self, outgoing: &Outgoing) -> Vec<Forged> {
        let (one, other) = (self.genuine(), self.signed(&self.body, outgoing));
        let mut names = self.names();
        names.retain(|name| one.head.headers.get(name) != other.head.headers.get(name));
        if names.len() < 2 {
            return Vec::new();
        }
        let mix = |a: &Forged, b: &Forged, name: &HeaderName| Forged {
            head: with(&a.head, name, &[b.head.headers[name].clone()]),
            body: self.body.clone(),
        };
        names.iter().flat_map(|name| [mix(&one, &other, name), mix(&other, &one, name)]).collect()
    }
}

/// What of `one` differs from `other`, as a whole word: two tokens can begin or end alike.
pub(super) fn differing(one: &[u8], other: &[u8]) -> Range<usize> {
    let equal = |(a, b): &(&u8, &u8)| a == b;
    let start = one.iter().zip(other).take_while(equal).count();
    let (rest, other) = (&one[start..], &other[start..]);
    let same = rest.iter().rev().zip(other.iter().rev()).take_while(equal).count();
    let end = one.len() - same;
    if start == end {
        return start..end;
    }
    let of_word = |b: &&u8| b.is_ascii_alphanumeric() || b"+-/_".contains(b);
    let before = one[..start].iter().rev().take_while(of_word).count();
    let behind = one[end..].iter().take_while(of_word).count();
    start - before..end + behind
}

pub(super) fn replaced(body: &[u8], range: &Range<usize>, by: &[u8]) -> Bytes {
    [&body[..range.start], by, &body[range.end..]].concat().into()
}

pub(super) fn with(head: &Parts, name: &HeaderName, values: &[HeaderValue]) -> Parts {
    let mut head = without(head, name);
    for value in values {
        head.headers.append(name, value.clone());
    }
    head
}

pub(super) fn without(head: &Parts, name: &HeaderName) -> Parts {
    let mut head = head.clone();
    head.headers.remove(name);
    head
}

fn moved(head: &Parts, target: &str) -> Option<Parts> {
    let mut uri = head.uri.clone().into_parts();
    uri.path_and_query = Some(target.parse().ok()?);
    let mut head = head.clone();
    head.uri = Uri::from_parts(uri).ok()?;
    Some(head)
}

fn target(uri: &Uri) -> String {
    uri.path_and_query().map(ToString::to_string).unwrap_or_default()
}
