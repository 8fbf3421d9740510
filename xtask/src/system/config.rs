//! Writes the configuration files of a system's programs and the edge's variables. They are overwritten at each start: the
//! plan is their only source.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::failure::{Context, Outcome};
use crate::keys::{self, EdgeSecrets};
use crate::paths;
use crate::system::operators::{Operator, TAXES};
use crate::system::plan::{EDGE, OperatorPlan, PARTNER, Plan};

/// The one offer of the local system.
const OFFER: &str = "netflix-standard";

/// The name of the origins at their operators' SMS gateways.
const GATEWAY_USER: &str = "onbill";

/// The name of the consoles at their operators' identity providers.
const CONSOLE_CLIENT: &str = "onbill-console";

/// The roles of the console, each with a group of the sandbox's.
const CONSOLE_ROLES: [&str; 8] =
    ["care", "supervisor", "billing", "finance", "fraud", "product", "auditor", "admin"];

/// What a supervisor gives back alone, in minor units: less than a month of Netflix, so that a second person
/// is soon needed.
const SUPERVISOR_REFUND: i64 = 1000;

pub(crate) fn write_config_files(plan: &Plan) -> Outcome {
    for operator_plan in &plan.operators {
        write_file(
            &plan.config_file(&operator_plan.origin_name()),
            &format_origin_toml(plan, operator_plan),
        )?;
        write_file(
            &plan.config_file(&operator_plan.site_name()),
            &format!("{:#}\n", site_json(plan, operator_plan)),
        )?;
        keys::write_private_copy(&plan.smsc_password(operator_plan), &keys::random_short_password()?)?;
        if operator_plan.console.is_some() {
            keys::write_private_copy(&plan.console_secret(operator_plan), &keys::random_long_password()?)?;
        }
    }
    write_file(&plan.config_file(PARTNER), &format!("{:#}\n", partner_json(plan)))?;
    keys::write_private_copy(&plan.config_file(EDGE), &format_edge_env(plan, &read_edge_secrets(plan)?))
}

fn write_file(path: &Path, text: &str) -> Outcome {
    fs::write(path, text).context(&format!("write {}", path.display()))
}

/// Reads the edge's secrets.
pub(crate) fn read_edge_secrets(plan: &Plan) -> Outcome<EdgeSecrets> {
    EdgeSecrets::read(&plan.folder.keys_dir().join(keys::EDGE_FILE))
}

fn format_edge_env(plan: &Plan, secrets: &EdgeSecrets) -> String {
    let variables = [
        ("EDGE_URLS", json!([plan.edge_url()])),
        ("OPERATORS", edge_operators(plan)),
        ("PARTNERS", edge_partners(plan)),
    ];
    let lines = variables.iter().map(|(name, value)| format!("{name}='{value}'\n"));
    lines.chain(secrets.iter().map(|(name, value)| format!("{name}='{value}'\n"))).collect()
}

pub(crate) fn edge_operators(plan: &Plan) -> Value {
    let operator = |operator_plan: &OperatorPlan| {
        let operator = operator_plan.operator;
        json!({ "id": operator.id, "name": operator.name, "country": operator.country,
            "origin": operator_plan.origin_url(), "dashboards": [operator_plan.site_url()], "coupons": operator.coupon_tag,
            "key_epochs": [keys::FIRST_EPOCH] })
    };
    plan.operators.iter().map(operator).collect()
}

pub(crate) fn edge_partners(plan: &Plan) -> Value {
    json!([{ "id": PARTNER, "name": "Netflix", "url": plan.partner_url(), "offers": [OFFER] }])
}

