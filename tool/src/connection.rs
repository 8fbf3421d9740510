//! Why a call has no response, in words that say what to do. The tool's verbs connect in the same way,
//! and so they say the same.

use anyhow::{Context as _, bail};
use reqwest::Error;
use rustls::{CertificateError, Error as TlsError};
use std::error::Error as StdError;
use std::io::{Error as IoError, ErrorKind};
use std::path::{Path, PathBuf};

/// The file of certificate authorities that replaces the machine's own.
const ROOTS_FILE: &str = "SSL_CERT_FILE";

/// Fails if the file of authorities cannot be read. The library would take it for one without any, and
/// then refuse every certificate.
pub(crate) fn check_roots_file() -> anyhow::Result<()> {
    let Some(file) = std::env::var_os(ROOTS_FILE).filter(|file| !file.is_empty()).map(PathBuf::from) else {
        return Ok(());
    };
    check_file(&file)
}

fn check_file(file: &Path) -> anyhow::Result<()> {
    let text = std::fs::read(file).with_context(|| format!("read {ROOTS_FILE}, {}", file.display()))?;
    if !String::from_utf8_lossy(&text).contains("-----BEGIN CERTIFICATE-----") {
        bail!("{ROOTS_FILE}, {}, has no certificate in PEM", file.display());
    }
    Ok(())
}

/// Why a server that has answered before has not now.
pub(crate) fn explain_later(error: &Error) -> String {
    if find::<TlsError>(error).is_none() && is_cut_off(error) {
        return "the connection was closed without a response".to_owned();
    }
    explain(error)
}

/// Why there is only a part of a response.
pub(crate) fn explain_body(error: &Error) -> String {
    if error.is_timeout() { explain(error) } else { "the response is cut off".to_owned() }
}

/// Why there is no response, and what to do.
pub(crate) fn explain(error: &Error) -> String {
    if let Some(tls) = find::<TlsError>(error) {
        return explain_tls(tls);
    }
    let kind = find::<IoError>(error).map(IoError::kind);
    if kind == Some(ErrorKind::ConnectionRefused) {
        return "the connection was refused: start your server, or correct the address".to_owned();
    }
    if error.is_timeout() || kind == Some(ErrorKind::TimedOut) {
        return "it timed out: look whether your server is slow, or a firewall is in between".to_owned();
    }
    let cause = innermost(error);
    if cause.contains("failed to lookup address") || cause.contains("nodename nor servname") {
        return format!("the host is not known: correct the address ({cause})");
    }
    if cause.contains("invalid HTTP version") {
        return "what answers does not speak http. If it speaks https, write https:// in the address"
            .to_owned();
    }
    if is_cut_off(error) {
        return "the connection was closed without a response. If the server speaks https, write https:// in \
                the address"
            .to_owned();
    }
    cause
}

/// Whether the connection ended before there was any of a response.
fn is_cut_off(error: &Error) -> bool {
    let kind = find::<IoError>(error).map(IoError::kind);
    innermost(error).contains("connection closed before message completed")
        || matches!(kind, Some(ErrorKind::ConnectionReset | ErrorKind::BrokenPipe))
}

fn explain_tls(error: &TlsError) -> String {
    match error {
        TlsError::InvalidMessage(_) => {
            "what answers does not speak https. If it speaks http, write http:// in the address".to_owned()
        }
        TlsError::InvalidCertificate(error) => explain_certificate(error),
        TlsError::AlertReceived(alert) => format!("the server ended the TLS handshake with {alert:?}"),
        other => format!("the TLS handshake failed: {other}"),
    }
}

fn explain_certificate(error: &CertificateError) -> String {
    let text = error.to_string();
    if text.contains("CaUsedAsEndEntity") {
        return "the certificate is one of an authority (CA:TRUE), as `openssl req -x509` makes it, and a server \
                needs one with CA:FALSE. docs/conformance.md has the command that makes one"
            .to_owned();
    }
    match error {
        // An authority of the same name may be known.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => format!(
            "the certificate is of an authority that this machine does not know. Name a file with the certificate \
             of the authority, or with a self-signed one itself, in {ROOTS_FILE}"
        ),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            format!("the certificate is for another host than that of the address ({text})")
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            format!("the certificate has expired ({text})")
        }
        _ => format!("the certificate is not valid: {text}"),
    }
}

/// The first error of this type among the causes, also within one of input and output.
fn find<'e, T: StdError + 'static>(error: &'e (dyn StdError + 'static)) -> Option<&'e T> {
    if let Some(found) = error.downcast_ref::<T>() {
        return Some(found);
    }
    let inner = error.downcast_ref::<IoError>().and_then(IoError::get_ref);
    if let Some(found) = inner.and_then(|inner| find::<T>(inner)) {
        return Some(found);
    }
    find::<T>(error.source()?)
}

