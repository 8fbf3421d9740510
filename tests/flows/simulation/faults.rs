//! Fault injection: on the network, with the clock, in the edge's store, and crashes of programs.

use super::gateway::GATEWAY;
use super::outcomes::RunOutcome;
use super::run::SimulationRun;
use onbill_domain::day::Day;
use onbill_edge::fake::KvFault;
use onbill_test_harness::crash_point::CrashMoment;
use onbill_test_harness::{EDGE, NETFLIX, NetworkFault};

impl SimulationRun {
    /// A fault hits the calls to one address: the next few, or all until it is cleared.
    pub(super) fn inject_network_fault(&mut self) {
        let (acme, origin) = (self.system.acme.dashboard_address, self.system.acme.origin_address);
        let mut places = vec![
            format!("{acme}/csp/transaction"),
            format!("{acme}/csp/transaction"),
            GATEWAY.to_owned(),
            GATEWAY.to_owned(),
            GATEWAY.to_owned(),
            origin.to_owned(),
            format!("{origin}/ott/v1/transaction"),
            format!("{origin}/ott/v1/coupon"),
            format!("{origin}/operator/v1/coupons"),
            format!("{origin}/sms"),
            format!("{origin}/edge/v1/pai"),
            format!("{origin}/operator"),
            NETFLIX.to_owned(),
            format!("{NETFLIX}/account-state"),
        ];
        let mishap = *self.dice.pick_one(&[
            NetworkFault::Lost,
            NetworkFault::Late,
            NetworkFault::Twice,
            NetworkFault::Refused,
            NetworkFault::AnswerLost,
            NetworkFault::FailsAfter,
            NetworkFault::Garbled,
            NetworkFault::Stalls,
        ]);
        // The edge is what is tested: no fault responds in its name.
        if !matches!(mishap, NetworkFault::Refused | NetworkFault::FailsAfter | NetworkFault::Garbled) {
            places.extend([format!("{EDGE}/ott"), format!("{EDGE}/origin")]);
        }
        let place = self.dice.pick_one(&places).clone();
        let calls = *self.dice.pick_one(&[1, 2, 5, u32::MAX]);
        self.system.network.inject_fault_for(&place, mishap, calls);
    }

    /// Seconds, minutes, hours, days, months; now and then a clock that is set back.
    pub(super) fn pass_time(&mut self) {
        let seconds = [1, 20, 61, 301, 3_700, 40_000, 90_000, 90 * 86_400, -100, -7_300];
        let seconds = *self.dice.pick_one(&seconds);
        if seconds < 0 {
            // Not back into a day that had ended: what is charged then counts for the later day.
            if Day::of_timestamp(self.system.now().plus_seconds(seconds))
                != Day::of_timestamp(self.system.now())
            {
                return;
            }
            self.tally.count(RunOutcome::SetBack);
            // The hour in which an old call is valid would come again: no protocol protects against
            // a late call then.
            self.system.network.drop_late();
        }
        self.system.advance_seconds(seconds);
    }

    /// Billing is down for hours or for days, while the outbox is processed.
    pub(super) async fn break_billing(&mut self) {
        let billing = format!("{}/csp", self.system.acme.dashboard_address);
        let mishap = *self.dice.pick_one(&[NetworkFault::Lost, NetworkFault::Refused, NetworkFault::Garbled]);
        self.system.network.inject_fault(&billing, mishap);
        let seconds = *self.dice.pick_one(&[3_700, 3_700, 110_000]);
        for _ in 0..self.dice.draw_below(9) {
            self.system.advance_seconds(seconds);
            self.deliver().await;
        }
        self.system.network.clear_faults();
        self.tally.count(RunOutcome::Night);
    }

    /// The edge's store goes stale, fails, or loses entries.
    pub(super) fn break_edge_store(&mut self) {
        let faults = [
            Some(KvFault::StaleReads),
            Some(KvFault::Behind(*self.dice.pick_one(&[60, 600, 3_600]))),
            Some(KvFault::ReadsFail),
            Some(KvFault::WritesFail),
            Some(KvFault::WritesFailAndLand),
            Some(KvFault::Down),
            None,
            None,
        ];
        let fault = *self.dice.pick_one(&faults);
        self.system.edge.kv_fail(fault);
        self.is_stale |= matches!(fault, Some(KvFault::StaleReads | KvFault::Behind(_)));
        if fault.is_some() {
            self.tally.count(RunOutcome::StoreFault);
        }
        if self.dice.draw_below(2) == 0 {
            for (key, _) in self.system.edge.kv_entries() {
                self.system.edge.kv_set(&key, None);
            }
        }
    }

    /// A program of the origin will crash soon, before a write or right after it.
    pub(super) fn crash_origin_soon(&mut self) {
        let calls = u32::try_from(self.dice.draw_below(6)).expect("is small") + 1;
        let moment = *self.dice.pick_one(&[CrashMoment::Before, CrashMoment::After]);
        self.dice.pick_one(&self.system.acme.origins).crash_point.crash_at(calls, moment);
    }
}
