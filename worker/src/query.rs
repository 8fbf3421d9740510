//! Reading the query of a URL (`application/x-www-form-urlencoded`, as browsers write it).

use percent_encoding::percent_decode_str;

/// Finds the first value of a parameter; `None` when it is absent, empty or not UTF-8.
pub(crate) fn find_parameter(query: &str, name: &str) -> Option<String> {
    let (_, value) =
        query.split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name)?;
    let value = percent_decode_str(&value.replace('+', " ")).decode_utf8().ok()?.into_owned();
    (!value.is_empty()).then_some(value)
}

/// Whether a parameter is there, whatever its value is.
pub(crate) fn has_parameter(query: &str, name: &str) -> bool {
    query.split('&').any(|pair| pair.split('=').next() == Some(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_parameter_is_found_and_decoded() {
        let query = "operator=acme&return-url=https%3A%2F%2Fmy.acme.example%2Fdone%3Fx%3D1+2&operator=nova&empty=&bare&bad=%ff";
        assert_eq!(find_parameter(query, "operator").as_deref(), Some("acme"));
        assert_eq!(
            find_parameter(query, "return-url").as_deref(),
            Some("https://my.acme.example/done?x=1 2")
        );
        for absent in ["empty", "bare", "bad", "offer", ""] {
            assert_eq!(find_parameter(query, absent), None, "{absent}");
        }
        for there in ["operator", "empty", "bare", "bad"] {
            assert!(has_parameter(query, there), "{there}");
        }
        assert!(!has_parameter(query, "offer"));
    }
}
