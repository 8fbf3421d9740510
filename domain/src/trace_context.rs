//! The `traceparent` of a call (W3C Trace Context §3.2): the trace that all calls about one thing
//! have in common, and the call of the caller's that this one follows from.
//!
//! Not here: `tracestate`, which only the tracing systems that wrote it can read.

use crate::digest::sha256;
use std::fmt;

/// The name of the header field.
pub const HEADER: &str = "traceparent";

/// The length of version 00. A later version may be longer, and begins in the same way.
const LENGTH: usize = 55;
/// The flag that the caller may have recorded the trace.
const SAMPLED: u8 = 1;

/// A trace, and the caller's call in it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TraceParent {
    trace_id: [u8; 16],
    parent_id: [u8; 8],
    flags: u8,
}

impl TraceParent {
    /// Parses a received value. A malformed one is ignored: the receiver then begins a trace.
    pub fn parse(text: &str) -> Option<Self> {
        let (known, rest) = text.split_at_checked(LENGTH)?;
        let mut parts = known.split('-');
        let [version] = parse_hex(parts.next()?)?;
        let parsed = Self {
            trace_id: parse_hex(parts.next()?)?,
            parent_id: parse_hex(parts.next()?)?,
            flags: { parse_hex::<1>(parts.next()?)?[0] & SAMPLED },
        };
        let ends = match version {
            0 => rest.is_empty(),
            u8::MAX => false,
            _ => rest.is_empty() || rest.starts_with('-'),
        };
        let is_valid =
            ends && parts.next().is_none() && parsed.trace_id != [0; 16] && parsed.parent_id != [0; 8];
        is_valid.then_some(parsed)
    }

    /// Begins a trace with these random bytes as its id. Nothing is recorded anywhere, so that it is
    /// not sampled.
    pub fn begin(random: [u8; 16]) -> Self {
        // All zeros would be no trace id; chance does not give them.
        let trace_id = if random == [0; 16] { [1; 16] } else { random };
        Self { trace_id, parent_id: [1; 8], flags: 0 }.child(&random)
    }

    /// The same trace with a call of ours as the parent. `seed` is different for each call, such as
    /// the nonce of its signature.
    #[must_use]
    pub fn child(&self, seed: &[u8]) -> Self {
        let digest = sha256(&[&self.trace_id[..], &self.parent_id, seed].concat());
        let parent_id = digest.first_chunk().copied().filter(|id| *id != [0; 8]).unwrap_or([1; 8]);
        Self { parent_id, ..*self }
    }

    /// The id of the trace, as logs have it.
    pub fn trace_id(&self) -> impl fmt::Display + '_ {
        Hex(&self.trace_id)
    }
}

/// As the header has it.
impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{}-{}-{:02x}", Hex(&self.trace_id), Hex(&self.parent_id), self.flags)
    }
}

impl fmt::Debug for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Lower-case digits, as the standard requires.
fn parse_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let is_lower_hex = text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if text.len() != 2 * N || !is_lower_hex {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn traceparent_is_read_as_the_standard_says() {
        let read = |text: &str| TraceParent::parse(text).map(|parent| parent.to_string());
        assert_eq!(read(GOOD).as_deref(), Some(GOOD));
        // Flags that are not known are not passed on; a later version is read by its beginning.
        assert_eq!(read(&GOOD.replace("-01", "-03")).as_deref(), Some(GOOD));
        assert_eq!(read(&GOOD.replace("00-0", "01-0")).as_deref(), Some(GOOD));
        assert_eq!(read(&format!("{}-what-follows", GOOD.replace("00-0", "cc-0"))).as_deref(), Some(GOOD));
        for bad in [
            "",
            "00",
            &GOOD[..54],
            &format!("{GOOD} "),
            &format!("{GOOD}-00"),
            &format!("{}x", GOOD.replace("00-0", "01-0")),
            &GOOD.replace("00-0", "ff-0"),
            &GOOD.to_uppercase(),
            &GOOD.replace("0af7651916cd43dd8448eb211c80319c", &"0".repeat(32)),
            &GOOD.replace("b7ad6b7169203331", &"0".repeat(16)),
            &GOOD.replace("0af7", "0ag7"),
            &GOOD.replace('-', "_"),
            &GOOD.replace("0af7", "é7"),
        ] {
            assert_eq!(read(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn child_stays_in_its_trace() {
        let parent = TraceParent::parse(GOOD).expect("is valid");
        let (one, other) = (parent.child(b"nonce-1"), parent.child(b"nonce-2"));
        assert_ne!(one.to_string(), other.to_string());
        for child in [one, other] {
            assert!(child.to_string().starts_with("00-0af7651916cd43dd8448eb211c80319c-"));
            assert!(child.to_string().ends_with("-01"), "the flag is passed on");
            assert_eq!(TraceParent::parse(&child.to_string()), Some(child));
        }
    }

    #[test]
    fn begun_trace_is_valid_whatever_chance_gives() {
        for random in [[0; 16], [7; 16], [255; 16]] {
            let begun = TraceParent::begin(random);
            assert_eq!(TraceParent::parse(&begun.to_string()), Some(begun));
            assert_eq!(begun.trace_id().to_string().len(), 32);
        }
    }
}
