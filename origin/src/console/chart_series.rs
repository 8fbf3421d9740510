//! What a chart shows: its kind, the unit of its numbers, and the series with their colours.

use super::figures::{format_count, format_money};
use onbill_domain::currency::Currency;

/// How the numbers are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ChartKind {
    Lines,
    /// Beside each other.
    Bars,
    /// On top of each other.
    StackedBars,
}

/// What the numbers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// A number of these.
    Count(&'static str),
    /// Minor units.
    Money(Currency),
}

impl Unit {
    pub(super) fn format(self, value: i64) -> String {
        match self {
            Self::Count(_) => format_count(value),
            Self::Money(currency) => format_money(value, currency),
        }
    }

    /// What stands above the axis.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Count(what) => what,
            Self::Money(currency) => currency.as_str(),
        }
    }
}

/// The colour of a series, by what it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Good,
    Warn,
    Bad,
    Accent,
    Muted,
}

impl Tone {
    /// The end of its class in the style sheet.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Warn => "warn",
            Self::Bad => "bad",
            Self::Accent => "accent",
            Self::Muted => "muted",
        }
    }
}

/// Numbers that belong together, one for each label.
pub(super) struct Series {
    pub(super) name: String,
    pub(super) tone: Tone,
    pub(super) values: Vec<i64>,
}
