//! Of no sentence of ours: the compiler shows the value that is in the way.

use tower_webhook::{
    EventRouter,
    providers::loops::{Loops, SessionStarted},
};

fn main() {
    let _ = EventRouter::<Loops>::new().on(async |e: SessionStarted| {
        let name = std::rc::Rc::new(e.name);
        std::future::ready(()).await;
        drop(name);
    });
}
