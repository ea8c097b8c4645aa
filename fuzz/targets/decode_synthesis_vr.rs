//! A body from SynthesisVR.

#![cfg_attr(fuzzing, no_main)]

use std::sync::LazyLock;

use tower_webhook::providers::synthesis_vr::*;
use tower_webhook_fuzz::{Receiver, fuzz_target, resend};

static SYNTHESIS_VR: LazyLock<Receiver<SynthesisVr>> = LazyLock::new(|| {
    Receiver::new(SynthesisVr::dangerous_unauthenticated(), |router| {
        router.on(resend::<SessionCreated>).on(resend::<SessionRemoved>)
    })
});

fuzz_target!(|data: &[u8]| SYNTHESIS_VR.check(data));
