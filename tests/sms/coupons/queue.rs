//! More than a thousand queued coupons, and a customer who waits for a PIN.

use crate::coupon_system::CouponSystem;
use crate::pins::pin_in;
use crate::smsc_link::GOOD;
use onbill_domain::limits::PIN_DIGITS;
use onbill_origin::coupon::{HEADER, issue_file};
use onbill_test_harness::wait::wait_until;
use serde_json::json;
use std::collections::HashSet;
use std::fmt::Write as _;
use std::sync::Arc;

const COUPONS: usize = 1_200;
/// The share of non-urgent messages in a window of ten.
const UNHURRIED: u64 = 8;

#[tokio::test(flavor = "multi_thread")]
async fn pin_precedes_a_thousand_coupons_each_sent_once() {
    for mut system in CouponSystem::on_each_kind_of_database(&json!({})).await {
        let mut file = HEADER.join(",") + "\n";
        for n in 0..COUPONS {
            writeln!(file, "c-{n},{GOOD},6M,8999,USD,,").expect("is text");
        }
        let report = issue_file(&system.app.coupons, file.as_bytes(), |why| panic!("{why}"), |_| {}).await;
        assert_eq!(report.expect("reads").issued, COUPONS as u64);

        system.inject_faults(json!({"smsc": "slow"})).await;
        let asked = system.operator.smsc_asked();
        system.working.spawn(Arc::clone(&system.app.worker).run());
        wait_until("the SMSC has as many as it gets", async || {
            system.operator.smsc_asked() == asked + UNHURRIED
        })
        .await;
        system.enter_number().await;
        wait_until("the PIN comes", async || !system.read_inbox().await.is_empty()).await;
        assert_eq!(pin_in(&system.read_inbox().await[0]).len(), PIN_DIGITS, "before all of the others");

        system.inject_faults(json!({})).await;
        wait_until("all have come", async || {
            // A message that waited too long for a place in the window is due again later.
            system.clock.advance_seconds(1);
            system.app.wake_queue();
            system.read_inbox().await.len() > COUPONS
        })
        .await;
        let texts = system.read_inbox().await;
        assert_eq!(texts.iter().collect::<HashSet<_>>().len(), 1 + COUPONS, "each is another's");
        wait_until("each is known to have come", async || system.count_delivered().await == COUPONS).await;
        assert_eq!(system.read_inbox().await.len(), 1 + COUPONS, "and none came twice");
    }
}
