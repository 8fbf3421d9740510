//! Decodes a short message. The code is by another author than the encoder's.

use gsm7::Gsm7Reader;

/// Introduces a character of the extension table.
const ESCAPE: u8 = 0x1B;

/// Decodes septets, one in each octet; `None` for an invalid one, or when the last one is an
/// escape.
pub(super) fn gsm(octets: &[u8]) -> Option<String> {
    let mut text = String::new();
    let mut rest = octets.iter().copied();
    while let Some(septet) = rest.next() {
        let packed = match septet {
            // Packed as over the air, which is how the table wants them.
            ESCAPE => {
                let extension = rest.next().filter(|septet| *septet < 0x80)?;
                vec![ESCAPE | extension << 7, extension >> 1]
            }
            septet if septet < 0x80 => vec![septet],
            _ => return None,
        };
        text.push(Gsm7Reader::new(&packed[..]).next()?.ok()?);
    }
    Some(text)
}

/// UTF-16, most significant octet first; `None` for half of a character.
pub(super) fn ucs2(octets: &[u8]) -> Option<String> {
    let (pairs, []) = octets.as_chunks::<2>() else { return None };
    String::from_utf16(&pairs.iter().map(|pair| u16::from_be_bytes(*pair)).collect::<Vec<_>>()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_characters_are_read_and_halves_are_not() {
        assert_eq!(gsm(b"\x00 costs 5 \x1B\x65 in M\x7Elaga").as_deref(), Some("@ costs 5 € in Mülaga"));
        assert_eq!(gsm(b"5 \x1B"), None);
        assert_eq!(gsm(b"\x80"), None);
        assert_eq!(ucs2(b"\x06\x45\xD8\x3D\xDC\xF1").as_deref(), Some("م📱"));
        assert_eq!(ucs2(b"\xD8\x3D"), None);
        assert_eq!(ucs2(b"\x06"), None);
    }
}
