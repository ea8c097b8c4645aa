//! code: E0277
//! says: an event type of your own names itself with `impl Event`

use tower_webhook::{EventRouter, providers::loops::Loops};

fn main() {
    let _ = EventRouter::<Loops>::new().on(async |_: String| {});
}
