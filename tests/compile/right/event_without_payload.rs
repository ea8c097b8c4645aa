use tower_webhook::{Event, EventRouter, Payload, providers::loops::Loops};

#[derive(serde::Deserialize)]
struct Mine;

impl Payload for Mine {
    type Provider = Loops;
}

impl Event for Mine {
    const TYPE: &'static str = "MINE";
}

/// Code that is generic over its event needs no other bound.
fn ignored<E: Event>(events: EventRouter<E::Provider>) -> EventRouter<E::Provider> {
    events.on(async |_: E| {})
}

fn main() {
    let _ = ignored::<Mine>(EventRouter::<Loops>::new());
}
