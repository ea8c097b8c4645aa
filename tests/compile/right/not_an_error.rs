use std::fmt;

use tower_webhook::{
    EventRouter,
    providers::loops::{Loops, SessionStarted},
};

#[derive(Debug)]
struct Full;

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("disk full")
    }
}

impl std::error::Error for Full {}

async fn handle(_: SessionStarted) -> Result<(), Full> {
    Err(Full)
}

fn main() {
    let _ = EventRouter::<Loops>::new().on(handle);
}
