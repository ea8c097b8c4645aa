//! A Loops endpoint that tells what its handlers did.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tower_webhook::{EventRouter, State, providers::loops::SessionStarted, verify::Verify};

use super::*;

pub(crate) type Endpoint<S = ()> = Verify<Loops, EventRouter<Loops, S>>;

/// One event, which is called `name`.
pub(crate) fn event(name: &str) -> String {
    format!(r#"{{"type":"SESSION_STARTED","data":{{"name":"{name}"}}}}"#)
}

/// The body that holds one event.
pub(crate) fn body(name: &str) -> String {
    format!("[{}]", event(name))
}

/// Behind `layer`, an endpoint that writes the names of its events into `log`.
pub(crate) fn logging(layer: &VerifyLayer<Loops>, log: &Log) -> Endpoint {
    layer.layer(noting(log))
}

/// Its handler writes the names of its events into `log`.
pub(crate) fn noting(log: &Log) -> EventRouter<Loops> {
    let log = log.clone();
    EventRouter::new()
        .on(async move |event: SessionStarted| log.note(event.name.unwrap_or_default()))
}

/// Its handler notes that it begins, waits for a permit, and notes that it ends; or that it was dropped.
#[derive(Clone)]
pub(crate) struct Gate {
    pub(crate) log: Log,
    pub(crate) permits: Arc<Semaphore>,
}

impl Gate {
    pub(crate) fn closed() -> Self {
        Self { log: Log::default(), permits: Arc::new(Semaphore::new(0)) }
    }

    pub(crate) fn open() -> Self {
        Self { log: Log::default(), permits: Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)) }
    }

    pub(crate) fn events(&self) -> EventRouter<Loops, Self> {
        EventRouter::with_state(self.clone()).on(Self::pass)
    }

    async fn pass(event: SessionStarted, State(gate): State<Self>) {
        let name = event.name.unwrap_or_default();
        gate.log.note(format!("{name} begins"));
        let mut dropped = Dropped(Some(gate.log.clone()));
        gate.permits.acquire().await.unwrap().forget();
        dropped.0 = None;
        gate.log.note(format!("{name} ends"));
    }

    /// How many handlers have noted this.
    pub(crate) fn count(&self, what: &str) -> usize {
        self.log.seen().iter().filter(|line| *line == what).count()
    }
}

struct Dropped(Option<Log>);

impl Drop for Dropped {
    fn drop(&mut self) {
        if let Some(log) = &self.0 {
            log.note("dropped");
        }
    }
}
