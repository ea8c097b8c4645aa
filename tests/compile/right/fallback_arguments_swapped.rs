use tower_webhook::{Delivery, EventRouter, RawEvent, providers::loops::Loops};

fn main() {
    let _ = EventRouter::<Loops>::new().fallback(async |_: RawEvent, _: Delivery| {});
}
