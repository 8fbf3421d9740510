//! `close-pai`: lets a person close a PAI.

use super::acting::Acting;
use super::opening::{database_failed, open_store};
use super::output::print_line;
use super::verb_outcome::VerbOutcome;
use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::ids::PartnerId;
use onbill_domain::pai::Pai;
use onbill_origin::ambient::{Clock as _, SystemClock};
use onbill_origin::store::{ClosePaiResult, OpenMode};
use std::path::Path;

/// Close a PAI permanently, for a fraud desk or at a customer's request.
///
/// Every later charge for it is declined with the reason, and its subscription ends here. You cannot open it again: a
/// customer who signs up again gets a new PAI. Earlier charges can still be refunded. Exit code 1 when the partner
/// has no such PAI, or when it was closed before for another reason, which stays.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Arguments {
    /// The partner that knows the subscriber by this PAI, such as netflix.
    #[arg(value_parser = super::arguments::parse_partner)]
    partner: PartnerId,
    /// The PAI.
    #[arg(value_parser = parse_pai)]
    pai: Pai,
    /// Why.
    #[arg(value_parser = closing_reasons())]
    reason: DeclineReason,
    #[command(flatten)]
    acting: Acting,
}

/// Takes the reasons that end a PAI, and lists them in the help.
fn closing_reasons() -> impl TypedValueParser<Value = DeclineReason> {
    let closing = DeclineReason::ALL.into_iter().filter(|reason| reason.closes_pai());
    let words = closing.map(|reason| PossibleValue::new(reason.as_str()).help(reason.meaning()));
    PossibleValuesParser::new(words).try_map(|word| DeclineReason::parse(&word).ok_or("is no reason"))
}

fn parse_pai(text: &str) -> Result<Pai, &'static str> {
    Pai::parse(text).ok_or("is not a PAI: 1 to 128 letters, digits and . _ ~ -")
}

impl Arguments {
    pub(super) async fn run(self, config: &Path) -> anyhow::Result<VerbOutcome> {
        let (config, store) = open_store(config, OpenMode::Migrate).await?;
        let reason = self.reason;
        let end = store
            .close_link(
                None,
                SystemClock.now(),
                self.acting.into_stamp(&config)?,
                Some(self.partner.clone()),
                self.pai,
                reason,
            )
            .await
            .map_err(database_failed)?;
        let (partner, pai) = (&self.partner, self.pai);
        Ok(match end {
            ClosePaiResult::Closed => {
                print_line!("{pai} of {partner} is closed: {}", reason.as_str());
                VerbOutcome::Clean
            }
            ClosePaiResult::AlreadyClosed(first) => {
                print_line!("{pai} of {partner} was closed before: {}", first.as_str());
                VerbOutcome::findings_if(first != reason)
            }
            ClosePaiResult::NotFound => {
                print_line!("{partner} has no PAI {pai}");
                VerbOutcome::Findings
            }
            ClosePaiResult::NotCutOver => {
                print_line!("{pai} of {partner} is not cut over: end it in the system that charges it");
                VerbOutcome::Findings
            }
            ClosePaiResult::NotAClosingReason => {
                print_line!("{} does not end a PAI", reason.as_str());
                VerbOutcome::Findings
            }
        })
    }
}
