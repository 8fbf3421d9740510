//! The one rule of free text: descriptions, reasons, messages, and the names that people read on
//! bills, in SMS and on pages. A text must not look like another text, nor like none.

/// Whether a text is plain: something of it is visible, and it has no control character, nothing
/// that turns the direction of the text around it, and nothing that is only there to be unseen.
/// How long it may be is the rule of its place.
pub fn is_plain_text(text: &str) -> bool {
    text.chars().all(|character| !character.is_control() && !is_deceptive(character))
        && text.chars().any(is_visible)
}

/// Whether a plain text is also one line of words with single blanks between them. A row of blanks
/// would wrap what follows it onto a line of its own, where it looks like another message.
pub fn is_plain_line(text: &str) -> bool {
    let mut after_blank = true;
    for character in text.chars() {
        let is_blank = is_blank(character);
        if is_blank && after_blank {
            return false;
        }
        after_blank = is_blank;
    }
    !after_blank && is_plain_text(text)
}

/// White space, and letters that look like it: the Hangul fillers and Braille without a dot.
fn is_blank(character: char) -> bool {
    character.is_whitespace()
        || matches!(character, '\u{115f}' | '\u{1160}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}')
}

/// Line and paragraph separators; embeddings, overrides and isolates of direction (Unicode Annex 9
/// §2); and characters without a width that have no use between letters. Joiners and the marks of
/// direction are allowed, because Persian and emoji need them.
fn is_deceptive(character: char) -> bool {
    matches!(
        character,
        '\u{ad}'
            | '\u{180e}'
            | '\u{200b}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

/// Whether the character shows by itself. The allowed ones that do not: joiners, the marks of
/// direction, variation selectors, and the vowels and joiners that Unicode keeps for old data.
fn is_visible(character: char) -> bool {
    let is_unseen = matches!(
        character,
        '\u{34f}'
            | '\u{61c}'
            | '\u{17b4}'
            | '\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200c}'..='\u{200f}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{e0100}'..='\u{e01ef}'
    );
    !is_unseen && !is_blank(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_with_something_to_see_is_plain() {
        for fine in [
            "x",
            "Netflix  Standard ",
            "Votre abonnement\u{202f}: 15,99\u{a0}€",
            "سيتغير اشتراكك قريبا",
            "می\u{200c}خواهید",
            "\u{200f}שלום",
            "👨\u{200d}👩\u{200d}👧 📺",
            "❤\u{fe0f}",
        ] {
            assert!(is_plain_text(fine), "{fine}");
        }
    }

    #[test]
    fn text_that_deceives_or_hides_is_not_plain() {
        for bad in [
            "",
            " ",
            "\u{a0}\u{3000}",
            "\u{200b}",
            "\u{200d}",
            "\u{200e}\u{200f}",
            "\u{fe0f}",
            "\u{2800}",
            "\u{3164} \u{ffa0}",
            "\u{e0101}",
            "Netflix\u{0}",
            "Netflix\u{7f}",
            "Netflix\u{85}",
            "Net\nflix",
            "Net\tflix",
            "Net\u{2028}flix",
            "\u{202e}xilfteN",
            "\u{202a}Netflix\u{202c}",
            "\u{2066}Netflix\u{2069}",
            "Net\u{200b}flix",
            "Net\u{ad}flix",
            "\u{feff}Netflix",
            "Netflix\u{e0041}",
        ] {
            assert!(!is_plain_text(bad), "{bad:?}");
            assert!(!is_plain_line(bad), "{bad:?}");
        }
    }

    #[test]
    fn line_has_single_blanks_between_its_words() {
        assert!(is_plain_line("Your plan\u{3000}changes"));
        for bad in [" Hello", "Hello ", "Hello  you", "Hello \u{2800} you", "Hello\u{3164}\u{3164}you"] {
            assert!(!is_plain_line(bad), "{bad:?}");
        }
    }
}
