use tower_webhook::{Payload, providers::loops::Loops};

#[derive(serde::Deserialize)]
struct Mine;

impl Payload for Mine {
    type Provider = Loops;
}

fn main() {}
