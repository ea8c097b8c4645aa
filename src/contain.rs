//! Runs what is not ours, and may panic.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
};

/// `None` if it panicked.
pub(crate) fn contained<T>(run: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(run)).map_err(discard).ok()
}

/// What a panic carries may panic itself when dropped, and so may what that carries: it is leaked.
fn discard(payload: Box<dyn Any + Send>) {
    if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(again);
    }
}
