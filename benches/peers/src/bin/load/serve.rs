//! The example receiver with another layer in its place.

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    body::Bytes,
    routing::{MethodRouter, post},
};
use axum_standardwebhooks::{SharedWebhook, StandardWebhook, Webhook};
use http::{HeaderMap, StatusCode};
use octoevents::{Envelope, Verifier, WebhookReceiverBuilder, WebhookSecret};
use peers::{
    common::requests::{KEY, SECRET},
    contenders::{
        AXUM_STANDARDWEBHOOKS, BARE_JSON, OCTOEVENTS, TOWER_GITHUB_WEBHOOK, WEBHOOK_VERIFY,
    },
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::{net::TcpListener, runtime::Runtime, sync::watch};
use tower_github_webhook::ValidateGitHubWebhookLayer;
use tower_webhook::BoxError;
use webhook_verify::{Provider, Secret, VerifyOptions};

use crate::{connection, io};

/// How long a connection may go without a request.
const SILENCE: Duration = Duration::from_secs(60);

/// Until it is killed.
pub(crate) fn serve(name: &str) -> Result<(), BoxError> {
    let hook = hook(name).ok_or_else(|| format!("`{name}` is none of the servers"))?;
    let app = Router::new().route("/hook", hook);
    Runtime::new()?.block_on(async {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        io::say(format_args!("listening on http://{}", listener.local_addr()?));
        // As the receiver has it; nobody stops it.
        let (_stopping, stop) = watch::channel(false);
        loop {
            let (stream, _) = listener.accept().await?;
            tokio::spawn(connection::serve(stream, app.clone(), SILENCE, stop.clone()));
        }
    })
}

fn hook(name: &str) -> Option<MethodRouter> {
    Some(match name {
        BARE_JSON => post(json),
        WEBHOOK_VERIFY => webhook_verify(),
        OCTOEVENTS => octoevents(),
        TOWER_GITHUB_WEBHOOK => post(json).layer(ValidateGitHubWebhookLayer::new(KEY)),
        AXUM_STANDARDWEBHOOKS => axum_standardwebhooks(),
        _ => return None,
    })
}

type Answer = Result<(), StatusCode>;
type Events = Vec<Box<RawValue>>;

async fn json(headers: HeaderMap, Json(events): Json<Events>) -> Answer {
    printed(&delivery(&headers), &events).await
}

fn webhook_verify() -> MethodRouter {
    let secret = Arc::new(Secret::new(SECRET));
    post(async move |headers: HeaderMap, body: Bytes| {
        let options = VerifyOptions::default();
        webhook_verify::verify(Provider::StandardWebhooks, &headers, &body, &secret, options)
            .map_err(|_| StatusCode::UNAUTHORIZED)?;
        let events: Events = serde_json::from_slice(&body).map_err(|_| StatusCode::BAD_REQUEST)?;
        printed(&delivery(&headers), &events).await
    })
}

fn octoevents() -> MethodRouter {
    let receiver = WebhookReceiverBuilder::new(Verifier::new(WebhookSecret::new(KEY)));
    axum::routing::post_service(receiver.build(async |envelope: Envelope| {
        let events: Events = serde_json::from_slice(&envelope.raw_payload)?;
        print_all(Some(envelope.meta.delivery_id.as_ref()), &events).await
    }))
}

fn axum_standardwebhooks() -> MethodRouter {
    let webhook = SharedWebhook::new(Webhook::new(SECRET).expect("a good secret"));
    let handler = async |headers: HeaderMap, StandardWebhook(Json(events))| {
        printed(&delivery(&headers), &events).await
    };
    post::<_, _, SharedWebhook>(handler).with_state(webhook)
}

fn delivery(headers: &HeaderMap) -> Option<String> {
    let id = headers.get("webhook-id").or_else(|| headers.get("x-github-delivery"))?;
    id.to_str().ok().map(str::to_owned)
}

async fn printed(delivery: &Option<String>, events: &Events) -> Answer {
    let printed = print_all(delivery.as_deref(), events).await;
    printed.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}

async fn print_all(delivery: Option<&str>, events: &Events) -> Result<(), BoxError> {
    for event in events {
        print(delivery, event).await?;
    }
    Ok(())
}

/// What becomes of an event in the receiver.
async fn print(delivery: Option<&str>, event: &RawValue) -> Result<(), BoxError> {
    let json = event.get().replace(['\r', '\n'], "");
    let Named { kind } = serde_json::from_str(event.get())?;
    let line = Line {
        provider: "peer",
        kind: kind.as_deref(),
        delivery,
        attempt: None,
        event: serde_json::from_str(&json)?,
    };
    Ok(io::print(serde_json::to_string(&line)?).await?)
}

#[derive(Deserialize)]
struct Named {
    #[serde(rename = "type")]
    kind: Option<String>,
}

#[derive(Serialize)]
struct Line<'a> {
    provider: &'a str,
    #[serde(rename = "type")]
    kind: Option<&'a str>,
    delivery: Option<&'a str>,
    attempt: Option<u32>,
    event: &'a RawValue,
}
