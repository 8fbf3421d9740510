//! What each actor does in a step, how often, and under which name it is counted.
//!
//! A step throws a die of [`FACES`] faces. An action has some of them, as many as its weight; which
//! ones does not matter, but they stay with their actions, so that a seed remains the same run.

use std::ops::RangeInclusive;

pub(super) const FACES: u64 = 68;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ActionKind {
    SignUp,
    RedeemCoupon,
    PostCharge,
    QueryCharge,
    PostRefund,
    QueryRefund,
    CancelSubscription,
    ChangeAccount,
    ChangeNumber,
    ReportAccountEvent,
    ClosePai,
    DeliverDue,
    SellCoupon,
    ChangeCoupon,
    QueryCoupon,
    ReportSms,
    SendReminders,
    InjectNetworkFault,
    ClearNetworkFaults,
    DeliverLateCalls,
    BreakBilling,
    BreakEdgeStore,
    BreakGateway,
    CrashOrigin,
    PassTime,
    PassTimeUntilExpiry,
}

pub(super) struct Action {
    pub(super) kind: ActionKind,
    pub(super) name: &'static str,
    faces: &'static [RangeInclusive<u64>],
}

const fn action(kind: ActionKind, name: &'static str, faces: &'static [RangeInclusive<u64>]) -> Action {
    Action { kind, name, faces }
}

const SUBSCRIBER: [Action; 2] = [
    action(ActionKind::SignUp, "sign up", &[18..=18, 38..=40]),
    action(ActionKind::RedeemCoupon, "redeem coupon", &[46..=51, 63..=66]),
];

const PARTNER: [Action; 5] = [
    action(ActionKind::PostCharge, "post charge", &[0..=8, 41..=41]),
    action(ActionKind::QueryCharge, "query charge", &[9..=9]),
    action(ActionKind::PostRefund, "post refund", &[26..=29]),
    action(ActionKind::QueryRefund, "query refund", &[30..=30]),
    action(ActionKind::CancelSubscription, "cancel subscription", &[60..=60]),
];

const OPERATOR: [Action; 10] = [
    action(ActionKind::ChangeAccount, "change account", &[19..=19]),
    action(ActionKind::ChangeNumber, "change number", &[31..=32]),
    action(ActionKind::ReportAccountEvent, "report account event", &[33..=35]),
    action(ActionKind::ClosePai, "close PAI", &[36..=36]),
    action(ActionKind::DeliverDue, "deliver what is due", &[24..=25, 67..=67]),
    action(ActionKind::SellCoupon, "sell coupon", &[42..=45, 61..=62]),
    action(ActionKind::ChangeCoupon, "change coupon", &[52..=53]),
    action(ActionKind::QueryCoupon, "query coupon", &[54..=54]),
    action(ActionKind::ReportSms, "report SMS", &[55..=56]),
    action(ActionKind::SendReminders, "send reminders", &[59..=59]),
];

const FAULTS: [Action; 9] = [
    action(ActionKind::InjectNetworkFault, "inject network fault", &[10..=12]),
    action(ActionKind::ClearNetworkFaults, "clear network faults", &[13..=14]),
    action(ActionKind::DeliverLateCalls, "deliver late calls", &[23..=23]),
    action(ActionKind::BreakBilling, "break billing", &[22..=22, 37..=37]),
    action(ActionKind::BreakEdgeStore, "break edge store", &[20..=20]),
    action(ActionKind::BreakGateway, "break gateway", &[57..=57]),
    action(ActionKind::CrashOrigin, "crash origin", &[21..=21]),
    action(ActionKind::PassTime, "pass time", &[15..=17]),
    action(ActionKind::PassTimeUntilExpiry, "pass time until expiry", &[58..=58]),
];

fn all_actions() -> impl Iterator<Item = &'static Action> {
    const ACTORS: [&[Action]; 4] = [&SUBSCRIBER, &PARTNER, &OPERATOR, &FAULTS];
    ACTORS.into_iter().flatten()
}

pub(super) fn action_names() -> impl Iterator<Item = &'static str> {
    all_actions().map(|action| action.name)
}

/// The action that a face of the die stands for.
pub(super) fn action_at(face: u64) -> &'static Action {
    let mut of_face = all_actions().filter(|action| action.faces.iter().any(|faces| faces.contains(&face)));
    let action = of_face.next().expect("every face has an action");
    assert!(of_face.next().is_none(), "face {face} has two actions");
    action
}

#[test]
fn die_faces_have_one_action_each() {
    for face in 0..FACES {
        action_at(face);
    }
}
