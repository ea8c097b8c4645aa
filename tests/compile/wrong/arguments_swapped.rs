//! code: E0277
//! says: Delivery` is not a webhook event
//! says: expected a type that implements `Payload`
//! says: SessionStarted` cannot be an argument of a webhook handler
//! says: the event is the first argument; after it, a handler may take `tower_webhook::State<T>`, `Delivery`, `RawEvent` and `Option<EventKey>`, in any order
//! says: the first argument of a handler is the event, by value and not by reference: a type of `tower_webhook::providers`, or one of yours that implements `Payload`
//! never says: does not document

use tower_webhook::{
    Delivery, EventRouter,
    providers::loops::{Loops, SessionStarted},
};

fn main() {
    let _ = EventRouter::<Loops>::new().on(async |_: Delivery, _: SessionStarted| {});
}
