//! Teachstack: seven documented names, payloads that were observed only.

use tower_webhook::{
    Event,
    providers::teachstack::{
        PeerJoined, PeerLeft, RecordingFailed, RecordingProcessed, RoomClosed, RoomCreated,
        Teachstack, WhiteboardNewFileSaved,
    },
};

use super::*;
use crate::support::{Log, path_token, teachstack};

#[test]
fn the_seven_documented_names() {
    assert_eq!(
        [
            RoomCreated::TYPE,
            RoomClosed::TYPE,
            PeerJoined::TYPE,
            PeerLeft::TYPE,
            RecordingProcessed::TYPE,
            RecordingFailed::TYPE,
            WhiteboardNewFileSaved::TYPE,
        ],
        [
            "room.created",
            "room.closed",
            "peer.joined",
            "peer.left",
            "recording.processed",
            "recording.failed",
            "whiteboard.new_file_saved",
        ]
    );
}

#[test]
fn what_was_observed_decodes_and_may_be_absent() {
    fn check<E>(data: Value)
    where
        E: Payload<Provider = Teachstack> + Serialize + Default + PartialEq + std::fmt::Debug,
    {
        let mut full =
            json!({"room_id": "r1", "session_id": "s1", "time": 1_700_000_000_000_000_i64});
        if !data.is_null() {
            full["data"] = data;
        }
        every_field_is_optional::<E>(&teachstack(), &full, |fields| named("event", fields));
    }
    let peer = json!({"uid": "u1", "uname": "Ada", "utype": 11});
    let recording = json!({
        "_id": "1", "session_id": "s1", "raw_path": "a", "processed_path": "b", "thumbnail_path": "c",
        "thumbnail_256x144_path": "d", "duration": 61.5, "status": "failed",
    });
    check::<RoomCreated>(Value::Null);
    check::<RoomClosed>(Value::Null);
    check::<PeerJoined>(peer.clone());
    check::<PeerLeft>(peer);
    check::<RecordingProcessed>(recording.clone());
    check::<RecordingFailed>(recording);
    check::<WhiteboardNewFileSaved>(json!({"url": "https://example.com/1", "filetype": "pdf"}));
}

/// The one object that was observed, with the name last.
fn named(name: &str, fields: &Value) -> String {
    let mut body = fields.clone();
    body["event_name"] = name.into();
    body.to_string()
}

#[test]
fn time_is_microseconds_in_a_number_or_in_text() {
    for (time, expected) in [
        (json!(1_700_000_000_123_456_i64), Some(1_700_000_000_123_456)),
        (json!("1700000000123456"), Some(1_700_000_000_123_456)),
        (Value::Null, None),
        (json!("soon"), None),
        (json!([1]), None),
    ] {
        let body = json!([{"event_name": "room.created", "time": time}]).to_string();
        assert_eq!(decoded::<RoomCreated>(&teachstack(), "room.created", body)[0].0.time, expected);
    }
    let events = EventRouter::new().on(async |_: RecordingFailed| {});
    for (body, expected) in [
        (r#"{"room_id":7}"#, "`[0].room_id`: expected a string"),
        (r#"{"data":{"duration":1e999}}"#, "`[0].data.duration`: number out of range"),
    ] {
        let body = format!(r#"{{"event_name":"recording.failed",{}"#, &body[1..]);
        let (_, outcome) = run(&events, &teachstack(), body);
        assert_eq!(
            outcome.outcomes[0].to_string(),
            format!(r#"event "recording.failed" at {expected} (byte 0)"#)
        );
    }
}

#[test]
fn the_member_that_names_the_event_is_configurable() {
    let provider = Teachstack::new(path_token()).discriminator("type");
    let body = r#"{"event_name":"x","type":"room.closed","room_id":"r1"}"#;
    assert_eq!(
        decoded::<RoomClosed>(&provider, "room.closed", body)[0].0.room_id.as_deref(),
        Some("r1")
    );
    assert_eq!(unknown(EventRouter::new(), &teachstack(), body)[0].0.as_deref(), Some("x"));
}

#[test]
fn the_prose_spelling_is_an_alias_for_who_wants_it() {
    let body = r#"[{"event_name":"Room_closed"},{"event_name":"room.closed"}]"#;
    let log = Log::default();
    let (documented, prose) = (log.clone(), log.clone());
    let events = EventRouter::new().on(async move |_: RoomClosed| documented.note("documented"));
    assert_eq!(unknown(events.clone(), &teachstack(), body)[0].0.as_deref(), Some("Room_closed"));
    let events = events.on_type("Room_closed", async move |_: RoomClosed| prose.note("prose"));
    assert_eq!(unknown(events, &teachstack(), body), []);
    assert_eq!(log.seen(), ["documented", "prose", "documented"]);
}

#[test]
fn a_name_of_a_person_is_not_shown() {
    let body = named("peer.joined", &json!({"data": {"uid": "u1", "uname": "Ada Lovelace"}}));
    let [(event, _)] =
        decoded::<PeerJoined>(&teachstack(), "peer.joined", body).try_into().unwrap();
    assert_eq!(event.data.as_ref().unwrap().uname.as_deref(), Some("Ada Lovelace"));
    shows_nothing_of(&event, &["Ada", "Lovelace"]);
    let body = named("peer.left", &json!({"data": {"uname": "Ada Lovelace"}}));
    shows_nothing_of(
        &decoded::<PeerLeft>(&teachstack(), "peer.left", body)[0].0,
        &["Ada", "Lovelace"],
    );
}
