//! What is taken for a secret is the key that its text stands for, and what is refused is not repeated.

#![cfg_attr(fuzzing, no_main)]

use std::time::SystemTime;

use tower_webhook::{
    Provider,
    error::ConfigError,
    providers::{learn365::Learn365, standard_webhooks::StandardWebhooks},
    scheme::{HmacSha256, Keys, Secret, Token},
};
use tower_webhook_fuzz::{Input, from_base64, fuzz_target, to_base64, verified, with_headers};

/// The first byte says what is done with the rest.
fn property(data: &[u8]) {
    let mut input = Input::new(data);
    let choice = input.byte();
    let secret = input.rest();
    let before = ["whsec_", "v1,whsec_", ""][usize::from(choice % 3)];
    let wrapped = format!("{before}{}", to_base64(secret));
    let secret = if choice / 3 % 2 == 1 { wrapped.as_bytes() } else { secret };
    let text = str::from_utf8(secret).ok();
    let kept = !secret.is_empty() && text.is_none_or(is_as_typed);
    let keys = || text.map_or_else(|| Keys::from(secret), Keys::from);
    assert_eq!(judged(&HmacSha256::new(keys()), secret), kept && secret.len() >= 16);
    let short = text.map_or_else(|| Secret::from_bytes(secret), Secret::new);
    let short = short.map(Secret::dangerous_short).and_then(HmacSha256::new);
    assert_eq!(judged(&short, secret), kept);
    let units = String::from_utf8_lossy(secret).encode_utf16().count();
    assert_eq!(judged(&Learn365::new(keys()), secret), kept && units >= 32);

    let key = key(secret).filter(|key| kept && key.len() >= 24);
    let standard_webhooks = StandardWebhooks::new(keys());
    assert_eq!(judged(&standard_webhooks, secret), key.is_some());
    if let (Some(key), Ok(receiver)) = (key, standard_webhooks) {
        stands_for(&receiver, &key);
    }
    tokens(&keys(), secret, kept);
}

/// Whether nothing of the packaging of its store is left.
fn is_as_typed(text: &str) -> bool {
    let is_name =
        |text: &str| !text.contains(|c: char| !c.is_ascii_alphanumeric() && !"_.:- ".contains(c));
    let inside = |open: &str, close: &str| text.strip_prefix(open)?.strip_suffix(close);
    let variables = [inside("${{", "}}"), inside("${", "}"), inside("$(", ")"), inside("{{", "}}")];
    let is_invisible = |c: char| {
        c.is_whitespace()
            || c.is_control()
            || "\u{200b}\u{200c}\u{200d}\u{200e}\u{200f}\u{2060}\u{feff}".contains(c)
    };
    !text.ends_with(['\n', '\r'])
        && !text.chars().all(is_invisible)
        && !text.starts_with('\u{feff}')
        && !variables.into_iter().flatten().any(is_name)
}

/// The bytes that a secret of Standard Webhooks stands for.
fn key(secret: &[u8]) -> Option<Vec<u8>> {
    let text = str::from_utf8(secret).ok()?;
    let asymmetric = text.starts_with("whpk_") || text.starts_with("whsk_");
    let text = text.strip_prefix("v1,").unwrap_or(text);
    let text = text.strip_prefix("whsec_").unwrap_or(text);
    from_base64(text, false).filter(|_| !asymmetric)
}

/// Whether what is signed with `key` is accepted.
fn stands_for(receiver: &dyn Provider, key: &[u8]) {
    let Ok(key) = HmacSha256::new(key) else { return };
    let signature = format!("v1,{}", key.sign(["id.0.", "{}"]).to_base64());
    let head = with_headers([
        ("webhook-id", "id"),
        ("webhook-timestamp", "0"),
        ("webhook-signature", &signature),
    ]);
    let accepted = verified(receiver, &head, SystemTime::UNIX_EPOCH, [&b"{}"[..]]);
    assert_eq!(accepted, Ok(Some("id".into())));
}

fn tokens(keys: &Keys, secret: &[u8], kept: bool) {
    let all = |fits: fn(&u8) -> bool| {
        kept && (32..=128).contains(&secret.len()) && secret.iter().all(fits)
    };
    let url_safe = all(|b| b.is_ascii_alphanumeric() || b"-_".contains(b));
    let visible = all(u8::is_ascii_graphic);
    for (token, fits) in [
        (Token::path(keys.clone()), url_safe),
        (Token::query("token", keys.clone()), url_safe),
        (Token::header("x-token", keys.clone()), visible),
        (Token::bearer(keys.clone()), visible),
        (Token::basic("hook", keys.clone()), all(|_| true)),
    ] {
        assert_eq!(judged(&token, secret), fits);
    }
}

/// Whether it was taken; if not, the reason repeats nothing of any length but its own words.
fn judged<T>(taken: &Result<T, ConfigError>, secret: &[u8]) -> bool {
    if let (Err(error), Ok(secret)) = (taken, str::from_utf8(secret)) {
        let may_be_words = secret.len() < 24 || secret.contains([' ', '`']);
        assert!(may_be_words || !error.to_string().contains(secret));
    }
    taken.is_ok()
}

fuzz_target!(property);
