//! Chance from a seed: the same seed throws the same. This is splitmix64.

pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from `from` to below `until`.
    pub(crate) fn between(&mut self, from: i64, until: i64) -> i64 {
        let range = u64::try_from(until - from).expect("is in order");
        from + i64::try_from(self.next() % range).expect("is smaller than the range")
    }

    /// True once in so many throws.
    pub(crate) fn once_in(&mut self, many: i64) -> bool {
        self.between(0, many) == 0
    }

    pub(crate) fn shuffle<T>(&mut self, of: &mut [T]) {
        for last in (1..of.len()).rev() {
            let with = self.between(0, i64::try_from(last).expect("is small") + 1);
            of.swap(last, usize::try_from(with).expect("is an index"));
        }
    }
}