fn format_origin_toml(plan: &Plan, operator_plan: &OperatorPlan) -> String {
    let operator = operator_plan.operator;
    let keys = plan.folder.keys_dir().join(keys::origin_file(operator.id));
    let toml = format!(
        "operator = {id}\nname = {name}\ncountry = {country}\nlisten = {listen}\nadmin_listen = {admin}\n{console}database = {database}\nkeys = {keys}\n\
         edge_url = {edge}\naccounts = {looked_up_in}\nbss_url = {bss}\ndashboards = [{site}]\n{account}\n\
         [[offers]]\nid = {offer}\npartner = {partner}\ntitle = \"Netflix Standard\"\nplan = \"standard\"\n\
         price = {{ value = {price}, currency = {currency} }}\ncharge_code = \"OTT-NFLX-STD\"\n{terms}\n\
         [links]\ntop_up = {top_up}\npay_bill = {pay_bill}\nhelp = {help}\n\n\
         [[partners]]\nid = {partner}\nname = \"Netflix\"\nurl = {partner_url}\nnumber_proof = {proof}\n\n\
         [[limits]]\ncurrency = {currency}\nsupervisor_refund = {SUPERVISOR_REFUND}\n\n\
         [coupons]\ntag = {tag}\ncontinue_url = {continued_at}\nplans = [{plans}]\n",
        id = quote_toml(operator.id),
        name = quote_toml(operator.name),
        country = quote_toml(operator.country),
        listen = quote_toml(&format!("127.0.0.1:{}", operator_plan.origin)),
        admin = quote_toml(
            &operator_plan.admin.map_or_else(|| "off".to_owned(), |port| format!("127.0.0.1:{port}"))
        ),
        console = operator_plan
            .console
            .map(|port| format!("console_listen = \"127.0.0.1:{port}\"\n"))
            .unwrap_or_default(),
        database = match &operator_plan.postgres {
            Some(url) => quote_toml(url),
            None => quote_toml(&plan.database(operator_plan).to_string_lossy()),
        },
        keys = quote_toml(&keys.to_string_lossy()),
        edge = quote_toml(&plan.edge_url()),
        bss = quote_toml(&format!("{}/csp", operator_plan.site_url())),
        looked_up_in = quote_toml(operator.account_source),
        site = quote_toml(&operator_plan.site_url()),
        top_up = quote_toml(&format!("{}/top-up", operator_plan.site_url())),
        pay_bill = quote_toml(&format!("{}/pay-bill", operator_plan.site_url())),
        help = quote_toml(&format!("{}/help", operator_plan.site_url())),
        offer = quote_toml(OFFER),
        partner = quote_toml(PARTNER),
        partner_url = quote_toml(&plan.partner_url()),
        proof = quote_toml(operator.number_proof),
        tag = quote_toml(operator.coupon_tag),
        continued_at = quote_toml(&format!("{}/", operator_plan.site_url())),
        plans = format_plans_toml(operator),
        price = operator.price,
        currency = quote_toml(operator.currency),
        account = format_account_toml(operator_plan),
        terms = format_terms_toml(operator_plan),
    );
    toml + &format_sms_toml(plan, operator_plan) + &format_console_toml(plan, operator_plan)
}

fn format_account_toml(operator_plan: &OperatorPlan) -> String {
    if operator_plan.operator.terms.is_none() {
        return String::new();
    }
    let url = quote_toml(&format!("{}/subscriptions", operator_plan.site_url()));
    format!("account_url = {url}\ntaxes = {}\n", quote_toml(TAXES))
}

fn format_terms_toml(operator_plan: &OperatorPlan) -> String {
    let Some((id, file)) = operator_plan.operator.terms else { return String::new() };
    let page = |name: &str| quote_toml(&format!("{}/{name}", operator_plan.site_url()));
    format!(
        "terms = {{ id = {id}, file = {file} }}\nterms_url = {terms}\nprivacy_url = {privacy}\n",
        id = quote_toml(id),
        file = quote_toml(&paths::repository_root().join(file).to_string_lossy()),
        terms = page("terms"),
        privacy = page("privacy"),
    )
}

fn format_sms_toml(plan: &Plan, operator_plan: &OperatorPlan) -> String {
    let Some(port) = operator_plan.smsc else { return "\n[sms]\nby = \"csp\"\n".to_owned() };
    format!(
        "\n[sms]\nby = \"smpp\"\nurl = {url}\nsystem_id = {user}\npassword_file = {file}\nsender = {sender}\n",
        url = quote_toml(&format!("smpp://127.0.0.1:{port}")),
        user = quote_toml(GATEWAY_USER),
        file = quote_toml(&plan.smsc_password(operator_plan).to_string_lossy()),
        sender = quote_toml(operator_plan.operator.name),
    )
}

/// The sandbox's identity provider has a group for each role.
fn format_console_toml(plan: &Plan, operator_plan: &OperatorPlan) -> String {
    let Some(url) = operator_plan.console_url() else { return String::new() };
    let groups = CONSOLE_ROLES.map(|role| format!("onbill-{role} = {}", quote_toml(role)));
    format!(
        "\n[console]\nurl = {url}\nissuer = {issuer}\nclient_id = {client}\nclient_secret_file = {file}\ngroups = {{ {groups} }}\n",
        url = quote_toml(&url),
        issuer = quote_toml(&format!("{}/staff", operator_plan.site_url())),
        client = quote_toml(CONSOLE_CLIENT),
        file = quote_toml(&plan.console_secret(operator_plan).to_string_lossy()),
        groups = groups.join(", "),
    )
}

fn format_plans_toml(operator: &Operator) -> String {
    let plan = |(id, months, _)| {
        format!("{{ id = {}, months = {months}, offer = {} }}", quote_toml(id), quote_toml(OFFER))
    };
    operator.plans.map(plan).join(", ")
}

/// A JSON string is a TOML basic string too.
fn quote_toml(text: &str) -> String {
    Value::from(text).to_string()
}

