//! What a customer agrees to in the widget's last step: the words say what will be charged, and a
//! sign-up holds for the words that were shown and no others.

use crate::coupons::{issue_and_read_code, redeem_code};
use http::StatusCode;
use onbill_domain::agreement::{Agreement, Taxes, hash_agreement, word_change};
use onbill_domain::encoding::encode_base64url;
use onbill_domain::locale::Locale;
use onbill_domain::msisdn::Msisdn;
use onbill_origin::config::Config;
use onbill_test_harness::customer::AccountChoice;
use onbill_test_harness::{ACME_ACCOUNTS, EDGE, TestSystem};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const GOOD: &str = "+12025550101";
const PREPAID: &str = "+12025550103";

async fn start_system() -> TestSystem {
    let mut system = TestSystem::start();
    system.reconfigure_acme(|config| {
        config.taxes = Some(Taxes::Included);
        config.account_url = Some("https://my.acme.example/account".to_owned());
        config.offers[0].terms_url = Some("https://acme.example/terms".to_owned());
        config.offers[0].privacy_url = Some("https://acme.example/privacy".to_owned());
    });
    system.acme.import_accounts(ACME_ACCOUNTS).await;
    system
}

/// The last step of a customer whom the dashboard vouches for.
async fn read_last_step(system: &TestSystem, number: &str, locale: Locale) -> (String, Agreement) {
    let msisdn = Msisdn::parse(number).expect("is E.164");
    let session = system.acme.sandbox.assertion(vec![msisdn]).expect("signs");
    let body = json!({"operator": "acme", "offer": "netflix-standard", "msisdn": number,
                      "locale": locale.as_str(), "session": session});
    let (status, step) = system.call_widget("/account/validate", body).await;
    assert_eq!((status, &step["step"]), (StatusCode::OK, &json!("confirm")), "{step}");
    assert!(!step["agreement"].to_string().contains(&number[2..]), "{step}");
    let agreement = serde_json::from_value(step["agreement"].clone()).expect("is an agreement");
    (step["flow"].as_str().expect("is text").to_owned(), agreement)
}

async fn sign_up(system: &TestSystem, flow: &str) -> (u16, Value) {
    let (status, response) = system.call_widget("/signup", json!({"operator": "acme", "flow": flow})).await;
    (status.as_u16(), response["code"].clone())
}

/// Continues by a flow of other words: the customer learns so and reads the last step again. Returns
/// the flow of that step, and what it says.
async fn read_again(system: &TestSystem, flow: &str, notice: &str) -> (String, Agreement) {
    let (status, step) = system.call_widget("/signup", json!({"operator": "acme", "flow": flow})).await;
    assert_eq!((status, &step["step"]), (StatusCode::OK, &json!("confirm")), "{step}");
    assert_eq!(step["notice"], notice);
    let agreement = serde_json::from_value(step["agreement"].clone()).expect("is an agreement");
    (step["flow"].as_str().expect("is text").to_owned(), agreement)
}

const CHANGED: &str = "The price or the terms have changed. Please read them again.";

fn text_of<'a>(agreement: &'a Agreement, label: &str) -> &'a str {
    let row = agreement.rows.iter().find(|row| row.label == label);
    row.map(|row| row.text.as_str()).unwrap_or_default()
}

#[tokio::test]
async fn agreement_says_what_will_be_charged() {
    let system = start_system().await;
    let (flow, agreement) = read_last_step(&system, GOOD, Locale::En).await;
    assert_eq!(agreement.price.to_string(), "15.99 USD");
    assert_eq!(text_of(&agreement, "Your number"), "{line}");
    assert_eq!(text_of(&agreement, "Plan"), "Netflix Standard");
    assert_eq!(text_of(&agreement, "Price"), "{price} per month, taxes included");
    assert_eq!(text_of(&agreement, "Payment"), "Added to your Acme Mobile bill");
    assert_eq!(
        text_of(&agreement, "First charge"),
        "Shortly, or on your next billing day if you already pay Netflix"
    );
    assert_eq!(text_of(&agreement, "Then"), "Every month until you cancel");
    assert!(text_of(&agreement, "How to cancel").contains("Netflix or on your Acme Mobile page"));
    let pages: Vec<_> = agreement.links.iter().map(|link| link.url.as_str()).collect();
    assert_eq!(
        pages,
        ["https://acme.example/terms", "https://acme.example/privacy", "https://my.acme.example/account"]
    );
    // The flow says which words these are, so that the sign-up can hold for them.
    let words = flow.rsplit_once('.').expect("has words").1;
    assert_eq!(words, encode_base64url(&hash_agreement(&agreement)));
    assert_eq!(sign_up(&system, &flow).await.0, 201);

    let (_, prepaid) = read_last_step(&system, PREPAID, Locale::En).await;
    assert_eq!(text_of(&prepaid, "Payment"), "Taken from your Acme Mobile balance");
}

