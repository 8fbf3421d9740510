//! The checks that the types of the configuration cannot make. All of them are made, and each
//! complaint names the setting that it is about.

use super::charge_codes::ChargeCodeRule;
use super::complaints::Complaints;
use super::coupons;
use super::file::Config;
use super::number_plan::NumberPlan;
use super::offers::Offer;
use super::partners;
use super::secure_url::require_https;
use super::setting_path::SettingPath;
use super::sources::Billing;
use onbill_domain::limits::CHARGE_MINOR_MAX;
use onbill_domain::plain_text::is_plain_text;
use onbill_domain::site_origin::parse_site_origin;

impl Config {
    /// Checks what the types cannot. The error is the first complaint, and says what to change.
    pub fn check(&self) -> Result<(), String> {
        self.list_complaints().into_result()
    }

    /// Everything that the types let through and that is wrong all the same.
    pub(super) fn list_complaints(&self) -> Complaints {
        let mut complaints = Complaints::default();
        if NumberPlan::for_country(&self.country).is_none() {
            complaints.add(SettingPath::of("country"), "country is not an ISO 3166 code such as US");
        }
        if self.admin_listen.address() == Some(self.listen) {
            complaints
                .add(SettingPath::of("admin_listen"), "admin_listen must be another address than listen");
        }
        self.check_console(&mut complaints);
        self.database.check(
            self.database_password_file.as_deref(),
            self.database_connections,
            &mut complaints,
        );
        if !is_plain_text(&self.name) {
            complaints.add(
                SettingPath::of("name"),
                "name must be text that people can read, without control characters",
            );
        }
        self.check_addresses(&mut complaints);
        self.check_dashboards(&mut complaints);
        self.links.check(&mut complaints);
        self.check_offers(&mut complaints);
        partners::check_partners(&self.partners, &self.name, &mut complaints);
        if self.charge_codes == ChargeCodeRule::Required {
            self.list_charge_codes().check_complete(&self.partner_ids(), &mut complaints);
        }
        if let Some(settings) = &self.coupons {
            coupons::check_coupons(settings, &self.offers, &mut complaints);
        }
        let alarms = self.alarms.check().map_err(|complaint| format!("alarms: {complaint}"));
        complaints.take(SettingPath::of("alarms"), alarms);
        let telemetry = self.telemetry.check().map_err(|complaint| format!("telemetry: {complaint}"));
        complaints.take(SettingPath::of("telemetry").key("otlp_endpoint"), telemetry);
        self.check_limits(&mut complaints);
        complaints
    }

    fn check_console(&self, complaints: &mut Complaints) {
        let at = SettingPath::of("console_listen");
        match &self.console {
            None if self.console_listen.is_some() => {
                let needed = vec![SettingPath::of("console")];
                complaints.add_beside(at.clone(), needed, "console_listen needs [console]");
            }
            None => {}
            Some(settings) => settings.check(complaints),
        }
        if self
            .console_address()
            .is_some_and(|address| address == self.listen || Some(address) == self.admin_listen.address())
        {
            complaints
                .add(at, "console_listen must be another address than those of listen and admin_listen");
        }
    }

    fn check_addresses(&self, complaints: &mut Complaints) {
        let edge = SettingPath::of("edge_url");
        let is_secure = require_https(&self.edge_url, "edge_url");
        if is_secure.is_ok() && parse_site_origin(&self.edge_url).as_deref() != Some(&self.edge_url) {
            complaints.add(edge, "edge_url must be a bare origin, such as https://edge.example");
        } else {
            complaints.take(edge, is_secure);
        }
        complaints.take(SettingPath::of("bss_url"), require_https(&self.bss_url, "bss_url"));
        if let Some(url) = &self.account_url {
            complaints.take(SettingPath::of("account_url"), require_https(url, "account_url"));
        }
        match &self.files {
            None if self.billing.by == Billing::Files => {
                complaints.add_beside(
                    SettingPath::of("billing"),
                    vec![SettingPath::of("files")],
                    "billing = \"files\" needs [files]",
                );
            }
            None => {}
            Some(files) => files.check(complaints),
        }
        self.sms.check(complaints);
    }

    fn check_dashboards(&self, complaints: &mut Complaints) {
        let at = SettingPath::of("dashboards");
        if self.dashboards.is_empty() {
            complaints.add(at.clone(), "dashboards must name at least one web origin");
        }
        for (n, dashboard) in self.dashboards.iter().enumerate() {
            let is_secure = require_https(dashboard, "dashboards");
            if is_secure.is_ok() && parse_site_origin(dashboard).as_deref() != Some(dashboard) {
                complaints.add(
                    at.entry(n),
                    format!("dashboards: {dashboard} is not a bare origin, such as https://my.acme.example"),
                );
            } else {
                complaints.take(at.entry(n), is_secure);
            }
        }
    }

    fn check_offers(&self, complaints: &mut Complaints) {
        let offers = SettingPath::of("offers");
        if self.offers.is_empty() {
            complaints.add(offers.clone(), "offers must not be empty");
        }
        for (n, offer) in self.offers.iter().enumerate() {
            let at = offers.entry(n);
            if self.offers[..n].iter().any(|other| other.id == offer.id) {
                complaints.add(at.key("id"), format!("offer {} is there twice", offer.id));
            }
            if !is_plain_text(&offer.title) {
                complaints.add(
                    at.key("title"),
                    format!("offer {}: title must be text that people can read", offer.id),
                );
            }
            if !(1..=CHARGE_MINOR_MAX).contains(&offer.price.amount_minor) {
                complaints.add(
                    at.key("price"),
                    format!("offer {}: price.value must be positive minor units below the limit", offer.id),
                );
            }
            if let Some(ceiling) = offer.price_ceiling
                && (ceiling.currency != offer.price.currency
                    || !(offer.price.amount_minor..=CHARGE_MINOR_MAX).contains(&ceiling.amount_minor))
            {
                complaints.add_beside(
                    at.key("price_ceiling"),
                    vec![at.key("price")],
                    format!(
                        "offer {}: price_ceiling must be in the currency of the price, and not below it",
                        offer.id
                    ),
                );
            }
            offer.check_pages(&at, complaints);
        }
    }

    fn check_limits(&self, complaints: &mut Complaints) {
        for (n, set) in self.limits.iter().enumerate() {
            let (at, currency) = (SettingPath::of("limits").entry(n), set.currency);
            if self.limits[..n].iter().any(|other| other.currency == currency) {
                complaints.add(at.clone(), format!("limits in {currency} are there twice"));
            }
            if set.supervisor_refund.is_some_and(|most| !(1..=CHARGE_MINOR_MAX).contains(&most)) {
                let complaint = format!(
                    "limits in {currency}: supervisor_refund must be 1 to {CHARGE_MINOR_MAX}, in minor units"
                );
                complaints.add(at.key("supervisor_refund"), complaint);
            }
            let limits = set.to_limits();
            if let Err(complaint) = limits.check() {
                complaints.add(at, format!("limits in {currency}: {complaint}"));
                continue;
            }
            // The charge of each month would be declined permanently.
            let is_out_of_reach =
                |offer: &Offer| offer.price.currency == currency && !limits.allows(offer.price.amount_minor);
            for (m, offer) in self.offers.iter().enumerate().filter(|(_, offer)| is_out_of_reach(offer)) {
                complaints.add_beside(
                    at.clone(),
                    vec![SettingPath::of("offers").entry(m).key("price")],
                    format!(
                        "limits in {currency}: offer {} costs {}, which they never allow; they are in minor units",
                        offer.id, offer.price
                    ),
                );
            }
        }
    }
}
