use tower_webhook::{
    EventRouter,
    providers::loops::{Loops, SessionStarted},
    router::EventKey,
};

fn main() {
    let _ = EventRouter::<Loops>::new().on(async |_: SessionStarted, _: Option<EventKey>| {});
}
