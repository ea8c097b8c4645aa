//! `Tamper`: the kinds of forgery that can be made of a genuine request.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, request::Parts};

use super::forge::{Forge, Forged, with, without};
use crate::{Emit, Outgoing};

/// A kind of forgery, made of a genuine request. A receiver must refuse each of them.
///
/// The parts of the request that prove it (headers, token, URL, body, time) are found by signing twice and comparing. So
/// this works for any [`Emit`]: for everything that [`Emit::sign`] adds, and for the part of the body that it signs. If
/// [`Emit::encode`] writes a proof into the body, then only [`conformance`](super::conformance()) finds it, because it has
/// another key to compare with.
///
/// If a kind does not apply to a sender, as [`Tamper::Stale`] to one without timestamps, then [`Sender`](super::Sender)
/// returns an error, and [`conformance`](super::conformance()) reports it.
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
///
/// [`Tamper::ALL`] tries a whole app, with one forgery of each kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Tamper {
    /// Nothing is signed.
    Unsigned,
    /// One of the headers is absent.
    Missing,
    /// One of the headers, or the token in the URL, is empty.
    Empty,
    /// One of the headers occurs twice: both are good, or one of them is bad.
    Repeated,
    /// One bit of a header, or of the token in the URL, is flipped.
    BitFlipped,
    /// A header, or the token in the URL, is cut short.
    Truncated,
    /// A header, or the token in the URL, is followed by more.
    Extended,
    /// A header has an unrelated value. [`Sender`](super::Sender) sends a header that is longer than
    /// [`Head::MAX_HEADER_BYTES`](crate::scheme::Head::MAX_HEADER_BYTES), which is answered 431.
    Garbage,
    /// The body is changed in one place, cut short, or followed by more.
    BodyAltered,
    /// The URL has another path or another query, if the signature depends on it.
    UrlAltered,
    /// The signature of one body is used for another, or the start of the body has moved into the id in a header.
    Transplanted,
    /// Signed ten years ago, which is longer ago than any tolerance.
    Stale,
    /// Signed in ten years, which is further ahead than any tolerance.
    Early,
    /// Signed ten years ago, with one of the headers made now, or with all announced headers made now.
    Restamped,
    /// Signed for one delivery, with one of the headers of another delivery.
    Replayed,
}

pub(super) const TEN_YEARS: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

