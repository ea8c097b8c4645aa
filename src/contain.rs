//! Runs what is not ours, and may panic.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// `None` if it panicked.
pub(crate) fn contained<T>(run: impl FnOnce() -> T) -> Option<T> {
    let caught = catch_unwind(AssertUnwindSafe(run));
    caught.map_err(|what| forget_if_it_panics(|| drop(what))).ok()
}

/// What a panic carries may panic itself when dropped, and so may what that carries: it is leaked.
fn forget_if_it_panics(run: impl FnOnce()) {
    if let Err(again) = catch_unwind(AssertUnwindSafe(run)) {
        std::mem::forget(again);
    }
}
