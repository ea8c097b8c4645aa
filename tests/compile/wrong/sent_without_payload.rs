//! code: E0277
//! says: `Mine` is not a webhook event
//! says: expected a type that implements `Payload`
//! never says: does not document

use tower_webhook::{Sender, providers::loops::Loops};

#[derive(serde::Serialize)]
struct Mine;

fn main() {
    let sender = Sender::new(Loops::dangerous_unauthenticated());
    let _ = sender.event(&Mine);
}
