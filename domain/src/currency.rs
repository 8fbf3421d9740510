//! Currencies of ISO 4217 that have a minor unit defined (funds, metals and test codes are left
//! out).

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;

/// An alphabetic code of the active currencies in ISO 4217.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

/// Active codes by their number of decimals. Each list is sorted and each code ends with a blank,
/// so that a binary search finds a code: money is parsed for every row and every line of a file.
const TWO_DECIMALS: &str = "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF \
CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR \
IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO \
NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS \
TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VES WST XCD XCG YER ZAR ZMW ZWG ";
const NO_DECIMALS: &str = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF ";
const THREE_DECIMALS: &str = "BHD IQD JOD KWD LYD OMR TND ";

impl Currency {
    /// Parses an upper-case code.
    pub fn parse(code: &str) -> Option<Self> {
        let bytes: [u8; 3] = code.as_bytes().try_into().ok()?;
        [TWO_DECIMALS, NO_DECIMALS, THREE_DECIMALS]
            .iter()
            .any(|list| is_listed(list, bytes))
            .then_some(Self(bytes))
    }

    /// The three letters of the code.
    pub fn as_str(&self) -> &str {
        // Only `parse` makes one, of upper-case ASCII letters.
        std::str::from_utf8(&self.0).unwrap_or("???")
    }

    /// The number of decimals of the minor unit: 0, 2 or 3.
    pub fn decimals(&self) -> usize {
        if is_listed(NO_DECIMALS, self.0) {
            0
        } else if is_listed(THREE_DECIMALS, self.0) {
            3
        } else {
            2
        }
    }
}

fn is_listed(list: &str, [a, b, c]: [u8; 3]) -> bool {
    let (codes, _) = list.as_bytes().as_chunks::<4>();
    codes.binary_search(&[a, b, c, b' ']).is_ok()
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = String::deserialize(deserializer)?;
        Self::parse(&code).ok_or_else(|| de::Error::custom("not an ISO 4217 currency"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn currency_is_padded_in_a_column() {
        let usd = Currency::parse("USD").expect("is listed");
        assert_eq!(format!("{usd:5}|{usd:>5}|"), "USD  |  USD|");
    }

    #[test]
    fn currency_lists_are_sorted_and_found() {
        for list in [TWO_DECIMALS, NO_DECIMALS, THREE_DECIMALS] {
            let (codes, rest) = list.as_bytes().as_chunks::<4>();
            assert!(codes.is_sorted() && rest.is_empty());
            for code in list.split_terminator(' ') {
                assert_eq!(Currency::parse(code).map(|currency| currency.to_string()).as_deref(), Some(code));
            }
        }
    }

    #[test]
    fn currency_has_its_decimals() {
        let decimals = |code: &str| Currency::parse(code).map(|c| c.decimals());
        assert_eq!(decimals("USD"), Some(2));
        assert_eq!(decimals("JPY"), Some(0));
        assert_eq!(decimals("KWD"), Some(3));
        for unknown in ["usd", "XXX", "XTS", "US", "USDT", "D A", ""] {
            assert_eq!(decimals(unknown), None, "{unknown:?}");
        }
    }
}
