//! code: E0277
//! says: `&str` is not a webhook event
//! says: the first argument of a handler is the event, by value and not by reference: a type of `tower_webhook::providers`, or one of yours that implements `Payload`
//! never says: does not document

use tower_webhook::{EventRouter, providers::loops::Loops};

fn main() {
    let _ = EventRouter::<Loops>::new().on(async |_: &str| {});
}
