//! This crate at work.

use std::time::SystemTime;

use bytes::Bytes;
use http::request::Parts;
use tower::Layer;
use tower_webhook::{
    Delivery, EventRouter, Provider, VerifyLayer,
    providers::{
        learn365::{self, Learn365},
        standard_webhooks::StandardWebhooks,
        synthesis_vr::{self, SynthesisVr},
    },
    scheme::{Authentic, Head},
    verify::Verify,
};

use super::{events::*, ready, requests};

/// A router with a handler for each of the five types.
pub fn router() -> EventRouter<StandardWebhooks> {
    EventRouter::new()
        .on(async |e: InvoicePaid| handled(e))
        .on(async |e: UserCreated| handled(e))
        .on(async |e: CourseCompleted| handled(e))
        .on(async |e: RoomClosed| handled(e))
        .on(async |e: FileSaved| handled(e))
}

pub fn learn365_router() -> EventRouter<Learn365> {
    EventRouter::new()
        .on(async |e: learn365::CourseCompleted| handled(e))
        .on(async |e: learn365::CourseStarted| handled(e))
        .on(async |e: learn365::CourseEnrollment| handled(e))
        .on(async |e: learn365::UserCreated| handled(e))
}

pub fn synthesis_vr_router() -> EventRouter<SynthesisVr> {
    EventRouter::new()
        .on(async |e: synthesis_vr::SessionCreated| handled(e))
        .on(async |e: synthesis_vr::SessionRemoved| handled(e))
}

/// A router with a handler for each of so many types.
pub fn router_of_types(types: usize) -> EventRouter<StandardWebhooks> {
    let router = EventRouter::new().max_events(usize::MAX);
    (0..types).fold(router, |router, n| {
        router.on_type(format!("type.{n}"), async |e: FileSaved| handled(e))
    })
}

/// Decodes a body and handles its events, without HTTP.
pub fn dispatch<P: Provider>(router: &EventRouter<P>, provider: &P, body: &Bytes) {
    let delivery = Delivery::new(Authentic::dangerous_assert());
    let batch = router.dispatch(provider, delivery, body.clone()).expect("a good body");
    assert!(ready(batch).is_ok());
}

/// The check alone.
pub fn check(provider: &impl Provider, head: &Parts, now: SystemTime, body: &[u8]) -> Authentic {
    let mut check = provider.authenticate(&Head::new(head, now)).expect("a good head");
    check.update(body);
    check.finish().expect("a good signature")
}

/// Verified, decoded, routed.
pub fn service() -> Verify<StandardWebhooks, EventRouter<StandardWebhooks>> {
    layer(requests::STANDARD_WEBHOOKS.clone()).layer(router())
}

pub fn learn365_service() -> Verify<Learn365, EventRouter<Learn365>> {
    layer(requests::LEARN365.clone()).layer(learn365_router())
}

/// Its limit is that of the work, not that of the layer.
pub fn layer<P: Provider>(provider: P) -> VerifyLayer<P> {
    VerifyLayer::new(provider).max_body_bytes(usize::MAX)
}
