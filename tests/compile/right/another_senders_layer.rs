use tower::Layer;
use tower_webhook::{EventRouter, VerifyLayer, providers::teachstack::Teachstack};

fn main() {
    let events = EventRouter::<Teachstack>::new();
    let hook = VerifyLayer::new(Teachstack::dangerous_unauthenticated()).layer(events);
    let _: axum::Router = axum::Router::new().route_service("/", hook);
}
