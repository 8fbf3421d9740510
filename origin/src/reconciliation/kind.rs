//! The two kinds of lines in ledger, statement and bill.

onbill_domain::word_enum! {
    /// A charge or a refund; its word is the one in files.
    #[derive(PartialOrd, Ord, Hash)]
    pub enum Kind {
        /// Money taken from the customer.
        Charge = "charge",
        /// Money given back to the customer.
        Refund = "refund",
    }
}
