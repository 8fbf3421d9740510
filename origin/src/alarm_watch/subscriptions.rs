//! What of charges and subscriptions does not fit together. A round looks at a page of subscriptions and a
//! few of charges, so that a ledger of millions costs it no more than one of thousands.

use super::conditions::ActiveCondition;
use super::watch::AlarmWatch;
use crate::instruments::{Alarm, raise_alarm};
use crate::store::{Cursor, StoreError};
use onbill_domain::ids::PartnerId;
use onbill_domain::timestamp::Timestamp;

/// A month has 31 days at most, and a partner tries for up to two weeks to charge one.
const UNCHARGED_SECONDS: i64 = 45 * 86_400;

/// A charge is looked at so many seconds after it was posted: a partner may report the subscription
/// after its first charge.
const REPORTED_SECONDS: i64 = 3_600;

/// After a start, the charges of the last day are looked at: a longer stop has alarms of its own.
const AFTER_START_SECONDS: i64 = 86_400;

/// Rows of a page: some ten milliseconds for the database.
const PAGE: u32 = 1000;

/// Pages of subscriptions in a round, which there is once a minute: ten million are looked at within 17
/// hours. Each start begins at the first page, so that a pass has to end within the day between two
/// releases.
const SUBSCRIPTION_PAGES_MAX: u32 = 10;

/// Pages of charges in a round, which there is once a minute: more than 300 charges a second, and a fifth
/// of a second for the database.
const PAGES_MAX: u32 = 20;

impl AlarmWatch {
    pub(super) async fn look_at_subscriptions(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        self.look_for_uncharged(now).await?;
        let partners: Vec<PartnerId> = self.config.partner_ids().into_iter().cloned().collect();
        for partner in partners {
            self.look_at_new_charges(now, partner).await?;
        }
        Ok(())
    }

    /// A whole pass takes several rounds in a large ledger. The alarm ends when one has found none.
    async fn look_for_uncharged(&self, now: Timestamp) -> Result<(), StoreError> {
        let since = now.plus_seconds(-UNCHARGED_SECONDS);
        for _ in 0..SUBSCRIPTION_PAGES_MAX {
            let after = self.seen().subscriptions.after;
            let page = self.store.count_uncharged(since, after, PAGE).await?;
            let is_last = page.is_none();
            self.seen().subscriptions.note_page(page);
            if is_last {
                break;
            }
        }
        let (counts, is_whole) = {
            let seen = self.seen();
            (seen.subscriptions.counts(), seen.subscriptions.known.is_some())
        };
        let active = counts
            .into_iter()
            .map(|(partner, count)| ActiveCondition::new(partner.as_str(), format!("{count} subscriptions")))
            .collect();
        let message = "a live subscription was not charged for 45 days";
        if is_whole {
            self.raise_only(Alarm::SubscriptionUncharged, active, message);
        } else {
            self.raise_each(Alarm::SubscriptionUncharged, &active, message);
        }
        Ok(())
    }

    /// Each charge is looked at once, and those of the last day again after a start: the origin may have
    /// stood still. What a round has not reached is left to the next one.
    async fn look_at_new_charges(&self, now: Timestamp, partner: PartnerId) -> Result<(), StoreError> {
        let until = now.plus_seconds(-REPORTED_SECONDS);
        let first = || Cursor { at: until.plus_seconds(-AFTER_START_SECONDS), id: String::new() };
        let mut after =
            self.seen().subscriptions.charges.entry(partner.clone()).or_insert_with(first).clone();
        let (mut without, mut closed) = (0, 0);
        for _ in 0..PAGES_MAX {
            let page = self.store.list_unfitting_charges(partner.clone(), until, after.clone(), PAGE).await?;
            without += page.lines.iter().filter(|charge| charge.is_without_subscription).count();
            closed += page.lines.iter().filter(|charge| charge.is_after_closing).count();
            if let Some(last) = page.lines.last() {
                after = last.posted.clone();
            }
            if page.next.is_none() {
                break;
            }
        }
        self.raise_unfitting(&partner, without, closed);
        self.seen().subscriptions.charges.insert(partner, after);
        Ok(())
    }

    fn raise_unfitting(&self, partner: &PartnerId, without: usize, closed: usize) {
        let alarms = &self.instruments.alarms;
        if without > 0 {
            let reason = format!("{without} charges");
            let alarm = Alarm::ChargeUnsubscribed;
            raise_alarm!(
                alarms,
                alarm,
                partner.as_str(),
                reason,
                "a partner has charged a PAI without a subscription"
            );
        }
        if closed > 0 {
            let reason = format!("{closed} charges");
            let alarm = Alarm::ClosedPaiCharged;
            raise_alarm!(alarms, alarm, partner.as_str(), reason, "a partner keeps charging a closed PAI");
        }
    }
}
