//! The program that has started the origin and watches it, such as systemd: what the origin says to
//! it, by the protocol of `sd_notify(3)`. That is a datagram for each state, to a socket that the
//! supervisor names in the environment. Without one, nothing is sent.

use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

/// Who watches this process.
#[derive(Debug, Default)]
pub struct Supervisor {
    socket: Option<UnixDatagram>,
    /// It restarts a process that has not reported for so long that it works.
    patience: Option<Duration>,
}

impl Supervisor {
    /// The supervisor behind the socket of `NOTIFY_SOCKET`: a path, or a name in the abstract
    /// namespace with `@` before it. `watchdog_usec` is the value of `WATCHDOG_USEC`, if it is meant
    /// for this process.
    pub fn connect(socket: &OsStr, watchdog_usec: Option<&str>) -> io::Result<Self> {
        let address = match socket.as_bytes() {
            [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
            _ => SocketAddr::from_pathname(socket)?,
        };
        let connection = UnixDatagram::unbound()?;
        connection.connect_addr(&address)?;
        // A supervisor that reads nothing must not hold up the origin.
        connection.set_nonblocking(true)?;
        let patience = watchdog_usec.and_then(|microseconds| microseconds.parse().ok());
        Ok(Self { socket: Some(connection), patience: patience.map(Duration::from_micros) })
    }

    /// How long it waits for [`Self::say_alive`], if it waits for that.
    pub fn patience(&self) -> Option<Duration> {
        self.patience.filter(|patience| !patience.is_zero())
    }

    /// Calls are answered from now on.
    pub fn say_ready(&self) {
        self.say("READY=1");
    }

    /// The end has begun.
    pub fn say_stopping(&self) {
        self.say("STOPPING=1");
    }

    /// The origin works.
    pub fn say_alive(&self) {
        self.say("WATCHDOG=1");
    }

    fn say(&self, state: &'static str) {
        if let Some(Err(error)) = self.socket.as_ref().map(|socket| socket.send(state.as_bytes())) {
            tracing::warn!(fault = %error, state, "the supervisor did not accept a message");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receive(socket: &UnixDatagram) -> String {
        let mut bytes = [0; 64];
        let length = socket.recv(&mut bytes).expect("was sent");
        String::from_utf8_lossy(&bytes[..length]).into_owned()
    }

    #[test]
    fn supervisor_hears_each_state_at_either_kind_of_socket() {
        let path = std::env::temp_dir().join(format!("onbill-notify-{}", std::process::id()));
        let name = format!("@onbill-notify-{}", std::process::id());
        let abstract_name = SocketAddr::from_abstract_name(&name.as_bytes()[1..]).expect("is a name");
        for (address, listener) in [
            (path.as_os_str(), UnixDatagram::bind(&path)),
            (OsStr::new(&name), UnixDatagram::bind_addr(&abstract_name)),
        ] {
            let listener = listener.expect("is free");
            let supervisor = Supervisor::connect(address, Some("30000000")).expect("is there");
            assert_eq!(supervisor.patience(), Some(Duration::from_secs(30)));
            supervisor.say_ready();
            supervisor.say_alive();
            supervisor.say_stopping();
            let received = [(); 3].map(|()| receive(&listener));
            assert_eq!(received, ["READY=1", "WATCHDOG=1", "STOPPING=1"]);
        }
        std::fs::remove_file(&path).expect("is ours");
    }

    #[test]
    fn absent_supervisor_gets_no_report() {
        Supervisor::default().say_ready();
        assert!(Supervisor::connect(OsStr::new("/no/such/socket"), None).is_err());
        assert_eq!(Supervisor::default().patience(), None);
    }
}
