use std::{ops::Range, time::Duration};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Uri, header, request::Parts};

use crate::{Draft, Emit, Outgoing};

/// A way to spoil a genuine request. Whichever it is, a receiver must refuse what comes of it.
///
/// What carries the proof (headers, token, body, time) is found by signing twice and comparing, so that it works for
/// any [`Emit`]: all that [`Emit::sign`] adds, and what of the body it signs. A proof that [`Emit::encode`] writes into the
/// body is known to [`conformance`](super::conformance()) only, which has another key to compare with. A way that does not apply to a sender (there is no timestamp to be stale, say) is an error in
/// [`Sender`](super::Sender), and reported as such by [`conformance`](super::conformance()).
///
/// ```
/// use tower::{Layer, ServiceExt};
/// use tower_webhook::{EventRouter, Sender, VerifyLayer, sender::Tamper};
/// use tower_webhook::providers::learn365::{CourseCompleted, Learn365};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), tower_webhook::BoxError> {
/// let provider = Learn365::new("0123456789abcdef0123456789abcdef")?;
/// let hook = VerifyLayer::new(provider.clone()).layer(EventRouter::new());
/// let forged = Sender::new(provider).tampered(Tamper::BodyAltered).event(&CourseCompleted::default())?;
/// assert_eq!(hook.oneshot(forged).await?.status(), 401);
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Tamper {
    /// Nothing is signed.
    Unsigned,
    /// One of the headers is absent.
    Missing,
    /// One of the headers, or the token in the URL, is empty.
    Empty,
    /// One of the headers stands there twice: both good, or one of them bad.
    Repeated,
    /// One bit of a header, or of the token in the URL, is flipped.
    BitFlipped,
    /// A header, or the token in the URL, is cut short.
    Truncated,
    /// A header, or the token in the URL, is followed by more.
    Extended,
    /// A header holds something else altogether.
    Garbage,
    /// The body is changed in one place, cut short, or followed by more.
    BodyAltered,
    /// What was signed for one body stands over another.
    Transplanted,
    /// Signed ten years ago: whatever the tolerance, it is less.
    Stale,
    /// Signed in ten years: whatever the tolerance, it is less.
    Early,
    /// Signed ten years ago, with one of the headers made anew.
    Restamped,
    /// Signed for one delivery, with one of the headers of another.
    Replayed,
}

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

const TEN_YEARS: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

