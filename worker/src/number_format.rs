//! How the numbers of an operator's country are written for people: the calling code, and the
//! national number of a mobile line with a `#` for each digit, of which the first is no 0. Where
//! mobile numbers have several lengths, or other numbers look like them, their first digits stand in
//! the format, and `|` between several. The frame writes a number in the first way that has its
//! digits, and as it was typed when none has.
//!
//! Not here: what is a number. The origin decides that, with a phone-number library that the edge has
//! no room for.

use serde::Serialize;

/// The calling code and the formats of a country's mobile numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct NumberFormat {
    pub(crate) code: &'static str,
    pub(crate) format: &'static str,
}

/// Countries by their ISO 3166 codes, as libphonenumber formats their mobile numbers.
const FORMATS: [(&str, &str, &str); 33] = [
    ("AE", "971", "## ### ####"),
    ("AT", "43", "6## #######|6## ########|6## ######"),
    ("AU", "61", "### ### ###"),
    ("BE", "32", "### ## ## ##"),
    ("BR", "55", "## #####-####"),
    ("CA", "1", "(###) ###-####"),
    ("CH", "41", "## ### ## ##"),
    ("CL", "56", "# #### ####"),
    ("CO", "57", "### #######"),
    ("CZ", "420", "### ### ###"),
    ("DE", "49", "15## #######|1## ########|1## #######"),
    ("DK", "45", "## ## ## ##"),
    ("EG", "20", "## ########"),
    ("ES", "34", "### ## ## ##"),
    ("FI", "358", "4# #######|5# #######|4# ########"),
    ("FR", "33", "# ## ## ## ##"),
    ("GB", "44", "#### ######"),
    ("IE", "353", "## ### ####"),
    ("IN", "91", "##### #####"),
    ("IT", "39", "3## ### ####"),
    ("JP", "81", "##-####-####"),
    ("KR", "82", "##-####-####"),
    ("MA", "212", "###-######"),
    ("MX", "52", "## #### ####"),
    ("NL", "31", "# ########"),
    ("NO", "47", "### ## ###"),
    ("PE", "51", "### ### ###"),
    ("PL", "48", "### ### ###"),
    ("PT", "351", "### ### ###"),
    ("SA", "966", "## ### ####"),
    ("SE", "46", "## ### ## ##"),
    ("SG", "65", "#### ####"),
    ("US", "1", "(###) ###-####"),
];

/// The format of a country's mobile numbers; `None` where numbers are shown as they were typed.
pub(crate) fn find_number_format(country: &str) -> Option<NumberFormat> {
    let &(_, code, format) = FORMATS.iter().find(|(known, ..)| *known == country)?;
    Some(NumberFormat { code, format })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_sorted_and_complete() {
        assert!(FORMATS.is_sorted_by(|(one, ..), (other, ..)| one < other));
        for (country, code, format) in FORMATS {
            assert!(code.parse::<u16>().is_ok(), "{country}");
            for way in format.split('|') {
                let digits: String =
                    way.chars().filter(|symbol| symbol.is_ascii_digit() || *symbol == '#').collect();
                assert!((8..=11).contains(&digits.len()) && !digits.starts_with('0'), "{country}");
                assert!(digits.len() + code.len() <= 15, "{country} (ITU-T E.164 §6)");
            }
        }
        let spain = NumberFormat { code: "34", format: "### ## ## ##" };
        assert_eq!((find_number_format("ES"), find_number_format("XX")), (Some(spain), None));
    }
}