fn site_json(plan: &Plan, operator_plan: &OperatorPlan) -> Value {
    let operator = operator_plan.operator;
    let staff = operator_plan.console_url().map(|url| {
        json!({ "client_id": CONSOLE_CLIENT, "client_secret_file": plan.console_secret(operator_plan),
            "redirect_uri": format!("{url}/sign-in/callback") })
    });
    let gateway = operator_plan.smsc.map(|port| {
        json!({ "smsc_listen": format!("127.0.0.1:{port}"), "user": GATEWAY_USER,
            "password_file": plan.smsc_password(operator_plan) })
    });
    json!({
        "operator": operator.id,
        "name": operator.name,
        "country": operator.country,
        "currency": operator.currency,
        "listen": format!("127.0.0.1:{}", operator_plan.site),
        "edge_url": plan.edge_url(),
        "keys": plan.folder.keys_dir().join(keys::operator_file(operator.id)),
        "accounts": operator_plan.accounts,
        "return_path": "/done",
        "gateway": gateway,
        "staff": staff,
        "terms": operator.terms.map(|(_, file)| paths::repository_root().join(file)),
        "coupons": {
            "origin_url": operator_plan.origin_url(),
            "redeem_url": format!("{}/redeem", plan.partner_url()),
            "plans": operator.plans.map(|(plan, months, price)| json!({ "plan": plan, "months": months, "price": price })),
        },
    })
}

fn partner_json(plan: &Plan) -> Value {
    let operator = |operator_plan: &OperatorPlan| {
        let Operator { id, name, price, currency, network, .. } = operator_plan.operator;
        json!({ "id": id, "name": name, "price": { "value": price, "currency": currency }, "network": network,
            "accounts": operator_plan.accounts, "site": operator_plan.site_url() })
    };
    json!({
        "listen": format!("127.0.0.1:{}", plan.partner),
        "edge_url": plan.edge_url(),
        "edge_authority": format!("127.0.0.1:{}", plan.edge),
        "keys": plan.folder.keys_dir().join(keys::partner_file(PARTNER)),
        "operators": plan.operators.iter().map(operator).collect::<Value>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dev;

    #[test]
    fn wrangler_toml_has_the_local_parties() {
        let toml = fs::read_to_string(paths::repository_root().join("wrangler.toml")).expect("is there");
        let plan = dev::plan_local_system(None);
        let written = |name: &str| -> Value {
            let (_, rest) = toml.split_once(&format!("\n{name} = '''")).expect("is set");
            serde_json::from_str(rest.split("'''").next().expect("ends")).expect("is JSON")
        };
        assert_eq!(written("OPERATORS"), edge_operators(&plan));
        assert_eq!(written("PARTNERS"), edge_partners(&plan));
        assert!(toml.contains(&format!("\nport = {}\n", plan.edge)));
    }

    #[test]
    fn edge_variables_are_quoted_against_expansion() {
        let secrets = EdgeSecrets::parse(r#"{"PARTNER_KEYS":"[{\"id\":\"k\"}]","EDGE_ROOT_KEY":"r1.A-_"}"#);
        let env = format_edge_env(&dev::plan_local_system(None), &secrets.expect("is well formed"));
        assert!(env.lines().all(|line| line.ends_with('\'') && line.contains("='")), "{env}");
        assert!(
            env.contains(r#"PARTNER_KEYS='[{"id":"k"}]'"#) && env.contains("EDGE_ROOT_KEY='r1.A-_'"),
            "{env}"
        );
    }

    #[test]
    fn origin_toml_has_the_addresses_of_the_plan() {
        let plan = dev::plan_local_system(None);
        let toml = format_origin_toml(&plan, &plan.operators[0]);
        for line in [
            "operator = \"acme\"",
            "name = \"Acme Mobile\"",
            "listen = \"127.0.0.1:8788\"",
            "admin_listen = \"127.0.0.1:9464\"",
            "console_listen = \"127.0.0.1:9465\"",
            "edge_url = \"http://127.0.0.1:8787\"",
            "bss_url = \"http://127.0.0.1:8790/csp\"",
            "price = { value = 1599, currency = \"USD\" }",
            "number_proof = \"device-read\"",
            "pay_bill = \"http://127.0.0.1:8790/pay-bill\"",
            "tag = \"AC\"",
            "url = \"smpp://127.0.0.1:8793\"",
            "taxes = \"included\"",
            "account_url = \"http://127.0.0.1:8790/subscriptions\"",
            "terms_url = \"http://127.0.0.1:8790/terms\"",
            "privacy_url = \"http://127.0.0.1:8790/privacy\"",
            "url = \"http://127.0.0.1:9465\"",
            "issuer = \"http://127.0.0.1:8790/staff\"",
            "client_id = \"onbill-console\"",
            "supervisor_refund = 1000",
        ] {
            assert!(toml.lines().any(|found| found == line), "{line} in\n{toml}");
        }
    }
}
