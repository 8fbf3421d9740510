//! Whether what a configuration names is there: the keys, the database, and the other parties. Nothing
//! is changed anywhere, and no party is asked to do anything.

use super::database;
use super::file_modes::list_open_files;
use super::key_check::list_missing_keys;
use crate::config::{Config, SmppAddress, SmsSettings, mask_url};
use crate::console::discovery_url;
use crate::delivery::read_webhook_secret;
use crate::http::probe_url;
use crate::keys::Vault;
use crate::keys::password_file::read_secret;
use crate::tls;
use futures_util::future::join_all;
use rustls::pki_types::ServerName;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// How long another party may take: as long as for a call.
const PATIENCE: Duration = Duration::from_secs(5);

/// What was found of one setting.
#[derive(Debug)]
pub struct Probe {
    /// The setting, and its value where that says more.
    pub subject: String,
    /// What is there, or what is wrong.
    pub found: Result<String, String>,
}

impl Probe {
    fn new(subject: impl Into<String>, found: Result<String, String>) -> Self {
        Self { subject: subject.into(), found }
    }
}

/// Looks at everything that a configuration names.
pub async fn probe_all(config: &Config) -> Vec<Probe> {
    let mut probes = probe_keys(config);
    probes.extend(list_open_files(config).into_iter().map(|file| {
        let complaint = format!("its mode is {:o}, which lets others read it: set it to 600", file.mode);
        Probe::new(file.path.display().to_string(), Err(complaint))
    }));
    probes.push(Probe::new("database", probe_database(config).await));
    if let Some(file) = &config.alarms.webhook_secret_file {
        let found = read_webhook_secret(file).map(|_| "is a secret".to_owned());
        probes.push(Probe::new("alarms.webhook_secret_file", found));
    }
    if let Some(console) = &config.console {
        let found = read_secret("console: client_secret_file", &console.client_secret_file);
        probes.push(Probe::new("console.client_secret_file", found.map(|_| "can be read".to_owned())));
    }
    probes.extend(join_all(list_urls(config).into_iter().map(probe_address)).await);
    if let SmsSettings::Smpp(settings) = &config.sms {
        let found = timeout(PATIENCE, connect_to_smsc(&settings.url)).await;
        let found = found.unwrap_or_else(|_| Err(format!("no response within {} s", PATIENCE.as_secs())));
        let address = format!("sms.url {}:{}", settings.url.host, settings.url.port);
        probes.push(Probe::new(address, found));
    }
    probes
}

fn probe_keys(config: &Config) -> Vec<Probe> {
    let subject = format!("keys {}", config.keys.display());
    let keys = match config.read_keys() {
        Ok(keys) => keys,
        Err(complaint) => return vec![Probe::new(subject, Err(complaint))],
    };
    let missing = list_missing_keys(config, &keys);
    if missing.is_empty() {
        return vec![Probe::new(subject, Ok("every key that is needed is there".to_owned()))];
    }
    missing.into_iter().map(|complaint| Probe::new(subject.clone(), Err(complaint))).collect()
}

async fn probe_database(config: &Config) -> Result<String, String> {
    // Where a key is missing, the probe of the keys says so.
    let schema = match config.read_keys().ok().and_then(|keys| Vault::new(&keys).ok()) {
        Some(vault) => database::read_schema_version(config, &vault).await?,
        None => database::read_any_schema_version(config).await?,
    };
    let (applied, known) = (schema.applied, schema.known);
    match schema.missing().count() {
        0 if !schema.may_serve => Err(format!(
            "its schema is at {applied}, and this onbill knows {known}: it belongs to a newer onbill"
        )),
        0 if applied > known => Ok(format!(
            "can be read; its schema is at {applied}, of a newer onbill, and this one, which knows {known}, may \
             serve on it"
        )),
        0 => Ok(format!("can be read, and its schema is current ({known})")),
        count => Ok(format!(
            "can be read; its schema is at {applied}, and `migrate` or `serve` applies {count} more"
        )),
    }
}

/// The settings that are URLs of other parties, as they are shown, and what is asked for there.
fn list_urls(config: &Config) -> Vec<(String, String)> {
    let shown = |setting: &str, url: &str| (format!("{setting} {url}"), url.to_owned());
    let mut urls =
        vec![shown("edge_url", &format!("{}/healthz", config.edge_url)), shown("bss_url", &config.bss_url)];
    for partner in &config.partners {
        urls.extend(partner.url.iter().map(|url| shown(&format!("url of partner {}", partner.id), url)));
    }
    match &config.sms {
        SmsSettings::Kannel(settings) => urls.push(shown("sms.url", &settings.url)),
        // The CSP API is at `bss_url`; an SMSC has no URL of HTTP, and is connected to.
        SmsSettings::Csp(_) | SmsSettings::Smpp(_) => {}
    }
    if let Some(url) = &config.alarms.webhook {
        urls.push((format!("alarms.webhook {}", mask_url(url)), url.clone()));
    }
    if let Some(console) = &config.console {
        urls.push((format!("console.issuer {}", console.issuer), discovery_url(&console.issuer)));
    }
    urls.extend(config.telemetry.traces_url().map(|url| shown("telemetry.otlp_endpoint", &url)));
    urls
}

async fn probe_address((shown, url): (String, String)) -> Probe {
    let found = probe_url(&url, PATIENCE).await.map(|status| format!("answers ({status})"));
    Probe::new(shown, found)
}

/// Connects, and no more: a bind could end the session of the origin that serves.
async fn connect_to_smsc(address: &SmppAddress) -> Result<String, String> {
    let connected = TcpStream::connect((address.host.as_str(), address.port)).await;
    let stream = connected.map_err(|error| error.to_string())?;
    if !address.tls {
        return Ok("accepts connections".to_owned());
    }
    let config = tls::client_config().map_err(|error| error.to_string())?;
    let name = ServerName::try_from(address.host.clone()).map_err(|error| error.to_string())?;
    let connector = TlsConnector::from(Arc::new(config));
    connector.connect(name, stream).await.map_err(|error| error.to_string())?;
    Ok("accepts connections by TLS".to_owned())
}
