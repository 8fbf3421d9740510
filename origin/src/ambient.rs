//! The two inputs that would make tests differ from run to run: time and randomness. Everything
//! takes them as parameters; the real ones are in this file only.

use onbill_domain::timestamp::Timestamp;

pub trait Clock: Send + Sync {
    /// Returns the time, in whole seconds.
    fn now(&self) -> Timestamp;
}

/// A source of unpredictable bytes.
pub trait Random: Send + Sync {
    /// Fills `bytes` from a cryptographically secure source.
    fn fill(&self, bytes: &mut [u8]);
}

impl dyn Random + '_ {
    /// Returns `N` fresh bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }

    /// Returns a fresh random UUID (RFC 9562 version 4) in text form.
    pub fn uuid(&self) -> String {
        uuid::Builder::from_random_bytes(self.bytes()).into_uuid().to_string()
    }

    /// Returns a fresh nonce for a signature: 128 random bits in base64url.
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

/// The machine's clock with its fraction of a second, for log lines and spans. No decision is made by
/// it.
#[expect(clippy::disallowed_methods, reason = "this is the adapter around the real clock")]
pub fn system_time() -> std::time::SystemTime {
    std::time::SystemTime::now()
}

/// The time since the Unix epoch; zero for a clock that stands before it.
pub(crate) fn since_epoch(time: std::time::SystemTime) -> std::time::Duration {
    time.duration_since(std::time::UNIX_EPOCH).unwrap_or_default()
}

/// The operating system's generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    #[expect(clippy::disallowed_methods, reason = "this is the adapter around the real generator")]
    fn fill(&self, bytes: &mut [u8]) {
        // Without randomness there are no tokens, PINs or PAIs: the only safe reaction is to stop.
        getrandom::fill(bytes).expect("the operating system provides randomness");
    }
}
