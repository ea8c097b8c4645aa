//! What becomes of an event: one line of JSON.

use serde::Serialize;
use serde_json::value::RawValue;
use tower_webhook::{
    BoxError, Delivery, Event, EventRouter, Provider, RawEvent,
    providers::{learn365, loops, standard_webhooks::StandardWebhooks, synthesis_vr, teachstack},
};

/// All whose names are documented. The four other events of Loops arrive at the fallback.
pub(crate) fn loops() -> EventRouter<loops::Loops> {
    all().on(typed::<loops::SessionStarted>)
}

pub(crate) fn synthesis_vr() -> EventRouter<synthesis_vr::SynthesisVr> {
    all().on(typed::<synthesis_vr::SessionCreated>).on(typed::<synthesis_vr::SessionRemoved>)
}

pub(crate) fn teachstack() -> EventRouter<teachstack::Teachstack> {
    all()
        .on(typed::<teachstack::RoomCreated>)
        .on(typed::<teachstack::RoomClosed>)
        .on(typed::<teachstack::PeerJoined>)
        .on(typed::<teachstack::PeerLeft>)
        .on(typed::<teachstack::RecordingProcessed>)
        .on(typed::<teachstack::RecordingFailed>)
        .on(typed::<teachstack::WhiteboardNewFileSaved>)
}

pub(crate) fn learn365() -> EventRouter<learn365::Learn365> {
    all()
        .on(typed::<learn365::CourseEnrollment>)
        .on(typed::<learn365::CourseUnenrollment>)
        .on(typed::<learn365::CourseStarted>)
        .on(typed::<learn365::CourseCompleted>)
        .on(typed::<learn365::EnrollmentApprovalRequest>)
        .on(typed::<learn365::CoursePublished>)
        .on(typed::<learn365::CourseUnpublished>)
        .on(typed::<learn365::CourseCreated>)
        .on(typed::<learn365::CourseDeleted>)
        .on(typed::<learn365::UserCreated>)
        .on(typed::<learn365::UserDeleted>)
}

/// The standard leaves the events to whoever uses it.
pub(crate) fn standard_webhooks() -> EventRouter<StandardWebhooks> {
    all()
}

fn all<P: Provider>() -> EventRouter<P> {
    EventRouter::new().fallback(raw)
}

/// Being decoded is the event's test: what does not fit `E` comes to [`raw`], with the error. An app returns that error, so
/// that the sender repeats the event. Here, the line shows it.
async fn typed<E: Event>(_: E, event: RawEvent, delivery: Delivery) -> Result<(), BoxError> {
    raw(event, delivery).await
}

async fn raw(event: RawEvent, delivery: Delivery) -> Result<(), BoxError> {
    let json = one_line(std::str::from_utf8(event.json())?);
    let line = Line {
        provider: delivery.provider(),
        kind: event.event_type(),
        delivery: delivery.id(),
        attempt: delivery.sender_attempt(),
        event: serde_json::from_str(&json)?,
        error: event.error().map(ToString::to_string),
    };
    Ok(crate::io::print(serde_json::to_string(&line)?).await?)
}

#[derive(Serialize)]
struct Line<'a> {
    provider: &'a str,
    #[serde(rename = "type")]
    kind: Option<&'a str>,
    delivery: Option<&'a str>,
    attempt: Option<u32>,
    event: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// Inside of its strings JSON has no line breaks, and between tokens they mean nothing.
fn one_line(json: &str) -> String {
    json.replace(['\r', '\n'], "")
}
