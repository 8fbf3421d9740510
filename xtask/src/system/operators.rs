//! The operators that the local system can run. The first one is what wrangler.toml and the README show; the second
//! one exists to prove that two operators on one edge do not meet.

/// An operator's fixed facts; ports and folders are the plan's.
#[derive(Debug)]
pub(crate) struct Operator {
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    /// ISO 3166-1, for numbers in national form.
    pub(crate) country: &'static str,
    /// ISO 4217.
    pub(crate) currency: &'static str,
    /// Monthly, in minor units.
    pub(crate) price: u32,
    /// What its SIMs say: MCC and MNC, of the range for tests (ITU-T E.212).
    pub(crate) network: &'static str,
    /// The plans that it sells as coupons: name, months, and price in minor units.
    pub(crate) plans: [(&'static str, u8, u32); 2],
    /// Who may pay for what, relative to the root.
    pub(crate) accounts: &'static str,
    /// Where its origin looks accounts up: `table`, its own, or `csp`, the operator's system. One operator of each
    /// kind, so that both are walked through.
    pub(crate) account_source: &'static str,
    /// What makes a number that the partner's app has read the customer's: `device-read`, the partner's word, or `pin`.
    /// One operator of each kind.
    pub(crate) number_proof: &'static str,
    /// The first two symbols of its coupons' codes.
    pub(crate) coupon_tag: &'static str,
}

pub(crate) const ACME: Operator = Operator {
    id: "acme",
    name: "Acme Mobile",
    country: "US",
    currency: "USD",
    price: 1599,
    plans: [("6M", 6, 8994), ("12M", 12, 16999)],
    network: "001-01",
    accounts: "tests/sandbox/accounts/acme.csv",
    account_source: "table",
    number_proof: "device-read",
    coupon_tag: "AC",
};

pub(crate) const NOVA: Operator = Operator {
    id: "nova",
    name: "Nova Móvil",
    country: "ES",
    currency: "EUR",
    price: 1399,
    plans: [("6M", 6, 7794), ("12M", 12, 14799)],
    network: "001-02",
    accounts: "tests/sandbox/accounts/nova.csv",
    account_source: "csp",
    number_proof: "pin",
    coupon_tag: "NV",
};
