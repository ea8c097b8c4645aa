//! `conformance`: tries forged requests of every kind on a provider.

use std::{
    collections::BTreeSet,
    fmt,
    ops::Range,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http::Uri;

use super::{
    Draft, Emit, Outgoing, Tamper,
    emit::quoted,
    forge::{Forge, Forged, differing, replaced},
    found::{self, Facts},
    tamper::TEN_YEARS,
};
use crate::{
    scheme::{Authentic, Head, VerifyError},
    util::{counted, panics::contained},
};

/// Tries a genuine request and all forgeries on `provider`. `with_another_key` is the same provider with other keys.
///
/// The genuine request has one event of the type `conformance`, as [`Emit::encode`] writes it. If the encoder refuses that
/// event, then the body is `{"conformance": true}`. Two parts of the request are considered its proof: everything that
/// [`Emit::sign`] sets, and the part that differs between the bodies of the two providers. If a proof in the body depends on
/// the type of the event or on its payload, then it must cover both. If it depends on the time, then a body that was signed
/// ten years ago must be refused.
///
/// The proof must also cover an id in the body, if the receiver takes it for [that of the delivery](crate::Delivery::id),
/// a time in the body, if the receiver checks its age, and each event of a body with two events, if [`Emit::encode`] writes
/// one. A token covers nothing, so with a
/// token these are not tried.
///
/// A header that proves nothing belongs in [`Emit::announce`]. With another value of it, a request may be accepted or
/// refused, but it must not have another [id](crate::scheme::Check::id), or another [key](crate::scheme::Authentic::by_key). If
/// the request was refused before, as it was too old, then it must still be refused.
///
/// A case is passed if at least one request was refused in it, and no request was accepted that must be refused. The case
/// `genuine` is passed if its request was accepted.
///
/// The report names the headers that were altered. It shows no value of a request.
///
/// ```should_panic
/// use tower_webhook::{Emit, Outgoing, Provider, decode::Envelope, error::SendError, sender::conformance};
/// # use tower_webhook::{Draft, scheme::{Authentic, Check, Head, VerifyError}};
///
/// struct Trusting;
/// impl Provider for Trusting {
///     fn authenticate(&self, _: &Head<'_>) -> Result<Check, VerifyError> {
///         Ok(Authentic::dangerous_assert().into())
///     }
/// #   fn envelope(&self) -> Envelope { Envelope::flat("kind") }
/// }
/// # impl Emit for Trusting {
/// #   fn encode(&self, _: &[Draft], _: &Outgoing) -> Result<bytes::Bytes, SendError> { Ok("{}".into()) }
/// #   fn sign(&self, head: &mut http::request::Parts, _: &[u8], _: &Outgoing) {
/// #       head.headers.insert("x-signature", http::HeaderValue::from_static("trust me"));
/// #   }
/// # }
/// conformance(&Trusting, &Trusting).assert_passed();
/// ```
#[must_use]
pub fn conformance<P: Emit>(provider: &P, with_another_key: &P) -> ConformanceReport {
    let events = probe(provider, "conformance", true);
    let (mut own, foreign) = (forge(provider, &events), forge(with_another_key, &events));
    own.proof = differing(&own.body, &foreign.body);
    own.dated = is_dated(&own, with_another_key);
    let [other_type, other_payload] =
        [probe(provider, "conformance2", true), probe(provider, "conformance", false)];
    let both = [&events[..], &other_payload].concat();
    let proven = |events: &[Draft], outgoing: &Outgoing| {
        proven(provider, with_another_key, events, outgoing)
    };
    let bodies = [&other_type[..], &other_payload, &both].map(|events| proven(events, &outgoing()));
    let bodies: Vec<_> = bodies.into_iter().flatten().collect();
    if !own.has_token(&bodies) {
        own.longer = longer(&own.body);
        own.transplanted = own.transplanted_into(bodies);
        let other_id = Outgoing { id: "7c1f8d2e".into(), ..outgoing() };
        own.readdressed = own.transplanted_into(proven(&events, &other_id));
        own.restamped = restamped(&own, |earlier| proven(&events, earlier));
    }
    let mut cases = vec![
        Case { name: "genuine", verdict: own.accepts() },
        Case { name: "other-key", verdict: verdict(own.refuses(&[foreign.genuine()])) },
    ];
    cases.extend(Tamper::ALL.iter().map(|&tamper| {
        let refused = own.refuses(&tamper.forge(&own));
        let both = refused.and_then(|n| Ok(n + own.is_unmoved(&tamper.reannounce(&own))?));
        Case { name: tamper.name(), verdict: verdict(both) }
    }));
    ConformanceReport { cases }
}

/// The body with a part of it behind its end once more: the whole, and the last line.
fn longer(body: &Bytes) -> Vec<Bytes> {
    let line = body.trim_ascii_end().rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    [body, line].map(|more| [body, more].concat().into()).to_vec()
}

/// Requests that may be too old, each with this one's body under the proof of that older one. A time in a header is restamped
/// with the header.
fn restamped<P: Emit>(
    own: &Forge<'_, P>,
    proven: impl Fn(&Outgoing) -> Option<(Bytes, Range<usize>)>,
) -> Vec<[Forged; 2]> {
    let pair = |age| {
        let now = own.outgoing.now.checked_sub(age)?;
        let earlier = Outgoing { now, occurred_at: now, ..outgoing() };
        let (body, proof) = proven(&earlier)?;
        let fresh = replaced(&own.body, &own.proof, &body[proof]);
        Some([own.made_for(&earlier), Forged { body: fresh, ..own.genuine() }])
    };
    // Too old by most tolerances, and by all.
    let ages = [Duration::from_secs(60 * 60), TEN_YEARS].into_iter();
    let ages = ages.filter(|_| !own.proof.is_empty());
    ages.filter_map(pair).collect()
}

fn probe<P: Emit>(provider: &P, event_type: &str, value: bool) -> [Draft; 1] {
    let beside = provider.envelope().beside().map(quoted);
    let beside = beside.map(|name| format!(r#", {name}: "conformance""#)).unwrap_or_default();
    [Draft::new(event_type, format!(r#"{{"conformance": {value}{beside}}}"#))]
}

fn forge<'a, P: Emit>(provider: &'a P, events: &'a [Draft]) -> Forge<'a, P> {
    let body = provider.encode(events, &outgoing());
    let body = body.unwrap_or_else(|_| r#"{"conformance": true}"#.into());
    Forge::new(provider, Uri::from_static("/"), events, body, outgoing())
}

/// Whether the proof in the body is another one on another day.
fn is_dated<P: Emit>(own: &Forge<'_, P>, with_another_key: &P) -> bool {
    let now = own.outgoing.now + Duration::from_secs(24 * 60 * 60);
    let later = Outgoing { now, ..own.outgoing.clone() };
    let proof_at = |outgoing| {
        let (body, proof) = proven(own.provider, with_another_key, own.events, outgoing)?;
        Some(body.slice(proof))
    };
    let proof = proof_at(&own.outgoing);
    // If it differs each time, then it is not known to depend on the time.
    proof == proof_at(&own.outgoing) && proof != proof_at(&later)
}

/// A body, and the part of it that is its proof. `None` if it cannot be encoded.
fn proven<P: Emit>(
    provider: &P,
    with_another_key: &P,
    events: &[Draft],
    outgoing: &Outgoing,
) -> Option<(Bytes, Range<usize>)> {
    let body = provider.encode(events, outgoing).ok()?;
    let foreign = with_another_key.encode(events, outgoing).ok()?;
    let proof = differing(&body, &foreign);
    Some((body, proof))
}

fn outgoing() -> Outgoing {
    let since_1970 = Duration::from_secs(1_700_000_000);
    Outgoing::new("8d2e1c7f", SystemTime::UNIX_EPOCH + since_1970)
}

/// The verdict from the number of refused requests, or from the failure.
fn verdict(refused: Result<usize, String>) -> Verdict {
    match refused {
        Ok(0) => Verdict::NotApplicable,
        Ok(requests) => Verdict::Passed { requests },
        Err(why) => Verdict::Failed(why),
    }
}

impl<P: Emit> Forge<'_, P> {
    fn accepts(&self) -> Verdict {
        match contained(|| self.judge(&self.genuine())) {
            Some(Ok(_)) => Verdict::Passed { requests: 1 },
            Some(Err(error)) => Verdict::Failed(format!("a genuine request was refused: {error}")),
            None => Verdict::Failed("a genuine request made it panic".into()),
        }
    }

    fn refuses(&self, forged: &[Forged]) -> Result<usize, String> {
        for one in forged {
            let failed = match contained(|| self.judge(one)) {
                Some(Err(_)) => continue,
                Some(Ok(_)) => "accepted",
                None => "panicked on",
            };
            return Err(format!("{failed} a request {}", difference(one, &self.genuine())));
        }
        Ok(forged.len())
    }

    /// Tries pairs that differ in announced headers: see [`Tamper::reannounce`]. Returns the number of refused requests.
    /// If a request is accepted with the same id, then it is allowed, and does not count.
    fn is_unmoved(&self, pairs: &[[Forged; 2]]) -> Result<usize, String> {
        let mut refused = 0;
        for [base, one] in pairs {
            let [of_base, of_one] = [base, one].map(|of| contained(|| self.facts(of)));
            let failed = match (of_base, of_one) {
                (_, None) => "panicked on a",
                (_, Some(Err(_))) => {
                    refused += 1;
                    continue;
                }
                (Some(Ok(known)), Some(Ok(found))) => match known.unlike(&found) {
                    Some(failed) => failed,
                    None => continue,
                },
                (_, Some(Ok(_))) => "accepted an otherwise refused",
            };
            return Err(format!("{failed} request {}", difference(one, base)));
        }
        Ok(refused)
    }

    /// Whether the proof is a token, which covers nothing else: it is the same in bodies with other events.
    fn has_token(&self, bodies: &[(Bytes, Range<usize>)]) -> bool {
        let own = &self.body[self.proof.clone()];
        bodies.iter().all(|(body, proof)| body[proof.clone()] == *own) && !self.signs_body()
    }

    /// The other bodies with this body's proof in place of theirs.
    fn transplanted_into(
        &self,
        bodies: impl IntoIterator<Item = (Bytes, Range<usize>)>,
    ) -> Vec<Bytes> {
        let own = &self.body[self.proof.clone()];
        bodies.into_iter().map(|(body, proof)| replaced(&body, &proof, own)).collect()
    }

    fn facts(&self, request: &Forged) -> Result<Facts, VerifyError> {
        Ok(found::facts(self.provider, request, &self.judge(request)?))
    }

    /// Checks the request, with its body in two parts.
    pub(super) fn judge(&self, Forged { head, body }: &Forged) -> Result<Authentic, VerifyError> {
        let mut check = self.provider.authenticate(&Head::new(head, self.outgoing.now))?;
        let (first, second) = body.split_at(body.len() / 2);
        check.update(first);
        check.update(second);
        check.finish()
    }
}

/// How `forged` differs from `genuine`. No value is shown, because it can be a secret.
fn difference(forged: &Forged, genuine: &Forged) -> String {
    let (ours, theirs) = (&genuine.head.headers, &forged.head.headers);
    let names: BTreeSet<_> = ours.keys().chain(theirs.keys()).map(|name| name.as_str()).collect();
    let changed = names.into_iter().filter(|&name| {
        let [ours, theirs] = [ours, theirs].map(|headers| headers.get_all(name));
        !ours.iter().eq(theirs.iter())
    });
    let mut all: Vec<_> = changed
        .map(|name| match theirs.get_all(name).iter().count() {
            0 => format!("without header `{name}`"),
            1 => format!("with another header `{name}`"),
            several => format!("with header `{name}` {several} times"),
        })
        .collect();
    if forged.head.uri != genuine.head.uri {
        all.push("with another URL".into());
    }
    if forged.body != genuine.body {
        all.push("with another body".into());
    }
    match all.is_empty() {
        true => "that is the same as a genuine one".into(),
        false => all.join(", "),
    }
}

/// The result of [`conformance`]. `Display` shows each case on a line.
#[derive(Clone, Debug)]
pub struct ConformanceReport {
    cases: Vec<Case>,
}

impl ConformanceReport {
    /// All cases, in a fixed order.
    pub fn cases(&self) -> &[Case] {
        &self.cases
    }

    /// The names of the cases that failed.
    pub fn failures(&self) -> Vec<&'static str> {
        let failed = self.cases.iter().filter(|case| matches!(case.verdict, Verdict::Failed(_)));
        failed.map(|case| case.name).collect()
    }

    /// Panics if a case failed.
    ///
    /// # Panics
    ///
    /// If a case failed, with the whole report.
    #[track_caller]
    pub fn assert_passed(&self) {
        assert!(self.failures().is_empty(), "{self}");
    }
}

impl fmt::Display for ConformanceReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Case { name, verdict } in &self.cases {
            match verdict {
                Verdict::Passed { requests } => {
                    let requests = counted(*requests, ["request", "requests"]);
                    writeln!(f, "{name}: passed ({requests})")?;
                }
                Verdict::NotApplicable => writeln!(f, "{name}: does not apply")?,
                Verdict::Failed(why) => writeln!(f, "{name}: FAILED: {why}")?,
            }
        }
        Ok(())
    }
}

/// One line of a [`ConformanceReport`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Case {
    /// `genuine`, `other-key`, or a [`Tamper::name`].
    pub name: &'static str,
    /// The result of the case.
    pub verdict: Verdict,
}

/// The result of a [`Case`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// Every request was accepted or refused as it must be.
    #[non_exhaustive]
    Passed {
        /// The number of requests with this result.
        requests: usize,
    },
    /// This scheme has nothing that could be forged like this.
    NotApplicable,
    /// A request was wrongly accepted or refused, or the provider panicked. The text says which.
    Failed(String),
}
