//! The alarms that there are, with what a person has to know of each kind.

/// The silence after which a condition ends that a check confirms: what checks it is gone, such as the
/// spool of another configuration.
pub const SILENCE_OF_CHECKS_SECONDS: i64 = 3_600;
/// The same of a condition that only calls show: longer than the longest pause between two attempts at
/// a job, which is a day and a fifth.
pub const SILENCE_OF_CALLS_SECONDS: i64 = 30 * 3_600;

onbill_domain::word_enum! {
    /// What a person has to look at. The word is the value of `alarm=` in the log, of the label in
    /// metrics and of the column in the database; it never changes. Each has its heading in
    /// `docs/operate/alarms.md`.
    #[derive(Hash, PartialOrd, Ord)]
    pub enum Alarm {
        /// The operator reported that a number changed, and another subscriber has the new number.
        AccountEventContradicts = "account-event-contradicts",
        /// The CSP API described an account with a value that is not in the contract.
        AccountWordUnknown = "account-word-unknown",
        /// The port that the admin listener has by default is another program's: there are no metrics.
        AdminPortTaken = "admin-port-taken",
        /// The operator's CSP API does not answer about charges, or about accounts.
        BillingUnreachable = "billing-unreachable",
        /// Billing gave two outcomes for one id.
        BillingDecisionsDiffer = "billing-verdicts-differ",
        /// The edge brought a call that names another operator.
        CallForAnotherOperator = "call-for-another-operator",
        /// A partner has charged a PAI that has no subscription.
        ChargeUnsubscribed = "charge-unsubscribed",
        /// The clocks of this origin and of a caller differ.
        ClockSkew = "clock-skew",
        /// A partner continues to charge a PAI that has been closed for a day.
        ClosedPaiCharged = "closed-pai-charged",
        /// As many connections are open as there may be.
        ConnectionsFull = "connections-full",
        /// A partner sent more wrong codes of coupons than it may.
        CouponGuesses = "coupon-guesses",
        /// The SMS with a coupon's code does not arrive.
        CouponUndelivered = "coupon-undelivered",
        /// Billing declined the charge of a coupon that was redeemed.
        CouponUnpaid = "coupon-unpaid",
        /// Statements of the database fail, or there is no connection to it.
        DatabaseFailing = "database-failing",
        /// The database takes no writes.
        DatabaseNotWritable = "database-not-writable",
        /// A file system of the origin's has little free space.
        DiskLow = "disk-low",
        /// The edge does not take the origin's calls.
        EdgeUnreachable = "edge-unreachable",
        /// A billing file cannot be written into the spool folder.
        FileNotWritten = "file-not-written",
        /// Billing has not responded to a file in time.
        FileUnacknowledged = "file-unacknowledged",
        /// A key of the ring expires soon, or has.
        KeyExpiring = "key-expiring",
        /// A person at the console looked up too many numbers in this hour.
        LookUpCeilingReached = "look-up-ceiling-reached",
        /// A partner's message, or the announcement of a higher price, was not sent.
        MessageDropped = "message-dropped",
        /// A partner has posted no charge for long.
        NoCharges = "no-charges",
        /// A partner asked about too many numbers in this hour.
        NumberChecks = "number-checks",
        /// A job has used up its attempts.
        OutboxParked = "outbox-parked",
        /// A mistake in the program met a call or a job.
        Panicked = "panicked",
        /// The edge's store maps a PAI to another subscriber.
        PaiMappingDiffers = "pai-mapping-differs",
        /// A partner does not take its webhooks.
        PartnerUnreachable = "partner-unreachable",
        /// A partner charged days that it had charged before.
        PeriodChargedAgain = "period-charged-again",
        /// The PINs of this hour are used up.
        PinCeilingReached = "pin-ceiling-reached",
        /// The ledger is being recovered.
        Recovering = "recovering",
        /// A response file of billing is wrong.
        ResponseRefused = "response-refused",
        /// A background task ended, and the origin with it.
        ServiceEnded = "service-ended",
        /// Most calls of one party have a signature that is refused.
        SignaturesRefused = "signatures-refused",
        /// The SMS gateway refuses our credentials.
        SmsNotLetIn = "sms-not-let-in",
        /// The receipts of the SMSC have the ids of no message.
        SmsReceiptsUnmatched = "sms-receipts-unmatched",
        /// The SMS gateway refuses what is in every message.
        SmsSettings = "sms-settings",
        /// The SMS gateway is out of reach.
        SmsUnreachable = "sms-unreachable",
        /// The spool folder does not answer.
        SpoolUnreachable = "spool-unreachable",
        /// Charges wait for the next billing file, because their accounts could not be looked up.
        AccountsUnknown = "standing-unknown",
        /// A live subscription was not charged for 45 days.
        SubscriptionUncharged = "subscription-uncharged",
        /// Many calls have no signature, or that of a key that is in no ring.
        UnknownCallers = "unknown-callers",
        /// A partner asked about too many numbers without an account in this hour.
        UnknownNumbers = "unknown-numbers",
        /// The write-ahead log of the database grows, because something reads the database for long.
        WriteAheadLogLong = "write-ahead-log-long",
    }
}

onbill_domain::word_enum! {
    /// How an alarm ends.
    #[derive(Hash)]
    pub enum AlarmKind {
        /// It ends by itself when its reason is gone.
        Condition = "condition",
        /// It has happened, and ends when a person closes it.
        Event = "event",
    }
}

