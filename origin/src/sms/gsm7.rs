//! The GSM 7-bit default alphabet and its extension table (3GPP TS 23.038 §6.2.1), one septet in an
//! octet: SMSCs take it unpacked over SMPP, and pack it themselves. The national tables are left
//! out, because a phone need not have them.

/// Precedes a character of the extension table.
const ESCAPE: u8 = 0x1B;

/// Characters by septet. The position of [`ESCAPE`] is not a character.
const DEFAULT: [char; 128] = [
    '@', '£', '$', '¥', 'è', 'é', 'ù', 'ì', 'ò', 'Ç', '\n', 'Ø', 'ø', '\r', 'Å', 'å', //
    'Δ', '_', 'Φ', 'Γ', 'Λ', 'Ω', 'Π', 'Ψ', 'Σ', 'Θ', 'Ξ', '\u{1b}', 'Æ', 'æ', 'ß', 'É', //
    ' ', '!', '"', '#', '¤', '%', '&', '\'', '(', ')', '*', '+', ',', '-', '.', '/', //
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', ':', ';', '<', '=', '>', '?', //
    '¡', 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O', //
    'P', 'Q', 'R', 'S', 'T', 'U', 'V', 'W', 'X', 'Y', 'Z', 'Ä', 'Ö', 'Ñ', 'Ü', '§', //
    '¿', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', //
    'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', 'ä', 'ö', 'ñ', 'ü', 'à',
];

/// Characters after the escape.
const EXTENSION: [(char, u8); 10] = [
    ('\u{c}', 0x0A),
    ('^', 0x14),
    ('{', 0x28),
    ('}', 0x29),
    ('\\', 0x2F),
    ('[', 0x3C),
    ('~', 0x3D),
    (']', 0x3E),
    ('|', 0x40),
    ('€', 0x65),
];

/// Appends a character's one or two septets; `false` when the alphabet does not have it.
pub(super) fn encode(character: char, to: &mut Vec<u8>) -> bool {
    if let Some((_, septet)) = EXTENSION.iter().find(|(known, _)| *known == character) {
        to.extend([ESCAPE, *septet]);
        return true;
    }
    let place = DEFAULT.iter().position(|known| *known == character).and_then(|at| u8::try_from(at).ok());
    match place {
        Some(septet) if septet != ESCAPE => {
            to.push(septet);
            true
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn encoded(character: char) -> Option<Vec<u8>> {
        let mut septets = Vec::new();
        encode(character, &mut septets).then_some(septets)
    }

    #[test]
    fn every_character_has_septets_of_its_own() {
        let all: HashSet<_> = (0..=0xFFFF).filter_map(char::from_u32).filter_map(encoded).collect();
        assert_eq!(all.len(), 127 + 10);
        assert!(all.iter().flatten().all(|septet| *septet < 0x80));
        // Characters where the alphabet agrees with ASCII, and where it does not.
        for character in ('A'..='Z').chain('a'..='z').chain('0'..='9').chain(" !\"#%&'()*+,-./:;<=>?".chars())
        {
            assert_eq!(encoded(character), Some(vec![u8::try_from(character).expect("is ASCII")]));
        }
        for (character, septets) in [
            ('@', &[0x00][..]),
            ('$', &[0x02]),
            ('_', &[0x11]),
            ('Ç', &[0x09]),
            ('à', &[0x7F]),
            ('€', &[0x1B, 0x65]),
            ('[', &[0x1B, 0x3C]),
        ] {
            assert_eq!(encoded(character).as_deref(), Some(septets), "{character}");
        }
    }

    #[test]
    fn what_is_not_in_the_alphabet_has_none() {
        for character in ['`', 'ç', 'á', 'í', 'ó', 'ú', '\t', '\0', '\u{1b}', 'م', '中', '📱', '\u{a0}']
        {
            assert_eq!(encoded(character), None, "{character:?}");
        }
    }
}
