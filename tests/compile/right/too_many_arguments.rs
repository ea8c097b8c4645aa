use tower_webhook::{
    Delivery, EventRouter, RawEvent, State,
    providers::loops::{Loops, SessionStarted},
};

fn main() {
    let _ = EventRouter::<Loops>::new()
        .on(async |_: SessionStarted, _: Delivery, _: RawEvent, _: State<()>| {});
}
