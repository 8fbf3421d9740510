//! Coupons in the database, checked after each step: agreed values stay, and states only move
//! forward. A coupon is sent before it is delivered, void or redeemed and never both, redeemed by
//! one redemption, and free again only after a decline when no other outcome has been reported.

use super::db_reader::{DbReader, TextRow};
use super::to_text;
use crate::simulation::coupons::{VALID_DAYS, coupon_index};
use onbill_domain::limits::COUPON_SMS_MAX;
use onbill_domain::timestamp::Timestamp;
use std::collections::BTreeMap;

const AGREED: &str =
    "coupon_id, ext_coupon_id, fingerprint, pai, plan, months, amount_minor, currency, issued_at, expires_at";

/// A coupon as it was last read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct StoredCoupon {
    agreed: TextRow,
    pub(in super::super) pai: String,
    pub(in super::super) expires_at: i64,
    /// Which of its codes is valid, counted from 1.
    pub(in super::super) texts: u32,
    code: String,
    pub(in super::super) message_id: Option<String>,
    pub(in super::super) sent_at: Option<String>,
    pub(in super::super) delivered_at: Option<String>,
    /// Why its SMS is undelivered, if that is known.
    pub(in super::super) undelivered: Option<String>,
    pub(in super::super) voided_at: Option<String>,
    pub(in super::super) redeemed_at: Option<String>,
    pub(in super::super) transaction_id: Option<String>,
    pub(in super::super) unpaid_at: Option<String>,
}

/// A redemption as it was last read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct StoredRedemption {
    /// Never changes: the coupon, the reference, the code, the named subscriber, the subscriber who
    /// gets the days, and the days.
    agreed: TextRow,
    pub(in super::super) coupon_id: String,
    pub(in super::super) reference: String,
    /// The subscriber who gets the days: none for a gift to a customer whom the partner has not
    /// named.
    pub(in super::super) pai: Option<String>,
    pub(in super::super) outcome: String,
    /// The status of its charge.
    pub(in super::super) charge: String,
    pub(in super::super) days: (String, String),
    reminded_at: Option<String>,
}

/// All of them as they were last read: the coupons by the operator's numbers, the redemptions by
/// their charges.
#[derive(Default)]
pub(in super::super) struct CouponWatch {
    pub(in super::super) issued: BTreeMap<usize, StoredCoupon>,
    pub(in super::super) claims: BTreeMap<String, StoredRedemption>,
    /// The hashes of all codes, with the coupon and the number of its SMS.
    codes: BTreeMap<String, (usize, u32)>,
}

impl CouponWatch {
    /// Reads the coupons again, and returns the violations.
    pub(in super::super) async fn look(&mut self, db_reader: &DbReader) -> Vec<String> {
        let issued = read_coupons(db_reader).await;
        let claims = read_redemptions(db_reader).await;
        let mut found = Vec::new();
        for (nth, before) in &self.issued {
            let after = issued.get(nth);
            if !after.is_some_and(|after| before.may_become(after, &claims)) {
                found.push(format!("c-{nth} was {before:?} and is {after:?}"));
            }
        }
        for (id, before) in &self.claims {
            let after = claims.get(id);
            if !after.is_some_and(|after| before.may_become(after)) {
                found.push(format!("{id} was {before:?} and is {after:?}"));
            }
        }
        for (nth, coupon) in &issued {
            coupon.check(*nth, &claims, &mut found);
            self.codes.insert(coupon.code.clone(), (*nth, coupon.texts));
        }
        (self.issued, self.claims) = (issued, claims);
        found
    }

    /// The buyer's PAI.
    pub(in super::super) fn pai_of(&self, nth: usize) -> Option<String> {
        self.issued.get(&nth).map(|coupon| coupon.pai.clone())
    }

    pub(in super::super) fn is_expired(&self, nth: usize, now: Timestamp) -> bool {
        self.issued.get(&nth).is_some_and(|coupon| now.unix_seconds() >= coupon.expires_at)
    }

    /// The coupon of a code, by its hash in the database.
    pub(in super::super) fn with_code(&self, hash: &str) -> Option<(usize, u32)> {
        self.codes.get(hash).copied()
    }
}

