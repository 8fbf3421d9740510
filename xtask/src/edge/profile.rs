//! How the edge is built.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    /// Deployed and tested: a third of the size.
    Release,
    /// For development of the edge: builds in a fifth of the time.
    Dev,
}

impl Profile {
    /// The profile of cargo.
    pub(super) fn cargo_profile(self) -> &'static str {
        match self {
            Self::Release => "edge",
            Self::Dev => "dev",
        }
    }

    /// The folder that cargo builds the profile into.
    pub(super) fn cargo_folder(self) -> &'static str {
        match self {
            Self::Release => "edge",
            Self::Dev => "debug",
        }
    }
}
