use std::{fmt, time::SystemTime};

use bytes::Bytes;
use http::{Method, Request};

use super::{
    Tamper,
    tamper::{Forge, Forged},
};
use crate::{
    Emit, Outgoing,
    contain::contained,
    scheme::{Head, VerifyError},
};

/// Tries on `provider` all that a receiver of it must refuse, and what it must accept. `stranger` is the same provider
/// with other keys.
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
    let (own, foreign) = (forge(provider), forge(stranger));
    let mut cases = vec![
        Case { name: "genuine", verdict: own.accepts(&own.genuine()) },
        Case { name: "other-key", verdict: own.refuses(&[foreign.genuine()]) },
    ];
    cases.extend(
        Tamper::ALL
            .iter()
            .map(|tamper| Case { name: tamper.name(), verdict: own.refuses(&tamper.forge(&own)) }),
    );
    Report { cases }
}

fn forge<P: Emit>(provider: &P) -> Forge<'_, P> {
    let mut head = Request::new(()).into_parts().0;
    head.method = Method::POST;
    Forge {
        provider,
        head,
        body: Bytes::from_static(b"{\"conformance\": true}"),
        outgoing: Outgoing::new(
            "8d2e1c7f",
            SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000),
        ),
    }
}

impl<P: Emit> Forge<'_, P> {
    fn accepts(&self, genuine: &Forged) -> Verdict {
        match contained(|| self.judge(genuine)) {
            Some(Ok(())) => Verdict::Passed { requests: 1 },
            Some(Err(error)) => Verdict::Failed(format!("a genuine request was refused: {error}")),
            None => Verdict::Failed("a genuine request made it panic".into()),
        }
    }

    fn refuses(&self, forged: &[Forged]) -> Verdict {
        for one in forged {
            match contained(|| self.judge(one)) {
                Some(Err(_)) => {}
                Some(Ok(())) => return Verdict::Failed(format!("accepted: {}", shown(one))),
                None => return Verdict::Failed(format!("panicked on: {}", shown(one))),
            }
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

fn shown(Forged { head, body }: &Forged) -> String {
    format!("{} {:?} with a body of {} bytes", head.uri, head.headers, body.len())
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
