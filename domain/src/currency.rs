//! Currencies of ISO 4217 that have a minor unit defined (funds, metals and test codes are left out).

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;

/// An ISO 4217 alphabetic code that is on the list of active currencies.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

/// Active codes with two decimals, then those with none and with three: each list in order, each code with a blank after
/// it, so that a code is found without reading the list. Money is read for every row and every line of a file.
const TWO: &str = "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF \
CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR \
IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO \
NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS \
TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VES WST XCD XCG YER ZAR ZMW ZWG ";
const NONE: &str = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF ";
const THREE: &str = "BHD IQD JOD KWD LYD OMR TND ";

impl Currency {
    /// Takes an upper-case code of the list.
    pub fn parse(code: &str) -> Option<Self> {
        let bytes: [u8; 3] = code.as_bytes().try_into().ok()?;
        [TWO, NONE, THREE].iter().any(|list| within(list, bytes)).then_some(Self(bytes))
    }

    /// The three letters.
    pub fn as_str(&self) -> &str {
        // Only `parse` makes one, from upper-case ASCII.
        std::str::from_utf8(&self.0).unwrap_or("???")
    }

    /// How many decimals the minor unit stands for.
    pub fn decimals(&self) -> usize {
        if within(NONE, self.0) {
            0
        } else if within(THREE, self.0) {
            3
        } else {
            2
        }
    }
}

fn within(list: &str, [a, b, c]: [u8; 3]) -> bool {
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
    fn it_stands_in_a_column() {
        let usd = Currency::parse("USD").expect("is listed");
        assert_eq!(format!("{usd:5}|{usd:>5}|"), "USD  |  USD|");
    }

    #[test]
    fn every_code_of_the_lists_is_found() {
        for list in [TWO, NONE, THREE] {
            let (codes, rest) = list.as_bytes().as_chunks::<4>();
            assert!(codes.is_sorted() && rest.is_empty());
            for code in list.split_terminator(' ') {
                assert_eq!(Currency::parse(code).map(|currency| currency.to_string()).as_deref(), Some(code));
            }
        }
    }

    #[test]
    fn knows_the_list_and_its_decimals() {
        let decimals = |code: &str| Currency::parse(code).map(|c| c.decimals());
        assert_eq!(decimals("USD"), Some(2));
        assert_eq!(decimals("JPY"), Some(0));
        assert_eq!(decimals("KWD"), Some(3));
        for unknown in ["usd", "XXX", "XTS", "US", "USDT", "D A", ""] {
            assert_eq!(decimals(unknown), None, "{unknown:?}");
        }
    }
}
