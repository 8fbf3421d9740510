//! What a run can meet. Each is counted under its name, and a campaign fails when one of them was
//! never met.

use onbill_test_harness::NetworkFault;

/// Declares the outcomes with their names, so that none can be left out of the list.
macro_rules! outcomes {
    ($($outcome:ident => $name:literal,)+) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum RunOutcome {
            $($outcome,)+
        }

        impl RunOutcome {
            pub(super) const NAMES: &[&str] = &[$($name,)+];
        }

        impl From<RunOutcome> for &'static str {
            fn from(outcome: RunOutcome) -> Self {
                match outcome {
                    $(RunOutcome::$outcome => $name,)+
                }
            }
        }
    };
}

outcomes! {
    Charge => "charges",
    Replay => "replays",
    Conflict => "conflicts",
    Pending => "pending",
    Decline => "declined",
    Limited => "over a limit",
    Refund => "refunds",
    RefundReplay => "replays of refunds",
    RefundRefused => "refunds refused",
    DeskRefund => "refunds of the desk",
    DeskRefundReplay => "replays of refunds of the desk",
    DeskRefundRefused => "refunds of the desk refused",
    Notice => "notices",
    HandOver => "numbers handed over",
    Move => "moves to other numbers",
    Told => "events told",
    ToldAgain => "told again",
    Superseded => "superseded",
    Contradictory => "contradictory",
    Closed => "PAIs closed by hand",
    Parked => "parked",
    Death => "deaths",
    Lost => "calls lost",
    Late => "late",
    Twice => "twice",
    Refused => "refused",
    AnswerLost => "answers lost",
    FailsAfter => "failed after",
    Garbled => "garbled",
    Stalled => "stalled",
    SetBack => "clocks set back",
    Night => "nights without billing",
    StoreFault => "faults of the edge's store",
    Sold => "coupons sold",
    SoldAgain => "sold again under the same name",
    OtherCoupon => "another under it refused",
    NotSold => "not sold to whoever is not in good standing",
    Resent => "codes replaced",
    ResentAgain => "replaced again under the same name",
    Voided => "coupons voided",
    TooLate => "too late to change one",
    BuyerLeft => "buyers who had left",
    TextsOver => "coupons with all their messages",
    Text => "texts with a code",
    TextAgain => "texts that came again",
    Busy => "a busy gateway",
    KnowsNoWay => "numbers not routable",
    Delivered => "reports that one is on the phone",
    ReportedAgain => "reports again",
    ReportedAtOnce => "reports before the answer",
    NotDelivered => "other reports",
    ReportLost => "reports lost",
    Redeemed => "coupons redeemed",
    RedeemedAgain => "the same redemption again",
    OtherRedemption => "another under its name refused",
    TypedAtOnce => "codes typed by several at once",
    Gift => "gifts",
    GiftToStranger => "gifts to somebody unknown",
    GiftToNobody => "gifts to a closed PAI",
    MonthsLater => "months that begin later",
    Used => "used codes",
    VoidCode => "void codes",
    OldCode => "replaced codes",
    ExpiredCode => "expired codes",
    NobodysCode => "codes of nobody's",
    TooManyGuesses => "too many of them",
    Slip => "slips",
    BeingRedeemed => "being redeemed",
    CouponDeclined => "coupons declined",
    SpentBeforePaid => "coupons spent before billing had answered",
    Unpaid => "unpaid coupons",
    Expired => "expired coupons",
    Undelivered => "coupons whose text does not arrive",
    CouponRefund => "coupons refunded",
    PaidByCoupon => "charges for days that a coupon has paid for",
    MandateEnded => "charges after a cancellation",
    OverPrice => "charges above the price that was agreed",
    PeriodCharged => "charges for days that were charged",
    Reminder => "reminders",
    WentOn => "sign-ups while a coupon pays",
    Cancelled => "subscriptions cancelled",
}

impl From<NetworkFault> for RunOutcome {
    fn from(fault: NetworkFault) -> Self {
        match fault {
            NetworkFault::Lost => Self::Lost,
            NetworkFault::Late => Self::Late,
            NetworkFault::Twice => Self::Twice,
            NetworkFault::Refused => Self::Refused,
            NetworkFault::AnswerLost => Self::AnswerLost,
            NetworkFault::FailsAfter => Self::FailsAfter,
            NetworkFault::Garbled => Self::Garbled,
            NetworkFault::Stalls => Self::Stalled,
        }
    }
}
