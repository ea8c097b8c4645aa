//! Every provider of this crate passes its own list, and the list finds what is broken.

use std::time::Duration;

use http::{HeaderValue, request::Parts};
use tower_webhook::{
    Draft, Emit, Outgoing, Provider,
    decode::Envelope,
    error::SendError,
    providers::{
        learn365::Learn365, loops::Loops, standard_webhooks::StandardWebhooks,
        synthesis_vr::SynthesisVr, teachstack::Teachstack,
    },
    scheme::{Authentic, Check, Head, HmacSha256, Keys, Streaming, Timestamp, Token, VerifyError},
    sender::{Tamper, Verdict, conformance},
};

use crate::support::*;

#[test]
fn every_provider_conforms() {
    conformance(&learn365(), &Learn365::new(OTHER_SECRET).unwrap()).assert_passed();
    conformance(&standard_webhooks(), &StandardWebhooks::new(OTHER_WHSEC).unwrap()).assert_passed();
    let other = || Token::path(OTHER_TOKEN).unwrap();
    conformance(&loops(), &Loops::new(other())).assert_passed();
    conformance(&synthesis_vr(), &SynthesisVr::new(other())).assert_passed();
    conformance(&teachstack(), &Teachstack::new(other())).assert_passed();
}

#[test]
fn a_token_conforms_in_every_place() {
    type Place = fn(Keys) -> Token;
    let places: [(&str, Place); 5] = [
        ("path", |keys| Token::path(keys).unwrap()),
        ("query", |keys| Token::query("token", keys).unwrap()),
        ("header", |keys| Token::header("x-token", keys).unwrap()),
        ("bearer", |keys| Token::bearer(keys).unwrap()),
        ("basic", |keys| Token::basic("user", keys).unwrap()),
    ];
    for (name, place) in places {
        let report =
            conformance(&Loops::new(place(TOKEN.into())), &Loops::new(place(OTHER_TOKEN.into())));
        assert!(report.failures().is_empty(), "{name}: {report}");
    }
}

#[test]
fn what_does_not_apply_is_said_and_not_counted_as_passed() {
    let inapplicable = |report: tower_webhook::sender::Report| {
        let cases = report.cases().iter().filter(|case| case.verdict == Verdict::NotApplicable);
        cases.map(|case| case.name).collect::<Vec<_>>()
    };
    let all = |names: &[Tamper]| names.iter().map(|tamper| tamper.name()).collect::<Vec<_>>();

    let learn365 = conformance(&learn365(), &Learn365::new(OTHER_SECRET).unwrap());
    assert_eq!(
        inapplicable(learn365),
        all(&[Tamper::Stale, Tamper::Early, Tamper::Restamped, Tamper::Replayed])
    );
    let standard = conformance(&standard_webhooks(), &StandardWebhooks::new(OTHER_WHSEC).unwrap());
    assert_eq!(inapplicable(standard), all(&[]));
    let open = Loops::dangerous_unauthenticated();
    let open = conformance(&open, &open);
    assert_eq!(open.failures(), ["other-key"]);
    assert_eq!(inapplicable(open), all(Tamper::ALL));
}

/// The faults that receivers have, and the cases that must notice them.
const FAULTS: [(Fault, &[&str]); 14] = [
    (Fault::None, &[]),
    (Fault::AbsentHeaderAccepted, &["unsigned", "missing"]),
    (Fault::OneOfTwoHeadersWins, &["repeated"]),
    (Fault::PastTolerated, &["stale"]),
    (Fault::FutureTolerated, &["early"]),
    (Fault::TimestampUnsigned, &["bit-flipped"]),
    (Fault::IdUnsigned, &["bit-flipped"]),
    (Fault::PrefixCompared, &["truncated"]),
    (Fault::SuffixIgnored, &["extended"]),
    (Fault::EarlyExitOnEmptyTag, &["empty"]),
    (Fault::LengthComparedOnly, &["other-key", "bit-flipped"]),
    (Fault::BodyCutBeforeSigning, &["body-altered"]),
    (Fault::BodyNotHashed, &["transplanted"]),
    (Fault::PanicOnTimestamp, &["garbage"]),
];

#[test]
fn each_broken_provider_is_caught_by_name() {
    for (fault, expected) in FAULTS {
        let report = conformance(
            &Sloppy::new(fault, "our key of 16 bytes"),
            &Sloppy::new(fault, "their key of 16 bytes"),
        );
        let failures = report.failures();
        for name in expected {
            assert!(failures.contains(name), "{fault:?} went unnoticed by `{name}`:\n{report}");
        }
        assert_eq!(failures.is_empty(), expected.is_empty(), "{fault:?}:\n{report}");
    }
}

#[test]
fn a_provider_that_refuses_everything_fails_too() {
    let own = Sloppy::new(Fault::None, "our key of 16 bytes");
    let report = conformance(&Deaf(own), &Deaf(Sloppy::new(Fault::None, "their key of 16 bytes")));
    assert_eq!(report.failures(), ["genuine"]);
    assert!(
        report.to_string().starts_with(
            "genuine: FAILED: a genuine request was refused: signature does not match\n"
        )
    );
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    None,
    AbsentHeaderAccepted,
    OneOfTwoHeadersWins,
    PastTolerated,
    FutureTolerated,
    TimestampUnsigned,
    IdUnsigned,
    PrefixCompared,
    SuffixIgnored,
    EarlyExitOnEmptyTag,
    LengthComparedOnly,
    BodyCutBeforeSigning,
    BodyNotHashed,
    PanicOnTimestamp,
}

