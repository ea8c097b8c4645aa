//! code: E0277
//! says: `EventKey` cannot be an argument of a webhook handler
//! says: a handler may take `tower_webhook::State<T>`, `Delivery`, `RawEvent` and `Option<EventKey>`, in any order

use tower_webhook::{
    EventRouter,
    providers::loops::{Loops, SessionStarted},
    router::EventKey,
};

fn main() {
    let _ = EventRouter::<Loops>::new().on(async |_: SessionStarted, _: EventKey| {});
}
