//! The two things that come from outside and would make a test differ from run to run: the time and randomness.
//! They are handed in everywhere; the real ones live here and nowhere else.

use onbill_domain::timestamp::Timestamp;

/// What time it is.
pub trait Clock: Send + Sync {
    /// Now, in whole seconds.
    fn now(&self) -> Timestamp;
}

/// Unpredictable bytes.
pub trait Random: Send + Sync {
    /// Fills `bytes` from a cryptographically secure source.
    fn fill(&self, bytes: &mut [u8]);
}

impl dyn Random + '_ {
    /// `N` fresh bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }

    /// A fresh random UUID (RFC 9562 version 4), as text.
    pub fn uuid(&self) -> String {
        uuid::Builder::from_random_bytes(self.bytes()).into_uuid().to_string()
    }

    /// A fresh nonce for a signature: 128 random bits in base64url.
    pub fn nonce(&self) -> String {
        onbill_domain::encoding::encode_base64url(&self.bytes::<16>())
    }
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the adapter around the real clock")]
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_unix_seconds(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
    }
}

/// The operating system's generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    #[expect(clippy::disallowed_methods, reason = "this is the adapter around the real generator")]
    fn fill(&self, bytes: &mut [u8]) {
        // Without randomness there are no tokens, PINs or PAIs: stopping is the only safe thing left to do.
        getrandom::fill(bytes).expect("the operating system provides randomness");
    }
}
