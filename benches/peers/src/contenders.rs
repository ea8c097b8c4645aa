//! Everyone who is compared, behind one call.

pub mod github;

use std::{
    cell::Cell,
    convert::Infallible,
    future::Ready,
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
};

use axum::{Json, Router, body::Body, routing::post};
use axum_standardwebhooks::{SharedWebhook, StandardWebhook};
use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use octoevents::Envelope;
use tower::{Layer, Service, ServiceExt};
use tower_webhook::{BoxError, VerifyLayer};
use webhook_verify::{Provider, Secret, VerifyOptions};

use self::github::{OCTOEVENTS, TOWER_GITHUB_WEBHOOK};
use crate::{
    common::{
        by_hand,
        events::{self, AnyEvent},
        ours, ready,
        requests::{self, Frames, KEY, SECRET},
    },
    push::{self, PUSH},
};

/// The same work for all: whole requests with the same body and, where one is verified, the same signature.
pub struct Contest {
    /// The rows of its times have this name, and the size of the body.
    pub name: &'static str,
    pub sender: &'static str,
    /// A body that is as long as fits into so many bytes.
    pub body: fn(usize) -> String,
    pub contenders: fn() -> Vec<Contender>,
}

pub const STANDARD_WEBHOOKS: Contest = Contest {
    name: "request",
    sender: "Standard Webhooks",
    body: events::list_within,
    contenders: standard_webhooks,
};
pub const GITHUB: Contest =
    Contest { name: "github", sender: "GitHub", body: push::within, contenders: github::typed };

/// Whose signature a request must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signature {
    None,
    StandardWebhooks,
    GitHub,
}

pub struct Contender {
    pub name: &'static str,
    pub signature: Signature,
    call: Box<dyn FnMut(Request<Frames>) -> StatusCode>,
}

