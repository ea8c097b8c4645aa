//! Which senders are mounted, where, and under which secrets.

use std::{
    env::{self, VarError},
    time::Duration,
};

use axum::Router;
use tokio::time::timeout;
use tower::Layer;
use tower_webhook::{
    BoxError, EventRouter, Provider, VerifyLayer,
    clock::ManualClock,
    error::ConfigError,
    providers::{
        learn365::Learn365, loops::Loops, standard_webhooks::StandardWebhooks,
        synthesis_vr::SynthesisVr, teachstack::Teachstack,
    },
    router::Batches,
    scheme::Token,
};

use crate::{events, io::say};

/// How long events under way may take at shutdown.
const DRAIN: Duration = Duration::from_secs(10);

pub(crate) struct Hooks {
    clock: Option<ManualClock>,
    app: Router,
    batches: Vec<Batches>,
}

impl Hooks {
    pub(crate) fn from_env(clock: Option<ManualClock>) -> Result<Self, BoxError> {
        let mut hooks = Self { clock, app: Router::new(), batches: Vec::new() };
        hooks.mount(
            "/webhooks/loops/{token}",
            "LOOPS_TOKEN",
            |token| Ok(Loops::new(Token::path(token)?)),
            events::loops(),
        )?;
        hooks.mount(
            "/webhooks/synthesis-vr/{token}",
            "SYNTHESIS_VR_TOKEN",
            |token| Ok(SynthesisVr::new(Token::path(token)?)),
            events::synthesis_vr(),
        )?;
        hooks.mount(
            "/webhooks/teachstack/{token}",
            "TEACHSTACK_TOKEN",
            |token| Ok(Teachstack::new(Token::path(token)?)),
            events::teachstack(),
        )?;
        hooks.mount("/webhooks/learn365", "LEARN365_SECRET", Learn365::new, events::learn365())?;
        hooks.mount(
            "/webhooks/standard",
            "STANDARD_WEBHOOKS_SECRET",
            StandardWebhooks::new,
            events::standard_webhooks(),
        )?;
        Ok(hooks)
    }

    fn mount<P: Provider>(
        &mut self,
        path: &str,
        variable: &str,
        provider: impl FnOnce(String) -> Result<P, ConfigError>,
        events: EventRouter<P>,
    ) -> Result<(), BoxError> {
        let secret = match env::var(variable) {
            Ok(secret) => secret,
            Err(VarError::NotPresent) => {
                say(format_args!("{path} is not mounted: {variable} is not set"));
                return Ok(());
            }
            Err(VarError::NotUnicode(_)) => return Err(format!("{variable}: not UTF-8").into()),
        };
        let provider = provider(secret).map_err(|error| format!("{variable}: {error}"))?;
        let mut layer = VerifyLayer::new(provider);
        if let Some(clock) = &self.clock {
            layer = layer.clock(clock.clone());
        }
        self.batches.push(events.batches());
        self.app = std::mem::take(&mut self.app).route_service(path, layer.layer(events));
        say(format_args!("{path} is mounted"));
        Ok(())
    }

    pub(crate) fn app(&self) -> Router {
        self.app.clone()
    }

    /// Finishes the events that have been accepted, those included whose sender has hung up.
    pub(crate) async fn drain(self) -> Result<(), BoxError> {
        let all = async {
            for batches in &self.batches {
                batches.drain().await;
            }
        };
        timeout(DRAIN, all)
            .await
            .map_err(|_| "gave up on events that are still being handled".into())
    }
}
