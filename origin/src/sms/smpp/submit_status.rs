//! The meaning of an SMSC's response (SMPP 3.4 §5.1.3): to a `submit_sm`, and to a bind that it
//! refuses.

use rusmpp::CommandStatus;

/// The result of submitting a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SubmitStatus {
    /// The SMSC has accepted it.
    Taken,
    /// The SMSC is overloaded.
    Throttled,
    /// The SMSC does not deliver to this number, or refuses this message.
    Refused,
    /// The SMSC refuses a field that every message of ours has: the settings are wrong, on our side
    /// or theirs.
    Misfit,
    /// The submission failed.
    Unclear,
}

/// Classifies a status. An undefined one is unclear, because vendors have their own.
pub(super) fn classify_submit(status: CommandStatus) -> SubmitStatus {
    use CommandStatus as S;
    match status {
        S::EsmeRok => SubmitStatus::Taken,
        S::EsmeRthrottled | S::EsmeRmsgqful => SubmitStatus::Throttled,
        S::EsmeRinvdstadr
        | S::EsmeRinvdstton
        | S::EsmeRinvdstnpi
        | S::EsmeRxPAppn
        | S::EsmeRxRAppn
        | S::EsmeRprohibited => SubmitStatus::Refused,
        S::EsmeRinvmsglen
        | S::EsmeRinvcmdlen
        | S::EsmeRinvcmdid
        | S::EsmeRinvbndsts
        | S::EsmeRinvprtflg
        | S::EsmeRinvregdlvflg
        | S::EsmeRinvsrcadr
        | S::EsmeRinvsertyp
        | S::EsmeRinvesmclass
        | S::EsmeRinvsrcton
        | S::EsmeRinvsrcnpi
        | S::EsmeRinvsystyp
        | S::EsmeRinvrepflag
        | S::EsmeRinvsched
        | S::EsmeRinvexpiry
        | S::EsmeRinvdftmsgid
        | S::EsmeRsertypunauth
        | S::EsmeRsertypunavail
        | S::EsmeRsertypdenied
        | S::EsmeRinvdcs => SubmitStatus::Misfit,
        _ => SubmitStatus::Unclear,
    }
}

/// Whether an SMSC that refuses our bind may accept it in a moment: it is overloaded, or it has not
/// noticed that our last session is dead.
pub(super) fn is_transient(refusal: CommandStatus) -> bool {
    use CommandStatus as S;
    matches!(refusal, S::EsmeRalybnd | S::EsmeRsyserr | S::EsmeRthrottled | S::EsmeRmsgqful)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_is_refused_only_by_its_own_status() {
        for (status, expected) in [
            (0x00, SubmitStatus::Taken),
            (0x58, SubmitStatus::Throttled),
            (0x14, SubmitStatus::Throttled),
            (0x0B, SubmitStatus::Refused),
            (0x65, SubmitStatus::Refused),
            (0x0A, SubmitStatus::Misfit),
            (0x62, SubmitStatus::Misfit),
            (0x08, SubmitStatus::Unclear),
            (0x45, SubmitStatus::Unclear),
            (0x64, SubmitStatus::Unclear),
            (0x0400, SubmitStatus::Unclear),
        ] {
            assert_eq!(classify_submit(CommandStatus::from(status)), expected, "{status:#x}");
        }
    }
    #[test]
    fn bind_refusal_for_wrong_settings_is_not_transient() {
        for (status, passing) in [
            (0x05, true),
            (0x08, true),
            (0x58, true),
            (0x0D, false),
            (0x0E, false),
            (0x0F, false),
            (0x0400, false),
        ] {
            assert_eq!(is_transient(CommandStatus::from(status)), passing, "{status:#x}");
        }
    }
}
