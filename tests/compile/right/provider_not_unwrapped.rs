use tower::Layer;
use tower_webhook::{EventRouter, VerifyLayer, error::ConfigError, providers::learn365::Learn365};

fn main() -> Result<(), ConfigError> {
    let events = EventRouter::<Learn365>::new();
    let hook = VerifyLayer::new(Learn365::new("secret")?).layer(events);
    let _: axum::Router = axum::Router::new().route_service("/", hook);
    Ok(())
}
