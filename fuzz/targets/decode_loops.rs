//! A body from Loops.

#![cfg_attr(fuzzing, no_main)]

use std::sync::LazyLock;

use tower_webhook::providers::loops::*;
use tower_webhook_fuzz::{Receiver, fuzz_target};

static LOOPS: LazyLock<Receiver<Loops>> = LazyLock::new(|| {
    Receiver::new(Loops::dangerous_unauthenticated(), Some("data"))
        .on::<SessionStarted>()
        .on_type::<SessionTerminated>("SESSION_TERMINATED")
        .on_type::<SessionRevived>("SESSION_REVIVED")
        .on_type::<ParticipantsAdded>("PARTICIPANTS_ADDED")
        .on_type::<ParticipantsLeaving>("PARTICIPANTS_LEAVING")
});

fuzz_target!(|data: &[u8]| drop(LOOPS.check(data)));
