//! Text that has the shape of a phone number.

/// Digits in a row that are taken for a number.
const DIGITS_MIN: usize = 9;

/// All phone-like pieces of `text`.
pub(super) fn phone_like(text: &str) -> Vec<String> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let piece = if bytes[at] == b'+' { international(bytes, at) } else { in_a_row(bytes, at) };
        match piece {
            Some(end) => {
                if !is_harmless(bytes, at, end) {
                    found.push(String::from_utf8_lossy(&bytes[at..end]).into_owned());
                }
                at = end;
            }
            None => at += 1,
        }
    }
    found
}

/// `+` with 8 to 15 digits, the first not zero, and single separators between them. Returns the
/// end.
fn international(bytes: &[u8], plus: usize) -> Option<usize> {
    let (mut digits, mut end, mut separators) = (0, plus + 1, 0);
    for (at, b) in bytes.iter().enumerate().skip(plus + 1) {
        match b {
            b'0' if digits == 0 => return None,
            b'0'..=b'9' => (digits, end, separators) = (digits + 1, at + 1, 0),
            // `+1 (202) 555` has two in a row.
            b' ' | b'-' | b'.' | b'(' | b')' | b'/' if digits > 0 && separators < 2 => separators += 1,
            _ => break,
        }
    }
    (8..=15).contains(&digits).then_some(end)
}

/// A run of digits that starts here and is long enough.
fn in_a_row(bytes: &[u8], start: usize) -> Option<usize> {
    if start > 0 && bytes[start - 1].is_ascii_digit() {
        return None;
    }
    let length = bytes[start..].iter().take_while(|b| b.is_ascii_digit()).count();
    (length >= DIGITS_MIN).then_some(start + length)
}

/// A Unix time in a member for one, or digits inside a UUID, token, signature or other opaque text.
fn is_harmless(bytes: &[u8], start: usize, end: usize) -> bool {
    const TIMES: [&[u8]; 5] = [b"created=", b"\"iat\":", b"\"exp\":", b"\"iat\": ", b"\"exp\": "];
    if end - start == 10 && TIMES.iter().any(|name| bytes[..start].ends_with(name)) {
        return true;
    }
    let opaque = |b: &u8| b.is_ascii_alphanumeric() || b"+/_-=".contains(b);
    let from = bytes[..start].iter().rposition(|b| !opaque(b)).map_or(0, |at| at + 1);
    let to = bytes[end..].iter().position(|b| !opaque(b)).map_or(bytes.len(), |at| end + at);
    let run = &bytes[from..to];
    let (start, end) = (start - from, end - from);
    let inside = |at: usize, window: &[u8]| at <= start && end <= at + window.len() && is_uuid(window);
    let in_a_uuid = run.windows(36).enumerate().any(|(at, window)| inside(at, window));
    in_a_uuid || (run.len() >= 20 && changes(run) >= 8)
}

/// Exactly a UUID, whose last group may be all digits.
fn is_uuid(text: &[u8]) -> bool {
    text.iter().enumerate().all(|(at, b)| match at {
        8 | 13 | 18 | 23 => *b == b'-',
        _ => b.is_ascii_hexdigit(),
    })
}

/// How often letters and digits, or upper and lower case, alternate: seldom in words with a number
/// behind them, all the time in random text.
fn changes(run: &[u8]) -> usize {
    let kind = |b: &u8| match b {
        b'0'..=b'9' => Some(0),
        b'a'..=b'z' => Some(1),
        b'A'..=b'Z' => Some(2),
        _ => None,
    };
    let kinds: Vec<u8> = run.iter().filter_map(kind).collect();
    kinds.windows(2).filter(|pair| pair[0] != pair[1]).count()
}
