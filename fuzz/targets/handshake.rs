//! A handshake is answered with exactly its token, and with nothing that could be taken for more.

#![cfg_attr(fuzzing, no_main)]

use std::{sync::LazyLock, time::SystemTime};

use http::{Method, header};
use tower_webhook::{Provider, providers::learn365::Learn365, scheme::Head};
use tower_webhook_fuzz::{fuzz_target, request_line};

static LEARN365: LazyLock<Learn365> = LazyLock::new(|| {
    Learn365::new("a secret of 32 characters or more").expect("it is long enough")
});

fn property(data: &[u8]) {
    let Some(parts) = request_line(data) else { return };
    let query = parts.uri.query().unwrap_or_default();
    let tokens: Vec<_> = query.split('&').filter_map(|pair| pair.strip_prefix("echo=")).collect();
    let answer = LEARN365.handshake(&Head::new(&parts, SystemTime::UNIX_EPOCH));
    match (answer, &tokens[..]) {
        (Some(answer), [token]) => {
            assert_eq!(parts.method, Method::GET);
            assert_eq!(answer.status(), 200);
            assert_eq!(answer.headers()[header::CONTENT_TYPE], "text/plain; charset=utf-8");
            assert_eq!(answer.headers()[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
            assert_eq!(answer.body(), token.as_bytes());
            assert!(harmless(token));
        }
        (Some(_), _) => panic!("answered without one token"),
        (None, [token]) => assert!(parts.method != Method::GET || !harmless(token)),
        (None, _) => {}
    }
}

fn harmless(token: &str) -> bool {
    let plain = |c| matches!(c, '0'..='9' | 'A'..='Z' | 'a'..='z' | '-');
    (1..=128).contains(&token.len()) && token.chars().all(plain)
}

fuzz_target!(property);
