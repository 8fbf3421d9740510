//! Chance from a seed: the same seed throws the same.

use onbill_domain::digest::sha256;

pub(crate) struct Dice {
    seed: u64,
    thrown: u64,
}

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, thrown: 0 }
    }

    /// A number below `bound`, which is not 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.thrown += 1;
        let hash = sha256(format!("dice {} {}", self.seed, self.thrown).as_bytes());
        let (bytes, _) = hash.split_first_chunk::<8>().expect("a hash is longer");
        u64::from_le_bytes(*bytes) % bound
    }

    pub(crate) fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        let at = self.below(of.len() as u64);
        &of[usize::try_from(at).expect("is an index")]
    }
}
