//! Members that must occur once: keeps the first and notes a second.

/// What must stand once.
pub(super) struct Once<T> {
    /// What stood first, if it is of any use.
    pub(super) first: Option<T>,
    pub(super) found: bool,
    pub(super) repeated: bool,
}

impl<T> Once<T> {
    pub(super) const NEVER: Self = Self { first: None, found: false, repeated: false };

    #[inline(always)]
    pub(super) fn add(&mut self, value: Option<T>) {
        if self.found {
            self.repeated = true;
        } else {
            self.first = value;
            self.found = true;
        }
    }

    #[inline]
    pub(super) fn or<'a>(&'a self, other: &'a Self) -> &'a Self {
        if self.found { self } else { other }
    }

    pub(super) fn once(&self) -> bool {
        self.found && !self.repeated
    }
}
