//! SynthesisVR: sessions, and whatever else may come.

use tower_webhook::{
    Event,
    providers::synthesis_vr::{SessionCreated, SessionRemoved, SynthesisVr},
};

use super::*;
use crate::support::synthesis_vr;

fn session(action: &str) -> Value {
    json!({
        "uuid": "41509791-3de8-5bb9-b4fc-a9753da95aad", "action": action,
        "location": "Kamen Test", "stations": 1, "customerid": 7685,
    })
}

#[test]
fn the_documented_examples_decode_into_every_field() {
    assert_eq!((SessionCreated::TYPE, SessionRemoved::TYPE), ("create", "delete"));
    for body in [json!([session("create")]), session("create")] {
        let [(event, _)] = decoded::<SessionCreated>(&synthesis_vr(), "create", body.to_string())
            .try_into()
            .unwrap();
        assert_eq!(event.uuid.as_deref(), Some("41509791-3de8-5bb9-b4fc-a9753da95aad"));
        assert_eq!(event.location.as_deref(), Some("Kamen Test"));
        assert_eq!((event.stations, event.customer_id), (Some(1), Some(7685)));
    }
    let body = json!([session("delete"), session("delete")]).to_string();
    let removed = decoded::<SessionRemoved>(&synthesis_vr(), "delete", body);
    assert_eq!(removed.len(), 2);
    assert_eq!(removed[0].0.customer_id, Some(7685));
}

#[test]
fn every_field_may_be_absent_and_others_may_join() {
    fn check<E>()
    where
        E: Payload<Provider = SynthesisVr> + Serialize + Default + PartialEq + std::fmt::Debug,
    {
        let full =
            json!({"uuid": "u", "location": "Kamen Test", "stations": 1, "customerid": 7685});
        every_field_is_optional::<E>(&synthesis_vr(), &full, |fields| {
            // Where the `uuid` is absent, it is no session at all.
            let mut body = json!({"uuid": null, "action": "event"});
            body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
            body.to_string()
        });
    }
    check::<SessionCreated>();
    check::<SessionRemoved>();
}

#[test]
fn a_customer_is_a_number_in_any_notation_or_nobody() {
    for (customer, expected) in [
        (json!(7685), Some(7685)),
        (json!("7685"), Some(7685)),
        (json!("-1"), Some(-1)),
        (json!(i64::MAX), Some(i64::MAX)),
        (Value::Null, None),
        (json!(""), None),
        (json!("walk-in"), None),
        (json!({"id": 7}), None),
    ] {
        let mut body = session("create");
        body["customerid"] = customer;
        let [(event, _)] = decoded::<SessionCreated>(&synthesis_vr(), "create", body.to_string())
            .try_into()
            .unwrap();
        assert_eq!(event.customer_id, expected);
    }
}

#[test]
fn a_session_has_a_uuid_and_an_action() {
    let events =
        EventRouter::new().on(async |_: SessionCreated| {}).on(async |_: SessionRemoved| {});
    let kept = [
        (Some("pause"), r#"{"uuid":"u","action":"pause"}"#),
        (None, r#"{"uuid":"u"}"#),
        (None, r#"{"action":"create"}"#),
        (None, r#"{"uuid":"u","action":7}"#),
        (None, r#"{"uuid":"u","uuid":"v","action":"create"}"#),
        (None, r#"{"kind":"booking","id":1.10}"#),
        (None, r#"["create"]"#),
        (None, "7"),
    ];
    let all: Vec<_> = kept.iter().map(|(_, json)| *json).collect();
    let body = format!("[{},{},{}]", session("create"), all.join(","), session("delete"));
    let expected: Vec<_> =
        kept.iter().map(|(kind, json)| (kind.map(str::to_owned), Bytes::from(*json))).collect();
    assert_eq!(unknown(events, &synthesis_vr(), body), expected);
}

#[test]
fn a_session_with_two_actions_does_not_fit() {
    let events = EventRouter::new().on(async |_: SessionCreated| {});
    let body = r#"[{"uuid":"u","action":"create","action":"delete"}]"#;
    let (_, outcome) = run(&events, &synthesis_vr(), body);
    let told = outcome.outcomes.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(told, ["element `[0]`: has two members `action` (byte 1)"]);
}
