use tower_webhook::{Event, Payload, Sender, providers::loops::Loops};

#[derive(serde::Deserialize, serde::Serialize)]
struct Mine;

impl Payload for Mine {
    type Provider = Loops;
}

impl Event for Mine {
    const TYPE: &'static str = "MINE";
}

fn main() {
    let sender = Sender::new(Loops::dangerous_unauthenticated());
    let _ = sender.event(&Mine);
}