async fn read_coupons(db_reader: &DbReader) -> BTreeMap<usize, StoredCoupon> {
    let sql = format!(
        "SELECT sms_count, code_hash, message_id, sent_at, delivered_at, voided_at, redeemed_at, transaction_id, unpaid_at,
             undelivered_reason, {AGREED}
         FROM coupons"
    );
    let coupon = |mut row: TextRow| {
        let agreed = row.split_off(10);
        let [
            texts,
            code,
            message_id,
            sent_at,
            delivered_at,
            voided_at,
            redeemed_at,
            transaction_id,
            unpaid_at,
            undelivered,
        ] = row.try_into().expect("has these columns");
        let name = to_text(agreed[1].clone());
        let coupon = StoredCoupon {
            pai: to_text(agreed[3].clone()),
            expires_at: super::to_number(agreed[9].clone()),
            agreed,
            texts: to_text(texts).parse().expect("is a number"),
            code: to_text(code),
            message_id,
            sent_at,
            delivered_at,
            undelivered,
            voided_at,
            redeemed_at,
            transaction_id,
            unpaid_at,
        };
        (coupon_index(&name).expect("is a name of the operator's"), coupon)
    };
    db_reader.rows(&sql).await.into_iter().map(coupon).collect()
}

async fn read_redemptions(db_reader: &DbReader) -> BTreeMap<String, StoredRedemption> {
    let sql = "SELECT r.transaction_id, r.outcome, r.reminded_at, t.status, r.coupon_id, r.ext_reference, r.period_from,
                   r.period_to, r.code_hash, r.requested_pai, r.pai
               FROM coupon_redemptions r JOIN transactions t ON t.transaction_id = r.transaction_id";
    let claim = |mut row: TextRow| {
        let agreed = row.split_off(4);
        let [id, outcome, reminded_at, charge] = row.try_into().expect("has these columns");
        let column = |at: usize| to_text(agreed[at].clone());
        let claim = StoredRedemption {
            coupon_id: column(0),
            reference: column(1),
            days: (column(2), column(3)),
            pai: agreed[6].clone(),
            outcome: to_text(outcome),
            charge: to_text(charge),
            reminded_at,
            agreed,
        };
        (to_text(id), claim)
    };
    db_reader.rows(sql).await.into_iter().map(claim).collect()
}

/// A value that was there is unchanged; a missing one may be there now.
fn is_unchanged(before: Option<&String>, after: Option<&String>) -> bool {
    before.is_none() || before == after
}

impl StoredCoupon {
    pub(in super::super) fn id(&self) -> String {
        to_text(self.agreed[0].clone())
    }

    fn may_become(&self, after: &Self, claims: &BTreeMap<String, StoredRedemption>) -> bool {
        let was_declined = |id: &String| claims.get(id).is_some_and(|claim| claim.outcome == "DECLINED");
        let of_text = (&self.message_id, &self.sent_at, &self.delivered_at);
        let of_text_after = (&after.message_id, &after.sent_at, &after.delivered_at);
        let is_same_text = self.texts == after.texts;
        self.agreed == after.agreed
            && self.texts <= after.texts
            && is_same_text == (self.code == after.code)
            && (is_same_text || self.voided_at.is_none())
            && (!is_same_text || self.sent_at.is_none() || of_text.0 == of_text_after.0)
            && (!is_same_text || is_unchanged(of_text.1.as_ref(), of_text_after.1.as_ref()))
            && (!is_same_text || is_unchanged(of_text.2.as_ref(), of_text_after.2.as_ref()))
            && is_unchanged(self.voided_at.as_ref(), after.voided_at.as_ref())
            && is_unchanged(self.unpaid_at.as_ref(), after.unpaid_at.as_ref())
            && (self.transaction_id.as_ref().is_none_or(was_declined)
                || (&self.transaction_id, &self.redeemed_at) == (&after.transaction_id, &after.redeemed_at))
    }

    /// Checks what must hold at any time.
    fn check(&self, nth: usize, claims: &BTreeMap<String, StoredRedemption>, found: &mut Vec<String>) {
        let id = self.id();
        let live: Vec<&String> = claims
            .iter()
            .filter(|(_, claim)| claim.coupon_id == id && claim.outcome != "DECLINED")
            .map(|(id, _)| id)
            .collect();
        let is_sound = live.len() <= 1
            && self.expires_at == super::to_number(self.agreed[8].clone()) + VALID_DAYS * 86_400
            && self.texts <= COUPON_SMS_MAX
            && live.first().copied() == self.transaction_id.as_ref()
            && !(self.voided_at.is_some() && self.redeemed_at.is_some())
            && (self.delivered_at.is_none() || self.sent_at.is_some())
            && (self.unpaid_at.is_none() || self.redeemed_at.is_some())
            && self
                .redeemed_at
                .as_ref()
                .is_none_or(|at| at.parse::<i64>().is_ok_and(|at| at < self.expires_at));
        if !is_sound {
            found.push(format!("c-{nth} is {self:?}, and its redemptions {live:?}"));
        }
    }
}

impl StoredRedemption {
    fn may_become(&self, after: &Self) -> bool {
        self.agreed == after.agreed
            && (self.outcome == "PENDING" || self.outcome == after.outcome)
            && is_unchanged(self.reminded_at.as_ref(), after.reminded_at.as_ref())
    }
}
