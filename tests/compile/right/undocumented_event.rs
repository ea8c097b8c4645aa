use tower_webhook::{
    EventRouter,
    providers::loops::{Loops, SessionTerminated},
};

fn main() {
    let _ = EventRouter::<Loops>::new().on_type("SEEN", async |_: SessionTerminated| {});
}
