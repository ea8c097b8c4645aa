//! The bytes of a body as they arrive, within a budget shared by all bodies.

use bytes::Bytes;

use crate::util::permits::{Permit, Permits};

/// The part of a body that has arrived: one frame as it is, several frames joined.
pub(super) struct Collected {
    one: Bytes,
    many: Vec<u8>,
    expected: usize,
    limit: usize,
    /// A permit for each byte of `one`, or of the capacity of `many`.
    held: Option<Permit>,
}

impl Collected {
    /// The maximum memory that is reserved because of an announced length.
    const MAX_RESERVED: usize = 64 * 1024;

    /// The maximum number of bytes that are copied at once. If source and destination are 16 bytes apart within their
    /// pages, as two large buffers of one allocator often are, then glibc may copy longer pieces eight times slower
    /// (measured: 3 KiB and more, on an EPYC).
    const PIECE: usize = 2048;

    /// For a body of `declared` bytes, and at most `limit`.
    pub(super) fn expecting(declared: u64, limit: usize) -> Self {
        let expected =
            usize::try_from(declared).unwrap_or(usize::MAX).min(limit).min(Self::MAX_RESERVED);
        Self { one: Bytes::new(), many: Vec::new(), expected, limit, held: None }
    }

    pub(super) fn len(&self) -> usize {
        self.one.len() + self.many.len()
    }

    /// `None` if the budget is exhausted.
    pub(super) fn push(&mut self, frame: Bytes, budget: &Permits) -> Option<()> {
        if frame.is_empty() {
            return Some(());
        }
        let length = self.len() + frame.len();
        if length == frame.len() {
            self.hold(length, budget)?;
            self.one = frame;
            return Some(());
        }
        if length > self.many.capacity() {
            self.grow(length, budget)?;
        }
        let first = std::mem::take(&mut self.one);
        for frame in [first, frame] {
            frame.chunks(Self::PIECE).for_each(|piece| self.many.extend_from_slice(piece));
        }
        Some(())
    }

    pub(super) fn into_bytes(self) -> Bytes {
        if self.many.is_empty() { self.one } else { self.many.into() }
    }

    /// Reserves memory for `length` bytes, and for more if this is not the first time.
    fn grow(&mut self, length: usize, budget: &Permits) -> Option<()> {
        let doubled = self.many.capacity().saturating_mul(2).min(self.limit);
        let capacity = length.max(doubled).max(self.expected);
        self.hold(capacity, budget)?;
        self.many.reserve_exact(capacity - self.many.len());
        Some(())
    }

    /// Takes permits for so many bytes. All of one body come from the same `budget`.
    fn hold(&mut self, bytes: usize, budget: &Permits) -> Option<()> {
        match &mut self.held {
            Some(held) => held.fill(bytes),
            None => {
                self.held = Some(budget.take_many(bytes)?);
                Some(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANY: usize = u32::MAX as usize;

    fn pushed(mut collected: Collected, frames: impl IntoIterator<Item = Bytes>) -> Collected {
        let budget = Permits::new(ANY);
        frames.into_iter().for_each(|frame| collected.push(frame, &budget).unwrap());
        collected
    }

    #[test]
    fn one_frame_is_passed_on_as_it_is() {
        let frame = Bytes::from_static(b"abc");
        let collected = Collected::expecting(u64::MAX, usize::MAX);
        let collected = pushed(collected, [Bytes::new(), frame.clone(), Bytes::new()]);
        assert_eq!(collected.many.capacity(), 0);
        assert_eq!(collected.into_bytes().as_ptr(), frame.as_ptr());
    }

    #[test]
    fn frames_of_any_length_are_joined_in_order() {
        let body: Vec<u8> = (0..40_000_u32).map(|n| (n % 251) as u8).collect();
        for length in [1, 2047, 2048, 2049, 5000, 39_999] {
            let collected = Collected::expecting(0, usize::MAX);
            let collected = pushed(collected, body.chunks(length).map(Bytes::copy_from_slice));
            assert_eq!(collected.into_bytes(), body, "{length}");
        }
    }

    #[test]
    fn two_frames_take_the_room_of_both() {
        for (first, second) in [(1, 3000), (3000, 1), (3000, 3000)] {
            let frames = [first, second].map(|length| Bytes::from(vec![b'a'; length]));
            let collected = pushed(Collected::expecting(0, ANY), frames);
            assert_eq!(collected.many.capacity(), first + second);
        }
    }

    #[test]
    fn no_announcement_reserves_more_than_64_kib() {
        let collected = Collected::expecting(u64::MAX, usize::MAX);
        let collected = pushed(collected, ["a", "b"].map(Bytes::from));
        assert_eq!(collected.many.capacity(), 64 * 1024);
        assert_eq!(collected.into_bytes(), "ab");
    }

    #[test]
    fn no_body_has_room_for_more_than_its_limit() {
        let collected = pushed(Collected::expecting(0, 1000), vec![Bytes::from(vec![7; 300]); 3]);
        assert_eq!(collected.many.capacity(), 1000);
    }

    #[test]
    fn the_budget_is_taken_as_memory_is_and_given_back() {
        let budget = Permits::new(1000);
        let mut collected = Collected::expecting(700, 1000);
        let mut steps = Vec::new();
        for length in [0, 300, 100, 300, 1] {
            let room = collected.push(vec![7; length].into(), &budget).is_some();
            steps.push((room, budget.free()));
        }
        assert_eq!(steps, [(true, 1000), (true, 700), (true, 300), (true, 300), (true, 0)]);
        let mut other = Collected::expecting(0, 1000);
        assert!(other.push("a".into(), &budget).is_none());
        drop(collected);
        assert!(other.push("a".into(), &budget).is_some());
        assert_eq!(budget.free(), 999);
    }
}
