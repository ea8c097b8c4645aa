//! The control: a receiver that handles events inside of the request, and drops both together.

use axum::{
    body::Bytes,
    routing::{MethodRouter, post},
};
use http::StatusCode;
use tower_webhook::{Delivery, EventRouter, Provider, VerifyLayer, scheme::Authentic};

pub(super) fn hook<P, S>(provider: P, events: EventRouter<P, S>) -> MethodRouter
where
    P: Provider + Clone,
    S: Clone + Send + Sync + 'static,
{
    let layer = VerifyLayer::new(provider.clone());
    let handler = async move |body: Bytes| {
        let delivery = Delivery::new(Authentic::dangerous_assert());
        let batch = events.dispatch(&provider, delivery, body).unwrap();
        match batch.await.is_ok() {
            true => StatusCode::OK,
            false => StatusCode::INTERNAL_SERVER_ERROR,
        }
    };
    post(handler).layer(layer)
}
