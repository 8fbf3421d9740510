//! Keeps up a session: connects, and reconnects when it is lost, with increasing pauses. An SMSC
//! that refuses the bind raises an alarm, and is tried rarely: some lock an account that tries too
//! often.

use super::session::{self, BindError, Connection, Session, SessionEnd, Wire};
use super::submit_status;
use crate::ambient::{Clock, Random};
use crate::config::{SMPP_PASSWORD_CHARS_MAX, SmppSettings};
use crate::instruments::{Alarm, Instruments, raise_alarm};
use crate::keys::password_file;
use crate::sms::gateway::SMPP;
use crate::sms::receipt::ReceiptSink;
use crate::tls;
use rusmpp::CommandStatus;
use rusmpp::pdus::BindTransceiver;
use rusmpp::types::COctetString;
use rusmpp::values::InterfaceVersion;
use rustls::pki_types::ServerName;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsConnector;
use zeroize::Zeroizing;

/// Pauses before the second, third, … attempt, in milliseconds; the last applies to all later ones.
const PAUSES_MS: [u64; 7] = [1_000, 2_000, 4_000, 8_000, 15_000, 30_000, 60_000];
/// Pauses after the SMSC has refused the bind, in milliseconds.
const REFUSED_PAUSES_MS: [u64; 4] = [30_000, 60_000, 300_000, 600_000];
/// A session that has lasted for so many seconds was a good one: the pauses start from the
/// beginning.
const GOOD_SECONDS: i64 = 30;
/// Attempts without success after which an alarm is raised.
const ALARM_AFTER: u32 = 3;

/// Why there is no session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NoSession {
    /// There is no connection, or no SMPP on it; or the SMSC cannot accept the bind right now, and
    /// reports that.
    Unreachable(Option<CommandStatus>),
    /// The SMSC refuses the bind.
    Refused(CommandStatus),
}

/// The connection to an SMSC: its address, our account there, and the current session, if any.
pub(super) struct Link {
    settings: SmppSettings,
    password: Zeroizing<String>,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    session: watch::Sender<Option<Arc<Session>>>,
    instruments: Arc<Instruments>,
}

impl Link {
    /// Reads the password. It does not connect yet.
    pub(super) fn new(
        settings: &SmppSettings,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        instruments: Arc<Instruments>,
    ) -> Result<Self, String> {
        let password = password_file::read_password("password_file", &settings.password_file)?;
        if password.len() > SMPP_PASSWORD_CHARS_MAX || !password.is_ascii() || password.contains('\0') {
            return Err(format!(
                "password_file: SMPP has room for {SMPP_PASSWORD_CHARS_MAX} ASCII characters"
            ));
        }
        let tls = if settings.url.tls {
            let config = tls::client_config().map_err(|error| format!("TLS cannot be set up: {error}"))?;
            let name = ServerName::try_from(settings.url.host.clone())
                .map_err(|_| "url: the host is no name that a certificate could have")?;
            Some((TlsConnector::from(Arc::new(config)), name))
        } else {
            None
        };
        Ok(Self {
            settings: settings.clone(),
            password,
            tls,
            clock,
            random,
            session: watch::Sender::new(None),
            instruments,
        })
    }

    /// The current session, if any.
    pub(super) fn session(&self) -> Option<Arc<Session>> {
        self.session.borrow().clone()
    }

    /// Keeps a session up for as long as this is polled.
    pub(super) async fn keep_connected(&self, receipts: &dyn ReceiptSink) {
        let (alarms, mut failures) = (&self.instruments.alarms, 0);
        loop {
            let refused = match self.open_session().await {
                Ok((session, connection)) => {
                    let since = self.clock.now();
                    tracing::info!("connected to the SMSC");
                    alarms.clear(Alarm::SmsNotLetIn, SMPP);
                    alarms.clear(Alarm::SmsUnreachable, SMPP);
                    let session = Arc::new(session);
                    self.session.send_replace(Some(Arc::clone(&session)));
                    self.instruments.metrics.sms.note_link(true);
                    let enquire = Duration::from_secs(self.settings.enquire_seconds);
                    let ended = connection.run(&session, enquire, receipts).await;
                    self.session.send_replace(None);
                    self.instruments.metrics.sms.note_link(false);
                    if ended == SessionEnd::Left {
                        tracing::info!("the session with the SMSC is ended");
                    } else {
                        tracing::warn!(?ended, "the connection to the SMSC is lost");
                    }
                    if self.clock.now().seconds_since(since) >= GOOD_SECONDS {
                        failures = 0;
                    }
                    false
                }
                Err(NoSession::Refused(status)) => {
                    // It was reached.
                    alarms.clear(Alarm::SmsUnreachable, SMPP);
                    let alarm = Alarm::SmsNotLetIn;
                    raise_alarm!(
                        alarms, alarm, SMPP, command_status = ?status,
                        "the SMSC refuses the bind: user name, password, or our address"
                    );
                    true
                }
                Err(NoSession::Unreachable(status)) if failures + 1 >= ALARM_AFTER => {
                    let (alarm, attempts) = (Alarm::SmsUnreachable, failures + 1);
                    raise_alarm!(
                        alarms, alarm, SMPP, command_status = ?status, attempts, "the SMSC cannot be reached"
                    );
                    false
                }
                Err(NoSession::Unreachable(status)) => {
                    tracing::warn!(command_status = ?status, "the SMSC cannot be reached");
                    false
                }
            };
            failures += 1;
            tokio::time::sleep(reconnect_pause(&*self.random, failures, refused)).await;
        }
    }

