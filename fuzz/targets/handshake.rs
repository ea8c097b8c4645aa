//! A handshake is answered with exactly its token, and with nothing that could be taken for more.

#![cfg_attr(fuzzing, no_main)]

use std::{sync::LazyLock, time::SystemTime};

use http::header;
use tower_webhook::{Provider, providers::learn365::Learn365, scheme::Head};
use tower_webhook_fuzz::{echo, fuzz_target, request_line};

static LEARN365: LazyLock<Learn365> = LazyLock::new(|| {
    Learn365::new("a secret of 32 characters or more").expect("it is long enough")
});

fn property(data: &[u8]) {
    let Some(parts) = request_line(data) else { return };
    let answer = LEARN365.handshake(&Head::new(&parts, SystemTime::UNIX_EPOCH));
    let Some(token) = echo(&parts) else { return assert!(answer.is_none()) };
    let answer = answer.expect("it asks for a token");
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()[header::CONTENT_TYPE], "text/plain; charset=utf-8");
    assert_eq!(answer.body(), token.as_bytes());
}

fuzz_target!(property);
