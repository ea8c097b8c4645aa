//! B: secrets that are none, or not enough, for every sender and scheme.

use tower_webhook::{
    Body,
    error::ConfigError,
    providers::{
        learn365::Learn365, standard_webhooks::StandardWebhooks, synthesis_vr::SynthesisVr,
        teachstack::Teachstack,
    },
    scheme::{HmacSha1Legacy, HmacSha512, Keys, Secret, Token},
};

use super::*;

type Made = Result<(), ConfigError>;
type Maker = (&'static str, fn(Keys) -> Made, usize, &'static str);

/// Everything that takes a secret, the fewest units it takes, and what these are.
const MAKERS: [Maker; 10] = [
    ("Learn365", |keys| Learn365::new(keys).map(drop), 32, "characters"),
    ("StandardWebhooks", |keys| StandardWebhooks::new(keys).map(drop), 24, "bytes once decoded"),
    ("Loops", |keys| Token::path(keys).map(Loops::new).map(drop), 32, "characters"),
    ("SynthesisVr", |k| Token::query("t", k).map(SynthesisVr::new).map(drop), 32, "characters"),
    ("Teachstack", |k| Token::header("t", k).map(Teachstack::new).map(drop), 32, "characters"),
    ("bearer", |keys| Token::bearer(keys).map(drop), 32, "characters"),
    ("basic", |keys| Token::basic("user", keys).map(drop), 32, "characters"),
    ("SHA-256", |keys| HmacSha256::new(keys).map(drop), 16, "bytes"),
    ("SHA-512", |keys| HmacSha512::new(keys).map(drop), 16, "bytes"),
    ("SHA-1", |keys| HmacSha1Legacy::new(keys).map(drop), 16, "bytes"),
];

const EMPTY: &str = "the secret is empty";

#[track_caller]
fn refused(row: &str, made: Made, why: &str) {
    assert_eq!(made.unwrap_err().to_string(), why, "{row}");
}

#[test]
fn b1_b9_no_secret_is_an_error_and_never_means_no_check() {
    let unset = || std::env::var("A_SECRET_THAT_NOBODY_HAS_SET").unwrap_or_default();
    for (name, make, ..) in MAKERS {
        refused(&format!("B1: {name}"), make("".into()), EMPTY);
        refused(&format!("B1: {name}"), make(Vec::new().into()), EMPTY);
        refused(&format!("B1: {name}"), make(Keys::from("A".repeat(64)).or("")), EMPTY);
        refused(&format!("B9: {name}"), make(unset().into()), EMPTY);
        let named = Keys::named("old", "");
        refused(&format!("B1: {name}"), make(named), "key `old`: the secret is empty");
        let broken = "the secret ends in a line break: remove it where the secret is stored";
        refused(name, make(format!("{WHSEC}\n").into()), broken);
        refused(name, make(format!("{WHSEC}\r\n").into()), broken);
    }
    refused("B1", Secret::new("").map(drop), EMPTY);
    refused("B1", Secret::from_bytes("").map(drop), EMPTY);
}

#[tokio::test]
async fn b9_to_check_nothing_has_a_constructor_of_its_own() {
    assert_eq!(judged(Loops::dangerous_unauthenticated(), post("", "[]")).await, Ok(200), "B9");
    assert_eq!(judged(SynthesisVr::dangerous_unauthenticated(), post("", "[]")).await, Ok(200));
    assert_eq!(judged(Teachstack::dangerous_unauthenticated(), post("", "[]")).await, Ok(200));
    assert_eq!(judged(loops(), post("", "[]")).await, Err(VerifyError::PathToken), "B9");
}

#[test]
fn b2_b8_a_short_secret_is_for_those_who_say_so() {
    for (name, make, least, unit) in MAKERS {
        // Of base64, three quarters are left once it is decoded.
        let units = if name == "StandardWebhooks" { 3 } else { 4 };
        let short = format!("the secret has {units} {unit}, fewer than {least}: use a longer one");
        refused(&format!("B8: {name}"), make("AAAA".into()), &short);
        let made = make(Secret::new("AAAA").unwrap().dangerous_short().into());
        assert!(made.is_ok(), "B8: {name}: {made:?}");
        let long_enough = if name == "StandardWebhooks" { 32 } else { least };
        let made = make("A".repeat(long_enough).into());
        assert!(made.is_ok(), "B8: {name}: {made:?}");
        assert!(make("A".repeat(long_enough - 1).into()).is_err(), "B8: {name}");
    }
    let none = "the secret has 0 bytes once decoded, fewer than 24: use a longer one";
    refused("B2", StandardWebhooks::new("whsec_").map(drop), none);
    let none = Secret::new("whsec_").unwrap().dangerous_short();
    refused("B2", StandardWebhooks::new(none).map(drop), EMPTY);
    // What is counted are units, and not bytes.
    assert!(Learn365::new("é".repeat(31)).is_err() && Learn365::new("é".repeat(32)).is_ok());
}

