//! Five senders: the genuine events reach their handlers, and the forged ones are refused for a reason.
//!
//! `cargo run --example quickstart`
//!
//! There is nothing to set up: no network, and the secrets are invented. The fields of the events are the ones that the
//! vendors document, or for Teachstack the ones that were observed.

use std::fmt::Display;

use serde::Deserialize;
use tower::{Layer, ServiceExt};
use tower_webhook::{
    BoxError, Emit, EventRouter, Rejection, Sender, VerifyLayer,
    providers::{
        learn365::{CourseCompleted, Learn365},
        loops::{Loops, SessionStarted},
        standard_webhooks::StandardWebhooks,
        synthesis_vr::{SessionCreated, SynthesisVr},
        teachstack::{PeerJoined, Teachstack},
    },
    scheme::Token,
    sender::Tamper,
};

#[derive(Deserialize)]
struct InvoicePaid {
    total: u64,
}
tower_webhook::event!(InvoicePaid: StandardWebhooks = "invoice.paid");

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    with_tokens().await?;
    with_signatures().await?;
    println!("The forger gets the status only. The reason is for you: it is in the extensions of");
    println!("the response, and, with the feature `tracing`, in a trace event.\n");
    println!("Next, a sender of your own: cargo run --example own_provider");
    Ok(())
}

/// These senders sign nothing, so the URL ends in a secret token.
async fn with_tokens() -> Result<(), BoxError> {
    let loops = Loops::new(Token::path("a-secret-token-in-the-url-for-loops")?);
    let events = EventRouter::new().on(async |e: SessionStarted| handled("session", e.name));
    let started = ("SESSION_STARTED", r#"{"name":"Digital Tools - Fall 2021"}"#);
    let forgery = (Tamper::BitFlipped, "with one bit of the token flipped");
    show(loops, events, started, forgery).await?;

    let synthesis_vr = SynthesisVr::new(Token::path("a-secret-token-in-the-url-for-synthesis-vr")?);
    let events = EventRouter::new().on(async |e: SessionCreated| handled("location", e.location));
    let created = ("create", r#"{"uuid":"41509791-3de8","location":"Kamen Test"}"#);
    let forgery = (Tamper::Truncated, "with a part of the token only");
    show(synthesis_vr, events, created, forgery).await?;

    let teachstack = Teachstack::new(Token::path("a-secret-token-in-the-url-for-teachstack")?);
    let events = EventRouter::new().on(async |e: PeerJoined| handled("room", e.room_id));
    let joined = ("peer.joined", r#"{"room_id":"room-7"}"#);
    show(teachstack, events, joined, (Tamper::Unsigned, "without a token")).await
}

/// These senders sign the body with a secret.
async fn with_signatures() -> Result<(), BoxError> {
    let learn365 = Learn365::new("invented, and as typed into the registration")?;
    let events = EventRouter::new()
        .on(async |e: CourseCompleted| handled("status", e.enrollment_status_text));
    let completed = ("CourseCompleted", r#"{"EnrollmentStatusText":"Completed"}"#);
    let forgery = (Tamper::BodyAltered, "with an altered body");
    show(learn365, events, completed, forgery).await?;

    let standard = StandardWebhooks::new("whsec_aW52ZW50ZWQgZm9yIHRoZSBxdWlja3N0YXJ0IG9ubHk=")?;
    let events = EventRouter::new().on(async |e: InvoicePaid| handled("total", Some(e.total)));
    let paid = ("invoice.paid", r#"{"total":2432}"#);
    show(standard, events, paid, (Tamper::Stale, "signed ten years ago")).await
}

fn handled(field: &str, value: Option<impl Display>) {
    println!("  handler: {field} {}", value.map(|value| value.to_string()).unwrap_or_default());
}

/// Gives a receiver of `provider` a genuine request, then a forged one, and prints what happens.
async fn show<P: Emit + Clone>(
    provider: P,
    events: EventRouter<P>,
    (event_type, json): (&str, &str),
    (tamper, how): (Tamper, &str),
) -> Result<(), BoxError> {
    let hook = VerifyLayer::new(provider.clone()).layer(events);
    let (name, sender) = (provider.name().into_owned(), Sender::new(provider));
    println!("{name} sends {event_type}");
    let answer = hook.clone().oneshot(sender.raw(event_type, json)?).await?;
    println!("  answer:  {}", answer.status());
    assert_eq!(answer.status(), 200);

    println!("{name}, forged: {event_type} {how}");
    let answer = hook.oneshot(sender.tampered(tamper).raw(event_type, json)?).await?;
    let reason = answer.extensions().get::<Rejection>().ok_or("a forgery was accepted")?;
    println!("  answer:  {}\n  reason:  {reason}\n", answer.status());
    Ok(())
}
