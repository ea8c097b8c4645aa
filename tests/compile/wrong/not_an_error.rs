//! code: E0277
//! says: `Result<(), Full>` cannot be returned by a webhook handler
//! says: expected `()`, or `Result<(), E>` with an error `E`
//! says: an error is `std::error::Error + Send + Sync`, `Into<tower_webhook::BoxError>`, or `tower_webhook::router::Failure`

use tower_webhook::{
    EventRouter,
    providers::loops::{Loops, SessionStarted},
};

struct Full;

async fn handle(_: SessionStarted) -> Result<(), Full> {
    Err(Full)
}

fn main() {
    let _ = EventRouter::<Loops>::new().on(handle);
}
