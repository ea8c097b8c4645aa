//! The example receiver with another layer in its place.

mod github;

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    body::Bytes,
    routing::{MethodRouter, post},
};
use axum_standardwebhooks::{SharedWebhook, StandardWebhook, Webhook};
use http::{HeaderMap, StatusCode};
use peers::{
    common::requests::SECRET,
    contenders::{AXUM_STANDARDWEBHOOKS, BARE_JSON, GITHUB, STANDARD_WEBHOOKS, WEBHOOK_VERIFY},
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::{net::TcpListener, runtime::Runtime, sync::watch};
use tower_webhook::BoxError;
use webhook_verify::{Provider, Secret, VerifyOptions};

use crate::{connection, io};

/// How long a connection may go without a request.
const SILENCE: Duration = Duration::from_secs(60);

/// Until it is killed.
pub(crate) fn serve(contest: &str, name: &str) -> Result<(), BoxError> {
    let hook = hook(contest, name).ok_or_else(|| format!("`{name}` is none of the servers"))?;
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

fn hook(contest: &str, name: &str) -> Option<MethodRouter> {
    const STANDARD: &str = STANDARD_WEBHOOKS.name;

    if contest == GITHUB.name {
        return github::hook(name);
    }
    Some(match (contest, name) {
        (STANDARD, BARE_JSON) => post(json),
        (STANDARD, WEBHOOK_VERIFY) => webhook_verify(),
        (STANDARD, AXUM_STANDARDWEBHOOKS) => axum_standardwebhooks(),
        _ => return None,
    })
}

type Answer = Result<(), StatusCode>;
type Events = Vec<Box<RawValue>>;

async fn json(headers: HeaderMap, Json(events): Json<Events>) -> Answer {
    printed(&headers, &events).await
}

fn webhook_verify() -> MethodRouter {
    let secret = Arc::new(Secret::new(SECRET));
    post(async move |headers: HeaderMap, body: Bytes| {
        let options = VerifyOptions::default();
        webhook_verify::verify(Provider::StandardWebhooks, &headers, &body, &secret, options)
            .map_err(|_| StatusCode::UNAUTHORIZED)?;
        let events: Events = serde_json::from_slice(&body).map_err(|_| StatusCode::BAD_REQUEST)?;
        printed(&headers, &events).await
    })
}

fn axum_standardwebhooks() -> MethodRouter {
    let webhook = SharedWebhook::new(Webhook::new(SECRET).expect("a good secret"));
    let handler =
        async |headers: HeaderMap, StandardWebhook(Json(events))| printed(&headers, &events).await;
    post::<_, _, SharedWebhook>(handler).with_state(webhook)
}

async fn printed(headers: &HeaderMap, events: &Events) -> Answer {
    let delivery = text(headers, "webhook-id");
    let print_all = async {
        for event in events {
            let Named { kind } = serde_json::from_str(event.get())?;
            print("peer", kind.as_deref(), delivery.as_deref(), event.get()).await?;
        }
        Ok::<_, BoxError>(())
    };
    print_all.await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// What becomes of an event in the receiver.
async fn print(
    provider: &str,
    kind: Option<&str>,
    delivery: Option<&str>,
    event: &str,
) -> Result<(), BoxError> {
    let json = event.replace(['\r', '\n'], "");
    let event = serde_json::from_str(&json)?;
    let line = Line { provider, kind, delivery, attempt: None, event };
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
