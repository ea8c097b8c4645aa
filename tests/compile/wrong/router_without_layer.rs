//! code: E0277

use tower_webhook::{EventRouter, providers::loops::Loops};

fn main() {
    let events = EventRouter::<Loops>::new();
    let _: axum::Router = axum::Router::new().route_service("/", events);
}
