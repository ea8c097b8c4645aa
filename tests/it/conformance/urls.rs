//! A signature over the URL is tried with other URLs, and one that does not cover it is not.

use std::sync::atomic::{AtomicU64, Ordering};

use tower_webhook::scheme::Tag;

use super::*;

/// Which part of the URL is signed, and which one is checked.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Covered {
    Nothing,
    Path,
    Query,
    Both,
}

impl Covered {
    fn of(self, uri: &http::Uri) -> String {
        let (path, query) = (uri.path(), uri.query().unwrap_or_default());
        match self {
            Self::Nothing => String::new(),
            Self::Path => path.into(),
            Self::Query => query.into(),
            Self::Both => format!("{path}?{query}"),
        }
    }
}

/// HMAC-SHA256 over the URL and the body, in hex.
struct OverUrl {
    key: HmacSha256,
    signed: Covered,
    /// The URL that a careless receiver takes for that of each request.
    assumed: Option<&'static str>,
    /// Whether the signature differs each time.
    random: bool,
}

impl OverUrl {
    fn pair(signed: Covered) -> [Self; 2] {
        ["our key of 16 bytes", "their key of 16 bytes"].map(|key| Self {
            key: HmacSha256::new(key).unwrap(),
            signed,
            assumed: None,
            random: false,
        })
    }
}

impl Provider for OverUrl {
    fn authenticate(&self, head: &Head<'_>) -> Result<Check, VerifyError> {
        let (_, tag) =
            head.header("x-tag")?.split_once('.').ok_or(VerifyError::MalformedSignature)?;
        let assumed = self.assumed.map(http::Uri::from_static);
        let url = self.signed.of(assumed.as_ref().unwrap_or(head.uri()));
        let nonce = head.header("x-tag")?.split('.').next().unwrap_or_default();
        Ok(self.key.check(Tag::hex(tag)?).prefix(nonce).prefix(".").prefix(url))
    }

    fn envelope(&self) -> Envelope {
        Envelope::flat("kind")
    }
}

impl Emit for OverUrl {
    fn encode(&self, events: &[Draft], _: &Outgoing) -> Result<Bytes, SendError> {
        events[0].flat("kind").map(Into::into)
    }

    fn sign(&self, head: &mut Parts, body: &[u8], _: &Outgoing) {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let nonce = if self.random { NEXT.fetch_add(1, Ordering::Relaxed) } else { 0 };
        let (nonce, url) = (nonce.to_string(), self.signed.of(&head.uri));
        let tag = self.key.sign([nonce.as_bytes(), b".", url.as_bytes(), body]).to_hex();
        head.headers.insert("x-tag", format!("{nonce}.{tag}").try_into().unwrap());
    }
}

fn url_altered(report: &tower_webhook::sender::ConformanceReport) -> &Verdict {
    let mut cases = report.cases().iter();
    &cases.find(|case| case.name == Tamper::UrlAltered.name()).unwrap().verdict
}

#[test]
fn what_is_signed_of_the_url_is_altered() {
    for signed in [Covered::Path, Covered::Query, Covered::Both] {
        let [own, other] = OverUrl::pair(signed);
        let report = conformance(&own, &other);
        report.assert_passed();
        assert!(matches!(url_altered(&report), Verdict::Passed { .. }), "{signed:?}: {report}");
    }
}

#[test]
fn a_receiver_that_does_not_look_at_the_url_is_caught() {
    for signed in [Covered::Path, Covered::Query, Covered::Both] {
        let [own, other] = OverUrl::pair(signed).map(|one| OverUrl { assumed: Some("/"), ..one });
        let report = conformance(&own, &other);
        assert_eq!(report.failures(), ["url-altered"], "{signed:?}");
        let told = "url-altered: FAILED: accepted a request with another URL\n";
        assert!(report.to_string().contains(told), "{report}");
    }
}

#[test]
fn without_a_signature_over_the_url_it_does_not_apply() {
    let [own, other] = OverUrl::pair(Covered::Nothing);
    let report = conformance(&own, &other);
    report.assert_passed();
    assert_eq!(url_altered(&report), &Verdict::NotApplicable);
}

/// Two of them differ without any reason, and are not compared.
#[test]
fn a_signature_that_differs_each_time_shows_neither_a_url_nor_a_time() {
    let [own, other] = OverUrl::pair(Covered::Nothing).map(|one| OverUrl { random: true, ..one });
    let report = conformance(&own, &other);
    report.assert_passed();
    let cases = report.cases().iter().filter(|case| case.verdict == Verdict::NotApplicable);
    assert_eq!(
        cases.map(|case| case.name).collect::<Vec<_>>(),
        ["url-altered", "stale", "early", "restamped", "replayed"]
    );
}

#[test]
fn a_sender_moves_its_request_to_another_url() {
    let [own, _] = OverUrl::pair(Covered::Both);
    let to = http::Uri::from_static("https://hooks.example/in?a=b");
    let sender = Sender::new(own).to(to.clone()).tampered(Tamper::UrlAltered);
    let forged = sender.raw("a", "{}").unwrap();
    assert_eq!(forged.uri().host(), to.host());
    assert_ne!(forged.uri(), &to);
}
