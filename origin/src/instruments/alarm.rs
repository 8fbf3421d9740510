//! The alarms that there are, with what a person has to know of each kind.

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
        /// Billing gave two outcomes for one id.
        BillingVerdictsDiffer = "billing-verdicts-differ",
        /// The edge brought a call that names another operator.
        CallForAnotherOperator = "call-for-another-operator",
        /// The clocks of this origin and of a caller differ.
        ClockSkew = "clock-skew",
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
        /// A partner's message, or the announcement of a higher price, was not sent.
        MessageDropped = "message-dropped",
        /// A partner has posted no charge for long.
        NoCharges = "no-charges",
        /// A partner asked about too many numbers in this hour.
        NumberChecks = "number-checks",
        /// A job has used up its attempts.
        OutboxParked = "outbox-parked",
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
        /// The signatures of many calls were refused.
        SignaturesRefused = "signatures-refused",
        /// The SMS gateway refuses our credentials.
        SmsNotLetIn = "sms-not-let-in",
        /// The receipts of the SMSC have the ids of no message.
        SmsReceiptsUnmatched = "sms-receipts-unmatched",
        /// The SMS gateway refuses what is in every message.
        SmsSettings = "sms-settings",
        /// The SMSC is out of reach.
        SmsUnreachable = "sms-unreachable",
        /// Charges wait for the next billing file, because their accounts could not be looked up.
        StandingUnknown = "standing-unknown",
        /// A partner asked about too many numbers without an account in this hour.
        UnknownNumbers = "unknown-numbers",
    }
}

onbill_domain::word_enum! {
    /// How urgent an alarm is.
    #[derive(Hash)]
    pub enum Severity {
        /// Customers or money are affected now: somebody is called, at any hour.
        Page = "page",
        /// It can wait for the next working day.
        Ticket = "ticket",
    }
}
