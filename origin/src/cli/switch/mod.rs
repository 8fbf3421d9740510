//! `switch`: takes over from another system, one step after the other.

mod back;
mod compare;
mod cut_over;

use super::verb_outcome::VerbOutcome;
use clap::{Args, Subcommand};
use std::path::Path;

/// Take over from another system: docs/switching.md walks through it, with the way back at each step.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    Compare(compare::Arguments),
    CutOver(cut_over::Arguments),
    Back(back::Arguments),
}

impl Arguments {
    pub(super) async fn run(self, config: &Path) -> anyhow::Result<VerbOutcome> {
        match self.verb {
            Verb::Compare(arguments) => arguments.run(config).await,
            Verb::CutOver(arguments) => arguments.run(config).await,
            Verb::Back(arguments) => arguments.run(config).await,
        }
    }
}
