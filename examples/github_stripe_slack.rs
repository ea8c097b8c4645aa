//! One axum app for GitHub, Stripe and Slack.
//!
//! `cargo run --example github_stripe_slack` sends the app one event of each kind, without a network.
//! `cargo run --example github_stripe_slack -- serve` listens on port 3000, with the secrets in the environment.

use axum::Router;
use serde::Deserialize;
use tower::{Layer, ServiceExt};
use tower_webhook::providers::stripe::{Snapshot, Stripe};
use tower_webhook::providers::{github::GitHub, slack::Slack};
use tower_webhook::{BoxError, EventRouter, RawEvent, Sender, VerifyLayer, event};
use tower_webhook::{decode::DecodeError, error::ConfigError};

// The fields that you need. All others are ignored.
#[derive(Deserialize)]
struct Push {
    after: String,
}
#[derive(Deserialize)]
struct Invoice {
    total: u64,
}
#[derive(Deserialize)]
struct Mention {
    event: Message,
}
#[derive(Deserialize)]
struct Message {
    text: String,
}
event!(Push: GitHub = "push", Mention: Slack = "app_mention", Message: Slack = "/lesson");

fn app(github: GitHub, stripe: Stripe, slack: Slack) -> Router {
    let pushes = EventRouter::new().on(async |e: Push| println!("pushed: {}", e.after));
    let invoices = EventRouter::new().on_type("invoice.paid", async |e: Snapshot<Invoice>| {
        println!("paid: {}", e.data.object.total);
    });
    let messages = EventRouter::new()
        .on(async |e: Mention| println!("mentioned: {}", e.event.text))
        .on(async |e: Message| println!("/lesson {}", e.text));
    Router::new()
        .route_service("/webhooks/github", VerifyLayer::new(github).layer(pushes.fallback(other)))
        .route_service("/webhooks/stripe", VerifyLayer::new(stripe).layer(invoices.fallback(other)))
        .route_service("/webhooks/slack", VerifyLayer::new(slack).layer(messages.fallback(other)))
}

/// Any other event. One that does not fit its type must fail: otherwise it counts as handled, and is never repeated.
async fn other(e: RawEvent) -> Result<(), DecodeError> {
    if let Some(error) = e.error() {
        return Err(error.clone());
    }
    println!("not handled: {:?}", e.event_type());
    Ok(())
}

/// The provider with the secret in the variable `name`, which every error names.
fn configured<P>(name: &str, new: fn(String) -> Result<P, ConfigError>) -> Result<P, BoxError> {
    let secret = std::env::var(name).map_err(|error| format!("{name}: {error}"))?;
    Ok(new(secret).map_err(|error| format!("{name}: {error}"))?)
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    if std::env::args().nth(1).as_deref() != Some("serve") {
        return try_it().await;
    }
    let github = configured("GITHUB_WEBHOOK_SECRET", GitHub::new)?;
    let stripe = configured("STRIPE_WEBHOOK_SECRET", Stripe::new)?;
    let slack = configured("SLACK_SIGNING_SECRET", Slack::new)?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    Ok(axum::serve(listener, app(github, stripe, slack)).await?)
}

async fn try_it() -> Result<(), BoxError> {
    let github = GitHub::new("invented, for this example")?;
    let stripe = Stripe::new("whsec_invented_for_this_example")?;
    let slack = Slack::new("invented, for this example")?;
    let app = app(github.clone(), stripe.clone(), slack.clone());

    let github = Sender::new(github).to("/webhooks/github".parse()?);
    let stripe = Sender::new(stripe).to("/webhooks/stripe".parse()?);
    let commands = Sender::new(slack.clone().commands()).to("/webhooks/slack".parse()?);
    let slack = Sender::new(slack).to("/webhooks/slack".parse()?);
    for request in [
        github.raw("push", r#"{"after": "6113728f"}"#)?,
        github.raw("ping", "{}")?,
        stripe.raw("invoice.paid", r#"{"data": {"object": {"total": 2432}}}"#)?,
        slack.raw("app_mention", r#"{"event": {"text": "hello"}}"#)?,
        commands.raw("/lesson", r#"{"text": "12"}"#)?,
    ] {
        assert_eq!(app.clone().oneshot(request).await?.status(), 200);
    }
    Ok(())
}
