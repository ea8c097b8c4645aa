//! A genuine request in its parts, so that each part that proves something can be altered.

use std::ops::Range;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, header, request::Parts};

use crate::{Draft, Emit, Outgoing};

/// A genuine request, and everything that it is made from.
pub(super) struct Forge<'a, P> {
    pub(super) provider: &'a P,
    /// Before anything is announced.
    head: Parts,
    /// Empty for a body that was not encoded from events.
    pub(super) events: &'a [Draft],
    pub(super) body: Bytes,
    pub(super) outgoing: Outgoing,
    /// The part of the body that proves it, if it is known: the part that differs by the key. Otherwise empty.
    pub(super) proof: Range<usize>,
    /// Whether the proof in the body depends on the time.
    pub(super) dated: bool,
    /// Other bodies that this one's proof was put into, if a proof covers more than itself.
    pub(super) transplanted: Vec<Bytes>,
    /// As `transplanted`: the body of a delivery with the same events and another id.
    pub(super) readdressed: Vec<Bytes>,
    /// As `transplanted`: this body, and more behind its end.
    pub(super) longer: Vec<Bytes>,
    /// An earlier request, and this body with the proof of that one.
    pub(super) restamped: Vec<[Forged; 2]>,
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
        events: &'a [Draft],
        body: Bytes,
        outgoing: Outgoing,
    ) -> Self {
        let mut head = Request::new(()).into_parts().0;
        head.method = Method::POST;
        head.uri = uri;
        head.headers.insert(header::CONTENT_TYPE, provider.content_type());
        Self {
            provider,
            head,
            events,
            body,
            outgoing,
            proof: 0..0,
            dated: false,
            transplanted: Vec::new(),
            readdressed: Vec::new(),
            longer: Vec::new(),
            restamped: Vec::new(),
        }
    }

    pub(super) fn genuine(&self) -> Forged {
        self.signed(&self.body, &self.outgoing)
    }

    /// The genuine request that is sent for `outgoing` instead.
    pub(super) fn made_for(&self, outgoing: &Outgoing) -> Forged {
        let encoded = match self.events {
            [] => None,
            events => self.provider.encode(events, outgoing).ok(),
        };
        self.signed(&encoded.unwrap_or_else(|| self.body.clone()), outgoing)
    }

    fn signed(&self, body: &Bytes, outgoing: &Outgoing) -> Forged {
        let mut head = self.announced(outgoing);
        self.provider.sign(&mut head, body, outgoing);
        Forged { head, body: body.clone() }
    }

    fn announced(&self, outgoing: &Outgoing) -> Parts {
        let mut head = self.head.clone();
        self.provider.announce(&mut head, self.events, outgoing);
        head
    }

    /// The headers that signing adds, and the URL after it.
    fn added(&self, outgoing: &Outgoing) -> (HeaderMap, Uri) {
        let (before, head) = (self.announced(outgoing), self.signed(&self.body, outgoing).head);
        let mut added = head.headers;
        for name in before.headers.keys() {
            if before.headers.get_all(name) == added.get_all(name) {
                added.remove(name);
            }
        }
        (added, head.uri)
    }

    /// Whether the proof of this body, or the proof in it, is another one at the time of `outgoing`. A header that differs
    /// each time is not considered.
    pub(super) fn proves(&self, outgoing: &Outgoing) -> bool {
        let [(one, url), (again, _), (other, other_url)] =
            [&self.outgoing, &self.outgoing, outgoing].map(|of| self.added(of));
        let differs = |name| {
            one.get_all(name) == again.get_all(name) && one.get_all(name) != other.get_all(name)
        };
        self.dated || url != other_url || one.keys().chain(other.keys()).any(differs)
    }

    /// Whether a header, or the URL, proves the body.
    pub(super) fn signs_body(&self) -> bool {
        self.signed(&Bytes::new(), &self.outgoing).head.headers != self.genuine().head.headers
    }

    /// The genuine request at other URLs: with another path or query, if the proof in the headers depends on that.
    pub(super) fn at_other_urls(&self) -> Vec<Forged> {
        let Forged { head, body } = self.genuine();
        // If it differs each time, then it is not known to depend on the URL.
        if self.genuine().head.headers != head.headers {
            return Vec::new();
        }
        let mut all = Vec::new();
        for others in [other_paths, other_queries] {
            let signed = others(&self.head.uri).into_iter().filter_map(|url| self.headers_at(&url));
            if signed.into_iter().any(|headers| headers != head.headers) {
                let heads = others(&head.uri).into_iter().filter_map(|url| moved(&head, &url));
                all.extend(heads.map(|head| Forged { head, body: body.clone() }));
            }
        }
        all
    }

    /// The headers of the request if it is signed for another URL.
    fn headers_at(&self, target: &str) -> Option<HeaderMap> {
        let mut head = moved(&self.announced(&self.outgoing), target)?;
        self.provider.sign(&mut head, &self.body, &self.outgoing);
        Some(head.headers)
    }

    /// The body with `other` in place of its proof.
    fn with_proof(&self, other: &[u8]) -> Bytes {
        replaced(&self.body, &self.proof, other)
    }

    /// Requests whose body has no proof, if the genuine body has one.
    pub(super) fn proofless(&self) -> Vec<Forged> {
        let bodies: &[&[u8]] = if self.proof.is_empty() { &[] } else { &[b"", b"{}", b"[]"] };
        self.over(bodies.iter().map(|body| Bytes::from_static(body)))
    }

    /// The request without its proof. `None` if signing changes nothing.
    pub(super) fn unsigned(&self) -> Option<Forged> {
        let (genuine, head) = (self.genuine().head, self.announced(&self.outgoing));
        let same = genuine.headers == head.headers && genuine.uri == head.uri;
        let proved = !same || !self.proof.is_empty();
        proved.then(|| Forged { head, body: self.with_proof(b"") })
    }

    /// The headers that signing adds.
    pub(super) fn names(&self) -> Vec<HeaderName> {
        self.added(&self.outgoing).0.keys().cloned().collect()
    }

    /// The headers that are announced, and not added again by signing.
    pub(super) fn announced_names(&self) -> Vec<HeaderName> {
        let (announced, signed) = (self.announced(&self.outgoing).headers, self.names());
        let own = |name: &&HeaderName| !self.head.headers.contains_key(*name);
        announced.keys().filter(own).filter(|name| !signed.contains(name)).cloned().collect()
    }

    pub(super) fn each_header(
        &self,
        names: &[HeaderName],
        spoil: impl Fn(&Parts, &HeaderName, &HeaderValue) -> Vec<Parts>,
    ) -> Vec<Forged> {
        let Forged { head, body } = self.genuine();
        let values = names.iter().filter_map(|name| Some((name, head.headers.get(name)?)));
        let heads = values.flat_map(|(name, value)| spoil(&head, name, value));
        heads.map(|head| Forged { head, body: body.clone() }).collect()
    }

    /// The request with other texts in place of the text that signing adds to the URL, and of the proof in the body.
    pub(super) fn each_text(&self, spoil: impl Fn(&str) -> Vec<String>) -> Vec<Forged> {
        let mut all = Vec::new();
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
            all.extend(self.over(bodies));
        }
        all
    }

    /// The genuine head over other bodies.
    pub(super) fn over(&self, bodies: impl IntoIterator<Item = Bytes>) -> Vec<Forged> {
        let head = self.genuine().head;
        let others = bodies.into_iter().filter(|body| *body != self.body);
        others.map(|body| Forged { head: head.clone(), body }).collect()
    }

    /// Requests whose id takes over the start of the body. If a sender signs id and body without a separator that the id
    /// cannot contain, then the signed bytes are the same.
    pub(super) fn longer_ids(&self) -> Vec<Forged> {
        let (genuine, id) = (self.genuine().head.headers, &*self.outgoing.id);
        let texts: Vec<_> = genuine.values().filter_map(|value| value.to_str().ok()).collect();
        if !texts.iter().any(|text| text.contains(id)) {
            return Vec::new();
        }
        // If `id.time.body` is signed, then an attacker has the time occur twice.
        let parts = texts.iter().flat_map(|text| text.split(BETWEEN_PARTS).chain([*text]));
        let starts: Vec<_> =
            parts.filter(|part| (1..=LONGEST_TIME).contains(&part.len())).chain(["0"]).collect();
        let forged = |start: &str, by: &str| {
            let recorded = self.signed(&format!("{start}{by}{{}}").into(), &self.outgoing);
            let (mut head, longer) = (recorded.head, format!("{id}{by}{start}"));
            for value in head.headers.values_mut() {
                let text = value.to_str().unwrap_or_default();
                if text.contains(id) {
                    *value = HeaderValue::try_from(text.replace(id, &longer)).unwrap_or(EMPTY);
                }
            }
            Forged { head, body: Bytes::from_static(b"{}") }
        };
        let each = |start: &&str| SEPARATORS.map(|by| forged(start, by));
        starts.iter().flat_map(each).collect()
    }

    /// Two genuine requests, each with one of the headers that signing adds to the other.
    pub(super) fn mixed_with(&self, outgoing: &Outgoing) -> Vec<Forged> {
        let (one, other) = (self.genuine(), self.made_for(outgoing));
        let mut names = self.names();
        names.retain(|name| one.head.headers.get_all(name) != other.head.headers.get_all(name));
        if names.len() < 2 {
            return Vec::new();
        }
        let mix =
            |a: &Forged, b: &Forged, name: &HeaderName| a.with_headers(&b.head.headers, [name]);
        names.iter().flat_map(|name| [mix(&one, &other, name), mix(&other, &one, name)]).collect()
    }

    /// Pairs of `base` and `base` with the headers that are announced for `outgoing`: each header alone, and all of them.
    pub(super) fn reannounced(&self, base: &Forged, outgoing: &Outgoing) -> Vec<[Forged; 2]> {
        let (headers, signed) = (self.announced(outgoing).headers, self.names());
        let mut names: Vec<_> = headers.keys().chain(base.head.headers.keys()).collect();
        names.retain(|name| !signed.contains(name));
        names.retain(|name| headers.get_all(*name) != base.head.headers.get_all(*name));
        let each = names.iter().map(|name| base.with_headers(&headers, [*name]));
        let all = base.with_headers(&headers, names.iter().copied());
        let all = (names.len() > 1).then_some(all);
        each.chain(all).map(|one| [base.clone(), one]).collect()
    }
}

