//! A body from Learn365.

#![cfg_attr(fuzzing, no_main)]

use std::sync::LazyLock;

use tower_webhook::providers::learn365::*;
use tower_webhook_fuzz::{Receiver, fuzz_target, resend};

static LEARN365: LazyLock<Receiver<Learn365>> = LazyLock::new(|| {
    let provider = Learn365::new("a secret of 32 characters or more").expect("it is long enough");
    Receiver::new(provider, |router| {
        router
            .on(resend::<CourseEnrollment>)
            .on(resend::<CourseUnenrollment>)
            .on(resend::<CourseStarted>)
            .on(resend::<CourseCompleted>)
            .on(resend::<EnrollmentApprovalRequest>)
            .on(resend::<CoursePublished>)
            .on(resend::<CourseUnpublished>)
            .on(resend::<CourseCreated>)
            .on(resend::<CourseDeleted>)
            .on(resend::<UserCreated>)
            .on(resend::<UserDeleted>)
    })
});

fuzz_target!(|data: &[u8]| LEARN365.check(data));
