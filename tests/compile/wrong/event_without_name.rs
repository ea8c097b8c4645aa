//! code: E0277
//! says: `Mine` does not say its name on the wire
//! says: an event type of your own gets its name from `impl Event`

use tower_webhook::{EventRouter, Payload, providers::loops::Loops};

#[derive(serde::Deserialize)]
struct Mine;

impl Payload for Mine {
    type Provider = Loops;
}

fn main() {
    let _ = EventRouter::<Loops>::new().on(async |_: Mine| {});
}
