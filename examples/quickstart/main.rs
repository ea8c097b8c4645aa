//! Five senders, one server: what each of them sends is handled, and what others send in its name is not.
//!
//! `cargo run --example quickstart`
//!
//! Real HTTP on a free port of this machine, and nothing to set up: the secrets here are invented. What is sent is the
//! vendor's documented example; where there is none, invented values stand in documented fields (Teachstack documents
//! none: in fields observed by others).

mod show;

use std::process::ExitCode;

use http::StatusCode;
use serde::{Deserialize, Serialize};
use tower::Layer;
use tower_webhook::{
    BoxError, Event, EventRouter, Payload, Sender, State, VerifyLayer,
    providers::{
        learn365::{CourseCompleted, Learn365},
        loops::{Loops, SessionStarted},
        standard_webhooks::StandardWebhooks,
        synthesis_vr::{SessionCreated, SessionRemoved, SynthesisVr},
        teachstack::{PeerJoined, Teachstack},
    },
    scheme::Token,
    sender::Tamper,
};

use crate::show::{Log, Show};

#[tokio::main]
async fn main() -> Result<ExitCode, BoxError> {
    let mut show = Show::on_a_free_port().await?;
    loops(&mut show)?;
    synthesis_vr(&mut show)?;
    teachstack(&mut show)?;
    learn365(&mut show)?;
    standard_webhooks(&mut show)?;
    show.run().await
}

/// Signs nothing, so the URL ends in a secret token. A wrong one is answered 404.
fn loops(show: &mut Show) -> Result<(), BoxError> {
    let loops = Loops::new(Token::path("5c0b5a1e-known-to-loops-and-to-nobody-else")?);
    let events = EventRouter::with_state(show.log()).on(
        async |e: SessionStarted, State(log): State<Log>| {
            let (name, all) = (e.name.unwrap_or_default(), e.participants.unwrap_or_default());
            log.handled(format!("{name:?} started, {} invited", all.len()));
        },
    );
    show.mount("/loops/{token}", VerifyLayer::new(loops.clone()).layer(events));

    let example = r#"[{"type":"SESSION_STARTED","data":{
        "uuid":"7fa00242-52c6-486f-a041-874513dbc0e6","name":"Digital Tools - Fall 2021","loopName":"Digital Tools",
        "participants":[{"userId":1,"role":"owner","state":"invited","email":"teacher@example.com"},
                        {"userId":2,"role":"pupil","state":"invited","email":"pupil@example.com"}]}}]"#;
    let sender = Sender::new(loops).to(show.url("/loops")?);
    show.genuine(
        "Loops: SESSION_STARTED",
        sender.body(example)?,
        "\"Digital Tools - Fall 2021\" started, 2 invited",
    );
    show.forged(
        "Loops: a token with one bit flipped",
        sender.tampered(Tamper::BitFlipped).body(example)?,
        StatusCode::NOT_FOUND,
    );
    Ok(())
}

/// Signs nothing either, waits two seconds and never sends again.
fn synthesis_vr(show: &mut Show) -> Result<(), BoxError> {
    let synthesis_vr = SynthesisVr::new(Token::path("a-token-for-each-location-this-is-kamens")?);
    let events = EventRouter::with_state(show.log())
        .on(async |e: SessionCreated, State(log): State<Log>| {
            let (location, stations) = (e.location.unwrap_or_default(), e.stations.unwrap_or(0));
            log.handled(format!("{location:?}: {stations} station"));
        })
        .on(async |e: SessionRemoved, State(log): State<Log>| {
            log.handled(format!("{:?}: session removed", e.location.unwrap_or_default()));
        });
    show.mount("/synthesis-vr/{token}", VerifyLayer::new(synthesis_vr.clone()).layer(events));

    let created = r#"[{"uuid": "41509791-3de8-5bb9-b4fc-a9753da95aad", "action": "create",
        "location": "Kamen Test", "stations": 1, "customerid": 7685}]"#;
    let removed = created.replace("create", "delete");
    let sender = Sender::new(synthesis_vr).to(show.url("/synthesis-vr")?);
    show.genuine("SynthesisVR: create", sender.body(created)?, "\"Kamen Test\": 1 station");
    show.genuine("SynthesisVR: delete", sender.body(removed)?, "\"Kamen Test\": session removed");
    show.forged(
        "SynthesisVR: a token cut short",
        sender.tampered(Tamper::Truncated).body(created)?,
        StatusCode::NOT_FOUND,
    );
    Ok(())
}

