//! What a run met, counted: a simulation of fine weather proves nothing.

use crate::seeds::Tally;
use onbill_test_harness::NetworkFault;
use std::fmt;

/// What a run can meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Met {
    Charge,
    Replay,
    Conflict,
    Pending,
    Decline,
    Limited,
    Refund,
    RefundReplay,
    RefundRefused,
    Notice,
    HandOver,
    Move,
    Told,
    ToldAgain,
    Superseded,
    Contradictory,
    Closed,
    Parked,
    Death,
    Lost,
    Late,
    Twice,
    Refused,
    AnswerLost,
    FailsAfter,
    Garbled,
    Stalled,
    SetBack,
    Night,
    StoreFault,
    Sold,
    SoldAgain,
    OtherCoupon,
    NotSold,
    Resent,
    ResentAgain,
    Voided,
    TooLate,
    BuyerLeft,
    TextsOver,
    Text,
    TextAgain,
    Busy,
    KnowsNoWay,
    Delivered,
    ReportedAgain,
    ReportedAtOnce,
    NotDelivered,
    ReportLost,
    Redeemed,
    RedeemedAgain,
    OtherRedemption,
    TypedAtOnce,
    Gift,
    GiftToStranger,
    GiftToNobody,
    MonthsLater,
    Used,
    VoidCode,
    OldCode,
    ExpiredCode,
    NobodysCode,
    TooManyGuesses,
    Slip,
    BeingRedeemed,
    CouponDeclined,
    SpentBeforePaid,
    Unpaid,
    Expired,
    Undelivered,
    CouponRefund,
    PaidByCoupon,
    Reminder,
    WentOn,
    Cancelled,
}

impl From<NetworkFault> for Met {
    fn from(mishap: NetworkFault) -> Self {
        match mishap {
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

const ALL: [(Met, &str); 75] = [
    (Met::Charge, "charges"),
    (Met::Replay, "replays"),
    (Met::Conflict, "conflicts"),
    (Met::Pending, "pending"),
    (Met::Decline, "declined"),
    (Met::Limited, "over a limit"),
    (Met::Refund, "refunds"),
    (Met::RefundReplay, "replays of refunds"),
    (Met::RefundRefused, "refunds refused"),
    (Met::Notice, "notices"),
    (Met::HandOver, "numbers handed over"),
    (Met::Move, "moves to other numbers"),
    (Met::Told, "events told"),
    (Met::ToldAgain, "told again"),
    (Met::Superseded, "superseded"),
    (Met::Contradictory, "contradictory"),
    (Met::Closed, "PAIs closed by hand"),
    (Met::Parked, "parked"),
    (Met::Death, "deaths"),
    (Met::Lost, "calls lost"),
    (Met::Late, "late"),
    (Met::Twice, "twice"),
    (Met::Refused, "refused"),
    (Met::AnswerLost, "answers lost"),
    (Met::FailsAfter, "failed after"),
    (Met::Garbled, "garbled"),
    (Met::Stalled, "stalled"),
    (Met::SetBack, "clocks set back"),
    (Met::Night, "nights without billing"),
    (Met::StoreFault, "faults of the edge's store"),
    (Met::Sold, "coupons sold"),
    (Met::SoldAgain, "sold again under the same name"),
    (Met::OtherCoupon, "another under it refused"),
    (Met::NotSold, "not sold to whoever is not in good standing"),
    (Met::Resent, "codes replaced"),
    (Met::ResentAgain, "replaced again under the same name"),
    (Met::Voided, "coupons voided"),
    (Met::TooLate, "too late to change one"),
    (Met::BuyerLeft, "buyers who had left"),
    (Met::TextsOver, "coupons with all their messages"),
    (Met::Text, "texts with a code"),
    (Met::TextAgain, "texts that came again"),
    (Met::Busy, "a busy gateway"),
    (Met::KnowsNoWay, "numbers not routable"),
    (Met::Delivered, "reports that one is on the phone"),
    (Met::ReportedAgain, "reports again"),
    (Met::ReportedAtOnce, "reports before the answer"),
    (Met::NotDelivered, "other reports"),
    (Met::ReportLost, "reports lost"),
    (Met::Redeemed, "coupons redeemed"),
    (Met::RedeemedAgain, "the same redemption again"),
    (Met::OtherRedemption, "another under its name refused"),
    (Met::TypedAtOnce, "codes typed by several at once"),
    (Met::Gift, "gifts"),
    (Met::GiftToStranger, "gifts to somebody unknown"),
    (Met::GiftToNobody, "gifts to a closed PAI"),
    (Met::MonthsLater, "months that begin later"),
    (Met::Used, "used codes"),
    (Met::VoidCode, "void codes"),
    (Met::OldCode, "replaced codes"),
    (Met::ExpiredCode, "expired codes"),
    (Met::NobodysCode, "codes of nobody's"),
    (Met::TooManyGuesses, "too many of them"),
    (Met::Slip, "slips"),
    (Met::BeingRedeemed, "being redeemed"),
    (Met::CouponDeclined, "coupons declined"),
    (Met::SpentBeforePaid, "coupons spent before billing had answered"),
    (Met::Unpaid, "unpaid coupons"),
    (Met::Expired, "expired coupons"),
    (Met::Undelivered, "coupons whose text does not arrive"),
    (Met::CouponRefund, "coupons refunded"),
    (Met::PaidByCoupon, "charges for days that a coupon has paid for"),
    (Met::Reminder, "reminders"),
    (Met::WentOn, "sign-ups while a coupon pays"),
    (Met::Cancelled, "subscriptions cancelled"),
];

/// How often which weather was met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Weather([u64; ALL.len()]);

impl Default for Weather {
    fn default() -> Self {
        Self([0; ALL.len()])
    }
}

impl Weather {
    pub(super) fn meet(&mut self, met: Met) {
        self.0[met as usize] += 1;
    }
}

impl Tally for Weather {
    fn add(&mut self, other: &Self) {
        for (count, more) in self.0.iter_mut().zip(other.0) {
            *count += more;
        }
    }

    fn missing(&self) -> Vec<&'static str> {
        ALL.iter().filter(|(met, _)| self.0[*met as usize] == 0).map(|(_, name)| *name).collect()
    }
}

impl fmt::Display for Weather {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (met, name)) in ALL.iter().enumerate() {
            write!(f, "{}{} {name}", if at == 0 { "" } else { ", " }, self.0[*met as usize])?;
        }
        Ok(())
    }
}
