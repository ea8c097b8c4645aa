//! Those who verify GitHub's signature, on the same push.

use std::sync::Arc;

use axum::{Json, Router, routing::post};
use axum_github_webhook_extract::{GithubEvent, GithubToken};
use octoevents::{
    AnyAction, Dispatcher, Envelope, Verifier, WebhookReceiver, WebhookReceiverBuilder,
    WebhookSecret,
};
use tower::Layer;
use tower_github_webhook::ValidateGitHubWebhookLayer;
use tower_webhook::{BoxError, EventRouter};

use super::{
    BARE_JSON, Contender, OURS,
    Signature::{GitHub, None},
    WEBHOOK_VERIFY, at_hook, webhook_verify,
};
use crate::{
    common::{
        events::handled,
        ours,
        requests::{self, KEY},
    },
    push::{PUSH, Push},
};

pub const OCTOEVENTS: &str = "octoevents + from_slice";
pub const TOWER_GITHUB_WEBHOOK: &str = "tower-github-webhook + Json";

/// Whole requests, to the typed event and its code.
pub fn typed() -> Vec<Contender> {
    let router = EventRouter::new().on_type(PUSH, async |push: Push| handled(push));
    let dispatcher = Dispatcher::builder().on(AnyAction, async |push: Push| {
        handled(push);
        Ok::<_, BoxError>(())
    });
    vec![
        Contender::new(OURS, GitHub, at_hook(ours::layer(requests::GITHUB.clone()).layer(router))),
        Contender::new(BARE_JSON, None, Router::new().route("/hook", post(json))),
        Contender::new(
            OCTOEVENTS,
            GitHub,
            at_hook(octoevents(async |envelope: Envelope| decoded(&envelope.raw_payload))),
        ),
        Contender::new("octoevents, `Dispatcher`", GitHub, at_hook(octoevents(dispatcher.build()))),
        Contender::new(
            WEBHOOK_VERIFY,
            GitHub,
            webhook_verify(webhook_verify::Provider::GitHub, KEY, |body| decoded(body).ok()),
        ),
        Contender::new(
            TOWER_GITHUB_WEBHOOK,
            GitHub,
            Router::new().route("/hook", post(json).layer(tower_github_webhook())),
        ),
        Contender::new("axum-github-webhook-extract", GitHub, axum_github_webhook_extract()),
    ]
}

pub fn octoevents<H>(handler: H) -> WebhookReceiver<H>
where
    H: octoevents::Handler<Envelope, Error: Into<BoxError>> + Send + Sync + 'static,
{
    WebhookReceiverBuilder::new(Verifier::new(WebhookSecret::new(KEY))).build(handler)
}

pub fn tower_github_webhook() -> ValidateGitHubWebhookLayer<&'static str> {
    ValidateGitHubWebhookLayer::new(KEY)
}

fn axum_github_webhook_extract() -> Router {
    let handler = async |GithubEvent(push): GithubEvent<Push>| handled(push);
    Router::new().route("/hook", post(handler)).with_state(GithubToken(Arc::new(KEY.into())))
}

async fn json(Json(push): Json<Push>) {
    handled(push);
}

fn decoded(body: &[u8]) -> Result<(), serde_json::Error> {
    serde_json::from_slice::<Push>(body).map(handled)
}
