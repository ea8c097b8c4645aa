use tower_webhook::{
    Delivery, EventRouter,
    providers::loops::{Loops, SessionStarted},
};

fn main() {
    let _ = EventRouter::<Loops>::new().on(async |_: SessionStarted, _: Delivery| {});
}
