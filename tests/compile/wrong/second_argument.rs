//! code: E0277
//! says: `u32` cannot be an argument of a webhook handler
//! says: not available to a handler
//! says: the event is the first argument; after it, a handler may take `tower_webhook::State<T>`, `Delivery`, `RawEvent` and `Option<EventKey>`, in any order

use tower_webhook::{
    EventRouter,
    providers::loops::{Loops, SessionStarted},
};

fn main() {
    let _ = EventRouter::<Loops>::new().on(async |_: SessionStarted, _: u32| {});
}
