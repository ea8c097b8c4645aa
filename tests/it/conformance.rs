//! The list of forgeries finds what is broken. Each sender of this crate passes it: see `senders`.

mod covered;
mod dated;
mod forgetful;
mod urls;

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, request::Parts};
use tower_webhook::{
    Draft, Emit, Outgoing, Provider, Sender,
    decode::Envelope,
    error::SendError,
    providers::{learn365::Learn365, loops::Loops, standard_webhooks::StandardWebhooks},
    scheme::{Authentic, Check, Head, HmacSha256, Keys, Streaming, Timestamp, Token, VerifyError},
    sender::{Tamper, Verdict, conformance},
};

use crate::support::*;

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
    let inapplicable = |report: tower_webhook::sender::ConformanceReport| {
        let cases = report.cases().iter().filter(|case| case.verdict == Verdict::NotApplicable);
        cases.map(|case| case.name).collect::<Vec<_>>()
    };
    let all = |names: &[Tamper]| names.iter().map(|tamper| tamper.name()).collect::<Vec<_>>();

    let learn365 = conformance(&learn365(), &Learn365::new(OTHER_SECRET).unwrap());
    assert_eq!(
        inapplicable(learn365),
        all(&[Tamper::UrlAltered, Tamper::Stale, Tamper::Early, Tamper::Restamped,])
    );
    let standard = conformance(&standard_webhooks(), &StandardWebhooks::new(OTHER_WHSEC).unwrap());
    assert_eq!(inapplicable(standard), all(&[Tamper::UrlAltered]));
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
        if id.contains('.') {
            return Err(VerifyError::Other("the id holds a dot".into()));
        }
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

/// The body of every request.
const GENUINE: &[u8] = b"{\"conformance\": true}";

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
        let equal = match self.provider.fault {
            Fault::PrefixCompared => !self.given.is_empty() && wanted.starts_with(&self.given),
            Fault::SuffixIgnored => self.given.starts_with(&wanted),
            Fault::EarlyExitOnEmptyTag => {
                self.given.bytes().zip(wanted.bytes()).all(|(a, b)| a == b)
            }
            Fault::LengthComparedOnly => self.given.len() == wanted.len(),
            Fault::BodyNotHashed => self.given == self.provider.tag(&self.id, &self.time, GENUINE),
            _ => self.given == wanted,
        };
        if equal { Ok(Authentic::dangerous_assert()) } else { Err(VerifyError::SignatureMismatch) }
    }
}

impl Emit for Sloppy {
    fn encode(&self, _: &[Draft], _: &Outgoing) -> Result<Bytes, SendError> {
        Ok(Bytes::from_static(GENUINE))
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
    fn encode(&self, events: &[Draft], outgoing: &Outgoing) -> Result<Bytes, SendError> {
        self.0.encode(events, outgoing)
    }

    fn sign(&self, head: &mut Parts, body: &[u8], outgoing: &Outgoing) {
        self.0.sign(head, body, outgoing);
    }
}

/// [`Sloppy`] without a fault, with a header that says what the event is and is not signed.
struct Typed {
    signing: Sloppy,
    /// Whether it is set together with the signature.
    as_proof: bool,
}

impl Typed {
    fn new(key: &str, as_proof: bool) -> Self {
        Self { signing: Sloppy::new(Fault::None, key), as_proof }
    }
}

impl Provider for Typed {
    fn authenticate(&self, head: &Head<'_>) -> Result<Check, VerifyError> {
        self.signing.authenticate(head)
    }

    fn envelope(&self) -> Envelope {
        self.signing.envelope()
    }
}

impl Emit for Typed {
    fn encode(&self, events: &[Draft], _: &Outgoing) -> Result<Bytes, SendError> {
        events[0].flat("kind").map(Into::into)
    }