impl Tamper {
    /// All kinds of forgery.
    ///
    /// # Examples
    ///
    /// A whole app refuses one forgery of each kind. The answer is 401, or 404 if a token in the path is wrong, or the
    /// [status](crate::Policy::refusal_status) that the provider chooses. Only [`Tamper::Garbage`] is answered 431:
    ///
    /// ```
    /// use tower::{Layer, ServiceExt};
    /// use tower_webhook::{EventRouter, Sender, VerifyLayer, error::SendError, providers::stripe::Stripe, sender::Tamper};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), tower_webhook::BoxError> {
    /// let stripe = Stripe::new("whsec_the_signing_secret_of_the_endpoint")?;
    /// let hook = VerifyLayer::new(stripe.clone()).layer(EventRouter::new());
    /// let app: axum::Router = axum::Router::new().route_service("/webhooks/stripe", hook);
    /// let sender = Sender::new(stripe).to("/webhooks/stripe".parse()?);
    ///
    /// for &kind in Tamper::ALL {
    ///     let forged = match sender.clone().tampered(kind).raw("invoice.paid", "{}") {
    ///         Err(SendError::Tamper(_)) => continue, // it does not apply to this sender
    ///         request => request?,
    ///     };
    ///     let status = if kind == Tamper::Garbage { 431 } else { 401 };
    ///     assert_eq!(app.clone().oneshot(forged).await?.status(), status, "{kind:?}");
    /// }
    /// # Ok(()) }
    /// ```
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
        Self::UrlAltered,
        Self::Transplanted,
        Self::Stale,
        Self::Early,
        Self::Restamped,
        Self::Replayed,
    ];

    /// Its name in a [`ConformanceReport`](super::ConformanceReport).
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
            Self::UrlAltered => "url-altered",
            Self::Transplanted => "transplanted",
            Self::Stale => "stale",
            Self::Early => "early",
            Self::Restamped => "restamped",
            Self::Replayed => "replayed",
        }
    }

    /// Every forgery of this kind. Empty if the kind does not apply.
    pub(super) fn forge<P: Emit>(self, of: &Forge<'_, P>) -> Vec<Forged> {
        let mut all = self.spoilt(of, &of.names());
        let other = self.other(&of.outgoing);
        match (self, other) {
            (Self::Unsigned, _) => all.extend(of.unsigned()),
            (Self::Missing, _) => all.extend(of.proofless()),
            (Self::BodyAltered, _) if of.signs_body() => all.extend(of.over(altered(&of.body))),
            (Self::UrlAltered, _) => all.extend(of.at_other_urls()),
            (Self::Transplanted, _) => {
                if of.signs_body() {
                    all.extend(of.longer_ids());
                    all.extend(of.over([Bytes::from_static(b"[]"), Bytes::from_static(b"{}")]));
                }
                all.extend(of.over(of.transplanted.iter().cloned()));
            }
            (Self::Stale | Self::Early, Some(other)) if of.proves(&other) => {
                all.push(of.made_for(&other));
            }
            (Self::Restamped, Some(other)) => {
                if of.proves(&other) {
                    let fresh = of.reannounced(&of.made_for(&other), &of.outgoing);
                    all.extend(fresh.into_iter().map(|[_, forged]| forged));
                }
                all.extend(of.mixed_with(&other));
            }
            (Self::Replayed, Some(other)) => all.extend(of.mixed_with(&other)),
            _ => all.extend(of.each_text(|text| self.texts(text))),
        }
        all
    }

    /// Pairs of requests that differ only in announced headers, in an id in the body, or in bytes after the end of the body. If
    /// the first request is refused, then the second must be refused, too. If both are accepted, then their
    /// [`Facts`](super::found::Facts) must be the same.
    pub(super) fn reannounce<P: Emit>(self, of: &Forge<'_, P>) -> Vec<[Forged; 2]> {
        let genuine = of.genuine();
        let spoilt = self.spoilt(of, &of.announced_names());
        let mut all: Vec<_> = spoilt.into_iter().map(|one| [genuine.clone(), one]).collect();
        let bodies = match self {
            Self::BodyAltered => &of.longer[..],
            Self::Replayed => &of.readdressed,
            _ => &[],
        };
        let others = of.over(bodies.iter().cloned());
        all.extend(others.into_iter().map(|one| [genuine.clone(), one]));
        if self == Self::Restamped {
            all.extend(of.restamped.iter().cloned());
        }
        if let (Self::Restamped | Self::Replayed, Some(other)) = (self, self.other(&of.outgoing)) {
            all.extend(of.reannounced(&genuine, &other));
            // Otherwise it is among the forgeries.
            if self != Self::Restamped || !of.proves(&other) {
                all.extend(of.reannounced(&of.made_for(&other), &of.outgoing));
            }
        }
        all
    }

    /// The other request, if this kind takes two.
    fn other(self, own: &Outgoing) -> Option<Outgoing> {
        let at = |now: Option<_>| now.map(|now| Outgoing { now, ..own.clone() });
        match self {
            Self::Stale | Self::Restamped => at(own.now.checked_sub(TEN_YEARS)),
            Self::Early => at(own.now.checked_add(TEN_YEARS)),
            Self::Replayed => Some(Outgoing { id: format!("{}0", own.id), ..own.clone() }),
            _ => None,
        }
    }

    /// The genuine request with one of these headers altered.
    fn spoilt<P: Emit>(self, of: &Forge<'_, P>, names: &[HeaderName]) -> Vec<Forged> {
        of.each_header(names, |head, name, value| match self {
            Self::Missing => vec![without(head, name)],
            Self::Repeated => repeated(head, name, value),
            Self::Garbage => garbage().map(|value| with(head, name, &[value])).collect(),
            _ => {
                let texts = self.texts(value.to_str().unwrap_or_default()).into_iter();
                let values = texts.filter_map(|text| HeaderValue::try_from(text).ok());
                values.map(|value| with(head, name, &[value])).collect()
            }
        })
    }

    /// Altered versions of a text.
    fn texts(self, text: &str) -> Vec<String> {
        match self {
            Self::Empty => vec![String::new()],
            Self::BitFlipped => bits_flipped(text),
            Self::Truncated => {
                (1..text.len()).filter_map(|n| text.get(..n)).map(str::to_owned).collect()
            }
            Self::Extended => ["0", "00", "A", "AAAA"].map(|more| format!("{text}{more}")).to_vec(),
            _ => Vec::new(),
        }
    }
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
    let long = "a".repeat(crate::scheme::Head::MAX_HEADER_BYTES + 1);
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
