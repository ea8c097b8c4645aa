use tower::Layer;
use tower_webhook::{EventRouter, VerifyLayer, providers::loops::Loops};

fn main() {
    let events = EventRouter::<Loops>::new();
    let hook = VerifyLayer::new(Loops::dangerous_unauthenticated()).layer(events);
    let _: axum::Router = axum::Router::new().route_service("/", hook);
}
