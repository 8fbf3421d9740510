//! The columns of a file that only an adoption needs.

use super::reported_line::{LineDetails, Side};
use onbill_domain::day::{Day, ServicePeriod};
use onbill_domain::ids::ExtId;
use onbill_domain::msisdn::Msisdn;

/// Their positions in a line. An empty field is as good as none.
pub(super) struct DetailColumns {
    description: Option<usize>,
    period: Option<(usize, usize)>,
    tax_minor: Option<usize>,
    reason: Option<usize>,
    ext_reference: Option<usize>,
    msisdn: Option<usize>,
}

impl DetailColumns {
    /// A statement must have the days and the description of what it charges.
    pub(super) fn locate(side: Side, header: &[String]) -> Result<Self, String> {
        let place = |name: &str| header.iter().position(|column| column == name);
        let columns = Self {
            description: place("description"),
            period: place("period_from").zip(place("period_to")),
            tax_minor: place("tax_minor"),
            reason: place("reason"),
            ext_reference: place("extReference"),
            msisdn: place("msisdn"),
        };
        if side == Side::Partner && (columns.description.is_none() || columns.period.is_none()) {
            return Err(
                "an adoption needs the columns description, period_from and period_to in the statement"
                    .to_owned(),
            );
        }
        Ok(columns)
    }

    /// The error is the column that is wrong, and why.
    pub(super) fn parse_line(
        &self,
        record: &csv::StringRecord,
    ) -> Result<LineDetails, (&'static str, &'static str)> {
        let field =
            |place: Option<usize>| place.and_then(|place| record.get(place)).filter(|text| !text.is_empty());
        let day = |text: &str, name| Day::parse(text).ok_or((name, "is not a day, such as 2026-11-30"));
        let days = (field(self.period.map(|(from, _)| from)), field(self.period.map(|(_, to)| to)));
        let service_period = match days {
            (Some(from), Some(to)) => Some(
                ServicePeriod::new(day(from, "period_from")?, day(to, "period_to")?)
                    .map_err(|why| ("period_to", why))?,
            ),
            (None, None) => None,
            (Some(_), None) => return Err(("period_to", "is missing")),
            (None, Some(_)) => return Err(("period_from", "is missing")),
        };
        let tax_minor = field(self.tax_minor).map(|text| text.parse().ok().filter(|minor| *minor >= 0));
        let tax_minor = match tax_minor {
            Some(None) => return Err(("tax_minor", "must be whole minor units")),
            Some(minor) => minor,
            None => None,
        };
        let ext_reference = field(self.ext_reference)
            .map(|text| ExtId::parse(text).ok_or(("extReference", "is not an identifier")));
        let msisdn = field(self.msisdn)
            .map(|text| Msisdn::parse(text).ok_or(("msisdn", "must be E.164 with its plus sign")));
        Ok(LineDetails {
            description: field(self.description).map(Box::from),
            service_period,
            tax_minor,
            reason: field(self.reason).map(Box::from),
            ext_reference: ext_reference.transpose()?,
            msisdn: msisdn.transpose()?,
        })
    }
}
