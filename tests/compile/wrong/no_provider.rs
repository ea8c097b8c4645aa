//! code: E0277
//! says: `String` is not a webhook provider
//! says: the providers of this crate are in `tower_webhook::providers`; implement `Provider` for a sender of your own

use tower_webhook::Payload;

#[derive(serde::Deserialize)]
struct Mine;

impl Payload for Mine {
    type Provider = String;
}

fn main() {}
