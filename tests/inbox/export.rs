//! A delivery as a line of JSON.

use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use tower_webhook::inbox::{DeadReason, Record, State, Stored};

fn dead(body: &'static [u8]) -> Stored {
    let record = Record {
        source: "shop".into(),
        tenant: Some("north".into()),
        key_id: None,
        id: Some("=1\n2".into()),
        event_type: None,
        received_at: UNIX_EPOCH + Duration::from_millis(1_700_000_000_999),
        headers: Bytes::from_static(b"x-name: caf\xe9\r\n"),
        digest: [0xa1; 32],
        body: Bytes::from_static(body),
    };
    Stored {
        seq: 7,
        record,
        state: State::Dead,
        attempts: 12,
        error: Some("its handler failed: \"no\"".into()),
        reason: Some(DeadReason::Exhausted),
        finished_at: Some(UNIX_EPOCH),
    }
}

fn line(body: &'static [u8]) -> String {
    serde_json::to_string(&dead(body)).unwrap()
}

#[test]
fn a_delivery_is_one_flat_line_of_json() {
    let facts = [
        r#"{"seq":7,"source":"shop","tenant":"north","key_id":null,"id":"=1\n2","event_type":null,"#,
        r#""received_at":"2023-11-14T22:13:20Z","state":"dead","attempts":12,"reason":"exhausted","#,
        r#""error":"its handler failed: \"no\"","finished_at":"1970-01-01T00:00:00Z","digest":""#,
        &"a1".repeat(32),
        r#"","headers":"x-name: caf"#,
        "\u{fffd}",
        r#"\r\n","body":"[\"é\"]","body_base64":null}"#,
    ];
    assert_eq!(line("[\"é\"]".as_bytes()), facts.concat());
}

#[test]
fn a_body_that_is_no_text_is_in_base64() {
    assert!(line(b"\xff\x00\xfe").ends_with(r#""body":null,"body_base64":"/wD+"}"#));
    assert!(line(b"").ends_with(r#""body":"","body_base64":null}"#));
}
