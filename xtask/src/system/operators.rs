//! The operators of the local system. The first one is in wrangler.toml and the README; the second one shows that two
//! operators on one edge do not share anything.

/// The fixed properties of an operator; ports and folders are in the plan.
#[derive(Debug)]
pub(crate) struct Operator {
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    /// ISO 3166-1, for numbers in national format.
    pub(crate) country: &'static str,
    /// ISO 4217.
    pub(crate) currency: &'static str,
    /// Per month, in minor units.
    pub(crate) price: u32,
    /// MCC and MNC of its SIMs, from the range for tests (ITU-T E.212).
    pub(crate) network: &'static str,
    /// The plans that it sells as coupons: name, months, and price in minor units.
    pub(crate) plans: [(&'static str, u8, u32); 2],
    /// The accounts file, relative to the repository root.
    pub(crate) accounts: &'static str,
    /// Where its origin looks accounts up: `table`, its own table, or `csp`, the CSP API. There is one operator of each
    /// kind, so that the tests cover both.
    pub(crate) account_source: &'static str,
    /// How a number that the partner's app has read is proven to be the customer's: `device-read` accepts the reading,
    /// `pin` asks for a PIN. There is one operator of each kind.
    pub(crate) number_proof: &'static str,
    /// The first two symbols of its coupons' codes.
    pub(crate) coupon_tag: &'static str,
    /// The version of its terms, and their file, relative to the repository root. An operator with terms also says that
    /// its prices include taxes, and where its customers see and end what they pay. One operator says nothing of these.
    pub(crate) terms: Option<(&'static str, &'static str)>,
}

/// The word of the configuration for prices with the taxes in them.
pub(crate) const TAXES: &str = "included";

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
    terms: Some(("2026-11", "tests/sandbox/terms/acme-2026-11.txt")),
};

/// Acme as `dev` runs it: asked by the CSP API, so that it can be made to give each of its reasons.
pub(crate) const LOCAL_ACME: Operator = Operator { account_source: "csp", ..ACME };

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
    terms: None,
};
