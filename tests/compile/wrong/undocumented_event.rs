//! code: E0277
//! says: `SessionTerminated` does not say its name on the wire
//! says: give the name: `.on_type("…", handler)` to handle it, `.event_as("…", &event)` to send it

use tower_webhook::{
    EventRouter,
    providers::loops::{Loops, SessionTerminated},
};

fn main() {
    let _ = EventRouter::<Loops>::new().on(async |_: SessionTerminated| {});
}
