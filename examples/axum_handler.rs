//! The layer around an ordinary axum handler. The handler gets the bytes of the authentic request, not decoded.
//!
//! `cargo run --example axum_handler`

use axum::{Extension, Router, body::Bytes, routing::post};
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use tower::{ServiceBuilder, ServiceExt};
use tower_webhook::{
    BoxError, Delivery, Sender, Verified, VerifyLayer,
    providers::standard_webhooks::StandardWebhooks, sender::Tamper,
};

async fn handler(Extension(delivery): Extension<Delivery>, body: Bytes) -> String {
    format!("{} bytes in delivery {}", body.len(), delivery.id().unwrap_or_default())
}

/// Puts the `Delivery` into the extensions, where axum's `Extension` finds it.
fn delivery(
    mut request: Request<Verified<StandardWebhooks>>,
) -> Request<Verified<StandardWebhooks>> {
    let delivery = request.body().delivery().clone();
    request.extensions_mut().insert(delivery);
    request
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let provider = StandardWebhooks::new("whsec_aW52ZW50ZWQgZm9yIHRoaXMgZXhhbXBsZSBvbmx5")?;
    let verify = VerifyLayer::new(provider.clone());
    let layers = ServiceBuilder::new().layer(verify).map_request(delivery);
    let app = Router::new().route("/hook", post(handler).layer(layers));

    let sender = Sender::new(provider).to("/hook".parse()?).id("msg_7");
    let answer = app.clone().oneshot(sender.body(r#"{"any": "JSON"}"#)?).await?;
    let status = answer.status();
    let text = String::from_utf8(answer.into_body().collect().await?.to_bytes().into())?;
    println!("genuine: {status}, {text}");
    assert_eq!((status, &*text), (StatusCode::OK, "15 bytes in delivery msg_7"));

    let forged = sender.tampered(Tamper::Transplanted).body(r#"{"any": "JSON"}"#)?;
    let status = app.oneshot(forged).await?.status();
    println!("forged: {status}");
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    Ok(())
}
