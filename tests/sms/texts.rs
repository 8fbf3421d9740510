//! SMS as they arrive: decoded with another author's alphabet and joined as a phone would.

use crate::smsc_link::{GOOD, SmscLink};
use onbill_domain::msisdn::Msisdn;
use onbill_origin::sms::{SendSmsResult, Sms};
use std::fmt::Write as _;

async fn assert_arrives(link: &SmscLink, text: &str) {
    let before = link.received_sms(GOOD).await.len();
    assert!(
        matches!(link.send_sms(text, true).await, SendSmsResult::Accepted { message_id: Some(_) }),
        "{text}"
    );
    assert_eq!(link.received_sms(GOOD).await[before..], [text.to_owned()]);
}

#[tokio::test]
async fn gsm_alphabet_arrives_unchanged() {
    let link = SmscLink::new().await;
    let alphabet = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZ\
                    ÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
    assert_eq!(alphabet.chars().count(), 127);
    assert_arrives(&link, alphabet).await;
    assert_arrives(&link, "\u{c}^{}\\[~]|€").await;
    assert!(link.operator.smsc_wishes().iter().all(|wish| wish.coding == 0));
}

#[tokio::test]
async fn sms_arrives_whole_in_any_number_of_parts() {
    let link = SmscLink::new().await;
    // On both sides of each seam, and with a character on it that takes two septets.
    for count in [1, 152, 153, 154, 159, 160, 161, 305, 306, 307, 1_000] {
        let mut text: String = ('a'..='z').cycle().take(count - 1).collect();
        text.push('z');
        assert_arrives(&link, &text).await;
        text.replace_range(count - 1.., "€");
        text.push_str("and more");
        assert_arrives(&link, &text).await;
    }
    for count in [1, 66, 67, 68, 69, 70, 71, 133, 134, 135, 500] {
        let text: String = ('ا'..='ي').cycle().take(count - 1).collect();
        assert_arrives(&link, &format!("{text}م")).await;
        assert_arrives(&link, &format!("{text}📱 ok")).await;
    }
}

#[tokio::test]
async fn text_in_parts_asks_for_one_receipt() {
    let link = SmscLink::new().await;
    assert_arrives(&link, &"long ".repeat(80)).await;
    let wished: Vec<bool> = link.operator.smsc_wishes().iter().map(|wish| wish.receipt).collect();
    assert_eq!(wished, [false, false, true]);
    assert_eq!(link.wait_for_receipts(1).await.len(), 1);
}

#[tokio::test]
async fn urgent_sms_has_priority_and_validity_period() {
    let link = SmscLink::new().await;
    link.send_sms("bulk", false).await;
    let to = Msisdn::parse(GOOD).expect("is E.164");
    let now = onbill_origin::ambient::Clock::now(&*link.clock);
    let text =
        Sms { to: &to, body: "pin", urgent: true, valid_until: Some(now.plus_seconds(595)), receipt: false };
    assert!(matches!(link.texts.send(&text).await, SendSmsResult::Accepted { .. }));
    let [bulk, pin] = &link.operator.smsc_wishes()[..] else { panic!("are two") };
    assert_eq!((bulk.priority, &*bulk.validity, bulk.receipt), (0, "", true));
    assert_eq!((pin.priority, &*pin.validity, pin.receipt), (3, "000000000955000R", false));
}

#[tokio::test]
async fn unknown_number_and_endless_sms_are_refused() {
    let link = SmscLink::new().await;
    link.send_sms("there is a connection", true).await;
    let stranger = Msisdn::parse("+12025559999").expect("is E.164");
    let text = Sms { to: &stranger, body: "hello", urgent: true, valid_until: None, receipt: false };
    assert_eq!(link.texts.send(&text).await, SendSmsResult::Refused);
    let asked = link.operator.smsc_asked();
    let mut endless = String::new();
    while endless.len() < 2_000 {
        write!(endless, "{} ", endless.len()).expect("a string takes everything");
    }
    assert_eq!(link.send_sms(&endless, true).await, SendSmsResult::Refused);
    assert_eq!(link.send_sms("", true).await, SendSmsResult::Refused);
    assert_eq!(link.operator.smsc_asked(), asked);
}
