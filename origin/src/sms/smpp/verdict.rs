//! What an SMSC's answer means (SMPP 3.4 §5.1.3): to a `submit_sm`, and to a bind that it refuses.

use rusmpp::CommandStatus;

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SubmitStatus {
    /// The SMSC has it.
    Taken,
    /// It has too much to do now.
    Throttled,
    /// It does not deliver to this number, or does not want this message.
    Refused,
    /// It does not take what is in every message of ours: the settings are wrong, here or there.
    Misfit,
    /// It failed.
    Unclear,
}

/// Of a status. One that nobody has defined is unclear: vendors have their own.
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

/// Whether an SMSC that does not let us in may do so in a moment, being who we are: it has too much to do, or takes our last
/// session, which it has not seen die, for one that lives still.
pub(super) fn is_transient(refusal: CommandStatus) -> bool {
    use CommandStatus as S;
    matches!(refusal, S::EsmeRalybnd | S::EsmeRsyserr | S::EsmeRthrottled | S::EsmeRmsgqful)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_given_up_only_when_the_answer_is_about_the_number() {
        for (status, verdict) in [
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
            assert_eq!(classify_submit(CommandStatus::from(status)), verdict, "{status:#x}");
        }
    }
    #[test]
    fn a_no_that_is_about_us_is_not_a_passing_one() {
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
