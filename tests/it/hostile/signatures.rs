//! A: what stands, or does not stand, in the header of a signature.

use tower_webhook::{
    decode::Envelope,
    scheme::{Check, Head, HmacSha256, Tag, header::Pairs},
};

use super::*;

const MS: &str = "ms-signature";
const SW: &str = "webhook-signature";

#[tokio::test]
async fn a_hex_signature_is_all_of_it_or_refused() {
    let good = signature(&learn365_request(), MS);
    let hex = good.strip_prefix("sha256=").unwrap();
    let (lower, sha1) = (good.to_lowercase(), format!("sha1={hex}"));
    let long = "a".repeat(1 << 20);
    let malformed = Err(VerifyError::MalformedSignature);
    let rows: [(&str, Option<&str>, Result<u16, VerifyError>); 13] = [
        ("A1", None, Err(VerifyError::MissingHeader(MS))),
        ("A2 empty", Some(""), malformed),
        ("A2 blank", Some("  "), malformed),
        ("A3", Some("sha256="), malformed),
        ("A4", Some(&good[..good.len() - 2]), Err(VerifyError::MalformedSignature)),
        ("A4 odd", Some(&good[..good.len() - 1]), malformed),
        ("A6", Some("sha256=not hex at all"), malformed),
        ("A7 upper", Some(&good), Ok(200)),
        ("A7 lower", Some(&lower), Ok(200)),
        ("A9", Some(hex), malformed),
        ("A10", Some(&sha1), Err(VerifyError::UnsupportedSignature)),
        ("A14", Some(&long), Err(VerifyError::HeaderTooLong(MS))),
        ("not ASCII", Some("sha256=é"), Err(VerifyError::MalformedHeader(MS))),
    ];
    for (row, value, expected) in rows {
        let request = with(learn365_request(), MS, value);
        assert_eq!(judged(learn365(), request).await, expected, "{row}");
    }
}

#[tokio::test]
async fn a_repeated_header_has_no_first_or_last_that_wins() {
    for (name, good) in [(MS, learn365_request()), (SW, whsec_request())] {
        let value = good.headers()[name].clone();
        for pair in [[&value, &value], [&value, &HeaderValue::from_static("x")]] {
            for values in [pair, [pair[1], pair[0]]] {
                let mut request = with(good.clone(), name, None);
                for value in values {
                    request.headers_mut().append(name, value.clone());
                }
                let judged = match name {
                    MS => judged(learn365(), request).await,
                    _ => judged(standard_webhooks(), request).await,
                };
                assert_eq!(judged, Err(VerifyError::RepeatedHeader(name)), "A15");
            }
        }
    }
}

#[tokio::test]
async fn a_base64_signature_is_canonical_and_of_the_known_version() {
    let request = whsec_request();
    let good = signature(&request, SW);
    let base64 = good.strip_prefix("v1,").unwrap();
    let (malformed, unsupported) =
        (Err(VerifyError::MalformedSignature), Err(VerifyError::UnsupportedSignature));
    let rows = [
        ("A3", "v1,".to_owned(), malformed),
        ("A4", format!("v1,{}", &base64[..40]), Err(VerifyError::MalformedSignature)),
        ("A6 padding", good.trim_end_matches('=').to_owned(), malformed),
        ("A6 alphabet", format!("v1,{}", "_-__".repeat(11)), malformed),
        ("A9", base64.to_owned(), unsupported),
        ("A12", format!("v2,AAAA v1a,AAAA {good}"), Ok(200)),
        ("A12 unreadable ones beside it", format!("v1,? {good} v1,"), Ok(200)),
        ("A19", format!("{good},{good}"), malformed),
        ("A24", format!("v1a,{base64}"), unsupported),
        ("upper-case version", good.replace("v1", "V1"), unsupported),
    ];
    for (row, value, expected) in rows {
        let request = with(request.clone(), SW, Some(&value));
        assert_eq!(judged(standard_webhooks(), request).await, expected, "{row}");
    }
}

