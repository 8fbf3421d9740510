//! Checks that fixed ports are free, names the process that has one, and finds free ports.

use std::net::{Ipv4Addr, TcpListener};
use std::process::{self, Command};

use crate::failure::{Failure, Outcome};

/// The range of free ports.
const FIRST_FREE_PORT: u16 = 20_000;
const FREE_PORTS: u16 = 12_000;

/// Fails for the first port that another process listens on.
pub(crate) fn check_ports_free(ports: &[(u16, String)]) -> Outcome {
    for (port, what) in ports {
        if TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_err() {
            let owner = find_port_owner(*port).map(|owner| format!(" by {owner}")).unwrap_or_default();
            return Err(Failure::new(format!(
                "port {port}, which {what} needs, is in use{owner}: end that first"
            )));
        }
    }
    Ok(())
}

/// Finds free ports, below those that Linux gives to outgoing connections (32768 and up): one of those could be taken
/// before the program that needs it starts.
pub(crate) fn find_free_ports<const N: usize>() -> Outcome<[u16; N]> {
    // Concurrent runs start at different ports.
    let first = u16::try_from(process::id() % u32::from(FREE_PORTS)).unwrap_or(0);
    let mut candidates = (0..FREE_PORTS).map(|n| FIRST_FREE_PORT + (first + n) % FREE_PORTS);
    // All listeners are kept until the last port is found, so that the ports differ.
    let mut held = Vec::with_capacity(N);
    let mut ports = [0; N];
    for port in &mut ports {
        let found =
            candidates.find_map(|port| Some((port, TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok()?)));
        let (free, listener) =
            found.ok_or_else(|| Failure::new("there is no free port from 20000 to 31999"))?;
        *port = free;
        held.push(listener);
    }
    Ok(ports)
}

/// Names the owner as `workerd (process 123)`, where `ss` or `lsof` is installed.
fn find_port_owner(port: u16) -> Option<String> {
    let ss = Command::new("ss").args(["-Hltnp", &format!("sport = :{port}")]).output().ok();
    let owner = ss.and_then(|output| parse_ss_owner(&String::from_utf8_lossy(&output.stdout)));
    owner.or_else(|| {
        let lsof =
            Command::new("lsof").args(["-nP", "-Fpc", "-sTCP:LISTEN", &format!("-iTCP:{port}")]).output();
        parse_lsof_owner(&String::from_utf8_lossy(&lsof.ok()?.stdout))
    })
}

/// Parses `… users:(("workerd",pid=8959,fd=13))`.
fn parse_ss_owner(line: &str) -> Option<String> {
    let (_, users) = line.split_once("users:((\"")?;
    let (name, rest) = users.split_once('"')?;
    let pid: String = rest.strip_prefix(",pid=")?.chars().take_while(char::is_ascii_digit).collect();
    Some(format!("{name} (process {pid})"))
}

/// Parses one field per line: `p8959`, `cworkerd`.
fn parse_lsof_owner(fields: &str) -> Option<String> {
    let pid = fields.lines().find_map(|line| line.strip_prefix('p'))?;
    let name = fields.lines().find_map(|line| line.strip_prefix('c'))?;
    Some(format!("{name} (process {pid})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn busy_port_is_reported_with_its_use() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("has a port");
        let port = listener.local_addr().expect("is bound").port();
        let [other] = find_free_ports().expect("there are free ports");
        assert!(check_ports_free(&[(other, "the edge".into())]).is_ok());
        let busy = check_ports_free(&[(other, "the edge".into()), (port, "the origin of acme".into())])
            .expect_err("is busy");
        let sentence = busy.to_string();
        assert!(
            sentence.starts_with(&format!("port {port}, which the origin of acme needs, is in use")),
            "{sentence}"
        );
    }

    #[test]
    fn port_owner_is_parsed_from_ss_and_lsof() {
        let ss = "LISTEN 0 4096 127.0.0.1:8787 0.0.0.0:* users:((\"workerd\",pid=8959,fd=13),(\"x\",pid=1,fd=2))\n";
        assert_eq!(parse_ss_owner(ss).as_deref(), Some("workerd (process 8959)"));
        assert_eq!(parse_ss_owner(""), None);
        assert_eq!(parse_lsof_owner("p8959\ncworkerd\nf13\n").as_deref(), Some("workerd (process 8959)"));
    }
}
