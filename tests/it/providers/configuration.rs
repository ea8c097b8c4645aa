//! What a provider cannot be configured with, in the words that the operator reads.

use std::fmt::Debug;

use tower_webhook::{
    error::ConfigError,
    providers::{learn365::Learn365, standard_webhooks::StandardWebhooks},
    scheme::{HmacSha256, Keys, MAX_KEYS, MAX_TOKENS, Secret, Token},
};

use crate::support::*;

#[track_caller]
fn refused<T: Debug>(made: Result<T, ConfigError>, expected: &str) {
    assert_eq!(made.unwrap_err().to_string(), expected);
}

const EMPTY: &str = "the secret is empty";
const LINE_BREAK: &str = "the secret ends in a line break: remove it where the secret is stored";
const NOT_BASE64: &str =
    "the secret is not base64 of the standard alphabet, with or without `whsec_` in front";

fn too_short(length: usize, unit: &str, minimum: usize) -> String {
    format!(
        "the secret has {length} {unit}, fewer than {minimum}: use a longer one, or `Secret::dangerous_short`"
    )
}

#[test]
fn no_scheme_takes_an_empty_secret_or_one_with_a_line_break() {
    for (secret, why) in
        [("", EMPTY), ("0123456789abcdef0123456789abcdef\n", LINE_BREAK), ("x\r", LINE_BREAK)]
    {
        refused(Secret::new(secret), why);
        refused(Secret::dangerous_short(secret), why);
        refused(Learn365::new(secret), why);
        refused(StandardWebhooks::new(secret), why);
        refused(HmacSha256::new(secret), why);
        refused(Token::path(secret), why);
        refused(Token::basic("user", secret), why);
    }
}

#[test]
fn learn365_counts_utf16_units() {
    refused(Learn365::new("a".repeat(31)), &too_short(31, "UTF-16 units", 32));
    refused(Learn365::new("鍵".repeat(31)), &too_short(31, "UTF-16 units", 32));
    refused(Learn365::new("🔑".repeat(15)), &too_short(30, "UTF-16 units", 32));
    for good in ["a".repeat(32), "鍵".repeat(32), "🔑".repeat(16), "a".repeat(64), "a".repeat(128)]
    {
        assert!(Learn365::new(good).is_ok());
    }
    refused(Learn365::new("a".repeat(15)), &too_short(15, "UTF-16 units", 32));
    assert!(Learn365::new(Secret::dangerous_short("a".repeat(15)).unwrap()).is_ok());
}

#[test]
fn standard_webhooks_reads_its_secrets_in_several_notations() {
    let bare = WHSEC.strip_prefix("whsec_").unwrap();
    let sign = |secret: &str| {
        let sender = tower_webhook::Sender::new(StandardWebhooks::new(secret).unwrap());
        let clock = tower_webhook::clock::ManualClock::at_unix_seconds(1_700_000_000);
        sender.id("1").clock(clock).raw("t", "{}").unwrap().headers()["webhook-signature"].clone()
    };
    for notation in
        [bare.to_owned(), bare.replace('=', ""), WHSEC.replace('=', ""), format!("v1,{WHSEC}")]
    {
        assert_eq!(sign(&notation), sign(WHSEC), "{notation}");
    }
    let asymmetric =
        "this is a key for Ed25519 signatures, not a shared secret: use one with `whsec_`";
    for (secret, why) in [
        ("whsec_", too_short(0, "bytes once decoded", 24)),
        ("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", too_short(23, "bytes once decoded", 24)),
        ("whsec_-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_", NOT_BASE64.into()),
        ("whsec_not base64 at all, not even nearly", NOT_BASE64.into()),
        ("WHSEC_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", NOT_BASE64.into()),
        ("whpk_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", asymmetric.into()),
        ("whsk_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", asymmetric.into()),
    ] {
        refused(StandardWebhooks::new(secret), &why);
    }
    refused(StandardWebhooks::new(&b"whsec_\xff"[..]), NOT_BASE64);
    refused(StandardWebhooks::new(Secret::dangerous_short("whsec_").unwrap()), EMPTY);
    assert!(StandardWebhooks::new("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").is_ok());
    assert!(StandardWebhooks::new(Secret::dangerous_short("whsec_AAAA").unwrap()).is_ok());
}