    fn announce(&self, head: &mut Parts, events: &[Draft], outgoing: &Outgoing) {
        if !self.as_proof {
            assert!(!head.headers.contains_key("x-tag"), "it is not signed yet");
            let kinds = events.iter().map(|event| &*event.event_type).collect::<Vec<_>>().join(" ");
            head.headers.insert("x-event-type", HeaderValue::from_str(&kinds).unwrap());
            head.headers.insert("x-delivery", HeaderValue::from_str(&outgoing.id).unwrap());
        }
    }

    fn sign(&self, head: &mut Parts, body: &[u8], outgoing: &Outgoing) {
        self.signing.sign(head, body, outgoing);
        if self.as_proof {
            head.headers.insert("x-event-type", HeaderValue::from_static("a"));
        }
    }
}

#[test]
fn a_header_that_proves_nothing_is_announced() {
    let [own, other] =
        ["our key of 16 bytes", "their key of 16 bytes"].map(|k| Typed::new(k, false));
    conformance(&own, &other).assert_passed();
    // In `sign` it would count as proof that nobody checks.
    let [own, other] =
        ["our key of 16 bytes", "their key of 16 bytes"].map(|k| Typed::new(k, true));
    let report = conformance(&own, &other);
    let unchecked = ["missing", "empty", "repeated", "bit-flipped", "extended", "garbage"];
    assert_eq!(report.failures(), unchecked);
    let told = "bit-flipped: FAILED: accepted a request with another header `x-event-type`\n";
    assert!(report.to_string().contains(told), "{report}");
}

#[test]
fn a_sender_announces_what_it_sends() {
    let sender = || Sender::new(Typed::new("our key of 16 bytes", false)).id("7");
    let genuine = sender().raw("paid", "{}").unwrap();
    assert_eq!(genuine.headers()["x-event-type"], "paid");
    assert_eq!(genuine.headers()["x-delivery"], "7");
    assert_eq!(sender().body("{}").unwrap().headers()["x-event-type"], "");
    let unsigned = sender().tampered(Tamper::Unsigned).raw("paid", "{}").unwrap();
    assert_eq!(unsigned.headers()["x-event-type"], "paid");
    assert!(!unsigned.headers().contains_key("x-tag"));
}

/// Whose requests have their proof in the body, as `{"kind": …, "proof": "…"}`: a token, or one for each type of event.
struct Bodily {
    fault: BodyFault,
    token: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum BodyFault {
    None,
    OneForEachType,
    AbsentAccepted,
    EmptyAccepted,
    PrefixCompared,
    SuffixIgnored,
    LengthComparedOnly,
    TypeIgnored,
}

impl Bodily {
    fn proof(&self, kind: &str) -> String {
        match self.fault {
            BodyFault::OneForEachType | BodyFault::TypeIgnored => {
                HmacSha256::new(self.token).unwrap().sign([kind.as_bytes()]).to_hex()
            }
            _ => self.token.into(),
        }
    }

    fn accepts(&self, body: &[u8]) -> bool {
        let body: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
        let given = body["proof"].as_str();
        let wanted = self.proof(body["kind"].as_str().unwrap_or_default());
        match (self.fault, given) {
            (BodyFault::AbsentAccepted, None) => true,
            (_, None) => false,
            (BodyFault::EmptyAccepted, Some("")) => true,
            (BodyFault::PrefixCompared, Some(given)) => {
                !given.is_empty() && wanted.starts_with(given)
            }
            (BodyFault::SuffixIgnored, Some(given)) => given.starts_with(&wanted),
            (BodyFault::LengthComparedOnly, Some(given)) => given.len() == wanted.len(),
            (BodyFault::TypeIgnored, Some(given)) => {
                ["conformance", "conformance2"].iter().any(|kind| self.proof(kind) == given)
            }
            (_, Some(given)) => given == wanted,
        }
    }
}

impl Provider for Bodily {
    fn authenticate(&self, _: &Head<'_>) -> Result<Check, VerifyError> {
        let judge = Self { ..*self };
        Ok(Check::streaming(Whole { judge, body: Vec::new() }))
    }

