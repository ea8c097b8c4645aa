//! A body from Teachstack.

#![cfg_attr(fuzzing, no_main)]

use std::sync::LazyLock;

use tower_webhook::providers::teachstack::*;
use tower_webhook_fuzz::{Receiver, fuzz_target};

static TEACHSTACK: LazyLock<Receiver<Teachstack>> = LazyLock::new(|| {
    Receiver::new(Teachstack::dangerous_unauthenticated(), None)
        .on::<RoomCreated>()
        .on::<RoomClosed>()
        .on::<PeerJoined>()
        .on::<PeerLeft>()
        .on::<RecordingProcessed>()
        .on::<RecordingFailed>()
        .on::<WhiteboardNewFileSaved>()
});

fuzz_target!(|data: &[u8]| drop(TEACHSTACK.check(data)));
