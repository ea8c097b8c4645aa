//! What a provider cannot be configured with, in the words that the operator reads.

use std::{error::Error, fmt::Debug};

use sha2::{Digest, Sha256};
use tower_webhook::{
    error::ConfigError,
    providers::{learn365::Learn365, standard_webhooks::StandardWebhooks},
    scheme::{HmacSha1Legacy, HmacSha256, HmacSha512, Keys, MAX_KEYS, MAX_TOKENS, Secret, Token},
};

use crate::support::*;

#[track_caller]
fn refused<T: Debug>(made: Result<T, ConfigError>, expected: &str) {
    assert_eq!(made.unwrap_err().to_string(), expected);
}

const EMPTY: &str = "the secret is empty";
const BLANK: &str = "the secret consists of whitespace: store its value";
const LINE_BREAK: &str = "the secret ends in a line break: remove it where the secret is stored";
const NOT_BASE64: &str =
    "the secret is not base64 of the standard alphabet, with or without `whsec_` in front";

fn too_short(length: usize, unit: &str, minimum: usize) -> String {
    format!("the secret has {length} {unit}, fewer than {minimum}: use a longer one")
}

#[test]
fn no_scheme_takes_an_empty_or_blank_secret_or_one_with_a_line_break() {
    let blanks = " ".repeat(32);
    for (secret, why) in [
        ("", EMPTY),
        (" ", BLANK),
        (&*blanks, BLANK),
        ("\t\u{a0}\u{200b}", BLANK),
        ("0123456789abcdef0123456789abcdef\n", LINE_BREAK),
        ("x\r", LINE_BREAK),
    ] {
        refused(Secret::new(secret), why);
        refused(Learn365::new(secret), why);
        refused(StandardWebhooks::new(secret), why);
        refused(HmacSha256::new(secret), why);
        refused(Token::path(secret), why);
        refused(Token::basic("user", secret), why);
    }
}

#[test]
fn learn365_counts_characters_in_utf16() {
    refused(Learn365::new("a".repeat(31)), &too_short(31, "characters", 32));
    refused(Learn365::new("鍵".repeat(31)), &too_short(31, "characters", 32));
    refused(Learn365::new("🔑".repeat(15)), &too_short(30, "characters", 32));
    for good in ["a".repeat(32), "鍵".repeat(32), "🔑".repeat(16), "a".repeat(64), "a".repeat(128)]
    {
        assert!(Learn365::new(good).is_ok());
    }
    refused(Learn365::new("a".repeat(15)), &too_short(15, "characters", 32));
    assert!(Learn365::new(Secret::new("a".repeat(15)).unwrap().dangerous_short()).is_ok());
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
    let one = "the secret has 1 byte once decoded, fewer than 24: use a longer one";
    refused(StandardWebhooks::new("whsec_AA=="), one);
    refused(StandardWebhooks::new(Secret::new("whsec_").unwrap().dangerous_short()), EMPTY);
    assert!(StandardWebhooks::new("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").is_ok());
    assert!(StandardWebhooks::new(Secret::new("whsec_AAAA").unwrap().dangerous_short()).is_ok());
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
    let error = Token::header("x token", TOKEN).unwrap_err();
    assert!(error.source().is_some_and(|cause| cause.is::<http::header::InvalidHeaderName>()));
    refused(Token::basic("us:er", TOKEN), "a user name for HTTP Basic cannot hold a colon");
    refused(HmacSha256::new("a".repeat(15)), &too_short(15, "bytes", 16));
    refused(HmacSha256::new("a"), &too_short(1, "byte", 16));
    refused(Token::path("a"), &too_short(1, "character", 32));
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
        "key `varna`: the same secret is already used by another key",
    );
    let named = Keys::named("old", SECRET).or(Keys::named("new", "short"));
    refused(Learn365::new(named), &format!("key `new`: {}", too_short(5, "characters", 32)));
    refused(StandardWebhooks::new(Keys::named("sofia", "")), &format!("key `sofia`: {EMPTY}"));
}

#[test]
fn a_binary_key_may_hold_any_byte_anywhere() {
    for end in 0..=u8::MAX {
        let key = [&[end][..], &[7; 30], &[end]].concat();
        let signed = |key: Keys| HmacSha256::new(key).unwrap().sign(["body"]).to_hex();
        assert_eq!(signed(key.clone().into()), signed(Secret::from_bytes(&key).unwrap().into()));
        assert_eq!(signed(key.as_slice().into()), signed(key.into()));
    }
    let traces = Traces::here();
    for key in [
        &b"  between blanks, as keys may be  "[..],
        b"\"a key of more than 16 bytes\"",
        b"KEY=a key of 16 bytes",
    ] {
        HmacSha256::new(key).unwrap();
    }
    assert_eq!(traces.seen(), [""; 0], "what is doubtful in a text is not in bytes");
    refused(Secret::from_bytes([]), EMPTY);
}

#[test]
fn what_hmac_takes_for_one_key_is_one_key() {
    let other = "key `b`: the same secret is already used by another key";
    let two = |a: &[u8], b: &[u8]| Keys::named("a", a).or(Keys::named("b", b));
    let key = [7_u8; 20];
    let padded = |length| [&key[..], &vec![0; length]].concat();
    refused(HmacSha256::new(two(&key, &padded(1))), other);
    refused(HmacSha256::new(two(&padded(44), &padded(3))), other);
    refused(HmacSha512::new(two(&padded(108), &key)), other);
    refused(HmacSha1Legacy::new(two(&padded(44), &key)), other);
    let long = [7_u8; 65];
    let hashed = Sha256::digest(long);
    refused(HmacSha256::new(two(&long, &hashed)), other);
    assert!(HmacSha512::new(two(&long, &hashed)).is_ok(), "it is as long as its block");
    assert!(HmacSha256::new(two(&key, &padded(45))).is_ok(), "longer than its block: hashed");
    assert!(HmacSha256::new(two(&key, &[&key[..], b"0"].concat())).is_ok());
    assert!(HmacSha256::new(Keys::named("a", &key[..]).or(Keys::named("a", padded(1)))).is_ok());
    refused(Token::path(Keys::named("a", TOKEN).or(Keys::named("b", TOKEN))), other);
}

