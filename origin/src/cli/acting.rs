//! Who acts on the command line, for the audit.

use super::opening::database_failed;
use anyhow::{Context as _, anyhow};
use clap::Args;
use onbill_domain::ids::ExtId;
use onbill_domain::wire::audit::ActorRole;
use onbill_origin::ambient::{Clock as _, SystemClock};
use onbill_origin::care::refuse_number;
use onbill_origin::config::{Config, NumberPlan};
use onbill_origin::store::{AuditStamp, Store};

/// Stands for the key in an entry of the audit: there was no signature.
const COMMAND_LINE: &str = "cli";

// No doc comment: clap would print it as that of the verb.
#[derive(Args)]
pub(super) struct Acting {
    /// Who does it, for the audit. Without a name, the audit has your user's number on this machine.
    #[arg(long = "as", value_name = "NAME", env = "ONBILL_ACTOR", value_parser = parse_id)]
    actor: Option<ExtId>,
    /// Your reference for the audit, such as a ticket's. It must not identify the customer: one with a
    /// telephone number in it is refused.
    #[arg(long = "ref", value_name = "ID", value_parser = parse_id)]
    reference: Option<ExtId>,
}

impl Acting {
    /// The stamp, before anything is done: an error for a reference with a telephone number in it, as at
    /// the desks.
    pub(super) fn into_stamp(self, config: &Config) -> anyhow::Result<AuditStamp> {
        if let Some(reference) = &self.reference {
            let numbers =
                NumberPlan::for_country(&config.country).context("country has no numbering plan")?;
            refuse_number(numbers, reference).map_err(|reject| anyhow!("--ref: {}", reject.message))?;
        }
        Ok(AuditStamp {
            key: COMMAND_LINE.to_owned(),
            actor: self.actor.unwrap_or_else(own_user),
            role: ActorRole::Admin,
            reference: self.reference,
        })
    }
}

/// Writes into the audit who runs a command about many people. Nothing is done or shown before.
pub(super) async fn record_command(
    store: &Store,
    config: &Config,
    acting: Acting,
    words: &str,
) -> anyhow::Result<()> {
    let stamp = acting.into_stamp(config)?;
    let recorded = store.record_command(SystemClock.now(), stamp, words.to_owned());
    recorded.await.map_err(database_failed)
}

fn own_user() -> ExtId {
    let uid = rustix::process::getuid().as_raw();
    ExtId::parse(&format!("uid-{uid}")).expect("digits are an id")
}

fn parse_id(text: &str) -> Result<ExtId, &'static str> {
    ExtId::parse(text).ok_or("is no id: visible ASCII characters without blanks, 128 at most")
}
