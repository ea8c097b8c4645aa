//! Reserves memory for a list while its elements are read from a body.

/// The part of a body that has been read, in bytes.
#[derive(Clone, Copy)]
pub(crate) struct Share {
    pub(crate) read: usize,
    pub(crate) all: usize,
}

impl Share {
    /// If `list` is full, reserves memory for the elements in the rest of the body, as if they were as long as those so far.
    ///
    /// A list that grows by doubling is moved again and again, and half empty in the end. At most 16 times the number of
    /// elements so far is reserved at once.
    #[inline]
    pub(crate) fn reserve<T>(self, list: &mut Vec<T>) {
        if list.len() == list.capacity() {
            list.reserve_exact(self.expected(list.len()));
        }
    }

    /// The number of further elements, and an eighth more, if `count` were read so far.
    // Cold: most bodies have few elements, and the others come here a few times.
    #[cold]
    fn expected(self, count: usize) -> usize {
        let rest = self.all.saturating_sub(self.read);
        let expected = (count + 1).saturating_mul(rest) / self.read.max(1);
        expected.saturating_add(expected / 8).clamp(FIRST, FIRST + 16 * count)
    }
}

/// The least number of elements to reserve. Most bodies have no more.
const FIRST: usize = 4;
