//! code: E0277
//! says: nobody documents what `SessionTerminated` is called on the wire
//! says: its sender does not document the name: use `.on_type("…", handler)`, or `.event_as("…", &event)` to send it

use tower_webhook::{
    EventRouter,
    providers::loops::{Loops, SessionTerminated},
};

fn main() {
    let _ = EventRouter::<Loops>::new().on(async |_: SessionTerminated| {});
}
