//! code: E0277
//! says: `String` is not a webhook event
//! says: the first argument of a handler is the event: a type of `tower_webhook::providers`, or one of yours that implements `Payload`

use tower_webhook::{EventRouter, providers::loops::Loops};

fn main() {
    let _ = EventRouter::<Loops>::new().on_type("NEW", async |_: String| {});
}