/// The innermost reason, without the address.
fn innermost(error: &Error) -> String {
    let mut text = "the connection failed".to_owned();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = inner.to_string();
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::client::danger::ServerCertVerifier as _;
    use rustls::pki_types::pem::PemObject as _;
    use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
    use rustls::{AlertDescription, InvalidMessage, OtherError};
    use rustls_platform_verifier::Verifier;
    use std::sync::Arc;
    use std::time::Duration;

    /// What `openssl req -x509` alone makes for the host localhost: CA:TRUE. Its key is nowhere.
    const OF_AUTHORITY: &str = "\
-----BEGIN CERTIFICATE-----
MIIBkzCCATmgAwIBAgIUK4INcUGfsn9qI4wYgq+hZhqlojUwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MB4XDTI2MTEzMDIzMDIzMFoXDTM2MTEyNzIz
MDIzMFowFDESMBAGA1UEAwwJbG9jYWxob3N0MFkwEwYHKoZIzj0CAQYIKoZIzj0D
AQcDQgAE8JXuL76Esr3JTORhbedY/sstTNTtI6DxaBWY0+4fszWB9GBvFjtPn6LZ
Havy6l0IvYtSUIKO51c3nKXDpkk/uqNpMGcwHQYDVR0OBBYEFJ6JruzMCSzcOF34
CPOyNEhCzIjGMB8GA1UdIwQYMBaAFJ6JruzMCSzcOF34CPOyNEhCzIjGMA8GA1Ud
EwEB/wQFMAMBAf8wFAYDVR0RBA0wC4IJbG9jYWxob3N0MAoGCCqGSM49BAMCA0gA
MEUCIQDPloFvsNvpRGiMlKHSY2jSXuDS189NcZObI58onkwStAIgHFwa73j3uxES
D2TOrC7vWxszwv1mLfrkv9DjR9Ec/l4=
-----END CERTIFICATE-----
";

    /// In seconds since 1970: 2026-12-02, when the certificate is valid.
    const VALID_AT: Duration = Duration::from_secs(VALID_AT_SECONDS);
    const VALID_AT_SECONDS: u64 = 1_796_169_600;

    #[test]
    fn certificate_of_an_authority_is_said_to_be_one() {
        // Where the platform itself verifies, as on macOS, it has words of its own.
        if !cfg!(target_os = "linux") {
            return;
        }
        let certificate = CertificateDer::from_pem_slice(OF_AUTHORITY.as_bytes()).expect("is in PEM");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = Verifier::new_with_extra_roots([certificate.clone()], provider).expect("has a root");
        let host = ServerName::try_from("localhost").expect("is a host");
        let now = UnixTime::since_unix_epoch(VALID_AT);
        let error = verifier.verify_server_cert(&certificate, &[], &host, &[], now).expect_err("is refused");
        let text = explain_tls(&error);
        assert!(text.contains("one of an authority (CA:TRUE)"), "{text}");
        assert!(text.contains("docs/conformance.md has the command"), "{text}");
    }

    #[test]
    fn each_error_of_tls_says_what_to_do() {
        let of = TlsError::InvalidCertificate;
        let host = ServerName::try_from("localhost").expect("is a host");
        let presented = vec!["elsewhere.invalid".to_owned()];
        for (error, part) in [
            (of(CertificateError::UnknownIssuer), "Name a file with the certificate of the authority"),
            (of(CertificateError::UnknownIssuer), "in SSL_CERT_FILE"),
            (of(CertificateError::BadSignature), "an authority that this machine does not know"),
            (of(CertificateError::NotValidForName), "for another host than that of the address"),
            (
                of(CertificateError::NotValidForNameContext { expected: host, presented }),
                "for another host than that of the address",
            ),
            (of(CertificateError::Expired), "the certificate has expired"),
            (
                of(CertificateError::ExpiredContext {
                    time: UnixTime::since_unix_epoch(VALID_AT),
                    not_after: UnixTime::since_unix_epoch(Duration::ZERO),
                }),
                "the certificate has expired",
            ),
            (of(CertificateError::Revoked), "the certificate is not valid: "),
            (of(CertificateError::Other(OtherError(Arc::new(TlsError::DecryptError)))), "is not valid: "),
            (TlsError::InvalidMessage(InvalidMessage::InvalidContentType), "write http:// in the address"),
            (TlsError::AlertReceived(AlertDescription::HandshakeFailure), "with HandshakeFailure"),
            (TlsError::DecryptError, "the TLS handshake failed: "),
        ] {
            let text = explain_tls(&error);
            assert!(text.contains(part), "{error:?}: {text}");
        }
    }

    #[test]
    fn file_of_authorities_has_certificates() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let refused = |file: &str| check_file(&here.join(file)).expect_err("is refused").to_string();
        assert!(refused("nowhere.pem").starts_with("read SSL_CERT_FILE, "));
        assert!(refused("Cargo.toml").ends_with("has no certificate in PEM"));
    }
}
