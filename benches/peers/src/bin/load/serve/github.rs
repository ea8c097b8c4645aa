//! Those who verify GitHub's signature. The type and the id come from the head.

use std::sync::Arc;

use axum::{
    Json,
    body::Bytes,
    routing::{MethodRouter, post, post_service},
};
use http::{HeaderMap, StatusCode};
use octoevents::Envelope;
use peers::{
    common::requests::{GITHUB, KEY},
    contenders::{
        OURS, WEBHOOK_VERIFY,
        github::{OCTOEVENTS, TOWER_GITHUB_WEBHOOK, octoevents, tower_github_webhook},
    },
};
use serde_json::value::RawValue;
use tower::Layer;
use tower_webhook::{
    BoxError, Delivery, EventRouter, RawEvent, VerifyLayer, providers::github::GitHub,
};
use webhook_verify::{Provider, Secret, VerifyOptions};

use super::{Answer, print, text};

pub(crate) fn hook(name: &str) -> Option<MethodRouter> {
    Some(match name {
        OURS => ours(),
        OCTOEVENTS => post_service(octoevents(enveloped)),
        WEBHOOK_VERIFY => webhook_verify(),
        TOWER_GITHUB_WEBHOOK => post(json).layer(tower_github_webhook()),
        _ => return None,
    })
}

fn ours() -> MethodRouter {
    let print = async |event: RawEvent, delivery: Delivery| {
        let (json, id) = (std::str::from_utf8(event.json())?, delivery.header(DELIVERY));
        print(delivery.provider(), event.event_type(), id, json).await
    };
    let router = EventRouter::<GitHub>::new().fallback(print);
    post_service(VerifyLayer::new(GITHUB.clone()).layer(router))
}

async fn enveloped(envelope: Envelope) -> Result<(), BoxError> {
    let json: &RawValue = serde_json::from_slice(&envelope.raw_payload)?;
    let meta = &envelope.meta;
    print("peer", Some(meta.kind.as_str()), Some(meta.delivery_id.as_ref()), json.get()).await
}

fn webhook_verify() -> MethodRouter {
    let secret = Arc::new(Secret::new(KEY));
    post(async move |headers: HeaderMap, body: Bytes| {
        let options = VerifyOptions::default();
        webhook_verify::verify(Provider::GitHub, &headers, &body, &secret, options)
            .map_err(|_| StatusCode::UNAUTHORIZED)?;
        let event = serde_json::from_slice(&body).map_err(|_| StatusCode::BAD_REQUEST)?;
        printed(&headers, event).await
    })
}

async fn json(headers: HeaderMap, Json(event): Json<Box<RawValue>>) -> Answer {
    printed(&headers, &event).await
}

async fn printed(headers: &HeaderMap, event: &RawValue) -> Answer {
    let (kind, delivery) = (text(headers, EVENT), text(headers, DELIVERY));
    let printed = print("peer", kind.as_deref(), delivery.as_deref(), event.get()).await;
    printed.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}

const EVENT: &str = "x-github-event";
const DELIVERY: &str = "x-github-delivery";
