//! code: E0277

use tower::Layer;
use tower_webhook::{
    EventRouter, VerifyLayer,
    providers::{loops::Loops, teachstack::Teachstack},
};

fn main() {
    let events = EventRouter::<Loops>::new();
    let hook = VerifyLayer::new(Teachstack::dangerous_unauthenticated()).layer(events);
    let _: axum::Router = axum::Router::new().route_service("/", hook);
}
