//! Members that must occur once: keeps the first value, notes a second, and names the error.

use super::{DecodeError, name::Name};

/// A member that must occur once. Two values could contradict each other, and receivers differ in which one they believe.
pub(super) struct Unique<T> {
    /// The value of the first occurrence, if it is usable.
    pub(super) first: Option<T>,
    pub(super) found: bool,
    pub(super) repeated: bool,
}

impl<T> Unique<T> {
    pub(super) const MISSING: Self = Self { first: None, found: false, repeated: false };

    // Inlined: called for each type of each event, and most of it folds away at the call.
    #[inline(always)]
    pub(super) fn add(&mut self, value: Option<T>) {
        if self.found {
            self.repeated = true;
        } else {
            self.first = value;
            self.found = true;
        }
    }

    /// This member, or `other` if this one is missing.
    #[inline]
    pub(super) fn or(self, other: Self) -> Self {
        if self.found { self } else { other }
    }

    pub(super) fn once(&self) -> bool {
        self.found && !self.repeated
    }
}

/// The error of an event that has the member `name` twice.
pub(super) fn twice(name: &Name, at: usize) -> DecodeError {
    DecodeError::new(at, format!("has two members `{}`", name.as_str()))
}