    /// Ends the session, if there is one. No SMS finds it from then on.
    pub(super) async fn unbind(&self) {
        let Some(session) = self.session.send_replace(None) else { return };
        if !session.unbind().await {
            tracing::warn!("the SMSC has not confirmed the end of the session");
        }
    }

    async fn open_session(&self) -> Result<(Session, Connection), NoSession> {
        let patience = Duration::from_secs(self.settings.answer_seconds);
        let connected = tokio::time::timeout(patience, self.connect()).await;
        let wire = connected.ok().flatten().ok_or(NoSession::Unreachable(None))?;
        let bind = self.bind().ok_or(NoSession::Unreachable(None))?;
        session::bind(wire, bind, self.settings.window, patience).await.map_err(|failure| match failure {
            BindError::Refused(status) if submit_status::is_transient(status) => {
                NoSession::Unreachable(Some(status))
            }
            BindError::Refused(status) => NoSession::Refused(status),
            BindError::Silent => NoSession::Unreachable(None),
        })
    }

    async fn connect(&self) -> Option<Box<dyn Wire>> {
        let address = &self.settings.url;
        let stream = TcpStream::connect((address.host.as_str(), address.port)).await.ok()?;
        // A message is a packet: it should not wait for another.
        stream.set_nodelay(true).ok()?;
        match &self.tls {
            None => Some(Box::new(stream)),
            Some((connector, name)) => Some(Box::new(connector.connect(name.clone(), stream).await.ok()?)),
        }
    }

    /// The bind; `None` when it does not fit, which the settings' check rules out.
    fn bind(&self) -> Option<BindTransceiver> {
        let bind = BindTransceiver::builder()
            .system_id(COctetString::from_string(self.settings.system_id.clone()).ok()?)
            .password(COctetString::from_string(self.password.to_string()).ok()?)
            .system_type(COctetString::from_string(self.settings.system_type.clone()).ok()?)
            .interface_version(InterfaceVersion::Smpp3_4);
        Some(bind.build())
    }
}

/// The pause after so many failed attempts, and up to a fifth of it more, so that origins that lost
/// an SMSC together do not reconnect together.
fn reconnect_pause(random: &dyn Random, failures: u32, refused: bool) -> Duration {
    let pauses: &[u64] = if refused { &REFUSED_PAUSES_MS } else { &PAUSES_MS };
    let at = usize::try_from(failures.saturating_sub(1)).unwrap_or(usize::MAX);
    let milliseconds = pauses.get(at).or(pauses.last()).copied().unwrap_or(60_000);
    let drawn = u64::from(u32::from_le_bytes(random.bytes()));
    Duration::from_millis(milliseconds + drawn % (milliseconds / 5 + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Always(u8);

    impl Random for Always {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    #[test]
    fn reconnect_pauses_grow_and_are_longer_when_refused() {
        let seconds = |failures, refused| reconnect_pause(&Always(0), failures, refused).as_secs();
        assert_eq!([1, 2, 3, 7, 8, u32::MAX].map(|n| seconds(n, false)), [1, 2, 4, 60, 60, 60]);
        assert_eq!([1, 2, 4, 100].map(|n| seconds(n, true)), [30, 60, 600, 600]);
        let longest = reconnect_pause(&Always(0xFF), 100, false);
        assert!((60_000..=72_000).contains(&longest.as_millis()), "{longest:?}");
    }
}
