//! The configuration files of a system's programs, in the programs' own formats, and the edge's variables. They are
//! written anew at each start: the plan is their only source.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::failure::{Doing, Outcome};
use crate::keys;
use crate::system::operators::Operator;
use crate::system::plan::{EDGE, PARTNER, Plan, Seat};

/// The one offer of the local system.
const OFFER: &str = "netflix-standard";

/// What origins are called at their operators' gateways for text messages.
const GATEWAY_USER: &str = "onbill";

/// Writes all of them.
pub(crate) fn write(plan: &Plan) -> Outcome {
    for seat in &plan.seats {
        put(&plan.config_of(&seat.origin_name()), &origin_toml(plan, seat))?;
        put(&plan.config_of(&seat.site_name()), &format!("{:#}\n", site_json(plan, seat)))?;
        keys::write_copy(&plan.smsc_password(seat), &keys::short_password()?)?;
    }
    put(&plan.config_of(PARTNER), &format!("{:#}\n", partner_json(plan)))?;
    keys::write_copy(&plan.config_of(EDGE), &edge_env(plan, &edge_keyring(plan)?))
}

fn put(path: &Path, text: &str) -> Outcome {
    fs::write(path, text).doing(&format!("write {}", path.display()))
}

/// The edge's key ring on one line, as it stands in an environment variable.
pub(crate) fn edge_keyring(plan: &Plan) -> Outcome<String> {
    let file = plan.place.keys_dir().join(keys::EDGE);
    let doing = format!("read {}", file.display());
    let text = fs::read_to_string(&file).doing(&doing)?;
    Ok(serde_json::from_str::<Value>(&text).doing(&doing)?.to_string())
}

fn edge_env(plan: &Plan, keyring: &str) -> String {
    let variables = [("OPERATORS", operators(plan)), ("PARTNERS", partners(plan))];
    let lines = variables.iter().map(|(name, value)| format!("{name}='{value}'\n"));
    lines.collect::<String>() + &format!("KEYRING='{keyring}'\n")
}

/// The edge's list of operators.
pub(crate) fn operators(plan: &Plan) -> Value {
    let operator = |seat: &Seat| {
        let operator = seat.operator;
        json!({ "id": operator.id, "name": operator.name, "country": operator.country,
            "origin": seat.origin_url(), "dashboards": [seat.site_url()], "coupons": operator.coupon_tag })
    };
    plan.seats.iter().map(operator).collect()
}

/// The edge's list of partners.
pub(crate) fn partners(plan: &Plan) -> Value {
    json!([{ "id": PARTNER, "name": "Netflix", "url": plan.partner_url(), "offers": [OFFER] }])
}

fn origin_toml(plan: &Plan, seat: &Seat) -> String {
    let operator = seat.operator;
    let keys = plan.place.keys_dir().join(keys::origin_file(operator.id));
    let toml = format!(
        "operator = {id}\nname = {name}\ncountry = {country}\nlisten = {listen}\ndatabase = {database}\nkeys = {keys}\n\
         edge_url = {edge}\naccounts = {looked_up_in}\nbss_url = {bss}\ndashboards = [{site}]\n\n\
         [[offers]]\nid = {offer}\npartner = {partner}\ntitle = \"Netflix Standard\"\nplan = \"standard\"\n\
         price = {{ value = {price}, currency = {currency} }}\n\n\
         [[partners]]\nid = {partner}\nname = \"Netflix\"\nurl = {told_at}\nnumber_proof = {proof}\n\n\
         [coupons]\ntag = {tag}\ncontinue_url = {continued_at}\nplans = [{plans}]\n",
        id = quoted(operator.id),
        name = quoted(operator.name),
        country = quoted(operator.country),
        listen = quoted(&format!("127.0.0.1:{}", seat.origin)),
        database = quoted(&plan.database(seat).to_string_lossy()),
        keys = quoted(&keys.to_string_lossy()),
        edge = quoted(&plan.edge_url()),
        bss = quoted(&format!("{}/csp", seat.site_url())),
        looked_up_in = quoted(operator.looked_up_in),
        site = quoted(&seat.site_url()),
        offer = quoted(OFFER),
        partner = quoted(PARTNER),
        told_at = quoted(&plan.partner_url()),
        proof = quoted(operator.number_proof),
        tag = quoted(operator.coupon_tag),
        continued_at = quoted(&format!("{}/", seat.site_url())),
        plans = plans_toml(operator),
        price = operator.price,
        currency = quoted(operator.currency),
    );
    toml + &sms_toml(plan, seat)
}

