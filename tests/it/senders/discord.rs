//! Discord: Ed25519 over the time and the body, and a ping that is answered.

use serde::{Deserialize, Serialize};
use tower_webhook::{Payload, Sender, providers::discord::Discord, scheme::PublicKeys};

use super::matrix::{asked::*, *};
use crate::list::{
    self,
    signing::{Signing, discord, discord_key},
};

#[derive(Clone, Debug, Deserialize, Serialize)]
struct Command {
    data: Named,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
struct Named {
    name: String,
}

impl Payload for Command {
    type Provider = Signing<Discord>;
}

pub(super) fn subject() -> impl Case {
    Subject {
        sender: list::discord::subject,
        event_type: "2",
        event: Command { data: Named { name: "hello".into() } },
        unfit: r#"{"data": 1}"#,
    }
}

#[tokio::test]
async fn a_ping_is_answered_and_handled_by_nobody() {
    for (body, answer, events) in [
        (r#"{"type":1,"id":"1"}"#, r#"{"type":1}"#, 0),
        (r#"{"id":"1", "type" : 1 }"#, r#"{"type":1}"#, 0),
        (r#"{"type":2}"#, "", 1),
        (r#"{"type":11}"#, "", 1),
        (r#"{"type":"1"}"#, "", 1),
        (r#"{"type":1,"type":2}"#, "", 1),
    ] {
        let request = Sender::new(discord(7)).body(body).unwrap();
        let (status, said, seen) = answered(Discord::new(discord_key(7)).unwrap(), request).await;
        assert_eq!((status, &*said, seen.len()), (200, answer, events), "{body}");
    }
    let foreign = Sender::new(discord(9)).body(r#"{"type":1}"#).unwrap();
    let (status, said, _) = answered(Discord::new(discord_key(7)).unwrap(), foreign).await;
    assert_eq!(status, 401);
    assert!(!said.contains("type"), "{said}");
}

#[test]
fn what_is_no_key_is_refused() {
    let own = discord_key(7);
    for text in ["", &own[2..], &own[1..], &format!("{own}00"), &own.replacen('e', "z", 1)] {
        assert!(Discord::new(text).is_err(), "{text}");
    }
    assert!(Discord::new(PublicKeys::from(&own).or(own.to_uppercase())).is_ok());
}
