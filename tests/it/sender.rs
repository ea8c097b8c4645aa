//! The sending side: what it writes, byte for byte, what it refuses, and that what it forges is refused.

mod delivered;
mod deliveries;
mod errors;
mod headers;
mod recorded;
mod schedules;
mod shapes;
mod tampered;

use std::{
    net::SocketAddr,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http::{Request, StatusCode, request::Parts};
use http_body_util::BodyExt;
use tower::{Layer, ServiceExt};
use tower_webhook::{
    Body, Draft, Emit, EventRouter, Outgoing, Provider, VerifyLayer,
    decode::Envelope,
    error::SendError,
    scheme::{Authentic, Check, Head, VerifyError},
};

use crate::support::{Arrived, endpoint};

/// The body of a request that a sender made.
async fn body(request: Request<Body>) -> String {
    let bytes = request.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.into()).unwrap()
}

/// How a receiver of `provider` that takes every event answers.
async fn status<P: Provider>(provider: P, request: Request<Body>) -> StatusCode {
    let hook = VerifyLayer::new(provider).layer(EventRouter::new());
    hook.oneshot(request).await.unwrap().status()
}

/// Answers with these, one after the other, and with the last of them from then on.
async fn answering<const N: usize>(script: [u16; N]) -> (SocketAddr, Arrived) {
    endpoint(move |_, before| StatusCode::from_u16(script[before.min(N - 1)]).unwrap()).await
}

/// A provider of one's own. Its events have the attempt, the time of the first and the time, in seconds; an event called
/// `once` cannot be sent again, and one called `panic` panics then.
struct Own;

impl Provider for Own {
    fn authenticate(&self, _: &Head<'_>) -> Result<Check, VerifyError> {
        Ok(Authentic::dangerous_assert().into())
    }

    fn envelope(&self) -> Envelope {
        Envelope::flat("type")
    }
}

impl Emit for Own {
    fn encode(&self, events: &[Draft], outgoing: &Outgoing) -> Result<Bytes, SendError> {
        if outgoing.attempt > 1 && events.iter().any(|event| event.event_type == "once") {
            return Err(SendError::Encode("it was sent before".into()));
        }
        assert!(outgoing.attempt == 1 || events.iter().all(|event| event.event_type != "panic"));
        let [first, now] = [outgoing.occurred_at, outgoing.now].map(seconds);
        let told = format!("[{}, {first}, {now}]", outgoing.attempt);
        let event = |event: &Draft| format!(r#"{{"type":"{}","told":{told}}}"#, event.event_type);
        Ok(format!("[{}]", events.iter().map(event).collect::<Vec<_>>().join(",")).into())
    }

    fn sign(&self, head: &mut Parts, _: &[u8], outgoing: &Outgoing) {
        head.headers.insert("x-id", outgoing.id.parse().unwrap());
    }
}

/// The time so many seconds after 1970 began.
fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}
