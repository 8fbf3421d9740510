//! The `traceparent` of a call (W3C Trace Context §3.2): the trace that all calls about one thing
//! have in common, and the call of the caller's that this one follows from; and its `tracestate`
//! (§3.3), which only the tracing systems that wrote it can read.
//!
//! Not here: how far a `tracestate` is passed on, which edge and origin decide.

use crate::digest::sha256;
use http::HeaderMap;
use std::fmt;

/// The name of the header field.
pub const HEADER: &str = "traceparent";
/// The name of the header field of [`TraceState`].
pub const STATE_HEADER: &str = "tracestate";

/// The length of version 00. A later version may be longer, and begins in the same way.
const LENGTH: usize = 55;
/// The flag that the caller may have recorded the trace.
const SAMPLED: u8 = 1;

/// Longest `tracestate` that is passed on, in bytes: the least that the standard asks for (§3.3.1.5).
const STATE_BYTES_MAX: usize = 512;
/// Most members of a `tracestate` (§3.3.1.1).
const STATE_MEMBERS_MAX: usize = 32;
/// Longest key and longest value of a member, in bytes (§3.3.1.3).
const STATE_PART_BYTES_MAX: usize = 256;

/// A trace, and the caller's call in it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TraceParent {
    trace_id: [u8; 16],
    parent_id: [u8; 8],
    flags: u8,
}

impl TraceParent {
    /// Reads that of a call. Several values contradict each other, and count as none.
    pub fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(HEADER).iter();
        let first = values.next()?.to_str().ok()?;
        if values.next().is_some() { None } else { Self::parse(first) }
    }

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

    /// Our own work on the call that came with this. It follows from nothing else, so that a job of
    /// that call knows whose child it is; callers give each call an id of its own (§3.2.2.4).
    #[must_use]
    pub fn receiver(&self) -> Self {
        self.child(b"receiver")
    }

    /// The id of the trace, as logs have it.
    pub fn trace_id(&self) -> impl fmt::Display + '_ {
        Hex(&self.trace_id)
    }

    /// The id of the call or the work, as logs have it.
    pub fn span_id(&self) -> impl fmt::Display + '_ {
        Hex(&self.parent_id)
    }

    /// Whether the caller may have recorded the trace.
    pub fn is_sampled(&self) -> bool {
        self.flags & SAMPLED == SAMPLED
    }
}

/// The `tracestate` of a call, as it came. It may hold anything that its writer has put there, so
/// it is neither logged nor stored: there is no way to print it but [`TraceState::as_header`].
#[derive(Clone, PartialEq, Eq)]
pub struct TraceState(String);

impl TraceState {
    /// Reads that of a call. It means nothing without a `traceparent` that is continued.
    pub fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let values = headers.get_all(STATE_HEADER).iter().map(|value| value.to_str().ok());
        Self::parse(&values.collect::<Option<Vec<_>>>()?.join(","))
    }

    /// Parses the values of a call's header fields, joined by commas. One that is malformed or too
    /// large is dropped as a whole (§3.3.1.4).
    pub fn parse(text: &str) -> Option<Self> {
        let members = || text.split(',').map(|member| member.trim_matches([' ', '\t']));
        let count = members().filter(|member| !member.is_empty()).count();
        let fits = text.len() <= STATE_BYTES_MAX && (1..=STATE_MEMBERS_MAX).contains(&count);
        let well_formed = members().all(|member| member.is_empty() || is_state_member(member));
        (fits && well_formed).then(|| Self(text.to_owned()))
    }

    /// The value of the header field.
    pub fn as_header(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for TraceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TraceState(..)")
    }
}

/// `key=value` (§3.3.1.3).
fn is_state_member(member: &str) -> bool {
    let Some((key, value)) = member.split_once('=') else { return false };
    let is_key = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-' | b'*' | b'/' | b'@')
    };
    let is_value = |byte: u8| matches!(byte, b' '..=b'~') && byte != b',' && byte != b'=';
    let lengths = 1..=STATE_PART_BYTES_MAX;
    lengths.contains(&key.len())
        && lengths.contains(&value.len())
        && key.starts_with(|first: char| first.is_ascii_lowercase() || first.is_ascii_digit())
        && key.bytes().all(is_key)
        && value.bytes().all(is_value)
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
    fn received_call_has_one_span_of_its_own() {
        let parent = TraceParent::parse(GOOD).expect("is valid");
        let own = parent.receiver();
        assert_eq!(own, parent.receiver());
        assert_ne!(own.span_id().to_string(), parent.span_id().to_string());
        assert_eq!(own.trace_id().to_string(), parent.trace_id().to_string());
        assert_eq!(parent.span_id().to_string(), "b7ad6b7169203331");
        assert!(own.is_sampled() && !TraceParent::begin([7; 16]).is_sampled());
    }

    #[test]
    fn tracestate_is_passed_on_whole_or_not_at_all() {
        let long = |bytes: usize| format!("k={}", "v".repeat(bytes - 2));
        let members = |count: usize| vec!["k=v"; count].join(",");
        for fine in [
            "congo=t61rcWkgMzE",
            "rojo=00f067aa0ba902b7, congo=t61rcWkgMzE",
            "fw529a3039@dt=FfHiJ-0;_*/",
            "a=1,,b=2",
            &long(258),
            &members(32),
            &[long(256), long(255)].join(","),
        ] {
            assert_eq!(TraceState::parse(fine).expect(fine).as_header(), fine);
        }
        for bad in [
            "",
            ",",
            "congo",
            "=v",
            "k=",
            "Congo=v",
            "-k=v",
            "k=a=b",
            "k=\u{7f}",
            "k=é",
            "k=a\r\nx-evil: 1",
            &long(259),
            &members(33),
            &[long(256), long(256)].join(","),
        ] {
            assert_eq!(TraceState::parse(bad), None, "{bad:?}");
        }
        let state = TraceState::parse("congo=+12025550101").expect("is well formed");
        assert_eq!(format!("{state:?}"), "TraceState(..)");
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