onbill_domain::word_enum! {
    /// What an alarm is about.
    #[derive(Hash)]
    pub enum AlarmScope {
        /// One origin and what is around it: only that origin knows when it is over.
        Origin = "origin",
        /// The ledger, or a party that all origins of it call: any of them may find that it is over.
        Ledger = "ledger",
    }
}

onbill_domain::word_enum! {
    /// How urgent an alarm is.
    #[derive(Hash)]
    pub enum Severity {
        /// Customers or money are affected now: a person is called, at any hour.
        Page = "page",
        /// It can wait for the next working day.
        Ticket = "ticket",
    }
}

impl Alarm {
    /// How urgent it is.
    #[must_use]
    pub const fn severity(self) -> Severity {
        self.facts().0
    }

    /// How it ends.
    #[must_use]
    pub const fn kind(self) -> AlarmKind {
        self.facts().1
    }

    /// What it is about.
    #[must_use]
    pub const fn scope(self) -> AlarmScope {
        self.facts().2
    }

    /// A condition ends after so many seconds in which nothing has confirmed it, and nothing has shown
    /// that it is over. What a check finds is confirmed more often than once an hour. What only calls
    /// show must outlast a night without any: they may be as far apart as two attempts at a job.
    #[must_use]
    pub const fn silence_seconds(self) -> i64 {
        match self {
            Self::BillingUnreachable
            | Self::ClockSkew
            | Self::EdgeUnreachable
            | Self::PartnerUnreachable
            | Self::SmsNotLetIn
            | Self::SmsReceiptsUnmatched
            | Self::SmsSettings
            | Self::SmsUnreachable => SILENCE_OF_CALLS_SECONDS,
            _ => SILENCE_OF_CHECKS_SECONDS,
        }
    }

    const fn facts(self) -> (Severity, AlarmKind, AlarmScope) {
        use AlarmKind::{Condition, Event};
        use AlarmScope::{Ledger, Origin};
        use Severity::{Page, Ticket};
        match self {
            // Charges or sign-ups fail now.
            Self::BillingUnreachable
            | Self::ConnectionsFull
            | Self::DatabaseFailing
            | Self::DatabaseNotWritable
            | Self::EdgeUnreachable
            | Self::Recovering
            | Self::SignaturesRefused
            | Self::SmsNotLetIn
            | Self::SmsSettings
            | Self::SmsUnreachable => (Page, Condition, Origin),
            Self::NoCharges | Self::PinCeilingReached => (Page, Condition, Ledger),
            // They fail soon, or reach billing or a partner late.
            Self::AdminPortTaken
            | Self::ClockSkew
            | Self::DiskLow
            | Self::KeyExpiring
            | Self::PartnerUnreachable
            | Self::SmsReceiptsUnmatched
            | Self::SpoolUnreachable
            | Self::UnknownCallers
            | Self::WriteAheadLogLong => (Ticket, Condition, Origin),
            Self::CouponGuesses
            | Self::FileNotWritten
            | Self::FileUnacknowledged
            | Self::LookUpCeilingReached
            | Self::NumberChecks
            | Self::OutboxParked
            | Self::AccountsUnknown
            | Self::SubscriptionUncharged
            | Self::UnknownNumbers => (Ticket, Condition, Ledger),
            // They are about one thing, which a person puts right.
            Self::AccountEventContradicts
            | Self::AccountWordUnknown
            | Self::BillingDecisionsDiffer
            | Self::CallForAnotherOperator
            | Self::ChargeUnsubscribed
            | Self::ClosedPaiCharged
            | Self::CouponUndelivered
            | Self::CouponUnpaid
            | Self::MessageDropped
            | Self::PaiMappingDiffers
            | Self::Panicked
            | Self::PeriodChargedAgain
            | Self::ResponseRefused
            | Self::ServiceEnded => (Ticket, Event, Ledger),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    #[test]
    fn events_belong_to_the_ledger() {
        // Otherwise no person could close the one of an origin that is gone.
        for alarm in Alarm::ALL {
            assert!(alarm.kind() == AlarmKind::Condition || alarm.scope() == AlarmScope::Ledger, "{alarm:?}");
        }
    }

    #[test]
    fn each_alarm_has_exactly_one_heading() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("is in the repository");
        let page = std::fs::read_to_string(root.join("docs/operate/alarms.md")).expect("can be read");
        let words = || Alarm::ALL.map(Alarm::as_str).into_iter();
        let headings: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("### ")).collect();
        assert_eq!(headings.iter().copied().collect::<BTreeSet<_>>(), words().collect::<BTreeSet<_>>());
        assert_eq!(headings.len(), Alarm::ALL.len(), "a heading is there twice");
        // The table at the top links each, with how urgent it is and how it ends.
        for alarm in Alarm::ALL {
            let word = alarm.as_str();
            let row = page.lines().find(|line| line.starts_with(&format!("| [`{word}`](#{word}) |")));
            let row = row.unwrap_or_else(|| panic!("{word} has no row"));
            let cells: Vec<&str> = row.split('|').map(str::trim).collect();
            assert_eq!((cells[2], cells[3]), (alarm.severity().as_str(), alarm.kind().as_str()), "{word}");
        }
    }
}
