//! The gateway's messages, checked after each step: each goes to the subscriber of its number, each
//! code is its coupon's last one, and none comes twice unless a response was lost, or a program
//! crashed before it had recorded the send.

use super::coupon_watch::CouponWatch;
use crate::simulation::coupons::DeliveredCode;
use crate::simulation::gateway::{AcceptedSms, GATEWAY};
use crate::simulation::outcomes::RunOutcome;
use crate::simulation::run::SimulationRun;
use crate::simulation::subscribers::NumberHolder;
use onbill_domain::coupon_code::CouponCode;
use onbill_domain::day::Day;
use onbill_test_harness::NetworkFault;
use std::collections::{BTreeMap, BTreeSet};

/// How often a message has come, and how many steps had a fault that explains a repetition.
#[derive(Debug, Default)]
struct MessageCount {
    taken: usize,
    excused: usize,
}

/// The messages so far.
#[derive(Default)]
pub(in super::super) struct SmsWatch {
    seen: usize,
    mishaps: usize,
    counts: BTreeMap<(String, String), MessageCount>,
    /// Each coupon's number of codes, and whether it was void, before the step.
    before: BTreeMap<usize, (u32, bool)>,
    /// Coupons whose buyer did not have the number at some time since: their message may have been
    /// dropped.
    pub(in super::super) may_be_dropped: BTreeSet<usize>,
}

impl SimulationRun {
    /// Checks what the gateway has accepted in this step, in which a program may have crashed. The
    /// codes count as delivered from now on.
    pub(in super::super) fn look_at_texts(&mut self) -> Vec<String> {
        let mut found = Vec::new();
        let taken = self.gateway.taken();
        // When a call stalls, minutes pass for all parties: also for a program that is sending a
        // message at that moment.
        let mishaps = self.system.network.faults_met();
        let is_excused = self.has_died() || mishaps[self.texts.mishaps..].contains(&NetworkFault::Stalls);
        self.texts.mishaps = mishaps.len();
        let news = taken[self.texts.seen..].to_vec();
        self.texts.seen = taken.len();
        for message in &news {
            let sent = (message.to.clone(), message.text.clone());
            let count = self.texts.counts.entry(sent).or_default();
            count.taken += 1;
            count.excused += usize::from(is_excused);
            if count.taken > 1 {
                self.tally.count(RunOutcome::TextAgain);
            }
            match code_in(message) {
                Some(code) => self.look_at_code(code, message, &mut found),
                None => self.look_at_reminder(message, &mut found),
            }
        }
        for (nth, buyer) in &self.buyers {
            let Some(coupon) = self.coupons.issued.get(nth) else { continue };
            let is_theirs = self.holder(self.sold[*nth].number).is_some_and(|now| now.activated_on == *buyer);
            if !is_theirs && coupon.sent_at.is_none() {
                self.texts.may_be_dropped.insert(*nth);
            }
        }
        self.texts.before = coupon_sms_states(&self.coupons);
        found
    }

    /// The subscriber of the number, if their account has not ended.
    fn holder(&self, number: &str) -> Option<&NumberHolder> {
        self.holdings.get(number)?.last().filter(|holding| holding.status != "ceased")
    }

    fn look_at_code(
        &mut self,
        (code, spelled): (CouponCode, String),
        message: &AcceptedSms,
        found: &mut Vec<String>,
    ) {
        let hash = self.system.acme.app().vault.coupon_hash(&code);
        let Some((nth, text)) = self.coupons.with_code(&format!("\\x{}", super::db_reader::hex(&hash)))
        else {
            return found.push("a code was sent that the ledger does not know".to_owned());
        };
        let is_theirs = self
            .holder(&message.to)
            .is_some_and(|holder| self.buyers.get(&nth) == Some(&holder.activated_on));
        if !is_theirs {
            found.push(format!("the code of c-{nth} was sent to somebody else"));
        }
        let is_late = self.has_met(&message.text, &[NetworkFault::Late]);
        let (texts, is_void) = self.texts.before.get(&nth).copied().unwrap_or((0, false));
        if (text < texts || is_void) && is_late == 0 {
            found.push(format!("c-{nth} has {texts} codes, void: {is_void}; its code {text} was sent"));
        }
        if self.coupons.is_expired(nth, self.began_at) && is_late == 0 {
            found.push(format!("c-{nth} was too old, and its code was sent"));
        }
        self.tally.count(RunOutcome::Text);
        if !self.phones.iter().any(|known| known.spelled == spelled) {
            self.phones.push(DeliveredCode { spelled, of: (nth, text) });
        }
    }

    fn look_at_reminder(&mut self, message: &AcceptedSms, found: &mut Vec<String>) {
        let Some(last) = day_in(&message.text) else {
            return found.push(format!("a message has neither code nor day: {}", message.text));
        };
        let holder = self.holder(&message.to).map(|holding| holding.activated_on.as_str());
        let of_the_day = self.months.reminded_of(last);
        let known = |pai: &&str| self.generations.get(*pai).map(String::as_str) == holder;
        if holder.is_none() || !of_the_day.iter().any(known) {
            found.push(format!("a subscriber was reminded that months end on {last}, which are not theirs"));
        }
        self.tally.count(RunOutcome::Reminder);
    }

    /// How often one of these faults hit the sending of a message.
    fn has_met(&self, text: &str, mishaps: &[NetworkFault]) -> usize {
        let befell = self.system.network.faults_met_at(GATEWAY);
        let of_it =
            befell.iter().filter(|(body, mishap)| *body == text.as_bytes() && mishaps.contains(mishap));
        of_it.count()
    }
}

/// The code in a coupon's message.
fn code_in(message: &AcceptedSms) -> Option<(CouponCode, String)> {
    let words = message.text.split_whitespace();
    words.filter(|word| word.len() == 24).find_map(|word| Some((CouponCode::parse(word)?, word.to_owned())))
}

/// The day in an English message, such as `17 May 2027`.
fn day_in(text: &str) -> Option<Day> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let words: Vec<_> = text.split_whitespace().map(|word| word.trim_end_matches(['.', ','])).collect();
    words.windows(3).find_map(|words| {
        let [date, month, year] = *words else { return None };
        let month = MONTHS.iter().position(|name| *name == month)? + 1;
        Day::parse(&format!("{year}-{month:02}-{date:0>2}"))
    })
}

fn coupon_sms_states(coupons: &CouponWatch) -> BTreeMap<usize, (u32, bool)> {
    let of = |coupon: &super::coupon_watch::StoredCoupon| (coupon.texts, coupon.voided_at.is_some());
    coupons.issued.iter().map(|(nth, coupon)| (*nth, of(coupon))).collect()
}

/// No message has come more often than responses were lost.
pub(super) fn check_sms(run: &SimulationRun, found: &mut Vec<String>) {
    for ((_, text), MessageCount { taken, excused }) in &run.texts.counts {
        let lost = run.has_met(
            text,
            &[
                NetworkFault::Late,
                NetworkFault::Twice,
                NetworkFault::AnswerLost,
                NetworkFault::FailsAfter,
                NetworkFault::Garbled,
                NetworkFault::Stalls,
            ],
        );
        if *taken > 1 + lost + excused {
            found.push(format!("a message came {taken} times, and {lost} answers were lost: {text}"));
        }
    }
}