fn sms_toml(plan: &Plan, seat: &Seat) -> String {
    let Some(port) = seat.smsc else { return "\n[sms]\nby = \"csp\"\n".to_owned() };
    format!(
        "\n[sms]\nby = \"smpp\"\nurl = {url}\nsystem_id = {user}\npassword_file = {file}\nsender = {sender}\n",
        url = quoted(&format!("smpp://127.0.0.1:{port}")),
        user = quoted(GATEWAY_USER),
        file = quoted(&plan.smsc_password(seat).to_string_lossy()),
        sender = quoted(seat.operator.name),
    )
}

fn plans_toml(operator: &Operator) -> String {
    let plan =
        |(id, months, _)| format!("{{ id = {}, months = {months}, offer = {} }}", quoted(id), quoted(OFFER));
    operator.plans.map(plan).join(", ")
}

/// A JSON string is a TOML basic string too.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

fn site_json(plan: &Plan, seat: &Seat) -> Value {
    let operator = seat.operator;
    let gateway = seat.smsc.map(|port| {
        json!({ "smsc_listen": format!("127.0.0.1:{port}"), "user": GATEWAY_USER,
            "password_file": plan.smsc_password(seat) })
    });
    json!({
        "operator": operator.id,
        "name": operator.name,
        "country": operator.country,
        "currency": operator.currency,
        "listen": format!("127.0.0.1:{}", seat.site),
        "edge_url": plan.edge_url(),
        "keys": plan.place.keys_dir().join(keys::operator_file(operator.id)),
        "accounts": seat.accounts,
        "return_path": "/done",
        "gateway": gateway,
        "coupons": {
            "origin_url": seat.origin_url(),
            "redeem_url": format!("{}/redeem", plan.partner_url()),
            "plans": operator.plans.map(|(plan, months, price)| json!({ "plan": plan, "months": months, "price": price })),
        },
    })
}

fn partner_json(plan: &Plan) -> Value {
    let operator = |seat: &Seat| {
        let Operator { id, name, price, currency, network, .. } = seat.operator;
        json!({ "id": id, "name": name, "price": { "value": price, "currency": currency }, "network": network,
            "accounts": seat.accounts, "site": seat.site_url() })
    };
    json!({
        "listen": format!("127.0.0.1:{}", plan.partner),
        "edge_url": plan.edge_url(),
        "edge_authority": format!("127.0.0.1:{}", plan.edge),
        "keys": plan.place.keys_dir().join(keys::partner_file(PARTNER)),
        "operators": plan.seats.iter().map(operator).collect::<Value>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dev;
    use crate::paths;

    #[test]
    fn wrangler_toml_serves_the_same_parties_as_the_local_system() {
        let toml = fs::read_to_string(paths::root().join("wrangler.toml")).expect("is there");
        let plan = dev::plan(None);
        let written = |name: &str| -> Value {
            let (_, rest) = toml.split_once(&format!("\n{name} = '''")).expect("is set");
            serde_json::from_str(rest.split("'''").next().expect("ends")).expect("is JSON")
        };
        assert_eq!(written("OPERATORS"), operators(&plan));
        assert_eq!(written("PARTNERS"), partners(&plan));
        assert!(toml.contains(&format!("\nport = {}\n", plan.edge)));
    }

    #[test]
    fn variables_are_quoted_so_that_nothing_in_them_is_expanded() {
        let env = edge_env(&dev::plan(None), r#"[{"id":"k"}]"#);
        assert!(env.lines().all(|line| line.ends_with("]'")), "{env}");
        assert!(env.contains(r#"KEYRING='[{"id":"k"}]'"#), "{env}");
    }

    #[test]
    fn the_origin_is_told_about_this_systems_neighbours() {
        let plan = dev::plan(None);
        let toml = origin_toml(&plan, &plan.seats[0]);
        for line in [
            "operator = \"acme\"",
            "name = \"Acme Mobile\"",
            "listen = \"127.0.0.1:8788\"",
            "edge_url = \"http://127.0.0.1:8787\"",
            "bss_url = \"http://127.0.0.1:8790/csp\"",
            "price = { value = 1599, currency = \"USD\" }",
            "number_proof = \"device-read\"",
            "tag = \"AC\"",
            "url = \"smpp://127.0.0.1:8793\"",
        ] {
            assert!(toml.lines().any(|found| found == line), "{line} in\n{toml}");
        }
    }
}
