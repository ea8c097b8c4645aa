use tower_webhook::{
    BoxError, EventRouter,
    providers::loops::{Loops, SessionStarted},
};

async fn handle(_: SessionStarted) -> Result<(), BoxError> {
    Ok(())
}

fn main() {
    let _ = EventRouter::<Loops>::new().on(handle);
}
