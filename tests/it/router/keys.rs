//! What a handler is idempotent by.

use std::{borrow::Cow, collections::HashSet};

use tower::{Layer, ServiceExt};
use tower_webhook::{
    Delivery, Described, Draft, EventRouter, Provider, RawEvent, Sender, State, VerifyLayer,
    decode::Envelope,
    providers::learn365::{CourseCompleted, CourseEnrollment},
    router::EventKey,
    scheme::{Authentic, Check, Head, VerifyError},
};

use super::{Ping, outcomes, pings};
use crate::support::*;

async fn keep<E>(_: E, State(log): State<Log>, key: Option<EventKey>) {
    let key = key.unwrap();
    log.note(format!("{} {key} {key:?}", key.index()));
}

#[tokio::test]
async fn each_event_has_one_and_it_is_the_same_in_each_attempt() {
    let log = Log::default();
    let router =
        EventRouter::with_state(log.clone()).on(keep::<CourseCompleted>).fallback(keep::<RawEvent>);
    let completed = Draft::event(&CourseCompleted::default()).unwrap();
    let other = Draft::event(&CourseEnrollment::default()).unwrap();
    let events = [completed.clone(), other, completed];
    let hook = VerifyLayer::new(learn365()).layer(router);
    for (id, attempt) in [("d-1", 1), ("d-1", 2), ("d-2", 1)] {
        let sender = Sender::new(learn365()).id(id).attempt(attempt);
        let answer = hook.clone().oneshot(sender.batch(&events).unwrap()).await;
        assert_eq!(answer.unwrap().status(), 200);
    }
    let (first, rest) = (log.seen()[..3].to_vec(), log.seen()[3..].to_vec());
    assert_eq!(first, rest[..3]);
    assert_eq!(HashSet::<_>::from_iter(log.seen()).len(), 6);
    for (index, line) in first.iter().enumerate() {
        let [of, key, debug] = line.split(' ').collect::<Vec<_>>().try_into().unwrap();
        assert_eq!(of, index.to_string());
        assert!(key.len() == 66 && key.ends_with(&format!("-{index}")), "{key}");
        assert_eq!(debug, format!("EventKey({key})"));
    }
}

/// What is stored must be found again by the next version.
#[test]
fn it_is_written_as_it_was() {
    let key = EventKey::new(&delivery("acme", Some("sofia"), "d-1"), 7).unwrap();
    let expected = "3d9398a09e93f228cc5d742cd847972043e76fcfc80da763ff8fb8c29e9bb63f-7";
    assert_eq!(key.to_string(), expected);
}

#[test]
fn without_an_id_there_is_none() {
    let router = EventRouter::new().on(async |_: Ping, key: Option<EventKey>| match key {
        None => Ok(()),
        Some(key) => Err(key.to_string()),
    });
    assert_eq!(outcomes(&router, pings(2)), ["handled"; 2]);
    assert_eq!(EventKey::new(&delivery("acme", None, ""), 0), None);
}

struct Named(&'static str);

impl Provider for Named {
    fn authenticate(&self, _: &Head<'_>) -> Result<Check, VerifyError> {
        Ok(Authentic::dangerous_assert().into())
    }

    fn envelope(&self) -> Envelope {
        Envelope::flat("type")
    }

    fn name(&self) -> Cow<'static, str> {
        self.0.into()
    }
}

fn delivery(provider: &'static str, key: Option<&str>, id: &str) -> Delivery {
    let found = Described::default().id(id);
    let mut delivery = Delivery::new(Authentic::dangerous_assert()).described(found);
    if let Some(key) = key {
        delivery = delivery.dangerous_key_id(key);
    }
    let batch = EventRouter::new().dispatch(&Named(provider), delivery, "[]".into()).unwrap();
    batch.delivery().clone()
}

#[test]
fn no_two_events_share_one_and_all_are_short() {
    let long = "x".repeat(2_000);
    let parts = ["a", "ab", "b", "1:b", "a-1", "0", "01:a", "-", "\0", &long];
    let (mut keys, mut count) = (HashSet::new(), 0);
    for provider in ["", "a", "ab", "a1"] {
        for key in [None, Some("")].into_iter().chain(parts.map(Some)) {
            for id in parts {
                let delivery = delivery(provider, key, id);
                for index in [0, 1, 11, usize::MAX] {
                    let key = EventKey::new(&delivery, index).unwrap();
                    let text = key.to_string();
                    assert!(text.len() <= 85 && text.is_ascii(), "{text}");
                    assert!(keys.insert(text), "{provider} {key} {id} {index}");
                    count += 1;
                }
            }
        }
    }
    assert_eq!(count, 4 * 12 * 10 * 4);
}
