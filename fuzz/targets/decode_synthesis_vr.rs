//! A body from SynthesisVR.

#![cfg_attr(fuzzing, no_main)]

use std::sync::LazyLock;

use tower_webhook::providers::synthesis_vr::*;
use tower_webhook_fuzz::{Receiver, fuzz_target};

static SYNTHESIS_VR: LazyLock<Receiver<SynthesisVr>> = LazyLock::new(|| {
    Receiver::new(SynthesisVr::dangerous_unauthenticated(), None)
        .on::<SessionCreated>()
        .on::<SessionRemoved>()
});

fuzz_target!(|data: &[u8]| drop(SYNTHESIS_VR.check(data)));