/// A double tap that reaches the origin twice: two tokens for one PAI, and one subscription.
#[tokio::test]
async fn two_sign_ups_from_one_flow_are_one_subscription() {
    let system = start_system().await;
    let (flow, _) = read_last_step(&system, GOOD, Locale::En).await;
    let (one, other) =
        tokio::join!(system.open_signup(&system.acme, &flow), system.open_signup(&system.acme, &flow));
    assert_ne!(one, other);
    system.choose_account(&one, AccountChoice::New("ann@example.com")).await;
    system.choose_account(&other, AccountChoice::New("bob@example.com")).await;
    let reported = system.network.calls_to(EDGE, "/ott/v1/partnerSubscription");
    let pais: BTreeSet<String> = reported
        .iter()
        .map(|(body, _)| serde_json::from_slice::<Value>(body).expect("is JSON")["pai"].to_string())
        .collect();
    assert_eq!(pais.len(), 1);
    let recorded = reported.iter().filter(|(_, status)| *status == StatusCode::CREATED).count();
    assert_eq!(recorded, 1, "{reported:?}");
}

#[tokio::test]
async fn agreement_is_in_the_widgets_language() {
    let system = start_system().await;
    let mut titles = Vec::new();
    for locale in Locale::ALL {
        let (flow, agreement) = read_last_step(&system, GOOD, locale).await;
        assert!(agreement.rows.iter().any(|row| row.text == "{line}"), "{locale:?}");
        assert!(agreement.accept.contains("Netflix"), "{locale:?}");
        assert_eq!(sign_up(&system, &flow).await.0, 201, "{locale:?}");
        titles.push(agreement.title);
    }
    titles.sort();
    titles.dedup();
    assert_eq!(titles.len(), Locale::ALL.len());
}

#[tokio::test]
async fn first_charge_comes_after_the_coupons_days() {
    let system = start_system().await;
    let code = issue_and_read_code(&system, "c-1", GOOD).await;
    redeem_code(&system, &code, "r-1").await;
    let (flow, agreement) = read_last_step(&system, GOOD, Locale::En).await;
    assert_eq!(agreement.date.map(|day| day.to_string()).as_deref(), Some("2027-05-18"));
    assert_eq!(text_of(&agreement, "First charge"), "On {date}, when your prepaid months are over");
    assert_eq!(sign_up(&system, &flow).await.0, 201);
    // Nobody else's coupon counts.
    assert_eq!(read_last_step(&system, PREPAID, Locale::En).await.1.date, None);
}

#[tokio::test]
async fn change_after_reading_must_be_read_first() {
    let changes: [fn(&mut Config); 5] = [
        |config| config.offers[0].price.amount_minor = 1999,
        |config| "Netflix Premium".clone_into(&mut config.offers[0].title),
        |config| config.offers[0].taxes = Some(Taxes::Added),
        |config| config.offers[0].terms_url = Some("https://acme.example/terms-2".to_owned()),
        |config| config.account_url = None,
    ];
    for (n, change) in changes.into_iter().enumerate() {
        let mut system = start_system().await;
        let (flow, _) = read_last_step(&system, GOOD, Locale::En).await;
        system.reconfigure_acme(change);
        let (again, shown) = read_again(&system, &flow, CHANGED).await;
        assert_eq!(read_last_step(&system, GOOD, Locale::En).await.1, shown, "{n}");
        // The old words are not agreed to by asking twice, the new ones are.
        read_again(&system, &flow, CHANGED).await;
        assert_eq!(sign_up(&system, &again).await.0, 201, "{n}");
    }
}

#[tokio::test]
async fn change_is_worded_in_the_widgets_language() {
    let mut system = start_system().await;
    let mut flows = Vec::new();
    for locale in Locale::ALL {
        flows.push((locale, read_last_step(&system, GOOD, locale).await.0));
    }
    system.reconfigure_acme(|config| config.offers[0].price.amount_minor = 1999);
    for (locale, flow) in flows {
        let (_, agreement) = read_again(&system, &flow, word_change(locale)).await;
        assert_eq!(agreement.price.to_string(), "19.99 USD", "{locale:?}");
    }
}

#[tokio::test]
async fn coupon_redeemed_after_reading_changes_the_first_charge() {
    let system = start_system().await;
    let code = issue_and_read_code(&system, "c-1", GOOD).await;
    let (flow, _) = read_last_step(&system, GOOD, Locale::En).await;
    redeem_code(&system, &code, "r-1").await;
    let (again, shown) = read_again(&system, &flow, CHANGED).await;
    assert_eq!(shown.date.map(|day| day.to_string()).as_deref(), Some("2027-05-18"));
    assert_eq!(sign_up(&system, &again).await.0, 201);
}

#[tokio::test]
async fn flow_without_its_words_signs_up_no_customer() {
    let system = start_system().await;
    let (flow, _) = read_last_step(&system, GOOD, Locale::En).await;
    let (marked, words) = flow.rsplit_once('.').expect("has words");
    let (_, others) = read_last_step(&system, PREPAID, Locale::En).await;
    let others = encode_base64url(&hash_agreement(&others));
    for bad in [marked.to_owned(), format!("{marked}."), format!("{marked}.{others}")] {
        assert_eq!(read_again(&system, &bad, CHANGED).await.0, flow, "{bad}");
    }
    let bad = format!("{words}.{marked}");
    assert_eq!(sign_up(&system, &bad).await, (400, json!("token-expired")), "{bad}");
    assert_eq!(sign_up(&system, &flow).await.0, 201);
    // It opens the customer's own page as well.
    let (status, _) = system.call_widget("/account", json!({"operator": "acme", "flow": flow})).await;
    assert_eq!(status, StatusCode::OK);
}
