//! What must be true in the end, by the operator's bill, the edge and the partner.

use super::accounts::{NUMBERS, SPARE_NUMBERS};
use super::other_biller::PRICE;
use super::run::TakeoverRun;
use onbill_domain::ids::PartnerId;
use onbill_origin::cut_over::WayBack;
use onbill_origin::store::Store;
use onbill_test_harness::NETFLIX;
use onbill_test_harness::other_system::{charges_csv, pais_csv};
use serde_json::Value;
use std::collections::BTreeMap;

pub(super) async fn check(run: &TakeoverRun) {
    for number in NUMBERS.iter().map(|(number, _)| *number).chain(SPARE_NUMBERS) {
        check_bill(run, number).await;
        let texts = run.system.sms_received(&run.system.acme, number).await;
        assert_eq!(texts, Vec::<String>::new(), "a customer got an SMS");
    }
    let entries = run.system.edge.kv_entries();
    // An edge of several operators learns such a PAI by its first call (decision 75).
    let pais: Vec<_> = entries.iter().filter(|(key, _)| key.starts_with("pai")).collect();
    assert!(!pais.is_empty() && pais.len() <= run.customers.len(), "{pais:?}");
    assert!(pais.iter().all(|(_, value)| value.contains("acme")), "{pais:?}");
    for (body, _) in run.system.network.calls_to(NETFLIX, "/account-state") {
        let report: Value = serde_json::from_slice(&body).expect("is JSON");
        let pai = report["pai"].as_str().expect("is text");
        assert!(run.changed.iter().any(|changed| changed == pai), "nothing has changed of {pai}");
    }
    assert!(run.system.network.accepted_twice().is_empty());
}

/// The lines of both systems are on one bill, and each names its charge. A number's bill has the charges of
/// those who had it when they were charged, and none of its later subscriber.
async fn check_bill(run: &TakeoverRun, number: &str) {
    let (mut charged, mut refunded) = (BTreeMap::<String, i64>::new(), BTreeMap::<String, i64>::new());
    for line in run.system.bill_lines(&run.system.acme, number).await {
        let description = line["description"].as_str().expect("is text");
        let value = line["amount"]["value"].as_i64().expect("is an amount");
        if let Some(id) = description.strip_prefix("Refund: ") {
            *refunded.entry(id.to_owned()).or_default() -= value;
        } else {
            let before = charged.insert(description.to_owned(), value);
            assert_eq!(before, None, "{description} is on the bill twice");
        }
    }
    let of_number = || run.charges.iter().filter(|charge| charge.number == number);
    let approved: BTreeMap<String, i64> =
        of_number().filter(|charge| charge.is_approved).map(|charge| (charge.id.clone(), PRICE)).collect();
    assert_eq!(charged, approved, "{number}");
    let given_back: BTreeMap<String, i64> = of_number()
        .filter(|charge| charge.refunded > 0)
        .map(|charge| (charge.id.clone(), charge.refunded))
        .collect();
    assert_eq!(refunded, given_back, "{number}");
}

/// All goes back: what is written is sound, and loads elsewhere to the same state.
pub(super) async fn check_way_back(run: &mut TakeoverRun) {
    run.report_later_subscribers().await;
    run.other.now = run.system.now();
    let written = write_back(run, &run.system.acme.app().store).await;
    assert_eq!(written[0].len(), run.customers.len(), "no PAI is lost");
    for customer in &run.customers {
        let begin = format!(
            "netflix,{},{},{},{},",
            customer.pai,
            customer.number,
            customer.subscriber_ref,
            customer.state.as_str()
        );
        assert!(written[0].iter().any(|line| line.starts_with(&begin)), "{begin} is not in {:?}", written[0]);
    }
    assert_eq!(written[1].len(), run.charges.len() + count_refused(&written[1]), "nor a charge");
    let place = run.system.acme.db.new_beside().await;
    let elsewhere = place.open_store(1).await.expect("opens");
    let accounts = run.account_lines();
    let accounts: Vec<&str> = accounts.iter().map(String::as_str).collect();
    run.other.import_accounts(&elsewhere, &accounts).await;
    run.other.load_sound(&elsewhere, &pais_csv(&written[0]), Some(&charges_csv(&written[1]))).await;
    assert_eq!(write_back(run, &elsewhere).await, written);
}

/// Charges of a month that was charged before are declined, and are in the ledger too.
fn count_refused(lines: &[String]) -> usize {
    lines.iter().filter(|line| line.starts_with("netflix,again-")).count()
}

/// The lines of both files, in the order of their text.
pub(super) async fn write_back(run: &TakeoverRun, store: &Store) -> [Vec<String>; 2] {
    let [mut pais, mut charges] = [(); 2].map(|()| csv::Writer::from_writer(Vec::new()));
    let way_back = WayBack {
        store,
        vault: &run.other.vault,
        partner: PartnerId::parse("netflix").expect("is a slug"),
        today: run.other.config.time_zone.day_of(run.system.now()),
        with_unchanged: true,
    };
    way_back.write(&mut pais, &mut charges, |_| {}).await.expect("writes");
    [pais, charges].map(|file| {
        let text = String::from_utf8(file.into_inner().expect("is flushed")).expect("is text");
        let mut lines: Vec<String> = text.lines().skip(1).map(str::to_owned).collect();
        lines.sort_unstable();
        lines
    })
}
