//! A body from a sender that follows Standard Webhooks.

#![cfg_attr(fuzzing, no_main)]

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use tower_webhook::{Event, Payload, providers::standard_webhooks::StandardWebhooks};
use tower_webhook_fuzz::{Receiver, fuzz_target};

macro_rules! events {
    ($($name:ident($content:ty) = $wire:literal)*) => {$(
        #[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
        struct $name($content);
        impl Payload for $name {
            type Provider = StandardWebhooks;
        }
        impl Event for $name {
            const TYPE: &'static str = $wire;
        }
    )*};
}

events! {
    Anything(serde_json::Value) = "anything"
    Number(i64) = "number"
    Nothing(()) = "nothing"
    Texts(Vec<String>) = "texts"
}

static STANDARD_WEBHOOKS: LazyLock<Receiver<StandardWebhooks>> = LazyLock::new(|| {
    let provider = StandardWebhooks::new("whsec_YSBzZWNyZXQgb2YgMjQgYnl0ZXMgb3IgbW9yZQ==");
    Receiver::new(provider.expect("it is base64"), Some("data"))
        .on::<Anything>()
        .on::<Number>()
        .on::<Nothing>()
        .on::<Texts>()
});

fuzz_target!(|data: &[u8]| drop(STANDARD_WEBHOOKS.check(data)));
