use tower_webhook::{Event, EventRouter, Payload, providers::loops::Loops};

#[derive(serde::Deserialize)]
struct Mine(String);

impl Payload for Mine {
    type Provider = Loops;
}

impl Event for Mine {
    const TYPE: &'static str = "MINE";
}

fn main() {
    let _ = EventRouter::<Loops>::new().on(async |e: Mine| drop(e.0));
}
