//! `close-pai`: lets a person close a PAI.

use super::acting::Acting;
use super::opening::{database_failed, open_store};
use super::output::print_line;
use super::verb_outcome::VerbOutcome;
use clap::{Args, ValueEnum};
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
    reason: Reason,
    #[command(flatten)]
    acting: Acting,
}

/// The reasons that end a PAI.
#[derive(Clone, Copy, ValueEnum)]
enum Reason {
    /// The account has ended
    AccountClosed,
    /// The account went to another person
    AccountClosedTakenOver,
    /// The account was ended for fraud
    AccountClosedFraud,
    /// The customer does not want to pay this partner on the bill any more
    PaiRevokedByUser,
}

impl From<Reason> for DeclineReason {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::AccountClosed => Self::AccountClosed,
            Reason::AccountClosedTakenOver => Self::AccountClosedTakenOver,
            Reason::AccountClosedFraud => Self::AccountClosedFraud,
            Reason::PaiRevokedByUser => Self::PaiRevokedByUser,
        }
    }
}

fn parse_pai(text: &str) -> Result<Pai, &'static str> {
    Pai::parse(text).ok_or("is not a PAI: 1 to 128 letters, digits and . _ ~ -")
}

impl Arguments {
    pub(super) async fn run(self, config: &Path) -> anyhow::Result<VerbOutcome> {
        let (config, store) = open_store(config, OpenMode::Migrate).await?;
        let reason = DeclineReason::from(self.reason);
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