impl Forged {
    /// This request with the headers of these names from `headers`.
    fn with_headers<'n>(
        &self,
        headers: &HeaderMap,
        names: impl IntoIterator<Item = &'n HeaderName>,
    ) -> Self {
        let put = |head, name| {
            let values: Vec<_> = headers.get_all(name).iter().cloned().collect();
            with(&head, name, &values)
        };
        let head = names.into_iter().fold(self.head.clone(), put);
        Self { head, body: self.body.clone() }
    }
}

/// The separators that are tried after an id in the signed bytes.
const SEPARATORS: [&str; 10] = ["", ".", ":", ",", ";", "|", "-", "_", "/", " "];
/// The characters between a time and other parts of its header.
const BETWEEN_PARTS: [char; 5] = ['.', ',', ';', '=', ' '];
/// The longest text that is tried as a time, in bytes.
const LONGEST_TIME: usize = 30;
const EMPTY: HeaderValue = HeaderValue::from_static("");

/// The part of `one` that differs from `other`, extended to whole words, because two tokens can begin or end alike.
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

/// The head with other values of a header. If the header was sensitive, then they are, too.
pub(super) fn with(head: &Parts, name: &HeaderName, values: &[HeaderValue]) -> Parts {
    let is_secret = head.headers.get_all(name).iter().any(HeaderValue::is_sensitive);
    let mut head = without(head, name);
    for value in values {
        let mut value = value.clone();
        value.set_sensitive(is_secret || value.is_sensitive());
        head.headers.append(name, value);
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

fn other_paths(uri: &Uri) -> Vec<String> {
    let (path, query) = (uri.path(), uri.query().map(|query| format!("?{query}")));
    let query = query.unwrap_or_default();
    let others = [format!("{path}0"), format!("{path}/"), format!("/0{path}"), "/".into()];
    others.into_iter().filter(|other| other != path).map(|other| other + &query).collect()
}

fn other_queries(uri: &Uri) -> Vec<String> {
    let path = uri.path();
    match uri.query() {
        None => vec![format!("{path}?0=0")],
        Some(query) => vec![format!("{path}?{query}&0=0"), format!("{path}?0=0"), path.into()],
    }
}

fn target(uri: &Uri) -> String {
    uri.path_and_query().map(ToString::to_string).unwrap_or_default()
}
