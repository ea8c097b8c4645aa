//! code: E0277
//! says: is not a webhook handler
//! says: the first argument is the event, and that of `fallback` a `RawEvent`; up to three further arguments may follow: `tower_webhook::State<T>`, `Delivery`, `RawEvent`

use tower_webhook::{
    Delivery, EventRouter, RawEvent, State,
    providers::loops::{Loops, SessionStarted},
};

fn main() {
    let _ = EventRouter::<Loops>::new()
        .on(async |_: SessionStarted, _: Delivery, _: RawEvent, _: State<()>, _: Delivery| {});
}
