//! code: E0277

use tower_webhook::{
    EventRouter,
    providers::loops::{Loops, SessionStarted},
};

fn main() {
    let name = std::rc::Rc::new(7);
    let _ = EventRouter::<Loops>::new().on(async move |_: SessionStarted| drop(name.clone()));
}
