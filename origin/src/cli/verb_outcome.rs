//! The outcome of a verb, and its exit code.

/// The outcome of a verb that could run.
pub(super) enum VerbOutcome {
    /// Exit code 0.
    Clean,
    /// Something was found or refused: exit code 1.
    Findings,
}

impl VerbOutcome {
    pub(super) fn findings_if(found: bool) -> Self {
        if found { Self::Findings } else { Self::Clean }
    }
}
