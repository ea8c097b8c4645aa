//! A body from Learn365, and what its envelope says of the delivery.

#![cfg_attr(fuzzing, no_main)]

use std::sync::LazyLock;

use serde_json::value::RawValue;
use tower_webhook::providers::learn365::*;
use tower_webhook_fuzz::{Receiver, fuzz_target, outer_member};

static LEARN365: LazyLock<Receiver<Learn365>> = LazyLock::new(|| {
    let provider = Learn365::new("a secret of 32 characters or more").expect("it is long enough");
    Receiver::new(provider, None)
        .on::<CourseEnrollment>()
        .on::<CourseUnenrollment>()
        .on::<CourseStarted>()
        .on::<CourseCompleted>()
        .on::<EnrollmentApprovalRequest>()
        .on::<CoursePublished>()
        .on::<CourseUnpublished>()
        .on::<CourseCreated>()
        .on::<CourseDeleted>()
        .on::<UserCreated>()
        .on::<UserDeleted>()
});

fn property(data: &[u8]) {
    let Some(delivery) = LEARN365.check(data) else { return };
    let said = |name| outer_member(data, name).map(RawValue::get);
    let id = said("Id").and_then(|json| serde_json::from_str::<String>(json).ok());
    assert_eq!(delivery.id(), id.as_deref().filter(|id| id.len() <= 256));
    let attempt = said("Attempt").and_then(|json| serde_json::from_str(json).ok());
    assert_eq!(delivery.sender_attempt(), attempt);
    let properties = said("Properties").filter(|json| json.starts_with('{'));
    assert_eq!(delivery.properties(), properties);
}

fuzz_target!(property);
