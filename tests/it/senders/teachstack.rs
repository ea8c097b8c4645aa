//! Teachstack: one object, and nothing signed. `providers::teachstack` has the rest.

use tower_webhook::providers::teachstack::PeerJoined;

use super::matrix::*;
use crate::list;

pub(super) fn subject() -> impl Case {
    Subject {
        sender: list::teachstack::subject,
        event_type: "peer.joined",
        event: PeerJoined::default(),
        unfit: r#"{"room_id": []}"#,
    }
}
