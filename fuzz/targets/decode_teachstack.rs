//! A body from Teachstack.

#![cfg_attr(fuzzing, no_main)]

use std::sync::LazyLock;

use tower_webhook::providers::teachstack::*;
use tower_webhook_fuzz::{Receiver, fuzz_target, resend};

static TEACHSTACK: LazyLock<Receiver<Teachstack>> = LazyLock::new(|| {
    Receiver::new(Teachstack::dangerous_unauthenticated(), |router| {
        router
            .on(resend::<RoomCreated>)
            .on(resend::<RoomClosed>)
            .on(resend::<PeerJoined>)
            .on(resend::<PeerLeft>)
            .on(resend::<RecordingProcessed>)
            .on(resend::<RecordingFailed>)
            .on(resend::<WhiteboardNewFileSaved>)
    })
});

fuzz_target!(|data: &[u8]| TEACHSTACK.check(data));
