//! code: E0277
//! says: `String` is not a webhook provider
//! says: the senders this crate knows are in `tower_webhook::providers`; implement `Provider` for one of your own

use tower_webhook::Payload;

#[derive(serde::Deserialize)]
struct Mine;

impl Payload for Mine {
    type Provider = String;
}

fn main() {}
