//! code: E0277
//! says: `Result<Learn365, ConfigError>` is not a webhook provider
//! says: a constructor that checks a secret returns a `Result`: take the provider out of it with `?`

use tower::Layer;
use tower_webhook::{EventRouter, VerifyLayer, providers::learn365::Learn365};

fn main() {
    let events = EventRouter::<Learn365>::new();
    let hook = VerifyLayer::new(Learn365::new("secret")).layer(events);
    let _: axum::Router = axum::Router::new().route_service("/", hook);
}
