use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, request::Parts};

use super::forge::{Forge, Forged, with, without};
use crate::{Emit, Outgoing};

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