#[test]
fn tokens_and_plain_keys_have_limits() {
    let url = "a token in a path or query is made of `A-Z`, `a-z`, `0-9`, `-` and `_`";
    let header = "a token in a header is made of visible ASCII without spaces";
    refused(Token::path("a".repeat(31)), &too_short(31, "characters", 32));
    refused(Token::path("a".repeat(129)), "a token has at most 128 characters");
    refused(Token::path("a/".repeat(16)), url);
    refused(Token::query("token", "a&".repeat(16)), url);
    refused(Token::header("x-token", "a ".repeat(16) + "a"), header);
    refused(Token::bearer("é".repeat(16)), header);
    refused(Token::header("x token", TOKEN), "`x token` is not the name of a header");
    refused(Token::basic("us:er", TOKEN), "a user name for HTTP Basic cannot hold a colon");
    refused(HmacSha256::new("a".repeat(15)), &too_short(15, "bytes", 16));
    assert!(HmacSha256::new("a".repeat(16)).is_ok());
}

#[test]
fn keys_are_counted_and_a_fault_is_named_after_its_key() {
    let keys = |count: usize| (1..count).fold(Keys::from(SECRET), |keys, _| keys.or(SECRET));
    assert!(Learn365::new(keys(MAX_KEYS)).is_ok());
    refused(Learn365::new(keys(MAX_KEYS + 1)), "17 keys are more than the 16 possible here");
    refused(
        Token::header("x-token", (0..MAX_TOKENS).fold(Keys::from(TOKEN), |keys, _| keys.or(TOKEN))),
        "1025 keys are more than the 1024 possible here",
    );
    refused(
        HmacSha256::new(Keys::named("sofia", SECRET).or(Keys::named("varna", SECRET))),
        "key `varna`: the secret is that of another key, too",
    );
    let named = Keys::named("old", SECRET).or(Keys::named("new", "short"));
    refused(Learn365::new(named), &format!("key `new`: {}", too_short(5, "UTF-16 units", 32)));
    refused(StandardWebhooks::new(Keys::named("sofia", "")), &format!("key `sofia`: {EMPTY}"));
}

#[test]
fn what_cannot_name_a_query_parameter_is_refused() {
    for name in ["verify token&", "a b", "a&b", "a=b", "a#b", "a%20b", "a+b", "é", ""] {
        let why = format!(
            "`{name}` cannot name a query parameter: use `A-Z`, `a-z`, `0-9`, `-`, `.`, `_` and `~`"
        );
        refused(Token::query(name, TOKEN), &why);
    }
    assert!(Token::query("Verify_token-1.0~", TOKEN).is_ok());
}

#[test]
fn doubtful_secrets_are_told_once_and_not_repeated() {
    let published = "the secret is a published example: anyone can sign with it";
    let blank = "the secret begins or ends with whitespace, which was kept";
    let example = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let prefixed = format!("whsec_{example}");
    let padded = format!(" {SECRET}");
    let trailing = format!("{SECRET}\t");
    let learn365: fn(&str) = |secret| drop(Learn365::new(secret).unwrap());
    let standard: fn(&str) = |secret| drop(StandardWebhooks::new(secret).unwrap());
    for (secret, make, warning) in [
        ("123456789012345678901234567890123456789012345678", learn365, Some(published)),
        (example, standard, Some(published)),
        (&prefixed, standard, Some(published)),
        (&padded, learn365, Some(blank)),
        (&trailing, learn365, Some(blank)),
        (SECRET, learn365, None),
        (WHSEC, standard, None),
    ] {
        let traces = Traces::here();
        make(secret);
        let expected: Vec<_> = warning.iter().map(|text| format!("WARN message={text}")).collect();
        assert_eq!(traces.seen(), expected);
        assert!(traces.seen().iter().all(|line| !line.contains(secret)));
    }
}
