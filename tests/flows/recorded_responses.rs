//! The system's responses and calls, byte for byte, as they were recorded: whatever changes inside,
//! partners, operators and browsers see the same.
//!
//! A fixed script of calls runs in test systems whose clock and randomness are the same in every
//! run, so identifiers, nonces and signatures are too. Nothing in a transcript is left out or
//! replaced for being different from run to run. `golden/` has a transcript for each area. It
//! lists, in the order in which they were sent, all exchanges with edge and origin, and what onbill
//! sends to the operator and the partner. To record them after an intended change:
//!
//! ```text
//! ONBILL_RECORD=1 cargo test -p onbill-tests --test flows recorded_responses
//! ```

mod accounts;
mod charges;
mod coupons;
mod declines;
mod desks;
mod devices;
mod echo;
mod golden;
mod inside;
mod pages;
mod recorder;
mod refusals;
mod request;
mod texts;
mod transcript;
mod widget;

use recorder::ResponseRecorder;

macro_rules! areas {
    ($($name:ident: $record:path;)*) => {
        $(
            #[tokio::test]
            async fn $name() {
                let mut recorder = ResponseRecorder::new().await;
                $record(&mut recorder).await;
                recorder.finish(stringify!($name));
            }
        )*
    };
}

areas! {
    account_events: accounts::record_events;
    charges_and_refunds: charges::record;
    coupons_sold_and_redeemed: coupons::record;
    declines: declines::record;
    desk_calls: desks::record;
    device_journey: devices::record;
    edge_and_origin: inside::record;
    echo_of_a_call: echo::record;
    notifications: accounts::record_notifications;
    own_page: accounts::record_own_page;
    pages_for_browsers: pages::record;
    sms_receipts: coupons::record_receipts;
    sms_texts: texts::record;
    widget_journey: widget::record;
}
