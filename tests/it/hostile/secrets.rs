//! B: secrets that are none, or not enough.

use tower_webhook::{
    providers::{learn365::Learn365, standard_webhooks::StandardWebhooks},
    scheme::{HmacSha256, Keys, Secret, Token},
};

use super::*;

const BASE64: &str = "b3VyIG93biBzZWNyZXQsIG5vYm9keSBlbHNlJ3M=";

#[track_caller]
fn refused<T>(row: &str, made: Result<T, tower_webhook::error::ConfigError>, why: &str) {
    assert_eq!(made.map(drop).unwrap_err().to_string(), why, "{row}");
}

#[test]
fn no_secret_is_an_error_and_never_means_no_check() {
    let empty = "the secret is empty";
    refused("B1", Learn365::new(""), empty);
    refused("B1", StandardWebhooks::new(""), empty);
    refused("B1", HmacSha256::new(""), empty);
    refused("B1", Secret::dangerous_short(""), empty);
    refused("B1", Token::path(""), empty);
    refused("B1", Token::basic("user", ""), empty);
    refused("B1", HmacSha256::new(Keys::from(SECRET).or("")), empty);
    refused("B1", HmacSha256::new(Keys::named("old", "")), "key `old`: the secret is empty");
    let short = |units, unit, least| {
        format!(
            "the secret has {units} {unit}, fewer than {least}: use a longer one, or `Secret::dangerous_short`"
        )
    };
    refused("B2", StandardWebhooks::new("whsec_"), &short(0, "bytes once decoded", 24));
    let none = Secret::dangerous_short("whsec_").unwrap();
    refused("B2", StandardWebhooks::new(none), empty);
    refused("B8", StandardWebhooks::new("whsec_AAAA"), &short(3, "bytes once decoded", 24));
    refused("B8", Learn365::new("a".repeat(31)), &short(31, "UTF-16 units", 32));
    refused("B8", Learn365::new("é".repeat(31)), &short(31, "UTF-16 units", 32));
    refused("B8", HmacSha256::new("a".repeat(15)), &short(15, "bytes", 16));
    refused("B8", Token::path("a".repeat(31)), &short(31, "characters", 32));
    for ended in ["a secret, as `echo` writes it\n", "a secret from another system\r\n"] {
        let why = "the secret ends in a line break: remove it where the secret is stored";
        refused("line end", HmacSha256::new(ended), why);
    }
}

#[test]
fn a_secret_in_base64_is_read_in_its_known_spellings_and_no_other() {
    let not_base64 =
        "the secret is not base64 of the standard alphabet, with or without `whsec_` in front";
    for secret in ["whsec_not base64 at all, is it?", "whsec_--__--__--__--__--__--__--__--__"] {
        refused("B3, B5", StandardWebhooks::new(secret), not_base64);
    }
    refused("B3", StandardWebhooks::new(&b"whsec_\xff\xff"[..]), not_base64);
    let asymmetric =
        "this is a key for Ed25519 signatures, not a shared secret: use one with `whsec_`";
    for prefix in ["whpk_", "whsk_"] {
        refused("A25", StandardWebhooks::new(format!("{prefix}{BASE64}")), asymmetric);
    }
    for prefix in ["whsec_", "", "v1,whsec_"] {
        assert!(StandardWebhooks::new(format!("{prefix}{BASE64}")).is_ok(), "B6: {prefix}");
    }
    assert!(StandardWebhooks::new(BASE64.trim_end_matches('=')).is_ok());
}

#[tokio::test]
async fn a_public_key_is_no_secret_of_ours() {
    let public = HmacSha256::new(format!("whpk_{BASE64}")).unwrap();
    let good = whsec_request();
    let (id, time) = (signature(&good, "webhook-id"), signature(&good, "webhook-timestamp"));
    let tag = public.sign([id.as_str(), ".", &time, ".", r#"{"type":"a"}"#]);
    let forged = with(good, "webhook-signature", Some(&format!("v1,{}", tag.to_base64())));
    let judged = judged(standard_webhooks(), forged).await;
    assert_eq!(judged, Err(VerifyError::SignatureMismatch), "A25");
}

#[tokio::test]
async fn there_is_no_magic_secret() {
    for sentinel in ["***", "INSECURE", "disabled", "none"] {
        let secret = Secret::dangerous_short(sentinel).unwrap();
        let provider = || Learn365::new(secret.clone()).unwrap();
        let unsigned = with(learn365_request(), "ms-signature", Some(&"00".repeat(32)));
        let unsupported = Err(VerifyError::MalformedSignature);
        assert_eq!(judged(provider(), unsigned).await, unsupported, "B11: {sentinel}");
        let foreign = Err(VerifyError::SignatureMismatch);
        assert_eq!(judged(provider(), learn365_request()).await, foreign, "B11: {sentinel}");
    }
}

#[test]
fn a_published_secret_is_taken_with_one_warning() {
    let published = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let traces = Traces::here();
    StandardWebhooks::new(published).unwrap();
    let warning = "WARN message=the secret is a published example: anyone can sign with it";
    assert_eq!(traces.seen(), [warning], "B10");
    StandardWebhooks::new(WHSEC).unwrap();
    assert_eq!(traces.seen().len(), 1);
    HmacSha256::new(" a secret with a blank ").unwrap();
    let warning = "WARN message=the secret begins or ends with whitespace, which was kept";
    assert_eq!(traces.seen().last().unwrap(), warning);
}

#[tokio::test]
async fn while_a_key_is_rotated_both_are_good_and_then_one() {
    let both = || Learn365::new(Keys::from(OTHER_SECRET).or(SECRET)).unwrap();
    let new = || Learn365::new(OTHER_SECRET).unwrap();
    let signed =
        |provider: Learn365| Sender::new(provider).body(r#"{"Notifications":[]}"#).unwrap();
    assert_eq!(judged(both(), signed(learn365())).await, Ok(200), "B13");
    assert_eq!(judged(both(), signed(new())).await, Ok(200), "B13");
    let retired = Err(VerifyError::SignatureMismatch);
    assert_eq!(judged(new(), signed(learn365())).await, retired, "B14");
    assert_eq!(judged(new(), signed(new())).await, Ok(200), "B14");
}
