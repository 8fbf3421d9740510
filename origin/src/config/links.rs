//! The operator's own pages, where a customer who is refused can do something about it.

use super::complaints::Complaints;
use super::secure_url::require_https;
use super::setting_path::SettingPath;
use onbill_domain::refusal_detail::{RefusalReason, Suspension, WayOn, WayOnKind};
use onbill_domain::reject::{ErrorCode, Reject};
use serde::{Deserialize, Serialize};

/// Addresses of the operator's pages. One that is absent has no button.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Links {
    /// Where a prepaid balance is topped up.
    pub top_up: Option<String>,
    /// Where an open bill is paid.
    pub pay_bill: Option<String>,
    /// Where the operator helps. It is also shown where a better one is absent.
    pub help: Option<String>,
}

impl Links {
    pub(super) fn check(&self, complaints: &mut Complaints) {
        for (url, member) in [(&self.top_up, "top_up"), (&self.pay_bill, "pay_bill"), (&self.help, "help")] {
            if let Some(url) = url {
                let at = SettingPath::of("links").key(member);
                complaints.take(at, require_https(url, &format!("links: {member}")));
            }
        }
    }

    /// The refusal with the page where it helps to go: to pay the bill that is open, to top up the
    /// balance that is too low, and else to ask the operator.
    pub(crate) fn show_way_on(&self, reject: Reject) -> Reject {
        let best = match (reject.code, reject.reason) {
            (
                ErrorCode::SuspendedNonPayment,
                None | Some(RefusalReason::Suspended(Suspension::NonPayment)),
            ) => Some((WayOnKind::PayBill, &self.pay_bill)),
            (ErrorCode::InsufficientBalance, _) => Some((WayOnKind::TopUp, &self.top_up)),
            (
                ErrorCode::SuspendedNonPayment
                | ErrorCode::AccountNotEligible
                | ErrorCode::AccountNotFound
                | ErrorCode::SignupsClosed,
                _,
            ) => Some((WayOnKind::Help, &self.help)),
            _ => None,
        };
        let Some((kind, url)) = best else { return reject };
        let best = url.clone().map(|url| WayOn { kind, url, label: None });
        let help = || self.help.clone().map(|url| WayOn { kind: WayOnKind::Help, url, label: None });
        Reject { way_on: best.or_else(help), ..reject }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use onbill_domain::refusal_detail::Ineligibility;

    fn links(top_up: bool, pay_bill: bool, help: bool) -> Links {
        let page = |name: &str, is_there: bool| is_there.then(|| format!("https://acme.example/{name}"));
        Links {
            top_up: page("top-up", top_up),
            pay_bill: page("pay-bill", pay_bill),
            help: page("help", help),
        }
    }

    fn shown(links: &Links, reject: Reject) -> Option<String> {
        let way_on = links.show_way_on(reject).way_on?;
        assert_eq!(way_on.url, format!("https://acme.example/{}", way_on.kind.as_str()));
        Some(way_on.kind.as_str().to_owned())
    }

    #[test]
    fn refusal_shows_the_page_that_helps() {
        let reject = |code| Reject::new(code, "No.");
        let suspended = |why| Reject::suspended_non_payment().because(RefusalReason::Suspended(why));
        let minor = RefusalReason::Ineligible(Ineligibility::Minor);
        let all = links(true, true, true);
        for (refused, kind) in [
            (Reject::suspended_non_payment(), Some("pay-bill")),
            (suspended(Suspension::NonPayment), Some("pay-bill")),
            (suspended(Suspension::Voluntary), Some("help")),
            (suspended(Suspension::LostOrStolen), Some("help")),
            (suspended(Suspension::Fraud), Some("help")),
            (reject(ErrorCode::InsufficientBalance), Some("top-up")),
            (reject(ErrorCode::AccountNotEligible).because(minor), Some("help")),
            (reject(ErrorCode::AccountNotFound), Some("help")),
            (reject(ErrorCode::PinExpired), None),
        ] {
            assert_eq!(shown(&all, refused.clone()).as_deref(), kind, "{refused:?}");
            assert_eq!(shown(&Links::default(), refused.clone()), None);
            let fallback = shown(&links(false, false, true), refused);
            assert_eq!(fallback.as_deref(), kind.map(|_| "help"));
        }
    }

    #[test]
    fn link_is_https_or_refused_by_name() {
        let check = |links: Links| {
            let mut complaints = Complaints::default();
            links.check(&mut complaints);
            complaints.into_result()
        };
        assert_eq!(check(links(true, true, true)), Ok(()));
        for bad in ["http://acme.example/help", "javascript:alert(1)", "/help", "", "https://a b"] {
            let complaint = check(Links { help: Some(bad.to_owned()), ..links(true, true, false) });
            assert!(complaint.expect_err(bad).starts_with("links: help"), "{bad}");
        }
    }
}
