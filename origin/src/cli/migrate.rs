//! `migrate`: brings the schema of the database up to date.

use super::opening::{load_config, open_database};
use super::output::print_line;
use super::verb_outcome::VerbOutcome;
use clap::Args;
use onbill_origin::app::database::read_schema_version;
use onbill_origin::config::Config;
use onbill_origin::keys::Vault;
use onbill_origin::store::{OpenMode, SchemaVersion};
use std::path::Path;

/// Bring the schema of the database up to date, as serve does when it starts.
///
/// Run it by itself for a large database, whose migration takes longer than a supervisor waits for serve. It is also
/// for origins whose database user may not change tables. All missing migrations are one transaction. Several origins
/// may start at once, also while this runs: one migrates, and the others wait for it. The ledger of another operator
/// is left as it is (exit code 2).
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Arguments {
    /// Print what would be done, and change nothing. Exit code 1 when there is something to do.
    #[arg(long)]
    plan: bool,
}

impl Arguments {
    pub(super) async fn run(self, config: &Path) -> anyhow::Result<VerbOutcome> {
        let (config, keys) = load_config(config)?;
        let vault = Vault::new(&keys).map_err(anyhow::Error::msg)?;
        let before = read_version(&config, &vault).await?;
        if self.plan {
            return Ok(print_plan(before));
        }
        open_database(&config, &keys, OpenMode::Migrate).await?;
        let after = read_version(&config, &vault).await?;
        if before.applied == after.applied {
            print_line!("Nothing to do: the schema is at {}.", after.applied);
        } else {
            print_line!("The schema was at {}, and is at {} now.", before.applied, after.applied);
        }
        Ok(VerbOutcome::Clean)
    }
}

async fn read_version(config: &Config, vault: &Vault) -> anyhow::Result<SchemaVersion> {
    read_schema_version(config, vault).await.map_err(anyhow::Error::msg)
}

fn print_plan(schema: SchemaVersion) -> VerbOutcome {
    let SchemaVersion { applied, known, may_serve } = schema;
    if !may_serve {
        print_line!(
            "The schema is at {applied}, and this onbill knows {known}: it belongs to a newer onbill, which has to serve it."
        );
        return VerbOutcome::Findings;
    }
    if applied > known {
        print_line!(
            "Nothing to do: the schema is at {applied}. This onbill knows {known}, and may serve on it all the same."
        );
        return VerbOutcome::Clean;
    }
    if applied == known {
        print_line!("Nothing to do: the schema is at {applied}.");
        return VerbOutcome::Clean;
    }
    print_line!("The schema is at {applied}. To be applied, in one transaction:");
    for number in schema.missing() {
        print_line!("  migration {number} of {known}");
    }
    VerbOutcome::Findings
}
