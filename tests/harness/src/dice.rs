//! Random choices from a seed: the same seed gives the same choices.

use onbill_domain::digest::sha256;

pub struct Dice {
    seed: u64,
    thrown: u64,
}

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self { seed, thrown: 0 }
    }

    /// A number below `bound`, which is not 0.
    pub fn draw_below(&mut self, bound: u64) -> u64 {
        self.thrown += 1;
        let hash = sha256(format!("dice {} {}", self.seed, self.thrown).as_bytes());
        let (bytes, _) = hash.split_first_chunk::<8>().expect("a hash is longer");
        u64::from_le_bytes(*bytes) % bound
    }

    pub fn pick_one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        let at = self.draw_below(of.len() as u64);
        &of[usize::try_from(at).expect("is an index")]
    }

    /// A number from `from` (inclusive) to `until` (exclusive).
    pub fn draw_between(&mut self, from: i64, until: i64) -> i64 {
        let range = u64::try_from(until - from).expect("is in order");
        from + i64::try_from(self.draw_below(range)).expect("is smaller than the range")
    }

    /// True once in `many` draws on average.
    pub fn once_in(&mut self, many: u64) -> bool {
        self.draw_below(many) == 0
    }

    pub fn shuffle<T>(&mut self, of: &mut [T]) {
        for last in (1..of.len()).rev() {
            let with = self.draw_below(last as u64 + 1);
            of.swap(last, usize::try_from(with).expect("is an index"));
        }
    }
}
