//! Learn365: a list of notifications, and a signature of the body. `providers::learn365` has the rest.

use tower_webhook::providers::learn365::CourseCompleted;

use super::matrix::*;
use crate::list;

pub(super) fn subject() -> impl Case {
    Subject {
        sender: list::learn365::subject,
        event_type: "CourseCompleted",
        event: CourseCompleted::default(),
        unfit: r#"{"Course": 1}"#,
    }
}
