//! Random bytes that are the same in every run.

use onbill_origin::ambient::Random;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Never returns the same bytes twice, and returns the same in every run. Values of different
/// lengths begin differently: in another test system, a nonce is not a code.
pub struct SequenceRandom {
    name: &'static str,
    drawn: AtomicU64,
}

impl SequenceRandom {
    pub fn new(who: &'static str) -> Arc<Self> {
        Arc::new(Self { name: who, drawn: AtomicU64::new(0) })
    }
}

impl Random for SequenceRandom {
    fn fill(&self, bytes: &mut [u8]) {
        let (drawn, length) = (self.drawn.fetch_add(1, Ordering::SeqCst), bytes.len());
        for (at, block) in bytes.chunks_mut(32).enumerate() {
            let digest =
                onbill_domain::digest::sha256(format!("{} {drawn} {length} {at}", self.name).as_bytes());
            block.copy_from_slice(&digest[..block.len()]);
        }
    }
}
