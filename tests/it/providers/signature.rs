//! `ms-signature`: as lenient as the original receiver with a good one, and as strict with all others.

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderValue, Request};
use tower::Layer;
use tower_webhook::{
    Body, Rejection, VerifyLayer,
    scheme::{HmacSha256, VerifyError},
};

use super::*;
use crate::support::{OTHER_SECRET, SECRET, answer, learn365};

const BODY: &str = "{\r\n  \"Notifications\": []\r\n}";

fn upper_hex() -> String {
    HmacSha256::new(SECRET).unwrap().sign([BODY]).to_hex_upper()
}

/// Why a request with these fields is refused, if it is.
async fn refusal(fields: &[&str]) -> Option<Rejection> {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/json; charset=utf-8"));
    for field in fields {
        headers.append("ms-signature", HeaderValue::from_bytes(field.as_bytes()).unwrap());
    }
    let mut request = Request::post("/").body(Body::from(BODY)).unwrap();
    *request.headers_mut() = headers;
    let answer = answer(VerifyLayer::new(learn365()).layer(EventRouter::new()), request).await;
    assert_eq!(answer.status(), if answer.rejection().is_some() { 401 } else { 200 }, "{fields:?}");
    let told = answer.traced.iter().all(|line| line.contains(r#"provider="learn365""#));
    assert!(told, "{:?}", answer.traced);
    answer.rejection().cloned()
}

#[tokio::test]
async fn a_good_signature_is_accepted_in_many_notations() {
    let hex = upper_hex();
    let (lower, mixed) =
        (hex.to_lowercase(), format!("{}{}", &hex[..20], hex[20..].to_lowercase()));
    for field in [
        format!("sha256={hex}"),
        format!("sha256={lower}"),
        format!("sha256={mixed}"),
        format!("SHA256={hex}"),
        format!("Sha256={hex}"),
        format!("sha256 ={hex}"),
        format!("sha256= {hex}"),
        format!("sha256 \t=\t {hex}"),
        format!(" sha256={hex} "),
        format!("sha256=={hex}"),
        format!("sha256={hex}="),
        format!("=sha256={hex}"),
        format!("=\t= sha256 = = {hex} = ="),
    ] {
        assert_eq!(refusal(&[&field]).await, None, "{field:?}");
    }
}

#[tokio::test]
async fn everything_else_is_refused() {
    let hex = upper_hex();
    let tag = HmacSha256::new(SECRET).unwrap().sign([BODY]);
    let foreign = HmacSha256::new(OTHER_SECRET).unwrap().sign([BODY]).to_hex_upper();
    let body_lf =
        HmacSha256::new(SECRET).unwrap().sign([BODY.replace("\r\n", "\n")]).to_hex_upper();
    use VerifyError::{
        MalformedHeader, MalformedSignature, SignatureMismatch, UnsupportedSignature,
    };
    let dashed: Vec<_> =
        hex.as_bytes().chunks(2).map(|two| std::str::from_utf8(two).unwrap()).collect();
    for (field, error) in [
        (String::new(), MalformedSignature),
        (" ".into(), MalformedSignature),
        ("=".into(), MalformedSignature),
        ("sha256".into(), MalformedSignature),
        ("sha256=".into(), MalformedSignature),
        (hex.clone(), MalformedSignature),
        (format!("sha1={hex}"), UnsupportedSignature),
        (format!("sha512={hex}"), UnsupportedSignature),
        (format!("md5={hex}"), UnsupportedSignature),
        (format!("hmac-sha256={hex}"), UnsupportedSignature),
        (format!("sha256:{hex}"), MalformedSignature),
        (format!("sha256 {hex}"), MalformedSignature),
        (format!("sha256={hex};v=1"), MalformedSignature),
        (format!("sha256={hex};"), MalformedSignature),
        (format!("sha256={hex},"), MalformedSignature),
        (format!("sha256={hex}, sha256=00"), MalformedSignature),
        (format!("sha256={hex},sha256={hex}"), MalformedSignature),
        (format!("sha256={}", tag.to_base64()), MalformedSignature),
        (format!("sha256={}", STANDARD.encode(&hex)), MalformedSignature),
        (format!("sha256=0x{hex}"), MalformedSignature),
        (format!("sha256={}", dashed.join("-")), MalformedSignature),
        (format!("sha256={} {}", &hex[..32], &hex[32..]), MalformedSignature),
        (format!("sha256=\"{hex}\""), MalformedSignature),
        (format!("\"sha256={hex}\""), UnsupportedSignature),
        (format!("sha256='{hex}'"), MalformedSignature),
        (format!("sha256={}", &hex[..63]), MalformedSignature),
        (format!("sha256={hex}0"), MalformedSignature),
        (format!("sha256={}g", &hex[..63]), MalformedSignature),
        (format!("sha256={}", &hex[..62]), MalformedSignature),
        (format!("sha256={hex}00"), MalformedSignature),
        (format!("sha256={}", hex.repeat(3)), MalformedSignature),
        (format!("sha256={foreign}"), SignatureMismatch),
        (format!("sha256={body_lf}"), SignatureMismatch),
        (format!("sha256={hex}é"), MalformedHeader("ms-signature".into())),
    ] {
        assert_eq!(refusal(&[&field]).await, Some(Rejection::Unauthentic(error)), "{field:?}");
    }
    let good = format!("sha256={hex}");
    let repeated = Some(Rejection::Unauthentic(VerifyError::RepeatedHeader("ms-signature".into())));
    for two in [[good.as_str(), &good], [&good, "sha256=00"], ["sha256=00", &good]] {
        assert_eq!(refusal(&two).await, repeated, "{two:?}");
    }
    let missing = Some(Rejection::Unauthentic(VerifyError::MissingHeader("ms-signature".into())));
    assert_eq!(refusal(&[]).await, missing);
}
