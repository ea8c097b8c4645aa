use std::{
    collections::BTreeSet,
    fmt,
    time::{Duration, SystemTime},
};

use http::Uri;

use super::{
    Tamper,
    forge::{Forge, Forged, differing, replaced},
};
use crate::{
    Draft, Emit, Outgoing,
    contain::contained,
    provider::quoted,
    scheme::{Head, VerifyError},
};

/// Tries on `provider` all that a receiver of it must refuse, and what it must accept. `stranger` is the same provider
/// with other keys.
///
/// The genuine request has one event of the type `conformance`, as [`Emit::encode`] writes it. If the encoder refuses that
/// event, the body is `{"conformance": true}`. All that [`Emit::sign`] sets is taken for proof, and so is what differs
/// between the bodies that the two providers encode. A header that proves nothing belongs in [`Emit::announce`].
///
/// The report names the headers that were altered, and shows no value of a request.
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
/// #   fn encode(&self, _: &[Draft], _: &Outgoing) -> Result<String, SendError> { Ok("{}".into()) }
/// #   fn sign(&self, head: &mut http::request::Parts, _: &[u8], _: &Outgoing) {
/// #       head.headers.insert("x-signature", http::HeaderValue::from_static("trust me"));
/// #   }
/// # }
/// conformance(&Trusting, &Trusting).assert_passed();
/// ```
#[must_use]
pub fn conformance<P: Emit>(provider: &P, stranger: &P) -> Report {
    let (mut own, foreign) = (forge(provider, "conformance"), forge(stranger, "conformance"));
    let [other, foreign_other] = [provider, stranger].map(|one| forge(one, "conformance2").body);
    own.proof = differing(&own.body, &foreign.body);
    let (proof, others) = (&own.body[own.proof.clone()], differing(&other, &foreign_other));
    if other[others.clone()] != *proof {
        own.transplanted = Some(replaced(&other, &others, proof));
    }
    let mut cases = vec![
        Case { name: "genuine", verdict: own.accepts() },
        Case { name: "other-key", verdict: own.refuses(&[foreign.genuine()]) },
    ];
    cases.extend(
        Tamper::ALL
            .iter()
            .map(|tamper| Case { name: tamper.name(), verdict: own.refuses(&tamper.forge(&own)) }),
    );
    Report { cases }
}

fn forge<'a, P: Emit>(provider: &'a P, kind: &str) -> Forge<'a, P> {
    let since_1970 = Duration::from_secs(1_700_000_000);
    let outgoing = Outgoing::new("8d2e1c7f", SystemTime::UNIX_EPOCH + since_1970);
    let beside = provider.envelope().beside().map(quoted);
    let beside = beside.map(|name| format!(r#", {name}: "conformance""#)).unwrap_or_default();
    let event = Draft::new(kind, format!(r#"{{"conformance": true{beside}}}"#));
    let events = [event];
    let body = provider.encode(&events, &outgoing);
    let body = body.unwrap_or_else(|_| r#"{"conformance": true}"#.into());
    Forge::new(provider, Uri::from_static("/"), &events, body.into(), outgoing)
}

impl<P: Emit> Forge<'_, P> {
    fn accepts(&self) -> Verdict {
        match contained(|| self.judge(&self.genuine())) {
            Some(Ok(())) => Verdict::Passed { requests: 1 },
            Some(Err(error)) => Verdict::Failed(format!("a genuine request was refused: {error}")),
            None => Verdict::Failed("a genuine request made it panic".into()),
        }
    }

    fn refuses(&self, forged: &[Forged]) -> Verdict {
        for one in forged {
            let failed = match contained(|| self.judge(one)) {
                Some(Err(_)) => continue,
                Some(Ok(())) => "accepted",
                None => "panicked on",
            };
            let what = difference(one, &self.genuine());
            return Verdict::Failed(format!("{failed} a request {what}"));
        }
        match forged.len() {
            0 => Verdict::NotApplicable,
            requests => Verdict::Passed { requests },
        }
    }

    /// As the layer does it, with the body in two frames.
    fn judge(&self, Forged { head, body }: &Forged) -> Result<(), VerifyError> {
        let mut check = self.provider.authenticate(&Head::new(head, self.outgoing.now))?;
        let (first, second) = body.split_at(body.len() / 2);
        check.update(first);
        check.update(second);
        check.finish().map(drop)
    }
}

/// How `forged` differs from `genuine`, without a value: that can be a secret.
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

/// What [`conformance`] found.
#[derive(Clone, Debug)]
pub struct Report {
    cases: Vec<Case>,
}

impl Report {
    /// All cases, in a fixed order.
    pub fn cases(&self) -> &[Case] {
        &self.cases
    }

    /// The names of the cases that failed.
    pub fn failures(&self) -> Vec<&'static str> {
        let failed = self.cases.iter().filter(|case| matches!(case.verdict, Verdict::Failed(_)));
        failed.map(|case| case.name).collect()
    }

    /// # Panics
    ///
    /// If a case failed, with the whole report.
    #[track_caller]
    pub fn assert_passed(&self) {
        assert!(self.failures().is_empty(), "{self}");
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Case { name, verdict } in &self.cases {
            match verdict {
                Verdict::Passed { requests } => {
                    writeln!(f, "{name}: passed ({requests} requests)")?;
                }
                Verdict::NotApplicable => writeln!(f, "{name}: does not apply")?,
                Verdict::Failed(why) => writeln!(f, "{name}: FAILED: {why}")?,
            }
        }
        Ok(())
    }
}

/// One line of a [`Report`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Case {
    /// `genuine`, `other-key`, or a [`Tamper::name`].
    pub name: &'static str,
    /// How it went.
    pub verdict: Verdict,
}

/// How a [`Case`] went.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// As it must.
    #[non_exhaustive]
    Passed {
        /// How many requests were tried.
        requests: usize,
    },
    /// There is nothing in this scheme that could be spoilt so.
    NotApplicable,
    /// It was accepted, or refused, or panicked, as the text says.
    Failed(String),
}
