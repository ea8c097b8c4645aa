//! code: E0277
//! says: the router's state `()` does not provide a `String`
//! says: build the router with `EventRouter::with_state(…)`, or implement `FromRef<()> for String`

use tower_webhook::{
    EventRouter, State,
    providers::loops::{Loops, SessionStarted},
};

fn main() {
    let _ = EventRouter::<Loops>::new().on(async |_: SessionStarted, _: State<String>| {});
}
