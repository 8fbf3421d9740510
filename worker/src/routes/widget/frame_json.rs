//! JSON for the frame: what the origin says, and of each amount of money how many decimals its
//! currency has. Browsers follow CLDR, which shows some currencies without theirs.

use crate::fault::Fault;
use onbill_domain::currency::Currency;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The JSON of a response to the frame.
pub(super) fn to_frame_json(response: &impl Serialize) -> Result<Value, Fault> {
    let mut json = serde_json::to_value(response).map_err(|_| Fault::Asset("a response to the frame"))?;
    add_decimals(&mut json);
    Ok(json)
}

/// The same with `words`: those that the frame has no use for before this response.
pub(super) fn to_frame_json_with_words(
    response: &impl Serialize,
    words: &BTreeMap<String, String>,
) -> Result<Value, Fault> {
    let mut json = to_frame_json(response)?;
    let members = json.as_object_mut().ok_or(Fault::Asset("a response to the frame"))?;
    members.insert("words".to_owned(), json!(words));
    Ok(json)
}

/// Adds `decimals` to each object that has a currency.
fn add_decimals(json: &mut Value) {
    match json {
        Value::Array(items) => items.iter_mut().for_each(add_decimals),
        Value::Object(members) => {
            members.values_mut().for_each(add_decimals);
            let currency = members.get("currency").and_then(Value::as_str).and_then(Currency::parse);
            if let Some(currency) = currency {
                members.insert("decimals".to_owned(), currency.decimals().into());
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_amount_has_its_decimals() {
        let amount = |currency: &str| json!({"value": 1599, "currency": currency});
        let page = json!({"charges": [{"amount": amount("USD"), "refunded": amount("JPY")}, {"amount": amount("KWD")}],
                          "price": amount("XXX"), "currency": 7});
        let shown = to_frame_json(&page).expect("is JSON");
        let decimals = |pointer: &str| shown.pointer(pointer).and_then(Value::as_u64);
        assert_eq!(decimals("/charges/0/amount/decimals"), Some(2));
        assert_eq!(decimals("/charges/0/refunded/decimals"), Some(0));
        assert_eq!(decimals("/charges/1/amount/decimals"), Some(3));
        assert_eq!(decimals("/price/decimals"), None, "no currency that we know");
        assert_eq!(
            (decimals("/decimals"), shown["charges"][0]["amount"]["value"].as_i64()),
            (None, Some(1599))
        );
    }
}
