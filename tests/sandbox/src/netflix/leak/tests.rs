//! Planted numbers are found in every spelling, and nothing else is taken for one.

use super::*;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use onbill_domain::encoding::encode_base64url;
use onbill_domain::token;
use serde_json::json;

fn watch(numbers: &[&str]) -> LeakWatch {
    LeakWatch::new(&numbers.iter().map(|number| Msisdn::parse(number).expect("is E.164")).collect::<Vec<_>>())
}

#[test]
fn demo_numbers_are_found_in_every_spelling() {
    let watch = watch(&["+12025550101", "+34612345601"]);
    let utf16: Vec<u8> = "2025550101".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut planted: Vec<Vec<u8>> = [
        "+12025550101",
        "0012025550101",
        "2025550101",
        "(202) 555-0101",
        "202.555.0101",
        "202 / 555 / 01 01",
        "+1\u{a0}202\u{2011}555\u{2011}0101",
        "%2B1%20202%20555%200101",
        "msisdn=%2B12025550101&x=1",
        "612 34 56 01",
        "٢٠٢٥٥٥٠١٠١",
        "２０２５５５０１０１",
        "%D9%A2%D9%A0%D9%A2%D9%A5%D9%A5%D9%A5%D9%A0%D9%A1%D9%A0%D9%A1",
        "\\u0032\\u0030\\u0032\\u0035\\u0035\\u0035\\u0030\\u0031\\u0030\\u0031",
        "32303235353530313031",
        "sub-5f2b9a1e-12025550101-7c",
        r#"{"note":"call 1-202-555-0101 now"}"#,
    ]
    .into_iter()
    .map(|text| text.as_bytes().to_vec())
    .collect();
    planted.push(utf16);
    for prefix in ["", "x", "xy", "number: +1"] {
        let text = format!("{prefix}2025550101.");
        planted.push(STANDARD.encode(&text).into_bytes());
        planted.push(URL_SAFE_NO_PAD.encode(URL_SAFE_NO_PAD.encode(&text)).into_bytes());
    }
    let claims = json!({"sub": "+1 202 555 0101", "iat": 1_795_000_000});
    let jws = format!(
        "{}.{}.{}",
        encode_base64url(b"{\"alg\":\"HS256\"}"),
        encode_base64url(claims.to_string().as_bytes()),
        encode_base64url(&[7; 32])
    );
    planted.push(json!({"token": jws}).to_string().into_bytes());
    for bytes in planted {
        assert!(!watch.findings(&bytes).is_empty(), "{}", String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn unknown_numbers_are_found_by_their_shape() {
    let watch = watch(&[]);
    for text in [
        "+442079460958",
        "+44 20 7946 0958",
        "+1 (415) 555-2671",
        "x=%2B442079460958",
        "4155552671",
        "tel:004915112345678;",
        r#"{"msisdn":447700900123}"#,
        "msisdn-447700900123-of-somebody-else",
        "٤١٥٥٥٥٢٦٧١",
    ] {
        assert!(!watch.findings(text.as_bytes()).is_empty(), "{text}");
    }
    let claims = encode_base64url(br#"{"sub":"447700900123","iat":1795000000}"#);
    assert!(!watch.findings(format!("a.{claims}.b").as_bytes()).is_empty());
}

#[test]
fn what_a_partner_may_see_raises_no_alarm() {
    let watch = watch(&["+12025550101", "+34612345601"]);
    let keys = crate::testing::keys();
    let key = keys.keys_for_use(onbill_domain::key::KeyUse::SessionAssertion).last().expect("is there");
    let mut harmless = vec![
        "00000000-0000-4000-8000-123456789012".to_owned(),
        r#"{"pai":"07070707-0707-4707-8707-070707070707","extSubscriptionID":"sub-11111111-2222-4333-8444-555555555555"}"#.to_owned(),
        "sub-1f0e8d7c-6b5a-4948-8736-251403f2e1d0-2026-12".to_owned(),
        r#"{"servicePeriod":{"from":"2026-12-01","to":"2026-12-31"},"amount":{"value":1599,"currency":"USD"}}"#.to_owned(),
        "sig1=(\"@method\" \"@authority\");created=1795000000;nonce=\"kq3Zb9-2_TTu0xW5hL8aVw\";keyid=\"netflix-2026a\"".to_owned(),
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/153.0.0.0 Safari/537.36".to_owned(),
        "Sun, 22 Nov 2026 08:16:19 GMT".to_owned(),
        "http://127.0.0.1:8787/widget/v1/return/acme/kq3Zb9-2_TTu0x".to_owned(),
        "email=dana%40example.com&terms=yes".to_owned(),
        "2026-11-18T11:06:40Z".to_owned(),
    ];
    for n in 0..500_u32 {
        let random = onbill_domain::digest::sha256(&n.to_le_bytes());
        harmless.push(
            onbill_domain::pai::Pai::from_random(random[..16].try_into().expect("is 16 bytes")).to_string(),
        );
        harmless.push(onbill_domain::digest::content_digest(&random));
        harmless.push(format!("sig1=:{}:", STANDARD.encode([random, random].concat())));
        let claims = token::SessionClaims {
            iss: onbill_domain::ids::OperatorId::parse("acme").expect("is a slug"),
            aud: encode_base64url(&random),
            numbers: vec![],
            jti: None,
            iat: 1_795_000_000,
            exp: 1_795_000_300,
        };
        harmless.push(token::sign(key, &claims).expect("signs"));
    }
    for text in harmless {
        assert_eq!(watch.findings(text.as_bytes()), Vec::<String>::new(), "{text}");
    }
}
