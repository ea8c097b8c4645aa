use tower_webhook::{
    EventRouter,
    providers::loops::{Loops, SessionStarted},
};

fn main() {
    let name = std::sync::Arc::new(7);
    let _ = EventRouter::<Loops>::new().on(async move |_: SessionStarted| drop(name.clone()));
}
