//! code: E0277
//! says: `axum::extract::State<String>` cannot be an argument of a webhook handler
//! says: after it, a handler may take `tower_webhook::State<T>`

use axum::extract::State;
use tower_webhook::{
    EventRouter,
    providers::loops::{Loops, SessionStarted},
};

fn main() {
    let _ = EventRouter::<Loops, String>::with_state(String::new())
        .on(async |_: SessionStarted, _: State<String>| {});
}