#[test]
fn a25_b3_b5_b6_a_secret_in_base64_is_read_in_its_known_spellings_and_no_other() {
    let base64 = WHSEC.strip_prefix("whsec_").unwrap();
    let not_base64 =
        "the secret is not base64 of the standard alphabet, with or without `whsec_` in front";
    for (row, secret) in [
        ("B3", &b"whsec_not base64 at all, is it?"[..]),
        ("B3", b"whsec_\xff\xff"),
        ("B3", b"whsec_b3VyIG93biBzZWNyZXQsIG5vYm9keSBlbHNlJ3M=x"),
        ("B3", b"sec_b3VyIG93biBzZWNyZXQsIG5vYm9keSBlbHNlJ3M="),
        ("B5", b"whsec_--__--__--__--__--__--__--__--__"),
        ("B5", b"--__--__--__--__--__--__--__--__"),
    ] {
        refused(row, StandardWebhooks::new(secret).map(drop), not_base64);
    }
    let asymmetric =
        "this is a key for Ed25519 signatures, not a shared secret: use one with `whsec_`";
    for prefix in ["whpk_", "whsk_"] {
        refused("A25", StandardWebhooks::new(format!("{prefix}{base64}")).map(drop), asymmetric);
    }
    for prefix in ["whsec_", "", "v1,whsec_"] {
        assert!(StandardWebhooks::new(format!("{prefix}{base64}")).is_ok(), "B6: {prefix}");
    }
    assert!(StandardWebhooks::new(base64.trim_end_matches('=')).is_ok(), "B6");
}

#[test]
fn b10_a_published_secret_is_taken_with_one_warning() {
    let published = "WARN message=hmac: the secret is a published example: anyone can sign with it";
    let whitespace = "WARN message=hmac: the secret begins or ends with whitespace, which was kept";
    for (secret, expected) in [
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", vec![published]),
        ("v1,whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", vec![published]),
        ("123456789012345678901234567890123456789012345678", vec![published]),
        ("0123456789abcdef0123456789abcdef", vec![published]),
        (" a secret of 32 characters or more, with a blank", vec![whitespace]),
        (SECRET, vec![]),
        (WHSEC, vec![]),
    ] {
        let traces = Traces::here();
        HmacSha256::new(secret).unwrap();
        assert_eq!(traces.seen(), expected, "B10: {secret}");
    }
    let traces = Traces::here();
    let provider = StandardWebhooks::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    Sender::new(provider).body("{}").unwrap();
    let published = published.replace("hmac", "standard_webhooks");
    assert_eq!(traces.seen(), [published], "B10: told once, though it is decoded and used");
}

/// What is not signed, and what is signed with somebody else's key.
async fn sentinel_is_a_secret_like_any<P: Emit>(
    make: impl Fn(Keys) -> Result<P, ConfigError>,
    sentinel: &str,
) -> bool {
    let Ok(provider) = make(Secret::new(sentinel).unwrap().dangerous_short().into()) else {
        return false;
    };
    let provider = Arc::new(provider);
    let server = Server::start(VerifyLayer::shared(provider).layer(EventRouter::new())).await;
    let unsigned = Request::post("/").header("content-type", "application/json");
    let foreign = Sender::new(make(OTHER_WHSEC.into()).unwrap()).body("{}").unwrap();
    for request in [unsigned.body(Body::from("{}")).unwrap(), foreign] {
        let status = server.send(request).await.unwrap().status();
        assert!([401, 404].contains(&status.as_u16()), "B11: {sentinel}: {status}");
    }
    true
}

#[tokio::test]
async fn b11_there_is_no_magic_secret() {
    let mut taken = 0;
    for sentinel in ["***", "INSECURE", "disabled", "none", "null", "skip", "*", "0"] {
        taken += usize::from(sentinel_is_a_secret_like_any(Learn365::new, sentinel).await);
        taken += usize::from(sentinel_is_a_secret_like_any(StandardWebhooks::new, sentinel).await);
        let header = |keys| Token::header("x-token", keys).map(Loops::new);
        taken += usize::from(sentinel_is_a_secret_like_any(header, sentinel).await);
        let bearer = |keys| Token::bearer(keys).map(SynthesisVr::new);
        taken += usize::from(sentinel_is_a_secret_like_any(bearer, sentinel).await);
        let basic = |keys| Token::basic("user", keys).map(Teachstack::new);
        taken += usize::from(sentinel_is_a_secret_like_any(basic, sentinel).await);
    }
    // Of these, three are no base64.
    assert_eq!(taken, 8 * 5 - 3, "B11");
}