    fn envelope(&self) -> Envelope {
        Envelope::flat("kind")
    }
}

impl Emit for Bodily {
    fn encode(&self, events: &[Draft], _: &Outgoing) -> Result<Bytes, SendError> {
        let kind = &events[0].event_type;
        Ok(format!(r#"{{"kind":"{kind}","proof":"{}"}}"#, self.proof(kind)).into())
    }

    fn sign(&self, _: &mut Parts, _: &[u8], _: &Outgoing) {}
}

struct Whole {
    judge: Bodily,
    body: Vec<u8>,
}

impl Streaming for Whole {
    fn update(&mut self, bytes: &[u8]) {
        self.body.extend_from_slice(bytes);
    }

    fn finish(self: Box<Self>) -> Result<Authentic, VerifyError> {
        match self.judge.accepts(&self.body) {
            true => Ok(Authentic::dangerous_assert()),
            false => Err(VerifyError::SignatureMismatch),
        }
    }
}

#[test]
fn a_proof_in_the_body_is_found_and_tampered_with() {
    for (fault, expected) in [
        (BodyFault::None, &[][..]),
        (BodyFault::OneForEachType, &[]),
        (BodyFault::AbsentAccepted, &["missing"]),
        (BodyFault::EmptyAccepted, &["unsigned", "empty"]),
        (BodyFault::PrefixCompared, &["truncated"]),
        (BodyFault::SuffixIgnored, &["extended"]),
        (BodyFault::LengthComparedOnly, &["other-key", "bit-flipped"]),
        (BodyFault::TypeIgnored, &["transplanted"]),
    ] {
        let report = conformance(
            &Bodily { fault, token: "0123 our token, never shown" },
            &Bodily { fault, token: "9876 one more, never shown!" },
        );
        for name in expected {
            assert!(report.failures().contains(name), "{fault:?} by `{name}`:\n{report}");
        }
        assert_eq!(report.failures().is_empty(), expected.is_empty(), "{fault:?}:\n{report}");
        assert!(!format!("{report} {report:?}").contains("shown"), "{report}");
        let tried = report.cases().iter().filter(|case| case.verdict != Verdict::NotApplicable);
        assert!(tried.count() >= 8, "{report}");
        // A token says nothing of the rest of the body.
        let token = !matches!(fault, BodyFault::OneForEachType | BodyFault::TypeIgnored);
        let untried = ["body-altered: does not apply\n", "transplanted: does not apply\n"];
        assert_eq!(
            untried.map(|line| report.to_string().contains(line)),
            [token, token],
            "{report}"
        );
    }
}

/// Lets everybody in, and sends with a token.
struct Open(Token);

impl Provider for Open {
    fn authenticate(&self, _: &Head<'_>) -> Result<Check, VerifyError> {
        Ok(Authentic::dangerous_assert().into())
    }

    fn envelope(&self) -> Envelope {
        Envelope::flat("kind")
    }
}

impl Emit for Open {
    fn encode(&self, events: &[Draft], _: &Outgoing) -> Result<Bytes, SendError> {
        events[0].flat("kind").map(Into::into)
    }

    fn sign(&self, head: &mut Parts, _: &[u8], _: &Outgoing) {
        self.0.apply(head);
    }
}

#[test]
fn a_report_shows_no_value_of_a_request() {
    for (place, told) in [
        (Token::path as fn(Keys) -> _, "accepted a request with another URL"),
        (|keys| Token::query("token", keys), "accepted a request with another URL"),
        (|keys| Token::header("x-token", keys), "accepted a request with another header `x-token`"),
        (Token::bearer, "accepted a request with another header `authorization`"),
    ] {
        let report = conformance(
            &Open(place(TOKEN.into()).unwrap()),
            &Open(place(OTHER_TOKEN.into()).unwrap()),
        );
        let text = format!("{report} {report:?}");
        assert!(text.contains(&format!("other-key: FAILED: {told}\n")), "{text}");
        for secret in [TOKEN, OTHER_TOKEN] {
            // Long enough to be of use to somebody.
            let parts = secret.as_bytes().windows(8);
            assert!(!{ parts }.any(|part| text.contains(str::from_utf8(part).unwrap())), "{text}");
        }
    }
}
