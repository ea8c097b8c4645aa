//! `Random`: numbers that a seed chooses.

/// SplitMix64, which any state starts well. It is here so that a seed gives the same steps everywhere.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to one less than `end`.
    pub(super) fn below(&mut self, end: u32) -> u32 {
        // The remainder is less than the divisor, so it fits.
        u32::try_from(self.next() % u64::from(end.max(1))).unwrap_or_default()
    }

    pub(super) fn one_in(&mut self, times: u32) -> bool {
        self.below(times) == 0
    }

    /// One of these, if there is one.
    pub(super) fn of<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        let end = u32::try_from(all.len()).unwrap_or(u32::MAX);
        all.get(self.below(end) as usize)
    }
}
