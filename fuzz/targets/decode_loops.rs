//! A body from Loops.

#![cfg_attr(fuzzing, no_main)]

use std::sync::LazyLock;

use tower_webhook::providers::loops::*;
use tower_webhook_fuzz::{Receiver, fuzz_target, resend};

static LOOPS: LazyLock<Receiver<Loops>> = LazyLock::new(|| {
    Receiver::new(Loops::dangerous_unauthenticated(), |router| {
        router
            .on(resend::<SessionStarted>)
            .on_type("SESSION_TERMINATED", resend::<SessionTerminated>)
            .on_type("SESSION_REVIVED", resend::<SessionRevived>)
            .on_type("PARTICIPANTS_ADDED", resend::<ParticipantsAdded>)
            .on_type("PARTICIPANTS_LEAVING", resend::<ParticipantsLeaving>)
    })
});

fuzz_target!(|data: &[u8]| LOOPS.check(data));
