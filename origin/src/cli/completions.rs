//! `completions`: what a shell needs to complete the command line.

use super::output::Output;
use super::verb_outcome::VerbOutcome;
use clap::{Args, Command};
use clap_complete::Shell;

/// Print the completions of a shell, for a file that it reads at its start.
///
/// bash: /usr/share/bash-completion/completions/onbill-origin; zsh: _onbill-origin in a folder of $fpath; fish:
/// ~/.config/fish/completions/onbill-origin.fish. Needs no configuration.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Arguments {
    /// The shell.
    shell: Shell,
}

impl Arguments {
    pub(super) fn run(self, mut command: Command) -> VerbOutcome {
        let program = command.get_name().to_owned();
        clap_complete::generate(self.shell, &mut command, program, &mut Output);
        VerbOutcome::Clean
    }
}
