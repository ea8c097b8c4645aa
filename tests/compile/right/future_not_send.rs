use tower_webhook::{
    EventRouter,
    providers::loops::{Loops, SessionStarted},
};

fn main() {
    let _ = EventRouter::<Loops>::new().on(async |e: SessionStarted| {
        let name = std::sync::Arc::new(e.name);
        std::future::ready(()).await;
        drop(name);
    });
}
