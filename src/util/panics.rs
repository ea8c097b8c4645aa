//! Runs foreign code, which may panic.

use std::{
    any::Any,
    mem::needs_drop,
    panic::{AssertUnwindSafe, catch_unwind},
};

/// Runs the code. `None` if it panicked.
pub(crate) fn contained<T>(run: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(run)).map_err(discard).ok()
}

/// A value of a foreign type, until it is taken. If its `Drop` panics, the panic ends here, because a second panic during a
/// panic aborts the process.
#[derive(Clone)]
pub(crate) struct Guarded<T>(Option<T>);

impl<T> Guarded<T> {
    pub(crate) const NONE: Self = Self(None);

    pub(crate) fn new(value: T) -> Self {
        Self(Some(value))
    }

    pub(crate) fn is_some(&self) -> bool {
        self.0.is_some()
    }

    pub(crate) fn get(&self) -> Option<&T> {
        self.0.as_ref()
    }

    pub(crate) fn take(&mut self) -> Option<T> {
        self.0.take()
    }
}

impl<T> Drop for Guarded<T> {
    fn drop(&mut self) {
        if needs_drop::<T>() && self.is_some() {
            contained(|| drop(self.take()));
        }
    }
}

/// The payload of a panic may panic when it is dropped, and so may the payload of that panic, which is leaked.
fn discard(payload: Box<dyn Any + Send>) {
    if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(again);
    }
}
