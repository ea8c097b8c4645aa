use tower_webhook::{EventRouter, RawEvent, providers::loops::Loops};

fn main() {
    let _ = EventRouter::<Loops>::new().fallback(async |_: RawEvent| {});
}