impl Tamper {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::Unsigned,
        Self::Missing,
        Self::Empty,
        Self::Repeated,
        Self::BitFlipped,
        Self::Truncated,
        Self::Extended,
        Self::Garbage,
        Self::BodyAltered,
        Self::Transplanted,
        Self::Stale,
        Self::Early,
        Self::Restamped,
        Self::Replayed,
    ];

    /// Its name in a [`Report`](super::Report).
    pub fn name(self) -> &'static str {
        match self {
            Self::Unsigned => "unsigned",
            Self::Missing => "missing",
            Self::Empty => "empty",
            Self::Repeated => "repeated",
            Self::BitFlipped => "bit-flipped",
            Self::Truncated => "truncated",
            Self::Extended => "extended",
            Self::Garbage => "garbage",
            Self::BodyAltered => "body-altered",
            Self::Transplanted => "transplanted",
            Self::Stale => "stale",
            Self::Early => "early",
            Self::Restamped => "restamped",
            Self::Replayed => "replayed",
        }
    }

    /// Every request that comes of spoiling a genuine one in this way; none where it does not apply.
    pub(super) fn forge<P: Emit>(self, of: &Forge<'_, P>) -> Vec<Forged> {
        match self {
            Self::Unsigned => of.unsigned().into_iter().collect(),
            Self::Missing => {
                let mut all = of.each_header(|head, name, _| vec![without(head, name)]);
                all.extend(of.proofless());
                all
            }
            Self::Empty => of.each_text(|_| vec![String::new()]),
            Self::Repeated => of.each_header(repeated),
            Self::BitFlipped => of.each_text(bits_flipped),
            Self::Truncated => of.each_text(|text| {
                (1..text.len()).filter_map(|n| text.get(..n)).map(str::to_owned).collect()
            }),
            Self::Extended => of.each_text(|text| {
                ["0", "00", "A", "AAAA"].map(|more| format!("{text}{more}")).to_vec()
            }),
            Self::Garbage => of.each_header(|head, name, _| {
                garbage().map(|value| with(head, name, &[value])).collect()
            }),
            Self::BodyAltered => of.bodies(altered),
            Self::Transplanted => {
                let mut all =
                    of.bodies(|_| vec![Bytes::from_static(b"[]"), Bytes::from_static(b"{}")]);
                let head = of.genuine().head;
                all.extend(of.transplanted.clone().map(|body| Forged { head, body }));
                all
            }
            Self::Stale => of.at(of.outgoing.now.checked_sub(TEN_YEARS)),
            Self::Early => of.at(of.outgoing.now.checked_add(TEN_YEARS)),
            Self::Restamped => of
                .outgoing
                .now
                .checked_sub(TEN_YEARS)
                .map(|now| of.mixed_with(&Outgoing { now, ..of.outgoing.clone() }))
                .unwrap_or_default(),
            Self::Replayed => of.mixed_with(&Outgoing {
                id: format!("{}0", of.outgoing.id),
                ..of.outgoing.clone()
            }),
        }
    }
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
    fn proofless(&self) -> Vec<Forged> {
        let bodies: &[&[u8]] = if self.proof.is_empty() { &[] } else { &[b"", b"{}", b"[]"] };
        let head = self.genuine().head;
        let forged = |body: &&'static [u8]| Forged { head: head.clone(), body: (*body).into() };
        bodies.iter().map(forged).collect()
    }

    /// `None` if signing changes nothing.
    fn unsigned(&self) -> Option<Forged> {
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

    fn each_header(
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
    fn each_text(&self, spoil: impl Fn(&str) -> Vec<String>) -> Vec<Forged> {
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
    fn bodies(&self, spoil: impl Fn(&Bytes) -> Vec<Bytes>) -> Vec<Forged> {
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
    fn at(&self, now: Option<std::time::SystemTime>) -> Vec<Forged> {
        let Some(now) = now else { return Vec::new() };
        let other = self.signed(&self.body, &Outgoing { now, ..self.outgoing.clone() });
        if other.head.headers == self.genuine().head.headers { Vec::new() } else { vec![other] }
    }

    /// Two genuine requests, with one header of the one in the other.
    fn mixed_with(&self, outgoing: &Outgoing) -> Vec<Forged> {
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

fn with(head: &Parts, name: &HeaderName, values: &[HeaderValue]) -> Parts {
    let mut head = without(head, name);
    for value in values {
        head.headers.append(name, value.clone());
    }
    head
}

fn without(head: &Parts, name: &HeaderName) -> Parts {
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

fn repeated(head: &Parts, name: &HeaderName, good: &HeaderValue) -> Vec<Parts> {
    let bad = bits_flipped(good.to_str().unwrap_or_default()).pop();
    let bad = bad
        .and_then(|bad| HeaderValue::from_str(&bad).ok())
        .unwrap_or(HeaderValue::from_static("x"));
    [[good, good], [good, &bad], [&bad, good]]
        .map(|pair| with(head, name, &pair.map(Clone::clone)))
        .to_vec()
}

fn bits_flipped(text: &str) -> Vec<String> {
    let flipped =
        |n: usize| text.bytes().enumerate().map(|(i, b)| if i == n { b ^ 1 } else { b }).collect();
    (0..text.len()).filter_map(|n| String::from_utf8(flipped(n)).ok()).collect()
}

fn altered(body: &Bytes) -> Vec<Bytes> {
    let flip =
        |n: usize| body.iter().enumerate().map(|(i, b)| if i == n { b ^ 1 } else { *b }).collect();
    let mut all: Vec<Bytes> = [0, body.len() / 2, body.len().saturating_sub(1)].map(flip).to_vec();
    all.push(body.slice(..body.len().saturating_sub(1)));
    all.push(Bytes::new());
    all.push([body, &b" "[..]].concat().into());
    all
}

fn garbage() -> impl Iterator<Item = HeaderValue> {
    let long = "a".repeat(crate::scheme::Head::MAX_HEADER + 1);
    let texts: [&[u8]; 14] = [
        b" ",
        b",",
        b"=",
        b".",
        b"0",
        b"v1,",
        b"sha256=",
        b"t=,v1=",
        b"-1",
        b"-9223372036854775808",
        b"18446744073709551616",
        b"\xff\xfe",
        b"AAAA",
        long.as_bytes(),
    ];
    texts.map(HeaderValue::from_bytes).into_iter().flatten()
}