impl Contender {
    fn new<S, B>(name: &'static str, signature: Signature, mut service: S) -> Self
    where
        S: Service<Request<Frames>, Response = http::Response<B>, Error = Infallible> + 'static,
    {
        let call = move |request| {
            let response = ready(service.call(request));
            response.unwrap_or_else(|never| match never {}).status()
        };
        Self { name, signature, call: Box::new(call) }
    }

    /// A request with this body, as the contender wants it signed.
    pub fn request(&self, body: &Bytes) -> Request<Frames> {
        match self.signature {
            Signature::None => requests::unsigned(body.clone()),
            Signature::StandardWebhooks => requests::signed(body.clone()),
            Signature::GitHub => requests::signed_by_github(PUSH, body.clone()),
        }
    }

    /// Sees a request through, from its head to its answer.
    pub fn call(&mut self, request: Request<Frames>) -> StatusCode {
        (self.call)(request)
    }
}

pub const OURS: &str = "tower-webhook";
pub const BARE_BYTES: &str = "bare axum, `Bytes`";
pub const BARE_JSON: &str = "bare axum, `Json`";
pub const BARE_NOTHING: &str = "bare axum, body ignored";
pub const BY_HAND: &str = "hyper by hand, decode all, then handle";
pub const BY_HAND_STREAMING: &str = "hyper by hand, handle while decoding";
pub const OURS_ON_HYPER: &str = "tower-webhook, no axum";
pub const WEBHOOK_VERIFY: &str = "webhook-verify + from_slice";
/// Beside [`OURS`], which verifies the signature of GitHub there.
pub const OURS_STANDARD: &str = "tower-webhook, Standard Webhooks";
pub const AXUM_STANDARDWEBHOOKS: &str = "axum-standardwebhooks + Json";

/// Whole requests, to typed events and their code.
fn standard_webhooks() -> Vec<Contender> {
    use Signature::{None, StandardWebhooks};

    vec![
        Contender::new(OURS, StandardWebhooks, at_hook(ours::service())),
        Contender::new(OURS_ON_HYPER, StandardWebhooks, ours::service()),
        Contender::new(
            BY_HAND,
            StandardWebhooks,
            tower::service_fn(|request| async { Ok(by_hand::hyper(request).await) }),
        ),
        Contender::new(
            BY_HAND_STREAMING,
            StandardWebhooks,
            tower::service_fn(|request| async { Ok(by_hand::streaming(request).await) }),
        ),
        Contender::new(BARE_BYTES, None, by_hand::bytes()),
        Contender::new(BARE_JSON, None, by_hand::json()),
        Contender::new(
            WEBHOOK_VERIFY,
            StandardWebhooks,
            webhook_verify(Provider::StandardWebhooks, SECRET, |body| decoded(body).ok()),
        ),
        Contender::new(
            "webhook-verify + Json",
            StandardWebhooks,
            webhook_verify(Provider::StandardWebhooks, SECRET, |body| {
                Json::from_bytes(body).ok().map(handled_all)
            }),
        ),
        Contender::new(AXUM_STANDARDWEBHOOKS, StandardWebhooks, axum_standardwebhooks()),
    ]
}

/// The check alone, of what is all there.
pub type CheckAlone = Box<dyn FnMut(&HeaderMap, &[u8]) -> bool>;

pub fn checks() -> Vec<(&'static str, CheckAlone)> {
    let secret = Secret::new(SECRET);
    let standardwebhooks = standardwebhooks::Webhook::new(SECRET).expect("a good secret");
    let svix = svix::webhooks::Webhook::new(SECRET).expect("a good secret");
    let webhook_verify = move |headers: &HeaderMap, body: &[u8]| {
        let provider = Provider::StandardWebhooks;
        webhook_verify::verify(provider, headers, body, &secret, VerifyOptions::default()).is_ok()
    };
    vec![
        ("webhook-verify", Box::new(webhook_verify)),
        (
            "standardwebhooks",
            Box::new(move |headers, body| standardwebhooks.verify(body, headers).is_ok()),
        ),
        ("svix", Box::new(move |headers, body| svix.verify(body, headers).is_ok())),
    ]
}

/// Ours, however long the body and however many its events.
pub fn unlimited() -> Contender {
    let router = ours::router().max_events(usize::MAX);
    Contender::new(
        OURS,
        Signature::StandardWebhooks,
        ours::layer(requests::STANDARD_WEBHOOKS.clone()).layer(router),
    )
}

/// From the head to an inner service that ignores the body: nothing is decoded.
pub fn undecoded() -> Vec<Contender> {
    use Signature::{GitHub, StandardWebhooks};

    let standard = axum::Router::new()
        .route("/hook", post(async |_: StandardWebhook<Bytes>| inner_called()))
        .with_state(shared_webhook());
    vec![
        Contender::new(OURS, GitHub, VerifyLayer::new(requests::GITHUB.clone()).layer(Inner)),
        Contender::new(TOWER_GITHUB_WEBHOOK, GitHub, github::tower_github_webhook().layer(Inner)),
        Contender::new(
            OCTOEVENTS,
            GitHub,
            github::octoevents(async |_: Envelope| {
                inner_called();
                Ok::<_, BoxError>(())
            }),
        ),
        Contender::new(
            WEBHOOK_VERIFY,
            GitHub,
            ServiceExt::<Request<Frames>>::map_err(
                webhook_verify::tower::VerifyLayer::<Body>::new(Provider::GitHub, Secret::new(KEY))
                    .layer(Inner),
                |error| -> Infallible { panic!("{error}") },
            ),
        ),
        Contender::new(
            OURS_STANDARD,
            StandardWebhooks,
            VerifyLayer::new(requests::STANDARD_WEBHOOKS.clone()).layer(Inner),
        ),
        Contender::new(AXUM_STANDARDWEBHOOKS, StandardWebhooks, standard),
    ]
}

/// Offered a body without a signature.
pub fn refusing() -> Vec<Contender> {
    vec![
        Contender::new(OURS, Signature::None, at_hook(ours::service())),
        Contender::new(BARE_NOTHING, Signature::None, by_hand::nothing()),
    ]
}

/// The service behind a layer: notes that it is called, and ignores the body.
#[derive(Clone)]
struct Inner;

impl<B> Service<Request<B>> for Inner {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<B>) -> Self::Future {
        inner_called();
        std::future::ready(Ok(Response::new(Body::empty())))
    }
}

thread_local! {
    static INNER_CALLED: Cell<Option<Instant>> = const { Cell::new(None) };
}

fn inner_called() {
    INNER_CALLED.set(Some(Instant::now()));
}

/// When an inner service was last called, on this thread.
pub fn inner_called_at() -> Option<Instant> {
    INNER_CALLED.get()
}

