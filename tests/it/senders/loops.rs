//! Loops: a list of events, and nothing signed. `providers::loops` has the rest.

use tower_webhook::providers::loops::SessionStarted;

use super::matrix::*;
use crate::list;

pub(super) fn subject() -> impl Case {
    Subject {
        sender: list::loops::subject,
        event_type: "SESSION_STARTED",
        event: SessionStarted::default(),
        unfit: r#"{"participants": 1}"#,
    }
}
