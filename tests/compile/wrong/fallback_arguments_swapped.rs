//! code: E0277
//! says: is not a webhook handler
//! says: RawEvent, …| { … }`, or an `async fn` of that shape
//! never says: event: E

use tower_webhook::{Delivery, EventRouter, RawEvent, providers::loops::Loops};

fn main() {
    let _ = EventRouter::<Loops>::new().fallback(async |_: Delivery, _: RawEvent| {});
}
