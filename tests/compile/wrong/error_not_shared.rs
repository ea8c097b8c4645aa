//! code: E0277
//! says: ` cannot be returned by a webhook handler
//! says: return `tower_webhook::BoxError` instead of `Box<dyn std::error::Error>`, which is not `Send + Sync`
//! never says: cannot be known at compilation time

use tower_webhook::{
    EventRouter,
    providers::loops::{Loops, SessionStarted},
};

async fn handle(_: SessionStarted) -> Result<(), Box<dyn std::error::Error>> {
    Ok(())
}

fn main() {
    let _ = EventRouter::<Loops>::new().on(handle);
}
