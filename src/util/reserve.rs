//! Reserves memory for a list while its elements are read from a body.

/// The part of a body that has been read, in bytes, and the maximum number of its elements.
#[derive(Clone, Copy)]
pub(crate) struct Share {
    pub(crate) read: usize,
    pub(crate) all: usize,
    pub(crate) most: usize,
}

impl Share {
    /// If `list` is full, reserves memory for the elements in the rest of the body, as if they were as long as those so far.
    /// A list that grows by doubling is half empty in the end.
    #[inline]
    pub(crate) fn reserve<T>(self, list: &mut Vec<T>) {
        if list.len() == list.capacity() {
            list.reserve_exact(self.expected(list.len()));
        }
    }

    /// The number of elements to reserve if `count` were read so far: an eighth more than are expected. At least half of
    /// `count`, so that a list is not moved often. At most 16 times `count` and a few, so that little is reserved in vain.
    // Cold: most bodies have few elements, and the others come here a few times.
    #[cold]
    fn expected(self, count: usize) -> usize {
        let rest = self.all.saturating_sub(self.read);
        let expected = (count + 1).saturating_mul(rest) / self.read.max(1);
        let reserved = expected.saturating_add(expected / 8);
        let reserved = reserved.clamp(FIRST.max(count / 2), FIRST + 16 * count);
        reserved.min(self.most.saturating_sub(count)).max(1)
    }
}

/// Most bodies have no more elements.
const FIRST: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    /// How often the list is moved, and the room that it has in the end, if its elements have these lengths.
    fn filled(lengths: &[usize], most: usize) -> (usize, usize) {
        let all = lengths.iter().sum();
        let (mut list, mut read, mut moves) = (Vec::new(), 0, 0);
        for length in lengths {
            let before = list.capacity();
            Share { read, all, most }.reserve(&mut list);
            moves += usize::from(list.capacity() > before);
            list.push(0_u8);
            read += length;
        }
        (moves, list.capacity())
    }

    #[test]
    fn elements_of_one_length_are_moved_a_few_times_and_take_little_more_than_they_need() {
        for count in [1, 5, 100, 1000, 100_000] {
            let (moves, room) = filled(&vec![100; count], usize::MAX);
            assert!(moves <= 5 && room <= count + count / 4 + 4, "{count}: {moves} moves, {room}");
        }
    }

    #[test]
    fn short_elements_behind_a_long_one_are_not_moved_each_time() {
        for short in [vec![25; 4000], vec![25; 40_000]] {
            let lengths = [vec![900_000], short].concat();
            let (moves, room) = filled(&lengths, usize::MAX);
            assert!(moves <= 24 && room <= lengths.len() * 2, "{moves} moves, {room}");
        }
    }

    #[test]
    fn a_long_element_behind_short_ones_reserves_no_more_than_there_may_be() {
        let lengths = [vec![25; 1230], vec![10_000_000], vec![25; 10]].concat();
        assert!(filled(&lengths, usize::MAX).1 <= 17 * 1241);
        assert_eq!(filled(&lengths, 1241).1, 1241);
    }
}
