//! SynthesisVR: flat objects, and nothing signed. `providers::synthesis_vr` has the rest.

use tower_webhook::providers::synthesis_vr::SessionCreated;

use super::matrix::*;
use crate::list;

pub(super) fn subject() -> impl Case {
    let mut event = SessionCreated::default();
    event.uuid = Some("41509791-3de8-5bb9-b4fc-a9753da95aad".into());
    Subject {
        sender: list::synthesis_vr::subject,
        event_type: "create",
        event,
        unfit: r#"{"uuid": 1}"#,
    }
}