/// HMAC-SHA256 in hex over `id.time.body`, checked by hand and with one fault.
#[derive(Clone)]
struct Sloppy {
    fault: Fault,
    key: HmacSha256,
}

impl Sloppy {
    fn new(fault: Fault, key: &str) -> Self {
        Self { fault, key: HmacSha256::new(key).unwrap() }
    }

    fn tag(&self, id: &str, time: &str, body: &[u8]) -> String {
        let (mut id, mut time, mut body) = (id, time, body);
        match self.fault {
            Fault::TimestampUnsigned => time = "",
            Fault::IdUnsigned => id = "",
            Fault::BodyCutBeforeSigning => body = &body[..body.len().min(4)],
            _ => {}
        }
        self.key.sign([id.as_bytes(), b".", time.as_bytes(), b".", body]).to_hex()
    }

    fn fresh(&self, time: &str, head: &Head<'_>) -> Result<(), VerifyError> {
        if self.fault == Fault::PanicOnTimestamp {
            let _ = time.parse::<i64>().unwrap();
        }
        match (Timestamp::seconds(time)?.within(Duration::from_secs(300), head.now()), self.fault) {
            (Err(VerifyError::TimestampTooOld { .. }), Fault::PastTolerated) => Ok(()),
            (Err(VerifyError::TimestampInFuture { .. }), Fault::FutureTolerated) => Ok(()),
            (fresh, _) => fresh,
        }
    }
}

impl Provider for Sloppy {
    fn authenticate(&self, head: &Head<'_>) -> Result<Check, VerifyError> {
        let given = match (head.header("x-tag"), self.fault) {
            (Err(VerifyError::MissingHeader(_)), Fault::AbsentHeaderAccepted)
            | (Err(VerifyError::RepeatedHeader(_)), Fault::OneOfTwoHeadersWins) => {
                return Ok(Authentic::dangerous_assert().into());
            }
            (given, _) => given?.to_owned(),
        };
        let (id, time) = (head.header("x-id")?.to_owned(), head.header("x-time")?.to_owned());
        self.fresh(&time, head)?;
        Ok(Check::streaming(Comparing {
            provider: self.clone(),
            id,
            time,
            given,
            body: Vec::new(),
        }))
    }

    fn envelope(&self) -> Envelope {
        Envelope::flat("kind")
    }
}

struct Comparing {
    provider: Sloppy,
    id: String,
    time: String,
    given: String,
    body: Vec<u8>,
}

impl Streaming for Comparing {
    fn update(&mut self, bytes: &[u8]) {
        self.body.extend_from_slice(bytes);
    }

    fn finish(self: Box<Self>) -> Result<Authentic, VerifyError> {
        let wanted = self.provider.tag(&self.id, &self.time, &self.body);
        let genuine = b"{\"conformance\": true}";
        let equal = match self.provider.fault {
            Fault::PrefixCompared => !self.given.is_empty() && wanted.starts_with(&self.given),
            Fault::SuffixIgnored => self.given.starts_with(&wanted),
            Fault::EarlyExitOnEmptyTag => {
                self.given.bytes().zip(wanted.bytes()).all(|(a, b)| a == b)
            }
            Fault::LengthComparedOnly => self.given.len() == wanted.len(),
            Fault::BodyNotHashed => self.given == self.provider.tag(&self.id, &self.time, genuine),
            _ => self.given == wanted,
        };
        if equal { Ok(Authentic::dangerous_assert()) } else { Err(VerifyError::SignatureMismatch) }
    }
}

impl Emit for Sloppy {
    fn encode(&self, _: &[Draft], _: &Outgoing) -> Result<String, SendError> {
        unreachable!("conformance brings its own body")
    }

    fn sign(&self, head: &mut Parts, body: &[u8], outgoing: &Outgoing) {
        let time = outgoing
            .now
            .duration_since(std::time::SystemTime::UNIX_EPOCH)
            .unwrap()
            .as_secs()
            .to_string();
        let tag = self.tag(&outgoing.id, &time, body);
        for (name, value) in [("x-id", &outgoing.id), ("x-time", &time), ("x-tag", &tag)] {
            head.headers.insert(name, HeaderValue::from_str(value).unwrap());
        }
    }
}

/// Refuses everything, and signs like [`Sloppy`].
struct Deaf(Sloppy);

impl Provider for Deaf {
    fn authenticate(&self, _: &Head<'_>) -> Result<Check, VerifyError> {
        Err(VerifyError::SignatureMismatch)
    }

    fn envelope(&self) -> Envelope {
        self.0.envelope()
    }
}

impl Emit for Deaf {
    fn encode(&self, events: &[Draft], outgoing: &Outgoing) -> Result<String, SendError> {
        self.0.encode(events, outgoing)
    }

    fn sign(&self, head: &mut Parts, body: &[u8], outgoing: &Outgoing) {
        self.0.sign(head, body, outgoing);
    }
}
