//! code: E0277
//! says: `i32` cannot be returned by a webhook handler
//! says: expected `()`, or `Result<(), E>` with an error `E`
//! says: a handler that never returns needs `-> ()`

use tower_webhook::{
    EventRouter,
    providers::loops::{Loops, SessionStarted},
};

fn main() {
    let _ = EventRouter::<Loops>::new().on(async |_: SessionStarted| 7_i32);
}
