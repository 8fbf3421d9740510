//! The name of an origin among those of one database. It stays the same over a restart, so that an
//! origin finds its own alarms again.

use crate::config::Config;

/// The configured name, or else host and port.
pub(crate) fn instance_name(config: &Config) -> String {
    if let Some(instance) = &config.alarms.instance {
        return instance.clone();
    }
    let system = rustix::system::uname();
    let host = system.nodename().to_str().unwrap_or("host");
    format!("{host}:{}", config.listen.port())
}
