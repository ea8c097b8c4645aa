//! code: E0277
//! says: is not a webhook handler
//! says: expected `async |event: RawEvent, …| { … }`, or an `async fn` of that shape
//! says: the first argument is the event, and that of `fallback` a `RawEvent`

use tower_webhook::{
    EventRouter,
    providers::loops::{Loops, SessionStarted},
};

fn main() {
    let _ = EventRouter::<Loops>::new().fallback(async |_: SessionStarted| {});
}
