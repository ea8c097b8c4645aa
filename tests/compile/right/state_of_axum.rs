use tower_webhook::{
    EventRouter, State,
    providers::loops::{Loops, SessionStarted},
};

fn main() {
    let _ = EventRouter::<Loops, String>::with_state(String::new())
        .on(async |_: SessionStarted, _: State<String>| {});
}