fn at_hook<S, B>(service: S) -> Router
where
    S: Service<Request<Body>, Response = Response<B>, Error = Infallible>
        + Clone
        + Send
        + Sync
        + 'static,
    S::Future: Send,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    Router::new().route_service("/hook", service)
}

fn handled_all(Json(events): Json<Vec<AnyEvent>>) {
    events.into_iter().for_each(AnyEvent::handled);
}

fn decoded(body: &[u8]) -> Result<(), serde_json::Error> {
    let events: Vec<AnyEvent> = serde_json::from_slice(body)?;
    handled_all(Json(events));
    Ok(())
}

/// As its readme has it: a call of `verify` in a handler.
fn webhook_verify(provider: Provider, secret: &str, decode: fn(&[u8]) -> Option<()>) -> Router {
    let secret = Arc::new(Secret::new(secret));
    let handler = async move |headers: HeaderMap, body: Bytes| {
        let options = VerifyOptions::default();
        webhook_verify::verify(provider, &headers, &body, &secret, options)
            .map_err(|_| StatusCode::UNAUTHORIZED)?;
        decode(&body).ok_or(StatusCode::BAD_REQUEST)
    };
    Router::new().route("/hook", post(handler))
}

fn axum_standardwebhooks() -> Router {
    let handler =
        async |StandardWebhook(events): StandardWebhook<Json<Vec<AnyEvent>>>| handled_all(events);
    Router::new().route("/hook", post(handler)).with_state(shared_webhook())
}

fn shared_webhook() -> SharedWebhook {
    SharedWebhook::new(axum_standardwebhooks::Webhook::new(SECRET).expect("a good secret"))
}

/// Whoever verifies accepts what is signed, and refuses it with one byte changed.
///
/// # Panics
///
/// If not.
pub fn judge(contender: &mut Contender, body: &str) {
    let altered = altered(body);
    let request = contender.request(&body.to_owned().into());
    let (head, _) = request.clone().into_parts();
    let accepted = contender.call(request);
    assert!(accepted.is_success(), "{} answers {accepted} to what is signed", contender.name);
    let refused = contender.call(Request::from_parts(head, Frames::new(altered)));
    let verifies = contender.signature != Signature::None;
    assert_eq!(refused.is_client_error(), verifies, "{}: {refused}", contender.name);
}

/// The same JSON with another digit.
///
/// # Panics
///
/// If there is no `1` in it.
pub fn altered(body: &str) -> String {
    let altered = body.replacen('1', "2", 1);
    assert_ne!(body, altered);
    altered
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::common::events::handled_since;

    #[test]
    fn everyone_handles_every_event_and_no_forged_one() {
        for (contest, body, events) in
            [(STANDARD_WEBHOOKS, events::list(5), 5), (GITHUB, push::within(1024), 1)]
        {
            for contender in &mut (contest.contenders)() {
                let _ = handled_since();
                judge(contender, &body);
                let handled = match (contender.name, contender.signature) {
                    (BARE_BYTES, _) => 2,
                    (_, Signature::None) => 2 * events,
                    _ => events,
                };
                assert_eq!(handled_since(), handled, "{}, {}", contest.name, contender.name);
            }
        }
    }

    #[test]
    fn bodies_are_about_as_long_as_wanted() {
        for contest in [STANDARD_WEBHOOKS, GITHUB] {
            for size in [1024, 64 * 1024] {
                let length = (contest.body)(size).len();
                assert!((size - 400..=size).contains(&length), "{}: {length}", contest.name);
            }
        }
    }

    #[test]
    fn those_in_front_of_an_inner_service_call_it_for_no_forged_body() {
        for contender in &mut undecoded() {
            INNER_CALLED.set(None);
            let body = Bytes::from("[1]");
            let (head, _) = contender.request(&body).into_parts();
            contender.call(Request::from_parts(head, Frames::new("[2]")));
            assert_eq!(inner_called_at(), None, "{}", contender.name);
            contender.call(contender.request(&body));
            assert!(inner_called_at().is_some(), "{}", contender.name);
        }
    }

    #[test]
    fn a_check_alone_tells_the_two_apart() {
        let (head, _) = requests::signed("[1]").into_parts();
        for (name, mut check) in checks() {
            assert!(check(&head.headers, b"[1]"), "{name}");
            assert!(!check(&head.headers, b"[2]"), "{name}");
        }
    }
}
