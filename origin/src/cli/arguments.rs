//! Command-line values that several verbs take.

use onbill_domain::ids::PartnerId;

/// Parses a partner's id from the command line.
pub(super) fn parse_partner(text: &str) -> Result<PartnerId, &'static str> {
    PartnerId::parse(text).ok_or("is not a partner's name: lower-case letters, digits and hyphens")
}
