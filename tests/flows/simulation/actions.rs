//! What each actor does in a step, how often, and under which name it is counted.
//!
//! A step throws a die of [`FACES`] faces. An action has some of them, as many as its weight; which
//! ones does not matter, but they stay with their actions, so that a seed remains the same run.

use std::ops::RangeInclusive;

pub(super) const FACES: u64 = 72;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SimulationActionKind {
    SignUp,
    RedeemCoupon,
    PostCharge,
    QueryCharge,
    PostRefund,
    PostDeskRefund,
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

pub(super) struct SimulationAction {
    pub(super) kind: SimulationActionKind,
    pub(super) name: &'static str,
    faces: &'static [RangeInclusive<u64>],
}

const fn action(
    kind: SimulationActionKind,
    name: &'static str,
    faces: &'static [RangeInclusive<u64>],
) -> SimulationAction {
    SimulationAction { kind, name, faces }
}

const SUBSCRIBER: [SimulationAction; 2] = [
    action(SimulationActionKind::SignUp, "sign up", &[18..=18, 38..=40]),
    action(SimulationActionKind::RedeemCoupon, "redeem coupon", &[46..=51, 63..=66]),
];

const PARTNER: [SimulationAction; 5] = [
    action(SimulationActionKind::PostCharge, "post charge", &[0..=8, 41..=41]),
    action(SimulationActionKind::QueryCharge, "query charge", &[9..=9]),
    action(SimulationActionKind::PostRefund, "post refund", &[26..=29]),
    action(SimulationActionKind::QueryRefund, "query refund", &[30..=30]),
    action(SimulationActionKind::CancelSubscription, "cancel subscription", &[60..=60]),
];

const OPERATOR: [SimulationAction; 11] = [
    action(SimulationActionKind::PostDeskRefund, "post refund at a desk", &[68..=71]),
    action(SimulationActionKind::ChangeAccount, "change account", &[19..=19]),
    action(SimulationActionKind::ChangeNumber, "change number", &[31..=32]),
    action(SimulationActionKind::ReportAccountEvent, "report account event", &[33..=35]),
    action(SimulationActionKind::ClosePai, "close PAI", &[36..=36]),
    action(SimulationActionKind::DeliverDue, "deliver what is due", &[24..=25, 67..=67]),
    action(SimulationActionKind::SellCoupon, "sell coupon", &[42..=45, 61..=62]),
    action(SimulationActionKind::ChangeCoupon, "change coupon", &[52..=53]),
    action(SimulationActionKind::QueryCoupon, "query coupon", &[54..=54]),
    action(SimulationActionKind::ReportSms, "report SMS", &[55..=56]),
    action(SimulationActionKind::SendReminders, "send reminders", &[59..=59]),
];

const FAULTS: [SimulationAction; 9] = [
    action(SimulationActionKind::InjectNetworkFault, "inject network fault", &[10..=12]),
    action(SimulationActionKind::ClearNetworkFaults, "clear network faults", &[13..=14]),
    action(SimulationActionKind::DeliverLateCalls, "deliver late calls", &[23..=23]),
    action(SimulationActionKind::BreakBilling, "break billing", &[22..=22, 37..=37]),
    action(SimulationActionKind::BreakEdgeStore, "break edge store", &[20..=20]),
    action(SimulationActionKind::BreakGateway, "break gateway", &[57..=57]),
    action(SimulationActionKind::CrashOrigin, "crash origin", &[21..=21]),
    action(SimulationActionKind::PassTime, "pass time", &[15..=17]),
    action(SimulationActionKind::PassTimeUntilExpiry, "pass time until expiry", &[58..=58]),
];

fn all_actions() -> impl Iterator<Item = &'static SimulationAction> {
    const ACTORS: [&[SimulationAction]; 4] = [&SUBSCRIBER, &PARTNER, &OPERATOR, &FAULTS];
    ACTORS.into_iter().flatten()
}

pub(super) fn action_names() -> impl Iterator<Item = &'static str> {
    all_actions().map(|action| action.name)
}

/// The action that a face of the die stands for.
pub(super) fn action_at(face: u64) -> &'static SimulationAction {
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
