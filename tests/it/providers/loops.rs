//! Loops: one documented name, one documented example, which is no JSON as printed.

use tower::Layer;
use tower_webhook::{
    Event, Rejection, VerifyLayer,
    providers::loops::{
        Loops, ParticipantsAdded, ParticipantsLeaving, SessionRevived, SessionStarted,
        SessionTerminated,
    },
};

use super::*;
use crate::support::{Log, TOKEN, answer, loops, post};

/// The example of the documentation page, as it is printed there.
const PAGE: &str = include_str!("../../fixtures/loops_page.txt");

/// The same with the quotes, blanks and commas of JSON.
fn normalised() -> String {
    let text = PAGE.replace('”', "\"").replace('\u{a0}', " ").replace('–', "-");
    let (head, tail) = text.rsplit_once("},").unwrap();
    format!("{head}}}{tail}")
}

#[tokio::test]
async fn the_page_as_printed_is_refused_and_says_why() {
    let log = Log::default();
    let seen = log.clone();
    let events = EventRouter::new().on(async move |_: SessionStarted| seen.note("started"));
    let hook = VerifyLayer::new(loops()).layer(events);

    let refused = answer(hook.clone(), post(TOKEN, PAGE)).await;
    assert_eq!(refused.status(), 400);
    let reason = refused.rejection().unwrap();
    assert!(matches!(reason, Rejection::Undecodable(_)));
    assert_eq!(
        reason.to_string(),
        "not decodable: the body is not JSON (expected value) at byte 2"
    );
    assert_eq!(refused.traced.len(), 1);
    assert!(refused.traced[0].contains(&reason.to_string()), "{:?}", refused.traced);
    assert_eq!(log.seen(), [""; 0]);

    assert_eq!(answer(hook, post(TOKEN, normalised())).await.status(), 200);
    assert_eq!(log.seen(), ["started"]);
}

#[test]
fn the_normalised_page_decodes_into_every_field() {
    let [(event, _)] =
        decoded::<SessionStarted>(&loops(), "SESSION_STARTED", normalised()).try_into().unwrap();
    assert_eq!(event.uuid.as_deref(), Some("7fa00242-52c6-486f-a041-874513dbc0e6"));
    assert_eq!(event.name.as_deref(), Some("Digital Tools - Fall 2021"));
    assert_eq!(event.loop_name.as_deref(), Some("Digital Tools"));
    let participants = event.participants.unwrap();
    let seen: Vec<_> = participants
        .iter()
        .map(|p| (p.user_id, p.role.as_deref(), p.state.as_deref(), p.email.as_deref()))
        .collect();
    let invited = Some("invited");
    assert_eq!(
        seen,
        [
            (Some(1), Some("owner"), invited, Some("teacher@example.com")),
            (Some(2), Some("pupil"), invited, Some("pupil@example.com")),
        ]
    );
}

fn data() -> Value {
    json!({
        "uuid": "7fa00242", "name": "Digital Tools - Fall 2021", "loopName": "Digital Tools",
        "participants": [{"userId": 1, "role": "owner", "state": "invited", "email": "teacher@example.com"}],
    })
}

#[test]
fn every_field_may_be_absent_and_others_may_join() {
    fn check<E>()
    where
        E: Payload<Provider = Loops> + Serialize + Default + PartialEq + std::fmt::Debug,
    {
        every_field_is_optional::<E>(&loops(), &data(), |data| {
            json!([{"type": "event", "data": data}]).to_string()
        });
        let body = json!([{"type": "SEEN", "data": data()}]).to_string();
        shows_nothing_of(&decoded::<E>(&loops(), "SEEN", body)[0].0, &["teacher", "example.com"]);
    }
    check::<SessionStarted>();
    check::<SessionTerminated>();
    check::<SessionRevived>();
    check::<ParticipantsAdded>();
    check::<ParticipantsLeaving>();
}

#[test]
fn roles_and_states_are_open() {
    let body = json!({"type": "SESSION_STARTED", "data": {"participants": [{"role": "?", "state": ""}, {}]}});
    let [(event, _)] = decoded::<SessionStarted>(&loops(), "SESSION_STARTED", body.to_string())
        .try_into()
        .unwrap();
    assert_eq!(event.participants.unwrap()[0].role.as_deref(), Some("?"));
}

#[test]
fn one_name_is_documented_and_four_are_yours_to_give() {
    assert_eq!(SessionStarted::TYPE, "SESSION_STARTED");
    let log = Log::default();
    let (a, b, c, d) = (log.clone(), log.clone(), log.clone(), log.clone());
    let events = EventRouter::new()
        .on_type("END", async move |e: SessionTerminated| {
            a.note(format!("terminated {:?}", e.uuid));
        })
        .on_type("BACK", async move |_: SessionRevived| b.note("revived"))
        .on_type("PLUS", async move |_: ParticipantsAdded| c.note("added"))
        .on_type("MINUS", async move |_: ParticipantsLeaving| d.note("leaving"));
    let element = |name: &str| json!({"type": name, "data": {"uuid": "u"}});
    let body =
        json!([element("END"), element("BACK"), element("PLUS"), element("MINUS"), element("NEW")]);
    assert_eq!(
        unknown(events, &loops(), body.to_string()),
        [(Some("NEW".into()), Bytes::from(element("NEW").to_string()))]
    );
    assert_eq!(log.seen(), [r#"terminated Some("u")"#, "revived", "added", "leaving"]);
}

#[test]
fn equal_events_are_two_events() {
    let event = json!({"type": "SESSION_STARTED", "data": data()});
    let body = json!([event, event]).to_string();
    assert_eq!(decoded::<SessionStarted>(&loops(), "SESSION_STARTED", body).len(), 2);
}