#[test]
fn a_secret_in_the_packaging_of_its_store_is_refused_where_that_is_certain() {
    let mark = "the secret begins with a byte order mark: remove it where the secret is stored";
    let variable = "the secret is the name of a variable: store its value instead";
    for (secret, why) in [
        (format!("\u{feff}{SECRET}"), mark),
        ("${LEARN365_WEBHOOK_SECRET_OF_THE_ACADEMY}".to_owned(), variable),
        ("${{ secrets.LEARN365_WEBHOOK_SECRET_OF_THE_ACADEMY }}".to_owned(), variable),
        ("$(LEARN365_WEBHOOK_SECRET_OF_THE_ACADEMY)".to_owned(), variable),
        ("{{ .Values.learn365WebhookSecretOfTheAcademy }}".to_owned(), variable),
    ] {
        refused(Secret::new(&secret), why);
        refused(Learn365::new(&secret), why);
        refused(HmacSha256::new(secret.as_str()), why);
        refused(StandardWebhooks::new(&secret), why);
        refused(Token::path(Keys::named("sofia", &secret)), &format!("key `sofia`: {why}"));
        refused(Token::header("x-token", secret), why);
    }
    for genuine in
        ["${x}y-a-real-password-indeed-it-is-z}", "$(pA)ssw0rd-that-is-long-enough-for-it)"]
    {
        assert!(Learn365::new(genuine).is_ok(), "{genuine}");
    }
    let quotes = "the secret is in quotes: remove them where the secret is stored";
    let name = "the secret begins with a name and `=`: store the value alone";
    let blank = "the secret begins or ends with whitespace: remove it where the secret is stored";
    for (around, why) in [
        (["\"", "\""], quotes),
        (["'", "'"], quotes),
        (["\u{201c}", "\u{201d}"], quotes),
        (["WEBHOOK_SECRET=", ""], name),
        ([" ", ""], blank),
        (["", "\u{a0}"], blank),
        (["\u{200b}", ""], blank),
    ] {
        refused(StandardWebhooks::new(around.join(WHSEC)), why);
        refused(Token::path(around.join(TOKEN)), why);
        refused(Token::query("token", around.join(TOKEN)), why);
    }
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

/// Its lines, each of a sender or scheme and its key.
#[test]
fn doubtful_secrets_are_told_once_and_not_repeated() {
    let published = "the secret is a published example: anyone can sign with it";
    let blank = "the secret begins or ends with whitespace, which was kept";
    let quotes = "the secret is in quotes, which were kept";
    let name = "the secret begins with a name and `=`, which were kept";
    let learn365: fn(Keys) = |keys| drop(Learn365::new(keys).unwrap());
    let standard: fn(Keys) = |keys| drop(StandardWebhooks::new(keys).unwrap());
    let hmac: fn(Keys) = |keys| drop(HmacSha256::new(keys).unwrap());
    let path: fn(Keys) = |keys| drop(Token::path(keys).unwrap());
    let query: fn(Keys) = |keys| drop(Token::query("t", keys).unwrap());
    let header: fn(Keys) = |keys| drop(Token::header("x-token", keys).unwrap());
    let bearer: fn(Keys) = |keys| drop(Token::bearer(keys).unwrap());
    let basic: fn(Keys) = |keys| drop(Token::basic("user", keys).unwrap());
    let example = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned();
    let digits = "0123456789abcdef0123456789abcdef".to_owned();
    for (secret, make, place, warning) in [
        (
            "123456789012345678901234567890123456789012345678".into(),
            learn365,
            "learn365",
            published,
        ),
        (example.clone(), standard, "standard_webhooks", published),
        (format!("whsec_{example}"), standard, "standard_webhooks", published),
        (digits.clone(), hmac, "hmac", published),
        (digits.clone(), path, "token in the path", published),
        (digits.clone(), query, "token in query parameter `t`", published),
        (digits.clone(), header, "token in header `x-token`", published),
        (digits.clone(), bearer, "bearer token", published),
        (digits, basic, "basic password", published),
        (format!(" {SECRET}"), learn365, "learn365", blank),
        (format!("{SECRET}\t"), learn365, "learn365", blank),
        (format!("\"{SECRET}\""), learn365, "learn365", quotes),
        (format!("'{SECRET}'"), hmac, "hmac", quotes),
        (format!("LEARN365_SECRET={SECRET}"), learn365, "learn365", name),
        (format!("'{TOKEN}'"), header, "token in header `x-token`", quotes),
    ] {
        for key in [None, Some("sofia")] {
            let traces = Traces::here();
            let named = key.map_or_else(String::new, |key| format!("key `{key}`: "));
            make(key.map_or_else(|| secret.as_str().into(), |key| Keys::named(key, &secret)));
            assert_eq!(traces.seen(), [format!("WARN message={place}: {named}{warning}")]);
            assert!(!traces.seen()[0].contains(&secret));
        }
    }
    let traces = Traces::here();
    learn365(SECRET.into());
    standard(WHSEC.into());
    learn365(format!("secret={SECRET}").into());
    hmac("ABCDEFGHIJKLMNOPQRSTUVWXYZ==".into());
    assert_eq!(traces.seen(), [""; 0]);
}
