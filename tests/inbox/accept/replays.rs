//! Deliveries that come again: what is a copy, and for how long.

use std::sync::Mutex;

use tower_webhook::clock::ManualClock;

use super::*;
use crate::sqlite::Folder;

#[tokio::test]
async fn e12_a_copy_is_one_after_a_restart_too() {
    let folder = Folder::new();
    let inbox = || Inbox::new(folder.open());
    let before = inbox();
    let first = posted(&before, learn365(), signed(learn365(), BODY)).await.number();
    before.close().await.unwrap();
    drop(before);
    let after = inbox();
    posted(&after, learn365(), signed(learn365(), BODY)).await.is_duplicate_of(first);
    assert_eq!(all(&after).await.len(), 1);
}

/// Whoever recorded a request can change what is not signed.
#[tokio::test]
async fn e14_e15_what_is_not_signed_makes_no_other_delivery() {
    let inbox = memory();
    let changed = |target: &str, headers: &[(&'static str, &str)]| {
        let mut request = signed(learn365(), BODY);
        *request.uri_mut() = target.parse().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        request
    };
    let first = posted(&inbox, learn365(), changed("/hook?a=1&b=2", &[])).await.number();
    for request in [
        changed("/hook?b=2&a=1", &[]),
        changed("/hook", &[]),
        changed("/hook?a=1&b=2", &[("webhook-id", "msg_2"), ("x-request-id", "7")]),
        changed("/hook?a=1&b=2", &[("idempotency-key", "8"), ("date", "never")]),
    ] {
        posted(&inbox, learn365(), request).await.is_duplicate_of(first);
    }
    assert_eq!(all(&inbox).await.len(), 1);
}

/// Who signs no time can be replayed whenever somebody likes. So keys are kept for long.
#[tokio::test]
async fn e22_a_copy_is_one_for_as_long_as_keys_are_kept() {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    let clock = ManualClock::at_unix_seconds(1_700_000_000);
    let inbox = Inbox::new(MemoryStore::with_clock(clock.clone()));
    let posted = async || posted(&inbox, learn365(), signed(learn365(), BODY)).await;
    let first = posted().await.number();
    let sources = [Arc::from("learn365")].into();
    let claim = Claim { sources, most: 1, lease: DAY };
    let lease = inbox.store().claim(claim).await.unwrap()[0].lease;
    assert_eq!(inbox.store().finish(lease, vec![], Finish::Done).await, Ok(true));
    clock.advance(89 * DAY);
    inbox.store().purge(Retention::default()).await.unwrap();
    posted().await.is_duplicate_of(first);
    clock.advance(2 * DAY);
    inbox.store().purge(Retention::default()).await.unwrap();
    posted().await.number();
}

/// It must not use up the id of what is still to come.
#[tokio::test]
async fn e24_a_forgery_with_the_id_of_a_genuine_delivery_changes_nothing() {
    let inbox = memory();
    for tamper in [Tamper::BodyAltered, Tamper::BitFlipped] {
        let forged = Sender::new(learn365()).tampered(tamper).body(BODY).unwrap();
        assert_eq!(posted(&inbox, learn365(), forged).await.status, 401);
    }
    posted(&inbox, learn365(), signed(learn365(), BODY)).await.number();
}

/// Otherwise two readers of one body could disagree on what it is a copy of.
#[tokio::test]
async fn c6_an_id_that_stands_twice_is_none() {
    let inbox = memory();
    let twice = BODY.replace(r#""Attempt":1"#, r#""Id":"d2""#);
    let seen = Arc::<Mutex<Vec<_>>>::default();
    let noted = seen.clone();
    let inbox = inbox.id(move |delivery, _| {
        let id = delivery.id().map(str::to_owned);
        noted.lock().unwrap().push(id.clone());
        id.map(String::into_bytes)
    });
    posted(&inbox, learn365(), signed(learn365(), twice)).await.number();
    assert_eq!(*seen.lock().unwrap(), [None]);
}