/// Documents seven names and no payload: these fields were seen in receivers of its traffic.
fn teachstack(show: &mut Show) -> Result<(), BoxError> {
    let teachstack = Teachstack::new(Token::path("teachstack_calls_itself_unauthenticated")?);
    let events =
        EventRouter::with_state(show.log()).on(async |e: PeerJoined, State(log): State<Log>| {
            let (peer, room) = (e.data.unwrap_or_default(), e.room_id.unwrap_or_default());
            log.handled(format!("{} joined {room}", peer.uid.unwrap_or_default()));
        });
    show.mount("/teachstack/{token}", VerifyLayer::new(teachstack.clone()).layer(events));

    let joined = r#"{"event_name":"peer.joined","room_id":"room-7","time":1700000000000000,
        "data":{"uid":"ada","uname":"Ada","utype":2}}"#;
    let url = show.url("/teachstack")?;
    let stranger = Teachstack::new(Token::path("somebody_guesses_what_the_token_may_be")?);
    let genuine = Sender::new(teachstack).to(url.clone());
    let forged = Sender::new(stranger).to(url);
    show.genuine("Teachstack: peer.joined", genuine.body(joined)?, "ada joined room-7");
    show.forged("Teachstack: a token that is a guess", forged.body(joined)?, StatusCode::NOT_FOUND);
    Ok(())
}

/// Signs its bodies: an HMAC in the header `ms-signature`.
fn learn365(show: &mut Show) -> Result<(), BoxError> {
    let learn365 = Learn365::new("invented, and as typed into the registration")?;
    let events = EventRouter::with_state(show.log()).on(
        async |e: CourseCompleted, State(log): State<Log>| {
            let (course, users) = (e.course.unwrap_or_default(), e.users.unwrap_or_default());
            let title = course.title.unwrap_or_default();
            log.handled(format!("{title:?} completed by {}", users.len()));
        },
    );
    show.mount("/learn365", VerifyLayer::new(learn365.clone()).layer(events));

    let completed = r#"{"EnrollmentStatusText":"Completed","Course":{"Id":"42","Title":"Fire safety","Published":true},
        "Users":[{"Id":"7","Title":"Ada","Email":"ada@example.com"}],"TimeStamp":"2024-05-06T07:08:09+00:00"}"#;
    let sender = Sender::new(learn365).to(show.url("/learn365")?);
    show.genuine(
        "Learn365: CourseCompleted",
        sender.raw("CourseCompleted", completed)?,
        "\"Fire safety\" completed by 1",
    );
    let altered = sender.tampered(Tamper::BodyAltered).raw("CourseCompleted", completed)?;
    show.forged("Learn365: an altered body", altered, StatusCode::UNAUTHORIZED);
    Ok(())
}

/// Whoever follows the standard signs id, time and body. The events are yours.
fn standard_webhooks(show: &mut Show) -> Result<(), BoxError> {
    let standard = StandardWebhooks::new("whsec_aW52ZW50ZWQgZm9yIHRoZSBxdWlja3N0YXJ0IG9ubHk=")?;
    let events =
        EventRouter::with_state(show.log()).on(async |e: InvoicePaid, State(log): State<Log>| {
            log.handled(format!("invoice over {} paid", e.total));
        });
    show.mount("/standard", VerifyLayer::new(standard.clone()).layer(events));

    let paid = InvoicePaid { total: 2432 };
    let sender = Sender::new(standard).to(show.url("/standard")?);
    show.genuine("Standard Webhooks: invoice.paid", sender.event(&paid)?, "invoice over 2432 paid");
    show.forged(
        "Standard Webhooks: signed ten years ago",
        sender.tampered(Tamper::Stale).event(&paid)?,
        StatusCode::UNAUTHORIZED,
    );
    Ok(())
}

#[derive(Deserialize, Serialize)]
struct InvoicePaid {
    total: u64,
}

impl Payload for InvoicePaid {
    type Provider = StandardWebhooks;
}

impl Event for InvoicePaid {
    const TYPE: &'static str = "invoice.paid";
}