#[tokio::test]
async fn the_name_of_a_header_may_be_in_any_case() {
    let good = signature(&learn365_request(), MS);
    let mut request = with(learn365_request(), MS, None);
    let odd = "Ms-SIGNATURE".parse::<http::HeaderName>().unwrap();
    request.headers_mut().insert(odd, good.parse().unwrap());
    assert_eq!(judged(learn365(), request).await, Ok(200), "A21");
}

#[test]
fn a_folded_header_does_not_reach_us() {
    for value in ["sha256=\r\n 00", "sha256=\n00", "sha256=\0"] {
        assert!(value.parse::<HeaderValue>().is_err(), "A20: {value:?}");
    }
}

#[tokio::test]
async fn one_family_of_headers_counts() {
    let mut request = whsec_request();
    for name in ["svix-id", "svix-timestamp", "svix-signature"] {
        request = with(request, name, Some("v1,contradicts"));
    }
    assert_eq!(judged(standard_webhooks(), request).await, Ok(200), "A23");
    let mut svix = whsec_request();
    for (name, theirs) in [("webhook-id", "svix-id"), (SW, "svix-signature")] {
        let value = signature(&svix, name);
        svix = with(with(svix, name, None), theirs, Some(&value));
    }
    let missing = Err(VerifyError::MissingHeader("webhook-id"));
    assert_eq!(judged(standard_webhooks(), svix).await, missing, "A23");
}

#[tokio::test]
async fn the_id_and_the_time_are_signed() {
    for (name, other) in [("webhook-id", "msg_other"), ("webhook-timestamp", "1700000001")] {
        let request = with(whsec_request(), name, Some(other));
        let mismatch = Err(VerifyError::SignatureMismatch);
        assert_eq!(judged(standard_webhooks(), request).await, mismatch, "A34: {name}");
    }
    for id in ["", "msg.1"] {
        let request = with(whsec_request(), "webhook-id", Some(id));
        let odd = Err(VerifyError::Other("header `webhook-id` is empty or holds a dot"));
        assert_eq!(judged(standard_webhooks(), request).await, odd, "{id:?}");
    }
}

/// `t=<id>,v1=<hex>` over `id.body`, the way of several senders.
struct Pairwise(HmacSha256);

impl Provider for Pairwise {
    fn authenticate(&self, head: &Head<'_>) -> Result<Check, VerifyError> {
        let pairs = Pairs::parse(head.header("x-signature")?)?;
        let id = pairs.one("t")?;
        Ok(self.0.check_any(pairs.all("v1").map(Tag::hex))?.prefix(id).prefix(".").id(id))
    }

    fn envelope(&self) -> Envelope {
        Envelope::flat("type")
    }
}

#[tokio::test]
async fn pairs_stand_once_where_one_is_needed() {
    let key = HmacSha256::new(SECRET).unwrap();
    let tag = key.sign(["7.", "[]"]).to_hex();
    let malformed = Err(VerifyError::MalformedSignature);
    let rows = [
        ("good", format!("t=7,v1={tag}"), Ok(200)),
        ("good, others beside it", format!("t=7, v0=00, v1=00, v1={tag}, x="), Ok(200)),
        ("A11", format!("t=7,v0={tag}"), Err(VerifyError::UnsupportedSignature)),
        ("A17", format!("t=7,t=8,v1={tag}"), malformed),
        ("A17 the same", format!("t=7,t=7,v1={tag}"), malformed),
        ("no time", format!("v1={tag}"), malformed),
        ("another time", format!("t=8,v1={tag}"), Err(VerifyError::SignatureMismatch)),
        ("no pairs", tag.clone(), malformed),
        ("a part without a value", format!("t=7,v1={tag},"), malformed),
    ];
    for (row, value, expected) in rows {
        let request = with(post("", "[]"), "x-signature", Some(&value));
        assert_eq!(judged(Pairwise(key.clone()), request).await, expected, "{row}");
    }
}
