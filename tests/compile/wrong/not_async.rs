//! code: E0277
//! says: is not a webhook handler
//! says: expected `async |event: _, …| { … }`, or an `async fn` of that shape

use tower_webhook::{
    EventRouter,
    providers::loops::{Loops, SessionStarted},
};

fn main() {
    let _ = EventRouter::<Loops>::new().on(|_: SessionStarted| ());
}
