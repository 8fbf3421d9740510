//! `admin_listen` of the configuration.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// The port that is known for Prometheus exporters which have none of their own.
const PORT_DEFAULT: u16 = 9464;
/// The word that turns the listener off.
const OFF: &str = "off";

/// The address of the admin listener, if there is one: this machine's own, unless the setting names
/// another. Calls to it are not signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct AdminListen(Choice);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Choice {
    /// Nobody has chosen.
    #[default]
    Unset,
    Off,
    At(SocketAddr),
}

impl AdminListen {
    pub fn off() -> Self {
        Self(Choice::Off)
    }

    pub fn address(self) -> Option<SocketAddr> {
        match self.0 {
            Choice::Unset => Some(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), PORT_DEFAULT)),
            Choice::Off => None,
            Choice::At(address) => Some(address),
        }
    }

    /// Whether the address is the default: an operator who has named none does not rely on it.
    pub fn is_default(self) -> bool {
        self.0 == Choice::Unset
    }
}

impl fmt::Display for AdminListen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address() {
            Some(address) => address.fmt(f),
            None => f.write_str(OFF),
        }
    }
}

impl From<AdminListen> for String {
    fn from(listen: AdminListen) -> Self {
        listen.to_string()
    }
}

impl TryFrom<String> for AdminListen {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text == OFF {
            return Ok(Self::off());
        }
        let address = text.parse().map(|address| Self(Choice::At(address)));
        address.map_err(|_| "admin_listen must be an address such as 127.0.0.1:9464, or off")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn admin_listener_is_of_this_machine_by_default() {
        assert!(AdminListen::default().address().is_some_and(|address| address.ip().is_loopback()));
        assert!(AdminListen::default().is_default());
        let read = |text: &str| AdminListen::try_from(text.to_owned());
        assert_eq!(read("off"), Ok(AdminListen::off()));
        assert_eq!(
            read("[::1]:9000").map(|read| read.address().map(|address| address.port())),
            Ok(Some(9000))
        );
        assert!(read("127.0.0.1:9464").is_ok_and(|named| !named.is_default()), "it was named");
        for wrong in ["", "no", "9464", "127.0.0.1", "localhost:9464"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
