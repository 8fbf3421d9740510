//! `[coupons]`: the coupons that the operator sells. Without this section, it sells none.

use super::complaints::Complaints;
use super::offers::Offer;
use super::secure_url::require_https;
use super::setting_path::SettingPath;
use onbill_domain::coupon_code::CouponTag;
use onbill_domain::ids::{ExtId, OfferId};
use onbill_domain::limits::COUPON_MONTHS_MAX;
use serde::{Deserialize, Serialize};

/// Longest time for which a coupon can be redeemed, in days: ten years, the longest that any law on
/// vouchers requires.
const VALID_DAYS_MAX: u16 = 3_650;
/// The earliest reminder, in days before the end: a plan of one month has not begun by then.
const REMIND_DAYS_MAX: u16 = 30;
/// Longest address in an SMS, in characters: with the words around it, three parts in any script.
const CONTINUE_URL_CHARS_MAX: usize = 100;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CouponSettings {
    /// The first two symbols of each code, by which the edge knows which operator issued it.
    pub tag: CouponTag,
    /// How long a coupon can be redeemed, in days. The default is a year.
    #[serde(default = "valid_days_default")]
    pub valid_days: u16,
    /// How many days before a coupon's months end its subscriber is reminded how to continue.
    #[serde(default = "remind_days_default")]
    pub remind_days: u16,
    /// The page where subscribers continue, the same for all of them. Without it no reminder is
    /// sent.
    pub continue_url: Option<String>,
    /// Unknown codes that a partner may try in an hour before it has to wait. Valid codes are
    /// accepted all the same.
    #[serde(default = "wrong_codes_per_hour_default")]
    pub wrong_codes_per_hour: u32,
    pub plans: Vec<CouponPlan>,
}

fn valid_days_default() -> u16 {
    365
}

fn remind_days_default() -> u16 {
    14
}

/// A customer's typing error passes the check symbols once in a thousand times, and void codes are
/// tried now and then: a campaign with a hundred thousand coupons has some hundred wrong codes in
/// all. A partner with a thousand in an hour is guessing, and at that rate has no practical chance
/// of finding a valid code.
pub(crate) fn wrong_codes_per_hour_default() -> u32 {
    1_000
}

/// A number of months that are paid for at once.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CouponPlan {
    /// The name of the plan, such as `6M`.
    pub id: ExtId,
    /// How many months the plan pays for.
    pub months: u8,
    /// The offer that the plan is for, unless the coupon names another.
    pub offer: OfferId,
}

/// Checks what the types cannot.
pub(super) fn check_coupons(coupons: &CouponSettings, offers: &[Offer], complaints: &mut Complaints) {
    let at = SettingPath::of("coupons");
    for (member, days, most) in [
        ("valid_days", coupons.valid_days, VALID_DAYS_MAX),
        ("remind_days", coupons.remind_days, REMIND_DAYS_MAX),
    ] {
        if !(1..=most).contains(&days) {
            complaints.add(at.key(member), format!("coupons: {member} must be from 1 to {most}"));
        }
    }
    if let Some(url) = &coupons.continue_url {
        complaints.take(at.key("continue_url"), check_continue_url(url));
    }
    if coupons.plans.is_empty() {
        complaints.add(at.key("plans"), "coupons: plans must not be empty");
    }
    for (n, plan) in coupons.plans.iter().enumerate() {
        let (at, id) = (at.key("plans").entry(n), &plan.id);
        if coupons.plans[..n].iter().any(|other| other.id == *id) {
            complaints.add(at.key("id"), format!("coupons: plan {id} is there twice"));
        }
        if !(1..=COUPON_MONTHS_MAX).contains(&plan.months) {
            complaints.add(
                at.key("months"),
                format!("coupons: plan {id}: months must be from 1 to {COUPON_MONTHS_MAX}"),
            );
        }
        if !offers.iter().any(|offer| offer.id == plan.offer) {
            let ids = (0..offers.len()).map(|n| SettingPath::of("offers").entry(n).key("id"));
            complaints.add_beside(
                at.key("offer"),
                ids.collect(),
                format!("coupons: plan {id}: there is no offer {}", plan.offer),
            );
        }
    }
}

fn check_continue_url(url: &str) -> Result<(), String> {
    require_https(url, "coupons: continue_url")?;
    if url.chars().count() > CONTINUE_URL_CHARS_MAX {
        return Err(format!("coupons: continue_url must have at most {CONTINUE_URL_CHARS_MAX} characters"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::config::file::Config;
    use crate::config::file::tests::GOOD;

    const COUPONS: &str = r#"
        [coupons]
        tag = "AC"
        continue_url = "https://my.acme.example/netflix"
        [[coupons.plans]]
        id = "6M"
        months = 6
        offer = "netflix-standard"
        [[coupons.plans]]
        id = "12M"
        months = 12
        offer = "netflix-standard"
    "#;

    fn read(coupons: &str) -> Result<Config, String> {
        let config: Config = Config::parse(&format!("{GOOD}{coupons}"))?;
        config.check().map(|()| config)
    }

    #[test]
    fn coupons_have_sound_plans_or_none() {
        let coupons = read(COUPONS).expect("is sound").coupons.expect("is there");
        assert_eq!((coupons.valid_days, coupons.remind_days, coupons.wrong_codes_per_hour), (365, 14, 1_000));
        for (from, to, complaint) in [
            ("\"AC\"", "\"ac\"", "two of the symbols"),
            ("\"AC\"", "\"ACM\"", "two of the symbols"),
            ("tag", "remind_days = 0\ntag", "remind_days must be"),
            ("tag", "valid_days = 0\ntag", "valid_days must be"),
            ("https://my", "http://my", "must be https"),
            ("/netflix", "/net flix", "not an http or https URL"),
            ("12M", "6M", "plan 6M is there twice"),
            ("months = 12", "months = 13", "plan 12M: months must be"),
            ("months = 12", "months = 0", "plan 12M: months must be"),
            ("netflix-standard", "netflix-premium", "there is no offer netflix-premium"),
            ("tag", "tga = 1\ntag", "tga"),
        ] {
            let mistakes = read(&COUPONS.replacen(from, to, 1)).expect_err(to);
            assert!(mistakes.contains(complaint), "{mistakes}");
        }
    }
}
